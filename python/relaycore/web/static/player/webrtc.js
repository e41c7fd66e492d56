// WebRTC, by WHEP (draft-ietf-wish-whep): one request, one answer, and pictures come.

import { Failure, failureOf } from "./failure.js";
import { firstPicture, liveVideo, picturesOf } from "./surface.js";

/** A connection that does not recover in this time is lost. */
const RECOVERY_MS = 3000;

export class WebRtc {
  name = "webrtc";

  /**
   * @param {import("./address.js").Address} address of the path
   * @param {object} [options]
   * @param {RTCIceServer[]} [options.iceServers] that help where the relay is not reached directly
   */
  constructor(address, { iceServers = [] } = {}) {
    this.#iceServers = iceServers;
    this.element = liveVideo();
    this.#address = address.of("whep");
    this.closed = new Promise((resolve) => (this.#end = resolve));
  }

  #address;
  #iceServers;
  #end;
  #connection = null;
  #session = null;
  #age = null;
  #isClosed = false;
  hasSound = false;

  /** Resolves with the first picture; rejects with a Failure. */
  async open() {
    const connection = (this.#connection = new RTCPeerConnection({ iceServers: this.#iceServers }));
    const stream = new MediaStream();
    connection.ontrack = ({ track, receiver }) => {
      // As close to live as the network allows; browsers take it as a wish.
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
      stream.addTrack(track);
      this.hasSound ||= track.kind === "audio";
    };
    connection.onconnectionstatechange = () => this.#onState(connection);
    connection.addTransceiver("video", { direction: "recvonly" });
    connection.addTransceiver("audio", { direction: "recvonly" });
    const offer = await connection.createOffer();
    if (this.#isClosed) throw new Failure("lost");
    await connection.setLocalDescription(stereo(offer));
    const answer = await this.#exchange(connection.localDescription.sdp);
    if (this.#isClosed) throw new Failure("lost");
    await connection.setRemoteDescription({ type: "answer", sdp: answer }).catch((error) => {
      throw new Failure("unsupported", { reason: error.message });
    });
    if (!carriesVideo(connection)) throw new Failure("unsupported");
    this.hasSound = connection.getTransceivers().some(receives("audio"));
    this.element.srcObject = stream;
    this.#followAge();
    await firstPicture(this.element, this.closed);
  }

  /** Sends the offer, and gives the answer: the relay waits for no candidate of ours, it learns where we are. */
  async #exchange(sdp) {
    const response = await fetch(this.#address, {
      method: "POST",
      headers: { "Content-Type": "application/sdp" },
      body: sdp,
    }).catch((error) => {
      throw new Failure("lost", { reason: error.message });
    });
    if (!response.ok) throw await failureOf(response);
    const location = response.headers.get("Location");
    if (location !== null) this.#session = new URL(location, this.#address).href;
    if (this.#isClosed) this.#leave();
    return response.text();
  }

  #onState(connection) {
    const state = connection.connectionState;
    if (state === "failed" || state === "closed") this.#end(new Failure("lost"));
    if (state !== "disconnected") return;
    setTimeout(() => {
      if (connection.connectionState !== "connected") this.#end(new Failure("lost"));
    }, RECOVERY_MS);
  }

  /** Browsers that know when a picture was captured say so with the picture. */
  #followAge() {
    const video = this.element;
    if (typeof video.requestVideoFrameCallback !== "function") return;
    const note = (_now, picture) => {
      if (this.#isClosed) return;
      if (picture.captureTime !== undefined) this.#age = picture.expectedDisplayTime - picture.captureTime;
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
  }

  get pictures() {
    return picturesOf(this.element);
  }

  /** What it does now: `latency` in seconds where it is known, and what was lost. */
  async figures() {
    const video = this.element;
    const found = { width: video.videoWidth, height: video.videoHeight, latency: null, bytes: null, lost: null, rate: null };
    if (this.#connection === null) return found;
    let way = 0;
    let held = 0;
    for (const report of (await this.#connection.getStats()).values()) {
      if (report.type === "inbound-rtp" && report.kind === "video") {
        found.bytes = report.bytesReceived;
        found.lost = report.packetsLost;
        found.rate = report.framesPerSecond ?? null;
        if (report.jitterBufferEmittedCount) held = report.jitterBufferDelay / report.jitterBufferEmittedCount;
      } else if (report.type === "candidate-pair" && report.nominated && report.currentRoundTripTime !== undefined) {
        way = report.currentRoundTripTime / 2;
      }
    }
    const measured = this.#age === null ? null : this.#age / 1000;
    found.latency = measured !== null && measured >= 0 && measured < 60 ? measured : way + held;
    return found;
  }

  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#connection !== null) {
      this.#connection.onconnectionstatechange = null;
      this.#connection.close();
    }
    this.element.srcObject = null;
    this.#leave();
    this.#end(null);
  }

  /** Tells the relay, also while the page goes away, that nobody watches any more. */
  #leave() {
    if (this.#session === null) return;
    fetch(this.#session, { method: "DELETE", keepalive: true }).catch(() => {});
    this.#session = null;
  }
}

/** Asks for stereo: without it browsers take Opus to be mono (RFC 7587 section 6.1). */
function stereo({ type, sdp }) {
  return { type, sdp: sdp.replace(/(a=fmtp:\d+ [^\r\n]*useinbandfec=1)(?![^\r\n]*stereo=1)/g, "$1;stereo=1") };
}

function receives(kind) {
  return ({ receiver, currentDirection }) => receiver.track.kind === kind && /recv/.test(currentDirection ?? "");
}

function carriesVideo(connection) {
  return connection.getTransceivers().some(receives("video"));
}
