// What people are told, each with what to do next.

import { number, t } from "../texts.js";

/**
 * @param {import("./failure.js").Failure} failure
 * @param {string} path
 */
export function sentenceOf(failure, path) {
  switch (failure.kind) {
    case "login":
      return t("Log in to watch {path}.", { path });
    case "refused":
      return t("You may not watch {path}. Ask the person who runs it to let you.", { path });
    case "ended":
      return t("Watching {path} was ended. Press Play to ask for it again.", { path });
    case "absent":
      return t("Nothing is live at {path} now. It starts by itself when there is.", { path });
    case "busy":
      return t("Too many are watching just now. It is tried again by itself.");
    case "unsupported":
      return t("This browser cannot play {path}. Try another one, or a player such as VLC.", { path });
    default:
      return t("There is no connection to {path}. It is tried again by itself.", { path });
  }
}

const NAMES = { webrtc: "WebRTC", mse: "WebSocket (MSE)", hls: "HLS", mjpeg: "Motion JPEG" };

/** Names and values of what a transport does now, for who wants to see them. */
export function linesOf(transport, figures, rates) {
  const seconds = (value) =>
    number(value, { style: "unit", unit: "second", minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const unknown = t("not known");
  const lines = [
    [t("Delay"), figures.latency === null ? unknown : seconds(figures.latency)],
    [t("Picture"), `\u2066${number(figures.width, PLAIN)} × ${number(figures.height, PLAIN)}\u2069`],
    [t("Pictures a second"), rates.pictures === null ? unknown : number(rates.pictures, ONE)],
    [t("Rate"), rates.bits === null ? unknown : rate(rates.bits)],
  ];
  if (figures.lost !== null) lines.push([t("Packets lost"), number(figures.lost)]);
  lines.push([t("Comes by"), NAMES[transport.name] ?? transport.name]);
  return lines;
}

const PLAIN = { useGrouping: false };
const ONE = { maximumFractionDigits: 1 };

function rate(bits) {
  const [value, unit] = bits < 1e6 ? [bits / 1e3, "kilobit-per-second"] : [bits / 1e6, "megabit-per-second"];
  return number(value, { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 });
}
