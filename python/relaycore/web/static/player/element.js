// The element <relaycore-player src="/cam">: puts view, playback, texts and notice together.

import { loadTexts, t } from "../texts.js";
import { abilities } from "./abilities.js";
import { Address } from "./address.js";
import { choose, TRANSPORTS } from "./choose.js";
import { Failure, failureOf } from "./failure.js";
import { hasSeen, noticeOf, remember } from "./notice.js";
import { Playback } from "./playback.js";
import { newId, Report } from "./reports.js";
import * as screen from "./screen.js";
import { linesOf, sentenceOf } from "./sentences.js";
import { snapshotOf } from "./surface.js";
import { make, View } from "./view.js";

const FIGURES_EVERY_MS = 500;

/**
 * Attributes: `src`, the address of the path, with or without its server; `transports`, those that may be used,
 * with spaces between them; `paused`, to wait for a press on Play; `description`, what the relay says of the path,
 * where the page has it already.
 *
 * Events: `playing`, `stalled`, `waiting`, `over`, with a `detail`. Property: `transport`, the name of the one that
 * plays now, or null.
 */
export class RelaycorePlayer extends HTMLElement {
  static observedAttributes = ["src"];

  #view = null;
  #playback = null;
  #report = null;
  #description = null;
  #figures = 0;
  #before = null;
  #sound = { muted: true, volume: 1 };
  #leaving = null;

  connectedCallback() {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    this.#view = new View(root, this.#path);
    this.#leaving = new AbortController();
    this.#listen(this.#view, this.#leaving.signal);
    this.#loadTexts();
    if (this.hasAttribute("paused")) this.#rest();
    else this.play();
  }

  disconnectedCallback() {
    this.#leaving?.abort();
    clearInterval(this.#figures);
    this.stop();
  }

  attributeChangedCallback(_name, before) {
    if (before === null || this.#view === null || !this.isConnected) return;
    this.#description = null;
    this.removeAttribute("description");
    this.#view.title = this.#path;
    this.#view.write();
    this.play();
  }

  /** The name of the transport that plays now; null where none does. */
  get transport() {
    return this.#playback?.current?.name ?? null;
  }

  /** Where the relay has the path. */
  get #address() {
    return new Address(this.getAttribute("src") ?? "");
  }

  get #path() {
    return this.#address.path;
  }

