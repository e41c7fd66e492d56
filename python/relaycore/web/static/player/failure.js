// Why there is no picture, in the few kinds that make a difference to what is done next.

/**
 * @typedef {"login" | "refused" | "absent" | "busy" | "ended" | "unsupported" | "late" | "lost"} Kind
 *
 * login        somebody has to say who they are
 * refused      whoever it is may not
 * absent       nothing is live at the path
 * busy         the relay has no room now
 * ended        the relay ended it, and said that it need not be asked for again
 * unsupported  this browser cannot, or the stream has nothing that can go this way
 * late         no picture came in time
 * lost         the connection could not be made, or was lost
 */

export class Failure extends Error {
  /**
   * @param {Kind} kind
   * @param {{ reason?: string, retryAfter?: number }} [more] `retryAfter` in seconds
   */
  constructor(kind, { reason = "", retryAfter = 0 } = {}) {
    super(reason || kind);
    this.kind = kind;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }

  /** Whether another way to the same stream may work where this one did not. */
  get isOfTransport() {
    return this.kind === "unsupported" || this.kind === "late" || this.kind === "lost";
  }

  /** Whether trying again without a person is of no use. */
  get isFinal() {
    return this.kind === "login" || this.kind === "refused" || this.kind === "ended";
  }
}

/** The failure that an answer of HTTP means. */
export async function failureOf(response) {
  const kinds = { 401: "login", 403: "refused", 404: "absent", 406: "unsupported", 415: "unsupported" };
  const kind = kinds[response.status] ?? (response.status === 429 || response.status === 503 ? "busy" : "lost");
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  let reason = "";
  if (response.headers.get("Content-Type")?.startsWith("application/json")) {
    reason = await response.json().then((problem) => String(problem.error ?? ""), () => "");
  }
  return new Failure(kind, { reason, retryAfter });
}
