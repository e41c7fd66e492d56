// Pictures one after the other (multipart/x-mixed-replace), drawn on a canvas. No sound, but nothing to decode
// that any browser could lack.

import { Failure, failureOf } from "./failure.js";
import { PartReader } from "./parts.js";

export class Mjpeg {
  name = "mjpeg";
  hasSound = false;
  pictures = 0;

  /** @param {import("./address.js").Address} address of the path */
  constructor(address) {
    this.element = document.createElement("canvas");
    this.#address = address.of("mjpeg");
    this.closed = new Promise((resolve) => (this.#end = resolve));
  }

  #address;
  #end;
  #leaving = new AbortController();
  #bytes = 0;
  #newest = null;
  #isDrawing = false;

  /** Resolves with the first picture; rejects with a Failure. */
  async open() {
    const response = await fetch(this.#address, { signal: this.#leaving.signal }).catch((error) => {
      throw new Failure("lost", { reason: error.message });
    });
    if (!response.ok) throw await failureOf(response);
    const boundary = /boundary="?([^";]+)/i.exec(response.headers.get("Content-Type") ?? "")?.[1];
    if (boundary === undefined || response.body === null) throw new Failure("unsupported");
    const first = new Promise((resolve) => this.element.addEventListener("picture", resolve, { once: true }));
    this.#read(response.body.getReader(), new PartReader(boundary));
    const failure = await Promise.race([first, this.closed]);
    if (failure instanceof Failure || failure === null) throw failure ?? new Failure("lost");
  }

  async #read(reader, parts) {
    try {
      while (true) {
        const { done, value } = await reader.read();
        if (done) break;
        this.#bytes += value.byteLength;
        for (const part of parts.push(value)) {
          this.#newest = part;
          this.#draw();
        }
      }
    } catch (error) {
      this.#end(new Failure("lost", { reason: error.message }));
    }
    this.#end(new Failure("lost"));
  }

  /** Draws the newest picture, and leaves out those that came while another was decoded. */
  async #draw() {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    while (this.#newest !== null) {
      const part = this.#newest;
      this.#newest = null;
      const picture = await createImageBitmap(new Blob([part], { type: "image/jpeg" })).catch(() => null);
      if (picture === null) continue;
      const canvas = this.element;
      if (canvas.width !== picture.width) canvas.width = picture.width;
      if (canvas.height !== picture.height) canvas.height = picture.height;
      canvas.getContext("2d").drawImage(picture, 0, 0);
      picture.close();
      this.pictures += 1;
      canvas.dispatchEvent(new Event("picture"));
    }
    this.#isDrawing = false;
  }

  /** What it does now. How old a picture is, nobody says. */
  async figures() {
    const { width, height } = this.element;
    return { width, height, latency: null, bytes: this.#bytes, lost: null, rate: null };
  }

  close() {
    this.#leaving.abort();
    this.#newest = null;
    this.#end(null);
  }
}
