// Publishing by WHIP (RFC 9725): an offer goes out, an answer comes back, and then media flows.

import { t } from "../texts.js";

/** Candidates that come later are not needed: the relay is reached at addresses of its own, and learns ours by that. */
const GATHER_MS = 500;
const PATIENCE_MS = 15_000;
const BACK_MS = 3000;

/** The relay refused, or is not there. `status` is 0 where there was no answer. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** One session, from `open` to `close`. Calls `onlost` once when the connection is lost. */
export class Session {
  #connection;
  #location = null;
  #closed = false;
  #waiting = 0;
  #video;
  #audio;
  #before = null;
  onlost = () => {};

  /**
   * @param {MediaStream} stream
   * @param {number} most bits per second of the picture
   * @param {RTCIceServer[]} [iceServers] that help where the relay is not reached directly
   */
  constructor(stream, most, iceServers = []) {
    this.#connection = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers });
    const [picture] = stream.getVideoTracks();
    const [sound] = stream.getAudioTracks();
    const encodings = [{ maxBitrate: most }];
    this.#video = this.#connection.addTransceiver(picture, { direction: "sendonly", streams: [stream], sendEncodings: encodings });
    preferH264(this.#video);
    // Without a microphone, too: it may be turned on later.
    this.#audio = this.#connection.addTransceiver(sound ?? "audio", { direction: "sendonly", streams: [stream] });
  }

  /** Connects; returns when media flows. Throws a Refusal. */
  async open(address) {
    const connection = this.#connection;
    await connection.setLocalDescription();
    await gathered(connection);
    const response = await post(address, connection.localDescription.sdp);
    const location = response.headers.get("Location");
    this.#location = location === null ? null : new URL(location, new URL(address, window.location.href)).href;
    await connection.setRemoteDescription({ type: "answer", sdp: await response.text() });
    await this.#connected();
    connection.addEventListener("connectionstatechange", () => this.#look());
  }

  /** Sends another picture or sound from now on; `null` for none. */
  async replace(stream, most) {
    await this.#video.sender.replaceTrack(stream.getVideoTracks()[0]);
    await this.#audio.sender.replaceTrack(stream.getAudioTracks()[0] ?? null);
    const parameters = this.#video.sender.getParameters();
    for (const encoding of parameters.encodings) encoding.maxBitrate = most;
    await this.#video.sender.setParameters(parameters).catch(() => {});
  }

  /** What goes out now: bits per second, and the size of the picture; null before it is known. */
  async figures() {
    const report = await this.#connection.getStats();
    let bytes = 0;
    let picture = null;
    for (const entry of report.values()) {
      if (entry.type !== "outbound-rtp") continue;
      bytes += entry.bytesSent;
      if (entry.kind === "video") picture = entry;
    }
    const now = performance.now();
    const before = this.#before;
    this.#before = { bytes, now };
    if (before === null || picture === null) return null;
    return {
      bitsPerSecond: ((bytes - before.bytes) * 8000) / (now - before.now),
      width: picture.frameWidth ?? 0,
      height: picture.frameHeight ?? 0,
      isHeldBack: picture.qualityLimitationReason === "bandwidth",
    };
  }

  /** Ends it, and tells the relay; also while the page is being left. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#waiting);
    this.#connection.close();
    if (this.#location !== null) {
      fetch(this.#location, { method: "DELETE", keepalive: true }).catch(() => {});
    }
  }

  /** A connection that is gone for a moment may come back by itself. */
  #look() {
    clearTimeout(this.#waiting);
    const state = this.#connection.connectionState;
    if (state === "failed" || state === "closed") this.#lost();
    else if (state === "disconnected") this.#waiting = setTimeout(() => this.#lost(), BACK_MS);
  }

  #lost() {
    if (this.#closed) return;
    this.close();
    this.onlost();
  }

  async #connected() {
    const connection = this.#connection;
    const settled = new Promise((done) => {
      const look = () => {
        if (["connected", "failed", "closed"].includes(connection.connectionState)) done();
      };
      connection.addEventListener("connectionstatechange", look);
      look();
    });
    await Promise.race([settled, new Promise((done) => setTimeout(done, PATIENCE_MS))]);
    if (connection.connectionState === "connected") return;
    throw new Refusal(0, t("The relay was found, but pictures do not get through to it: a firewall may be in the way."));
  }
}

async function post(address, offer) {
  let response;
  try {
    response = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/sdp" },
      body: offer,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new Refusal(0, t("The relay does not answer."));
  }
  if (response.status === 201) return response;
  if (response.status === 404 || response.status === 405) {
    throw new Refusal(response.status, t("This relay takes no pictures from browsers."));
  }
  const found = await response.json().catch(() => null);
  throw new Refusal(response.status, found?.error ?? t("The relay does not answer."));
}

/** Waits until the addresses of this device are in the offer, but not for long. */
function gathered(connection) {
  return new Promise((done) => {
    const look = () => {
      if (connection.iceGatheringState === "complete") done();
    };
    setTimeout(done, GATHER_MS);
    connection.addEventListener("icegatheringstatechange", look);
    look();
  });
}

/** H.264 goes on to every reader as it is. */
function preferH264(transceiver) {
  const codecs = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
  const is264 = ({ mimeType }) => mimeType.toLowerCase() === "video/h264";
  const first = codecs.filter(is264);
  if (first.length) transceiver.setCodecPreferences?.([...first, ...codecs.filter((codec) => !is264(codec))]);
}
