// Which ways to a picture to try, and in which order.

/** All ways, the fastest first. */
export const TRANSPORTS = ["webrtc", "mse", "hls", "mjpeg"];

/** What WebRTC carries without being transcoded, and browsers decode. */
const WEBRTC_VIDEO = ["H264", "VP8", "VP9", "AV1"];

/**
 * The transports to try, the best first.
 *
 * @param {Record<string, boolean>} abilities what the browser can, by transport
 * @param {string[]} offered what the relay has
 * @param {object} [wishes]
 * @param {string[]} [wishes.only] what the page allows; all by default
 * @param {string[]} [wishes.codecs] those of the stream, where they are known
 * @param {string[]} [wishes.silent] transports that carry no sound of this stream
 * @param {boolean} [wishes.sound] whether sound is worth more than speed
 * @returns {string[]}
 */
export function choose(abilities, offered, { only = TRANSPORTS, codecs = [], silent = [], sound = false } = {}) {
  const possible = TRANSPORTS.filter((name) => abilities[name] && offered.includes(name) && only.includes(name));
  const video = codecs.filter((codec) => !isSound(codec));
  const canWebrtc = video.length === 0 || video.some((codec) => WEBRTC_VIDEO.includes(codec));
  const order = possible.filter((name) => name !== "webrtc" || canWebrtc);
  if (!sound) return order;
  return [...order.filter((name) => !silent.includes(name)), ...order.filter((name) => silent.includes(name))];
}

function isSound(codec) {
  return /^(AAC|MPEG4-GENERIC|MP4A-LATM|OPUS|PCM[AU]|G72[26]|L16|L8|MPA|AC3)$/.test(codec);
}
