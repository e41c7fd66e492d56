// What this browser can.

/** The MediaSource of this browser, the managed one of iPhones included; undefined where there is none. */
export const AnyMediaSource = globalThis.ManagedMediaSource ?? globalThis.MediaSource;

/** Constrained baseline, level 3.1: the least that any stream here has. */
const H264 = 'video/mp4; codecs="avc1.42e01f"';

/** @returns {Record<string, boolean>} by transport */
export function abilities() {
  const video = document.createElement("video");
  return {
    webrtc: typeof RTCPeerConnection === "function" && receivesH264(),
    mse: typeof WebSocket === "function" && AnyMediaSource !== undefined && AnyMediaSource.isTypeSupported(H264),
    hls: video.canPlayType("application/vnd.apple.mpegurl") !== "",
    mjpeg: typeof ReadableStream === "function" && typeof createImageBitmap === "function",
  };
}

function receivesH264() {
  const known = globalThis.RTCRtpReceiver?.getCapabilities?.("video");
  return known == null || known.codecs.some((codec) => codec.mimeType.toLowerCase() === "video/h264");
}