  async #loadTexts() {
    await loadTexts(this.closest("[lang]")?.lang || navigator.language);
    if (!this.isConnected) return;
    this.#view.write();
    this.#showControls();
    this.#sayAgain();
  }

  #listen(view, signal) {
    const on = (name, act) => view.addEventListener(name, ({ detail }) => act(detail));
    on("toggle", () => (this.#playback === null ? this.play() : this.#rest()));
    on("mute", () => this.#setSound({ muted: !this.#sound.muted }));
    on("volume", (volume) => this.#setSound({ volume: volume || this.#sound.volume, muted: volume === 0 }));
    on("snapshot", () => this.#save());
    on("figures", () => this.#toggleFigures());
    on("window", () => screen.toggleWindow(this.#media).catch(() => this.#say(() => t("This browser does not let the picture out of the page."))));
    on("enlarge", () => screen.toggleEnlarged(this, this.#media).catch(() => {}));
    for (const name of ["fullscreenchange", "webkitfullscreenchange"]) {
      document.addEventListener(name, () => this.#showControls(), { signal });
    }
    addEventListener("pagehide", () => this.stop(), { signal });
    // A page that comes back out of the browser's memory goes on.
    addEventListener("pageshow", ({ persisted }) => persisted && this.play(), { signal });
  }

  get #media() {
    return this.#playback?.current?.element ?? null;
  }

  /** Plays from now on, after the notice where there is one. */
  async play() {
    this.stop();
    const id = newId();
    const address = this.#address.with(id);
    const playback = (this.#playback = new Playback(address, () => this.#order(), {
      explain: (failure) => this.#explain(failure),
      iceServers: () => this.#description?.ice_servers ?? [],
      hold: () => this.#media !== null && (screen.isInWindow(this.#media) || this.#media.webkitDisplayingFullscreen === true),
    }));
    this.#follow(playback);
    this.#showControls();
    this.#say(() => t("Connecting…"));
    try {
      this.#description ??= await this.#describe();
    } catch (failure) {
      // Without a description all is tried, again and again: the relay may be starting.
      if (failure.isFinal) return this.#onOver(playback, failure);
    }
    if (this.#playback !== playback) return;
    const notice = this.#description?.notice ?? null;
    if (notice !== null && !hasSeen(notice)) return this.#showNotice(notice);
    if (this.#description?.reports) this.#report = new Report(this.#address.of("journey"), id);
    playback.start();
  }

  /** Plays no more. */
  stop() {
    this.#report?.end();
    this.#report = null;
    this.#playback?.stop();
    this.#playback = null;
  }

  #rest() {
    this.stop();
    this.#view.last.hidden = true;
    this.#say(() => t("Stopped."));
    this.#view.badge("", "");
    this.#showControls();
  }

  async #describe() {
    const given = this.getAttribute("description");
    if (given !== null) return JSON.parse(given);
    const response = await fetch(this.#address.ofApi("player")).catch(() => {
      throw new Failure("lost");
    });
    if (!response.ok) throw await failureOf(response);
    return response.json();
  }

  /** What the relay says of the path tells more than a connection that was not made. */
  async #explain(failure) {
    try {
      this.removeAttribute("description");
      this.#description = await this.#describe();
      return this.#description.live ? failure : new Failure("absent");
    } catch (known) {
      return known instanceof Failure ? known : failure;
    }
  }

  #order() {
    const only = this.getAttribute("transports")?.split(/\s+/).filter(Boolean);
    const { transports = TRANSPORTS, codecs = [], silent = [] } = this.#description ?? {};
    return choose(abilities(), transports, { only, codecs, silent, sound: !this.#sound.muted });
  }

  /** Whether there is sound, now or by another way. */
  get #hasSound() {
    const current = this.#playback?.current;
    if (current == null) return false;
    const silent = this.#description?.silent;
    return current.hasSound || (silent !== undefined && this.#order().some((name) => !silent.includes(name)));
  }

  #showNotice(notice) {
    this.stop();
    const watch = () => {
      remember(notice);
      this.play();
      this.#view.buttons.toggle.focus();
    };
    this.#say(
      () => t("Before you watch {path}", { path: this.#path }),
      () => [noticeOf(notice, this.#address), button(t("Watch"), watch)],
    );
    this.#showControls();
  }

  /** Shows what a playback tells, as long as it is the one that plays. */
  #follow(playback) {
    const view = this.#view;
    const on = (name, act) =>
      playback.addEventListener(name, ({ detail }) => {
        if (this.#playback === playback || name === "dropped") act(detail);
      });
    on("trying", ({ transport }) => view.prepare(transport.element));
    on("dropped", ({ transport, failure }) => {
      view.remove(transport.element);
      if (failure !== null) this.#report?.failed(failure);
    });
    on("playing", ({ transport }) => this.#onPlaying(transport));
    on("ended", ({ transport, failure }) => {
      view.freeze(transport.element);
      view.badge("", "");
      this.#say(() => sentenceOf(failure, this.#path));
    });
    on("stalled", ({ transport }) => {
      this.#say(() => t("The picture stands still. Waiting for more…"));
      this.#report?.stalled();
      this.#tell("stalled", { transport: transport.name });
    });
    on("resumed", () => {
      this.#say(null);
      this.#report?.resumed();
    });
    on("waiting", ({ failure, seconds }) => {
      this.#say(() => sentenceOf(failure, this.#path));
      this.#tell("waiting", { kind: failure.kind, seconds });
    });
    on("over", ({ failure }) => this.#onOver(playback, failure));
  }

  #onPlaying(transport) {
    const media = transport.element;
    this.#view.present(media);
    this.#applySound(media);
    this.#before = null;
    this.#view.badge(t("Live"), "live");
    if (media.paused) {
      // The browser lets nothing start by itself: a press may.
      const start = () => media.play().then(() => this.#say(null));
      this.#say(() => t("Press Play to start."), () => [button(t("Play"), start)]);
    } else this.#say(null);
    this.#showControls();
    this.#report?.playing();
    this.#tell("playing", { transport: transport.name });
  }

  #onOver(playback, failure) {
    if (this.#playback !== playback) return;
    this.#report?.end(failure);
    this.#report = null;
    this.stop();
    this.#view.badge("", "");
    const back = `${location.pathname}${location.search}`;
    const isHere = this.#address.origin === location.origin;
    const address = this.#address.ofServer(isHere ? `/login?next=${encodeURIComponent(back)}` : "/login");
    this.#say(
      () => sentenceOf(failure, this.#path),
      () => (failure.kind === "login" ? [make("a", { class: "main", href: address }, t("Log in"))] : []),
    );
    this.#showControls();
    this.#tell("over", { kind: failure.kind });
  }

  #setSound(wish) {
    Object.assign(this.#sound, wish);
    if (this.#media) this.#applySound(this.#media);
    if (this.#playback?.current?.hasSound === false) this.#playback.reconsider();
    this.#showControls();
  }

  #applySound(media) {
    if (!(media instanceof HTMLVideoElement)) return;
    media.volume = this.#sound.volume;
    media.muted = this.#sound.muted;
    // Where sound takes a press of its own, the picture goes on without it.
    media.play().catch(() => {
      media.muted = this.#sound.muted = true;
      media.play().catch(() => {});
      this.#showControls();
    });
  }

  #showControls() {
    const media = this.#media;
    this.#view.show({
      playing: this.#playback !== null,
      hasSound: this.#hasSound,
      canWindow: screen.canWindow(media),
      canEnlarge: screen.canEnlarge(this, media),
      enlarged: screen.isEnlarged(this),
      canSnapshot: media !== null,
      ...this.#sound,
    });
  }

  async #save() {
    const media = this.#media;
    if (media === null) return;
    const link = make("a", { download: `${this.#path.replace(/\W+/g, "-")}-${new Date().toISOString().replace(/[:.]/g, "-")}.jpg` });
    try {
      link.href = URL.createObjectURL(await snapshotOf(media));
    } catch {
      link.href = this.#address.of("snapshot.jpg");
    }
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  #toggleFigures() {
    if (this.#view.figures.hidden) {
      this.#before = null;
      this.#figures = setInterval(() => this.#showFigures(), FIGURES_EVERY_MS);
      this.#showFigures();
    } else {
      clearInterval(this.#figures);
      this.#view.list(null);
    }
  }

  async #showFigures() {
    const transport = this.#playback?.current;
    if (transport == null) return this.#view.list([]);
    const figures = await transport.figures();
    const now = { at: performance.now(), pictures: transport.pictures, bytes: figures.bytes, transport };
    const before = this.#before?.transport === transport ? this.#before : null;
    if (before === null || now.at - before.at > 4 * FIGURES_EVERY_MS) this.#before = now;
    const seconds = before === null ? 0 : (now.at - before.at) / 1000;
    const rates = {
      pictures: seconds > 0 ? (now.pictures - before.pictures) / seconds : null,
      bits: seconds > 0 && figures.bytes !== null ? (8 * (now.bytes - before.bytes)) / seconds : null,
    };
    if (this.#playback?.current === transport && this.#view.buttons.figures) {
      this.#view.list(linesOf(transport, figures, rates));
    }
  }

  #said = [null, () => []];

  /** Says what a function gives, which is asked again when the language is there. */
  #say(words, actions = () => []) {
    this.#said = [words, actions];
    this.#sayAgain();
  }

  #sayAgain() {
    const [words, actions] = this.#said;
    this.#view.say(words === null ? "" : words(), actions());
    if (this.#playback?.current) this.#view.badge(t("Live"), "live");
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function button(words, act) {
  const made = make("button", { type: "button", class: "main" }, words);
  made.addEventListener("click", act);
  return made;
}
