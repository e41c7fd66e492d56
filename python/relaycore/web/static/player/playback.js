// Gets a picture, and keeps it: chooses the way, falls on where one does not work, comes back up, and starts
// again after whatever ended it.

import { pauseAfter } from "./backoff.js";
import { Failure } from "./failure.js";

/** Each is fetched when it is first tried: the first picture needs one of them. */
const KINDS = {
  webrtc: () => import("./webrtc.js").then(({ WebRtc }) => WebRtc),
  mse: () => import("./mse.js").then(({ Mse }) => Mse),
  hls: () => import("./hls.js").then(({ Hls }) => Hls),
  mjpeg: () => import("./mjpeg.js").then(({ Mjpeg }) => Mjpeg),
};

/** A way that has no picture after this is left for the next one; HLS begins with a whole segment. */
const FIRST_PICTURE_MS = { webrtc: 2000, mse: 2000, hls: 6000, mjpeg: 4000 };

/** Without a new picture for so long, it has stalled; for the second, the connection is given up. */
const STALLED_MS = 1000;
const GIVEN_UP_MS = 6000;
const LOOK_MS = 250;

/** After so long on a lesser way a better one is tried again, each time after twice as long. */
const BETTER_AFTER_MS = 15_000;
const BETTER_AT_MOST_MS = 240_000;

/**
 * Plays one path until it is stopped.
 *
 * Events, each with a `detail`:
 *   trying   { transport }                    its element may be put into the page now
 *   dropped  { transport, failure }           its element may be taken away
 *   playing  { transport, previous }          it has a picture
 *   ended    { transport, failure }           nothing comes any more; its last picture is there until this returns
 *   stalled  { transport }, resumed { transport, seconds }
 *   waiting  { failure, seconds }             nothing works now; it goes on by itself
 *   over     { failure }                      a person has to do something first
 */
export class Playback extends EventTarget {
  #address;
  #order;
  #stop = new AbortController();
  #current = null;
  #nudge = new EventTarget();
  #hold = () => false;
  #explain = async (failure) => failure;
  #iceServers = () => [];

  /**
   * @param {import("./address.js").Address} address of the path
   * @param {() => string[]} order the transports to try, the best first; asked again for every attempt
   * @param {object} [options]
   * @param {() => boolean} [options.hold] whether the element has to stay as it is, since it is in a window of its own
   * @param {(failure: Failure) => Promise<Failure>} [options.explain] finds out more of why no transport works
   * @param {() => RTCIceServer[]} [options.iceServers] what WebRTC may connect through
   */
  constructor(address, order, { hold, explain, iceServers } = {}) {
    super();
    this.#address = address;
    this.#order = order;
    if (hold) this.#hold = hold;
    if (explain) this.#explain = explain;
    if (iceServers) this.#iceServers = iceServers;
  }

  /** The transport that shows a picture now; null where there is none. */
  get current() {
    return this.#current;
  }

  /** Plays until it is stopped, or a person has to do something. */
  async start() {
    const { signal } = this.#stop;
    let attempts = 0;
    while (!signal.aborted) {
      const { transport, failure: told } = await this.#openBest(this.#order(), signal);
      if (signal.aborted) return;
      if (transport !== null) {
        attempts = 0;
        await this.#keep(transport, signal);
        continue;
      }
      // A WebSocket and a video do not say why they were refused.
      const failure = told.isOfTransport ? await this.#explain(told) : told;
      if (signal.aborted) return;
      if (failure.isFinal) {
        this.#drop(failure);
        this.#tell("over", { failure });
        return;
      }
      attempts += 1;
      const seconds = Math.max(pauseAfter(attempts), failure.retryAfter);
      this.#tell("waiting", { failure, seconds });
      await pause(seconds * 1000, signal);
    }
  }

  /** The order may be another now: a better way is tried at once. */
  reconsider() {
    this.#nudge.dispatchEvent(new Event("nudge"));
  }

  stop() {
    this.#stop.abort();
    this.#drop(null);
  }

  /** Opens the first of these that works, and shows it in place of the one before. */
  async #openBest(order, signal) {
    let failure = new Failure("unsupported");
    for (const name of order) {
      const Transport = await KINDS[name]().catch(() => null);
      if (signal.aborted) break;
      if (Transport === null) {
        failure = new Failure("lost");
        continue;
      }
      const transport = new Transport(this.#address, { iceServers: this.#iceServers() });
      const opened = await this.#open(transport, signal);
      if (opened === null) {
        this.#show(transport);
        return { transport, failure: null };
      }
      failure = opened;
      if (signal.aborted || !failure.isOfTransport) break;
    }
    return { transport: null, failure };
  }

