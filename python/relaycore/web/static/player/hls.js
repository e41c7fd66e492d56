// HLS, where the browser plays it by itself: on iPhones and iPads before all.

import { Failure, failureOf } from "./failure.js";
import { firstPicture, liveVideo, picturesOf } from "./surface.js";

export class Hls {
  name = "hls";

  /** @param {import("./address.js").Address} address of the path */
  constructor(address) {
    this.element = liveVideo();
    this.#address = address.of("index.m3u8");
    this.closed = new Promise((resolve) => (this.#end = resolve));
  }

  #address;
  #end;
  #isClosed = false;

  get hasSound() {
    const { audioTracks, webkitAudioDecodedByteCount } = this.element;
    return audioTracks ? audioTracks.length > 0 : webkitAudioDecodedByteCount !== 0;
  }

  /** Resolves with the first picture; rejects with a Failure. */
  async open() {
    const video = this.element;
    // So that the picture may be saved from another site's page, too.
    if (new URL(this.#address).origin !== location.origin) video.crossOrigin = "anonymous";
    video.addEventListener("error", () => this.#onError());
    video.addEventListener("ended", () => this.#end(new Failure("lost")));
    video.src = this.#address;
    await firstPicture(video, this.closed);
  }

  /** The video only says that it failed; the relay says why. */
  async #onError() {
    if (this.#isClosed) return;
    const reason = this.element.error?.message;
    const response = await fetch(this.#address).catch(() => null);
    if (response === null) this.#end(new Failure("lost", { reason }));
    else this.#end(response.ok ? new Failure("unsupported", { reason }) : await failureOf(response));
  }

  get pictures() {
    return picturesOf(this.element);
  }

  /** What it does now: `latency` in seconds where the browser knows the time of what it plays. */
  async figures() {
    const video = this.element;
    const start = video.getStartDate?.().getTime();
    const latency = start > 0 ? (Date.now() - start) / 1000 - video.currentTime : null;
    return { width: video.videoWidth, height: video.videoHeight, latency, bytes: null, lost: null, rate: null };
  }

  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.element.pause();
    this.element.removeAttribute("src");
    this.element.load();
    this.#end(null);
  }
}
