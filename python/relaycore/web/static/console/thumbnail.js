// The newest picture of a path, small: asked for again only while somebody can see it.

import { inAddress } from "./api.js";
import { h } from "./dom.js";

const EVERY_MS = 5000;
const AFTER_FAILURE_MS = 20_000;
/** Pixels: a card is about as wide on a screen with single ones. */
const WIDTH = 320 * Math.min(2, Math.ceil(window.devicePixelRatio));

const thumbnails = new Set();
const watching = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    for (const thumbnail of thumbnails) {
      if (thumbnail.element === target) thumbnail.seen(isIntersecting);
    }
  }
});
document.addEventListener("visibilitychange", () => {
  for (const thumbnail of thumbnails) thumbnail.wake();
});

/** The picture of one path; there is none while `live` is false. */
export class Thumbnail {
  #address;
  #live = false;
  #seen = false;
  #timer = 0;
  #asking = false;
  #image = h("img", { alt: "", hidden: true, decoding: "async", draggable: false });
  element = h("div", { class: "picture" }, this.#image);

  constructor(path) {
    this.#address = `/${inAddress(path)}/snapshot.jpg?width=${WIDTH}`;
    thumbnails.add(this);
    watching.observe(this.element);
  }

  set live(live) {
    if (live === this.#live) return;
    this.#live = live;
    if (!live) this.#image.hidden = true;
    this.wake();
  }

  seen(seen) {
    this.#seen = seen;
    this.wake();
  }

  /** Asks for a picture now, if it is one that can be seen. */
  wake() {
    clearTimeout(this.#timer);
    if (this.#live && this.#seen && document.visibilityState === "visible") this.#ask();
  }

  gone() {
    clearTimeout(this.#timer);
    this.#live = false;
    thumbnails.delete(this);
    watching.unobserve(this.element);
  }

  async #ask() {
    if (this.#asking) return;
    this.#asking = true;
    const next = new Image();
    // Browsers keep pictures by their address for as long as a page lives, whatever a server says of that.
    next.src = `${this.#address}&at=${Date.now()}`;
    let wait = EVERY_MS;
    try {
      await next.decode();
      if (this.#live) {
        next.alt = "";
        next.draggable = false;
        this.#image.replaceWith(next);
        this.#image = next;
      }
    } catch {
      wait = AFTER_FAILURE_MS;
    }
    this.#asking = false;
    if (this.#live && this.#seen && document.visibilityState === "visible") {
      this.#timer = setTimeout(() => this.wake(), wait);
    }
  }
}