  /** Null once it has its first picture, else why it has none; then it is closed. */
  async #open(transport, signal) {
    this.#tell("trying", { transport });
    const limit = FIRST_PICTURE_MS[transport.name] ?? 2000;
    const late = pause(limit, signal, []).then(() => {
      throw new Failure("late");
    });
    let failure = null;
    try {
      await Promise.race([transport.open(), late]);
      if (signal.aborted) failure = new Failure("lost");
    } catch (error) {
      failure = error instanceof Failure ? error : new Failure("lost", { reason: String(error) });
    }
    if (failure !== null) {
      transport.close();
      this.#tell("dropped", { transport, failure });
    }
    return failure;
  }

  #show(transport) {
    const previous = this.#current;
    this.#current = transport;
    this.#tell("playing", { transport, previous });
    previous?.close();
    if (previous) this.#tell("dropped", { transport: previous, failure: null });
  }

  /** Takes the picture away. Until then the last one stays. */
  #drop(failure) {
    const transport = this.#current;
    this.#current = null;
    if (transport === null) return;
    transport.close();
    this.#tell("dropped", { transport, failure });
  }

  /** Watches over what plays, until it has ended. A better way takes its place meanwhile. */
  async #keep(first, signal) {
    let transport = first;
    let betterAfter = BETTER_AFTER_MS;
    while (!signal.aborted) {
      const watching = new AbortController();
      const abort = () => watching.abort();
      signal.addEventListener("abort", abort, { once: true });
      const ended = Promise.race([
        transport.closed.then((failure) => failure ?? new Failure("lost")),
        this.#watch(transport, watching.signal),
      ]);
      const tryBetter = this.#betterThan(transport).length > 0 ? this.#pause(betterAfter, watching.signal) : this.#nudged();
      const failure = await Promise.race([ended, tryBetter]);
      watching.abort();
      signal.removeEventListener("abort", abort);
      if (signal.aborted) return;
      if (failure instanceof Failure) {
        this.#tell("ended", { transport, failure });
        this.#drop(failure);
        return;
      }
      const better = this.#betterThan(transport);
      betterAfter = Math.min(BETTER_AT_MOST_MS, betterAfter * 2);
      if (better.length === 0 || document.hidden || this.#hold()) continue;
      const found = await this.#openBest(better, signal);
      if (found.transport !== null) transport = found.transport;
    }
  }

  #pause(ms, signal) {
    return Promise.race([pause(ms, signal, ["online"]), this.#nudged()]);
  }

  #nudged() {
    return new Promise((resolve) => this.#nudge.addEventListener("nudge", resolve, { once: true }));
  }

  #betterThan(transport) {
    const order = this.#order();
    const at = order.indexOf(transport.name);
    return at < 0 ? order : order.slice(0, at);
  }

  /** Resolves with a failure when there was no new picture for long; tells of stalls. */
  async #watch(transport, signal) {
    let pictures = transport.pictures;
    let since = performance.now();
    let stalled = false;
    while (!signal.aborted) {
      await pause(LOOK_MS, signal, []);
      const now = performance.now();
      const { element } = transport;
      if (document.hidden || element.paused) {
        since = now; // Nothing is drawn, and nobody waits.
        continue;
      }
      if (transport.pictures !== pictures) {
        if (stalled) this.#tell("resumed", { transport, seconds: (now - since) / 1000 });
        pictures = transport.pictures;
        since = now;
        stalled = false;
      } else if (!stalled && now - since > STALLED_MS) {
        stalled = true;
        this.#tell("stalled", { transport });
      } else if (now - since > GIVEN_UP_MS) {
        return new Failure("lost");
      }
    }
    return never();
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function never() {
  return new Promise(() => {});
}

/** Waits, but no longer than until one of these events of the window, or the signal. */
function pause(ms, signal, events = ["online", "visibilitychange"]) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      for (const name of events) removeEventListener(name, done);
      resolve();
    }
    signal.addEventListener("abort", done, { once: true });
    for (const name of events) addEventListener(name, done);
  });
}
