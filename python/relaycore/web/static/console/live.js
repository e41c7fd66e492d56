// What happens in the relay, as it happens: server-sent events, and again when they were lost.

const AGAIN_MS = [1000, 2000, 5000, 10_000];

/** A page that nobody sees listens for this long. */
const UNSEEN_MS = 60_000;

/** The server sends figures every two seconds: a connection without any is dead, whatever the browser thinks of it. */
const SILENCE_MS = 20_000;

/**
 * Listens while the page is seen. Dispatches `hello`, `happened`, `figures` and `alert` with the data as `detail`, and
 * `state` with `live`, `connecting` or `away`; and `refused` when the server does not let it listen.
 */
export class Live extends EventTarget {
  #address;
  #source = null;
  #last = null;
  #tries = 0;
  #again = 0;
  #unseen = 0;
  #silence = 0;
  state = "connecting";

  constructor({ alerts }) {
    super();
    this.#address = `/api/v1/events${alerts ? "?alerts=true" : ""}`;
    document.addEventListener("visibilitychange", () => this.#seen());
    window.addEventListener("online", () => this.#hurry());
  }

  /** Begins. */
  open() {
    this.#close();
    const glue = this.#address.includes("?") ? "&" : "?";
    const after = this.#last === null ? "" : `${glue}after=${encodeURIComponent(this.#last)}`;
    const source = new EventSource(this.#address + after);
    this.#source = source;
    for (const kind of ["hello", "happened", "figures", "alert"]) {
      source.addEventListener(kind, (event) => {
        if (event.lastEventId) this.#last = event.lastEventId;
        this.#tries = 0;
        this.#heard();
        this.#tell("live");
        this.dispatchEvent(new CustomEvent(kind, { detail: JSON.parse(event.data) }));
      });
    }
    source.addEventListener("error", () => {
      this.#tell("connecting");
      // A browser comes back by itself, except where it was refused.
      if (source.readyState !== EventSource.CLOSED) return;
      this.dispatchEvent(new Event("refused"));
      this.#comeBack();
    });
    this.#heard();
  }

  #heard() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#comeBack(), SILENCE_MS);
  }

  #comeBack() {
    this.#close();
    this.#tell("connecting");
    const wait = AGAIN_MS[Math.min(this.#tries++, AGAIN_MS.length - 1)];
    this.#again = setTimeout(() => this.open(), wait);
  }

  #hurry() {
    if (this.state === "connecting") this.open();
  }

  #seen() {
    clearTimeout(this.#unseen);
    if (document.visibilityState === "visible") {
      if (this.#source === null) this.open();
      return;
    }
    this.#unseen = setTimeout(() => {
      this.#close();
      this.#tell("away");
    }, UNSEEN_MS);
  }

  #close() {
    clearTimeout(this.#again);
    clearTimeout(this.#silence);
    this.#source?.close();
    this.#source = null;
  }

  #tell(state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }
}
