// What the page knows of the relay. It asks once, then hears what changes.

import { api } from "./api.js";

/** Figures that charts show: two minutes of them. */
export const SAMPLES = 60;

/** Sessions that are shown one by one, the oldest. */
export const MOST_SESSIONS = 200;

const SETTLE_MS = 200;
const MOST_ALERTS = 100;

/** The newest numbers of a row, at most as many as a chart shows. */
export class Row {
  values = [];

  push(value) {
    this.values.push(value);
    if (this.values.length > SAMPLES) this.values.shift();
  }

  get last() {
    return this.values.at(-1) ?? 0;
  }
}

/** Bits per second of a counter of bytes that may begin anew. */
class Rate {
  #before = null;
  row = new Row();

  take(bytes, seconds) {
    if (this.#before !== null && seconds > 0) this.row.push((Math.max(0, bytes - this.#before) * 8) / seconds);
    this.#before = bytes;
  }
}

/** Dispatches `paths`, `sessions`, `figures`, `alerts` and `trouble` (with the error) when those have changed. */
export class Model extends EventTarget {
  paths = [];
  sessions = new Map();
  total = 0;
  alerts = [];
  readers = new Row();
  lag = new Row();
  sent = new Rate();
  received = new Rate();
  /** Of each path: `received` and `sent` rates, `readers` and `lag_s` of now. */
  ofPath = new Map();
  /** Of each session: its newest figures, and its rate. */
  ofSession = new Map();
  #at = null;
  #settling = 0;
  #asking = null;

  constructor({ may }) {
    super();
    this.may = new Set(may);
  }

  listenTo(live) {
    live.addEventListener("hello", ({ detail }) => {
      if (!detail.resumed) this.refresh();
    });
    live.addEventListener("happened", ({ detail }) => this.#happened(detail));
    live.addEventListener("figures", ({ detail }) => this.#figures(detail));
    live.addEventListener("alert", ({ detail }) => {
      this.alerts = [detail, ...this.alerts.filter((alert) => alert.id !== detail.id)].slice(0, MOST_ALERTS);
      this.#tell("alerts");
    });
  }

  /** Asks for everything anew. */
  async refresh() {
    await Promise.all([this.refreshPaths(), this.#refreshSessions(), this.#refreshAlerts()]);
  }

  /** Asks for the paths; once more afterwards where something happens meanwhile. */
  async refreshPaths() {
    await this.#asking;
    this.#asking = this.#ask(async () => {
      this.paths = await api.paths();
      this.#tell("paths");
    });
    await this.#asking;
  }

  async #refreshSessions() {
    await this.#ask(async () => {
      const found = await api.sessions(MOST_SESSIONS);
      this.sessions = new Map(found.sessions.map((session) => [session.id, session]));
      this.total = found.total;
      this.#tell("sessions");
    });
  }

  async #refreshAlerts() {
    if (!this.may.has("audit")) return;
    await this.#ask(async () => {
      this.alerts = await api.alerts(MOST_ALERTS);
      this.#tell("alerts");
    });
  }

  async #ask(work) {
    try {
      await work();
    } catch (error) {
      this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
    }
  }

  #happened({ kind, session }) {
    if (kind === "sessionStarted") {
      this.total += 1;
      if (this.sessions.size < MOST_SESSIONS) this.sessions.set(session.id, session);
      this.#tell("sessions");
    } else if (kind === "sessionEnded") {
      this.total = Math.max(0, this.total - 1);
      this.sessions.delete(session.id);
      this.ofSession.delete(session.id);
      this.#tell("sessions");
    }
    if (session === null || session.action === "publish") this.#settle();
  }

  /** Asks for the paths when nothing has happened for a moment. */
  #settle() {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.refreshPaths(), SETTLE_MS);
  }

  #figures(figures) {
    const seconds = this.#at === null ? 0 : (figures.at - this.#at) / 1000;
    this.#at = figures.at;
    this.total = figures.readers + figures.publishers;
    this.readers.push(figures.readers);
    this.lag.push(figures.lag_s);
    this.sent.take(figures.bytes_out, seconds);
    this.received.take(figures.bytes_in, seconds);
    const paths = new Map();
    for (const path of figures.paths) {
      const known = this.ofPath.get(path.path) ?? { sent: new Rate(), received: new Rate() };
      known.sent.take(path.bytes_out, seconds);
      known.received.take(path.bytes_in, seconds);
      paths.set(path.path, { ...known, readers: path.readers, lag_s: path.lag_s });
    }
    this.ofPath = paths;
    const sessions = new Map();
    for (const session of figures.sessions) {
      const rate = this.ofSession.get(session.id)?.rate ?? new Rate();
      rate.take(session.bytes, seconds);
      sessions.set(session.id, { ...session, rate });
    }
    this.ofSession = sessions;
    this.#tell("figures");
  }

  #tell(what) {
    this.dispatchEvent(new Event(what));
  }
}
