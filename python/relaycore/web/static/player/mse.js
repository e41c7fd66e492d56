// Fragmented MP4 over a WebSocket, played by Media Source Extensions, the managed one of iPhones included.

import { AnyMediaSource } from "./abilities.js";
import { Failure } from "./failure.js";
import { LiveEdge } from "./live_edge.js";
import { firstBox, readInit, referenceTime } from "./mp4.js";
import { firstPicture, liveVideo, picturesOf } from "./surface.js";

/** Seconds of what was played that are kept. */
const KEEP_S = 8;

/** What may wait for the decoder; where it takes nothing for so long, it is stuck. */
const MOST_WAITING_BYTES = 16 * 1024 * 1024;

const STEER_MS = 100;

/** Reasons for which a WebSocket is closed (RFC 6455 section 7.4, and this relay's own from 4000 on). */
const CLOSED = { 1008: "refused", 1013: "busy", 4401: "login", 4403: "refused", 4404: "absent", 4406: "unsupported" };

export class Mse {
  name = "mse";
  hasSound = false;

  /** @param {import("./address.js").Address} address of the path */
  constructor(address) {
    this.element = liveVideo();
    this.#address = address.of("ws").replace(/^http/, "ws");
    this.closed = new Promise((resolve) => (this.#end = resolve));
  }

  #address;
  #end;
  #socket = null;
  #source = null;
  #buffer = null;
  #mime = "";
  #waiting = [];
  #waitingBytes = 0;
  #timescales = new Map();
  #reference = null;
  #bytes = 0;
  #edge = new LiveEdge();
  #steering = 0;
  #url = null;
  #isClosed = false;

  /** Resolves with the first picture; rejects with a Failure. */
  async open() {
    const source = (this.#source = new AnyMediaSource());
    const opened = new Promise((resolve) => source.addEventListener("sourceopen", resolve, { once: true }));
    if (globalThis.ManagedMediaSource !== undefined && source instanceof globalThis.ManagedMediaSource) {
      this.element.srcObject = source;
    } else {
      this.#url = URL.createObjectURL(source);
      this.element.src = this.#url;
    }
    this.element.addEventListener("error", () => this.#end(new Failure("unsupported", { reason: this.element.error?.message })));
    this.element.addEventListener("waiting", () => this.#edge.starved());
    const socket = (this.#socket = new WebSocket(this.#address));
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.#onMessage(data);
    socket.onclose = ({ code, reason }) => this.#end(new Failure(CLOSED[code] ?? "lost", { reason }));
    await Promise.race([opened, this.closed]);
    this.#pump();
    this.#steering = setInterval(() => this.#steer(), STEER_MS);
    await firstPicture(this.element, this.closed);
  }

  #onMessage(data) {
    if (typeof data === "string" || this.#isClosed) return;
    this.#bytes += data.byteLength;
    this.#waiting.push(data);
    this.#waitingBytes += data.byteLength;
    if (this.#waitingBytes > MOST_WAITING_BYTES) this.#end(new Failure("lost"));
    this.#pump();
  }

  /** Hands the next piece to the decoder, when it takes one. */
  #pump() {
    if (this.#source?.readyState !== "open" || this.#isClosed) return;
    while (this.#waiting.length > 0 && !this.#buffer?.updating) {
      const data = this.#waiting.shift();
      this.#waitingBytes -= data.byteLength;
      try {
        if (firstBox(data) === "ftyp") this.#begin(data);
        else if (this.#buffer !== null) this.#append(data);
      } catch (error) {
        const kind = error.name === "NotSupportedError" ? "unsupported" : "lost";
        this.#end(new Failure(kind, { reason: error.message }));
        return;
      }
    }
  }

  /** An initialisation segment: the first, or that of another format. */
  #begin(data) {
    const { mime, hasSound, timescales } = readInit(data);
    if (this.#buffer === null) {
      this.#buffer = this.#source.addSourceBuffer(mime);
      this.#buffer.mode = "segments";
      this.#buffer.addEventListener("updateend", () => {
        this.#place();
        this.#pump();
      });
    } else if (mime !== this.#mime) {
      this.#buffer.changeType(mime);
    }
    this.#mime = mime;
    this.hasSound = hasSound;
    this.#timescales = timescales;
    this.#reference = null;
    this.#buffer.appendBuffer(data);
  }

  #append(data) {
    this.#reference = referenceTime(data, this.#timescales) ?? this.#reference;
    this.#buffer.appendBuffer(data);
  }

  #ranges() {
    const { buffered } = this.element;
    return Array.from({ length: buffered.length }, (_, at) => [buffered.start(at), buffered.end(at)]);
  }

  /** Times of a live stream begin anywhere: goes to where it begins, as soon as that is known. */
  #place() {
    const ranges = this.#ranges();
    const video = this.element;
    if (ranges.length > 0 && video.currentTime < ranges[0][0] && video.readyState < 2) video.currentTime = ranges[0][0];
  }

  #steer() {
    const video = this.element;
    if (video.paused || video.seeking) return;
    const ranges = this.#ranges();
    this.#edge.wentWell(STEER_MS / 1000);
    const { rate, jump } = this.#edge.steer(video.currentTime, ranges);
    if (jump !== null) video.currentTime = jump;
    if (video.playbackRate !== rate) video.playbackRate = rate;
    const buffer = this.#buffer;
    if (buffer === null || buffer.updating || ranges.length === 0 || this.#source.readyState !== "open") return;
    if (video.currentTime - ranges[0][0] > 2 * KEEP_S) buffer.remove(0, video.currentTime - KEEP_S);
  }

  get pictures() {
    return picturesOf(this.element);
  }

  /** What it does now: `latency` in seconds, from the capture where the relay says when that was. */
  async figures() {
    const video = this.element;
    const ranges = this.#ranges();
    const ahead = ranges.length > 0 ? ranges[ranges.length - 1][1] - video.currentTime : null;
    const known = this.#reference;
    const since = known && (Date.now() - known.wallclock) / 1000 - (video.currentTime - known.media);
    const latency = since !== null && since >= 0 && since < 60 ? since : ahead;
    return { width: video.videoWidth, height: video.videoHeight, latency, bytes: this.#bytes, lost: null, rate: null };
  }

  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#steering);
    if (this.#socket !== null) {
      this.#socket.onclose = null;
      this.#socket.onmessage = null;
      this.#socket.close();
    }
    this.#waiting = [];
    this.element.pause();
    this.element.srcObject = null;
    this.element.removeAttribute("src");
    this.element.load();
    if (this.#url !== null) URL.revokeObjectURL(this.#url);
    this.#end(null);
  }
}
