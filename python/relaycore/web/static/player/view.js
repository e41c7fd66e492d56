// What the player consists of on the screen. It knows nothing of streams: it shows what it is told, and tells
// what people do, by events whose names are those of WISHES.

import { speaking, t, number } from "../texts.js";
import { icon } from "./icons.js";

/** What people may wish, and the key that does the same as the button. */
const WISHES = { toggle: "k", mute: "m", snapshot: "s", figures: "i", window: "p", enlarge: "f" };

/** Controls go away after so long without a movement, while something plays. */
const IDLE_MS = 3000;

const VOLUME_STEP = 0.1;

/** Makes an element with attributes and children. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export class View extends EventTarget {
  #idle = 0;
  #media = null;

  /** @param {ShadowRoot} root @param {string} title of what is shown */
  constructor(root, title) {
    super();
    this.title = title;
    this.last = make("canvas", { class: "last", "aria-hidden": "true", hidden: "" });
    this.stage = make("div", { class: "stage" }, this.last);
    this.words = make("p", { role: "status", "aria-live": "polite" });
    this.actions = make("div", { class: "actions" });
    this.message = make("div", { class: "message" }, this.words, this.actions);
    this.figures = make("dl", { class: "figures", hidden: "" });
    this.state = make("span", { class: "state" });
    this.volume = make("input", { type: "range", min: "0", max: "1", step: "0.05", value: "1", class: "volume" });
    this.buttons = {};
    for (const name of Object.keys(WISHES)) this.buttons[name] = make("button", { type: "button", "data-wish": name });
    const { toggle, mute, snapshot, figures, window: pip, enlarge } = this.buttons;
    const bar = make("div", { class: "bar" }, toggle, mute, this.volume, this.state, snapshot, figures, pip, enlarge);
    this.player = make("div", { class: "player", role: "group", part: "player" });
    this.player.append(this.stage, this.figures, this.message, bar);
    this.style = make("link", { rel: "stylesheet", href: new URL("./player.css", import.meta.url).href });
    root.replaceChildren(this.style, this.player);
    this.#listen(root);
    this.write();
  }

  #listen(root) {
    for (const [name, button] of Object.entries(this.buttons)) {
      button.addEventListener("click", () => this.#wish(name));
    }
    this.volume.addEventListener("input", () => this.#wish("volume", Number(this.volume.value)));
    this.stage.addEventListener("dblclick", () => this.#wish("enlarge"));
    root.addEventListener("keydown", (event) => this.#onKey(event));
    for (const type of ["pointermove", "pointerdown", "focusin", "keydown"]) {
      this.player.addEventListener(type, () => this.#wake());
    }
    this.player.addEventListener("pointerleave", () => this.#sleep());
  }

  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const key = event.key.toLowerCase();
    const name = Object.keys(WISHES).find((wish) => WISHES[wish] === key);
    const isAtVolume = event.target === this.volume;
    if (name !== undefined && !this.buttons[name].hidden) this.#wish(name);
    else if ((key === "arrowup" || key === "arrowdown") && !isAtVolume) {
      const step = key === "arrowup" ? VOLUME_STEP : -VOLUME_STEP;
      this.#wish("volume", Math.min(1, Math.max(0, Number(this.volume.value) + step)));
    } else return;
    event.preventDefault();
  }

  #wish(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #wake() {
    this.player.classList.remove("idle");
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#sleep(), IDLE_MS);
  }

  #sleep() {
    this.player.classList.add("idle");
  }

  /** Names everything, in the language that is spoken. */
  write() {
    const { buttons } = this;
    const { language, direction } = speaking();
    this.player.setAttribute("lang", language);
    this.player.setAttribute("dir", direction);
    this.player.setAttribute("aria-label", t("Live picture of {path}", { path: this.title }));
    this.volume.setAttribute("aria-label", t("Volume"));
    this.#name(buttons.snapshot, "snapshot", t("Save this picture"), WISHES.snapshot);
    this.#name(buttons.figures, "figures", t("Delay and quality"), WISHES.figures);
    this.#name(buttons.window, "window", t("Picture in picture"), WISHES.window);
    buttons.figures.setAttribute("aria-pressed", String(!this.figures.hidden));
  }

  #name(button, drawing, label, key) {
    button.replaceChildren(icon(drawing));
    button.setAttribute("aria-label", label);
    button.setAttribute("aria-keyshortcuts", key.toUpperCase());
    button.title = `${label} (${key.toUpperCase()})`;
  }

  /** Shows the buttons as they are now. */
  show({ playing, muted, volume, hasSound, canWindow, canEnlarge, enlarged, canSnapshot }) {
    const { buttons } = this;
    this.#name(buttons.toggle, playing ? "pause" : "play", playing ? t("Stop") : t("Play"), WISHES.toggle);
    const sound = muted ? t("Turn sound on") : t("Turn sound off");
    this.#name(buttons.mute, muted ? "muted" : "loud", hasSound ? sound : t("There is no sound"), WISHES.mute);
    buttons.mute.disabled = !hasSound;
    this.volume.disabled = !hasSound;
    this.volume.value = String(muted ? 0 : volume);
    this.volume.setAttribute("aria-valuetext", number(muted ? 0 : volume, { style: "percent" }));
    const size = enlarged ? t("Leave full screen") : t("Full screen");
    this.#name(buttons.enlarge, enlarged ? "reduce" : "enlarge", size, WISHES.enlarge);
    buttons.window.hidden = !canWindow;
    buttons.enlarge.hidden = !canEnlarge;
    buttons.snapshot.disabled = !canSnapshot;
    this.player.classList.toggle("live", playing && this.#media !== null);
  }

  /** Puts an element into the page that will have a picture soon. */
  prepare(element) {
    element.classList.add("coming");
    element.setAttribute("aria-hidden", "true");
    this.stage.append(element);
  }

  /** Shows an element that was prepared, in place of any other. */
  present(element) {
    this.#media = element;
    element.classList.remove("coming");
    element.removeAttribute("aria-hidden");
    element.setAttribute("aria-label", t("Live picture of {path}", { path: this.title }));
    if (element instanceof HTMLCanvasElement) element.setAttribute("role", "img");
    this.last.hidden = true;
  }

  /** Keeps the picture of an element on the screen when the element goes. */
  freeze(element) {
    const width = element.videoWidth || element.width;
    const height = element.videoHeight || element.height;
    if (!width || !height) return;
    this.last.width = width;
    this.last.height = height;
    this.last.getContext("2d").drawImage(element, 0, 0);
    this.last.hidden = false;
  }

  remove(element) {
    if (this.#media === element) this.#media = null;
    element.remove();
  }

  /** Says something; actions are buttons and links. An empty text says that all is well. */
  say(words, actions = []) {
    this.words.textContent = words;
    this.actions.replaceChildren(...actions);
    this.message.classList.toggle("empty", words === "" && actions.length === 0);
  }

  /** A short word beside the controls. */
  badge(words, kind) {
    this.state.textContent = words;
    this.state.className = `state ${kind}`;
  }

  /** Shows names and values, or takes them away. */
  list(pairs) {
    this.figures.hidden = pairs === null;
    this.buttons.figures.setAttribute("aria-pressed", String(pairs !== null));
    this.figures.replaceChildren(
      ...(pairs ?? []).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))),
    );
  }
}
