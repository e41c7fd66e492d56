// What only the browser sees of a playback, for the journeys of the relay (docs/journeys.md): names of CTA-2066.

const EVERY_MS = 30_000;

/** Words of the journeys for the kinds of failure.js. */
const ERRORS = {
  login: "refused",
  refused: "refused",
  absent: "not_found",
  busy: "overloaded",
  ended: "refused",
  unsupported: "unsupported",
  late: "timeout",
  lost: "network",
};

/** A name for one playback that says nothing of who watches. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Keeps the times of one playback, and sends them with the first picture, every half minute, and at its end. */
export class Report {
  #address;
  #id;
  #began = performance.now();
  #stages = {};
  #startup = null;
  #playingSince = null;
  #playing = 0;
  #stalledSince = null;
  #stalls = 0;
  #stalled = 0;
  #error = null;
  #isKnown = false;
  #timer = setInterval(() => this.#send(null), EVERY_MS);

  /** @param {string} address where reports go @param {string} id as requests for media name it */
  constructor(address, id) {
    this.#address = address;
    this.#id = id;
  }

  playing() {
    const isFirst = this.#startup === null;
    this.#startup ??= this.#now();
    this.#stages.first_key_frame ??= this.#startup;
    this.#playingSince ??= performance.now();
    this.#endStall();
    this.#isKnown = true;
    if (isFirst) this.#send(null);
  }

  stalled() {
    this.#pause();
    this.#stalls += 1;
    this.#stalledSince = performance.now();
  }

  resumed() {
    this.#endStall();
    this.#playingSince ??= performance.now();
  }

  /** A connection was lost, or was not made. */
  failed(failure) {
    this.#isKnown ||= failure.kind === "late"; // It was let in, and nothing came.
    this.#error = ERRORS[failure.kind] ?? "other";
    this.#pause();
    if (this.#startup !== null && this.#stalledSince === null) this.stalled();
  }

  /** It plays no more: the person left, or a failure that only a person can do something about. */
  end(failure = null) {
    clearInterval(this.#timer);
    if (failure !== null) this.#error = ERRORS[failure.kind] ?? "other";
    this.#pause();
    this.#endStall();
    const [before, after] = failure === null ? ["exit_before_video_start", "ended"] : ["video_start_failure", "video_playback_failure"];
    this.#send(this.#startup === null ? before : after);
    this.#isKnown = false;
  }

  #now() {
    return performance.now() - this.#began;
  }

  #pause() {
    if (this.#playingSince !== null) this.#playing += performance.now() - this.#playingSince;
    this.#playingSince = null;
  }

  #endStall() {
    if (this.#stalledSince !== null) this.#stalled += performance.now() - this.#stalledSince;
    this.#stalledSince = null;
  }

  #send(end) {
    if (!this.#isKnown) return; // Nobody of this id was let in.
    const now = performance.now();
    const report = {
      sid: this.#id,
      stages: this.#stages,
      video_startup_time: this.#startup,
      playing_time: this.#playing + (this.#playingSince === null ? 0 : now - this.#playingSince),
      rebuffering_count: this.#stalls,
      rebuffering_time: this.#stalled + (this.#stalledSince === null ? 0 : now - this.#stalledSince),
      end,
      error: this.#error,
    };
    const body = JSON.stringify(report, (_, value) => (typeof value === "number" ? Math.round(value) : value ?? undefined));
    // Goes on when the page is left, as a beacon does.
    const headers = { "Content-Type": "application/json" };
    fetch(this.#address, { method: "POST", headers, body, keepalive: true }).catch(() => {});
  }
}
