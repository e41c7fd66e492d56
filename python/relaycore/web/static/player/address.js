// Where the relay has a path, and what is below it.

export class Address {
  #url;
  #id;

  /**
   * @param {string} src as in the element: `/cam`, or with a server before it; a query goes with every request
   * @param {string} [base] the address of the page
   * @param {string} [id] of this playback, which every request for media names (CTA-5004, `sid`)
   */
  constructor(src, base = document.baseURI, id = "") {
    this.#url = new URL(src, base);
    this.#url.hash = "";
    this.#url.pathname = this.#url.pathname.replace(/\/+$/, "");
    this.#id = id;
  }

  /** The same for another playback. */
  with(id) {
    return new Address(this.#url.href, undefined, id);
  }

  get origin() {
    return this.#url.origin;
  }

  /** The name of the path, as people write it. */
  get path() {
    const path = this.#url.pathname.slice(1);
    try {
      return decodeURIComponent(path);
    } catch {
      return path;
    }
  }

  /** What is below the path, such as `whep`. */
  of(part) {
    const url = new URL(this.#url);
    url.pathname += `/${part}`;
    if (this.#id !== "") url.searchParams.set("CMCD", `sid="${this.#id}"`);
    return url.href;
  }

  /** What the API has about the path, such as `player`. */
  ofApi(part) {
    const url = new URL(this.#url);
    url.pathname = `/api/v1/paths/${encodeURIComponent(this.path)}/${part}`;
    return url.href;
  }

  /** An address of the server, whatever the path. */
  ofServer(path) {
    return new URL(path, this.#url.origin).href;
  }
}
