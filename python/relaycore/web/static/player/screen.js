// Full screen and picture in picture, as far as browsers have them and by the names that they gave them.

export function canEnlarge(host, media) {
  return Boolean(host.requestFullscreen ?? host.webkitRequestFullscreen ?? media?.webkitEnterFullscreen);
}

export function isEnlarged(host) {
  return (document.fullscreenElement ?? document.webkitFullscreenElement ?? null) === host;
}

/** Rejects where the browser does not let it. */
export async function toggleEnlarged(host, media) {
  if (isEnlarged(host)) await (document.exitFullscreen ?? document.webkitExitFullscreen).call(document);
  else if (host.requestFullscreen) await host.requestFullscreen();
  else if (host.webkitRequestFullscreen) host.webkitRequestFullscreen();
  else media?.webkitEnterFullscreen?.();
}

export function canWindow(media) {
  if (!(media instanceof HTMLVideoElement)) return false;
  return document.pictureInPictureEnabled === true || media.webkitSupportsPresentationMode?.("picture-in-picture") === true;
}

export function isInWindow(media) {
  const root = media.getRootNode();
  const windowed = root.pictureInPictureElement ?? document.pictureInPictureElement;
  return windowed === media || media.webkitPresentationMode === "picture-in-picture";
}

/** Rejects where the browser does not let it. */
export async function toggleWindow(media) {
  if (isInWindow(media)) {
    if (document.exitPictureInPicture) await document.exitPictureInPicture();
    else media.webkitSetPresentationMode("inline");
  } else if (media.requestPictureInPicture) await media.requestPictureInPicture();
  else media.webkitSetPresentationMode("picture-in-picture");
}
