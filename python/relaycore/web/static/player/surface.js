// The elements that show pictures.

import { Failure } from "./failure.js";

/** A video that may start by itself: muted, in the page, and not offered to other screens. */
export function liveVideo() {
  const video = document.createElement("video");
  video.muted = true;
  video.defaultMuted = true;
  video.autoplay = true;
  video.playsInline = true;
  video.disableRemotePlayback = true;
  video.setAttribute("playsinline", "");
  video.setAttribute("webkit-playsinline", "");
  return video;
}

/**
 * Starts a video, and waits for its first picture.
 *
 * Rejects with what `ended` resolves to, should that come first. A video that the browser does not let start
 * has its first picture all the same.
 */
export function firstPicture(video, ended) {
  const shown = new Promise((resolve) => {
    if (typeof video.requestVideoFrameCallback === "function") {
      video.requestVideoFrameCallback(() => resolve());
      // A video in the background draws nothing, but has its picture.
      video.addEventListener("loadeddata", () => document.hidden && resolve(), { once: true });
    } else {
      video.addEventListener("loadeddata", () => resolve(), { once: true });
    }
  });
  video.play().catch(() => {}); // Told by the `paused` of the video.
  const over = ended.then((failure) => {
    throw failure ?? new Failure("lost");
  });
  return Promise.race([shown, over]);
}

/** A number that grows with every picture that a video has decoded, shown or not. */
export function picturesOf(video) {
  const quality = video.getVideoPlaybackQuality?.();
  return quality ? quality.totalVideoFrames : Math.round(video.currentTime * 100);
}

/** The newest picture of a video or canvas as a JPEG. Rejects where the page may not have it. */
export function snapshotOf(element) {
  const canvas = document.createElement("canvas");
  canvas.width = element.videoWidth || element.width;
  canvas.height = element.videoHeight || element.height;
  canvas.getContext("2d").drawImage(element, 0, 0);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Failure("unsupported"))), "image/jpeg", 0.92);
  });
}
