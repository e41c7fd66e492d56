/* For browsers that know no modules: pictures without sound, as they have always been able to. */
(function () {
  "use strict";
  var players = document.getElementsByTagName("relaycore-player");
  for (var at = 0; at < players.length; at++) {
    var player = players[at];
    var source = player.getAttribute("src");
    var description = player.getAttribute("description") || "";
    if (/"notice":\{/.test(description)) {
      var notice = document.createElement("a");
      notice.href = source + "/notice";
      notice.appendChild(document.createTextNode(player.getAttribute("data-about") || "?"));
      var watch = document.createElement("a");
      watch.href = source + "/mjpeg";
      watch.appendChild(document.createTextNode(player.getAttribute("data-watch") || ">"));
      player.appendChild(notice);
      player.appendChild(document.createTextNode(" "));
      player.appendChild(watch);
    } else {
      var picture = document.createElement("img");
      picture.src = source + "/mjpeg";
      picture.alt = source.slice(1);
      picture.style.maxWidth = "100%";
      player.appendChild(picture);
    }
  }
})();
