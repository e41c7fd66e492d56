// The parts of a multipart body (RFC 2046 section 5.1), as they come in.

/** A part that is longer is no picture of a camera. */
const MOST_BYTES = 32 * 1024 * 1024;
const MOST_HEAD_BYTES = 8 * 1024;

export class PartReader {
  #boundary;
  #held = new Uint8Array(0);
  #length = null;

  /** @param {string} boundary as in the content type */
  constructor(boundary) {
    this.#boundary = new TextEncoder().encode(`--${boundary.replace(/^--/, "")}`);
  }

  /**
   * The parts that are complete with these bytes. Throws where it cannot be read.
   *
   * @param {Uint8Array} bytes
   * @returns {Uint8Array[]}
   */
  push(bytes) {
    const all = new Uint8Array(this.#held.length + bytes.length);
    all.set(this.#held);
    all.set(bytes, this.#held.length);
    const parts = [];
    let at = 0;
    while (true) {
      if (this.#length === null) {
        const end = find(all, [13, 10, 13, 10], at);
        if (end < 0) {
          if (all.length - at > MOST_HEAD_BYTES) throw new Error("the head of a part is too long");
          break;
        }
        this.#length = this.#lengthOf(all.subarray(at, end));
        at = end + 4;
      }
      if (all.length - at < this.#length) break;
      parts.push(all.slice(at, at + this.#length));
      at += this.#length;
      this.#length = null;
    }
    this.#held = all.slice(at);
    return parts;
  }

  /** The length that the head of a part names. */
  #lengthOf(head) {
    if (find(head, this.#boundary, 0) < 0) throw new Error("a part without its boundary");
    const length = Number(/^content-length:\s*(\d+)\s*$/im.exec(new TextDecoder("latin1").decode(head))?.[1]);
    if (!(length <= MOST_BYTES)) throw new Error("a part without a length, or one that is too long");
    return length;
  }
}

/** Where some bytes are in others, from `at` on; -1 where they are not. */
function find(bytes, wanted, at) {
  outer: for (; at + wanted.length <= bytes.length; at++) {
    for (let offset = 0; offset < wanted.length; offset++) {
      if (bytes[at + offset] !== wanted[offset]) continue outer;
    }
    return at;
  }
  return -1;
}
