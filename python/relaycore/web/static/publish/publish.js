// A phone or a computer as a camera: what a person sees and presses.

import { loadTexts, t } from "../texts.js";
import { h, say, show } from "../console/dom.js";
import { icon } from "../console/icons.js";
import { bitRate, elapsed } from "../console/units.js";
import { stayAwake } from "./awake.js";
import { SIZES, cameras, isAllowed, mayAsk, open } from "./camera.js";
import { Session } from "./whip.js";

const AGAIN_MS = [1000, 2000, 5000, 10_000];
const FIGURES_MS = 1000;

/** Figures in a row that say that the network is slow, before a person is told. */
const SLOW = 10;

/** Statuses with which another try would be refused as well. */
const FINAL = [400, 401, 403, 404, 405, 406, 415, 421];

class Publishing {
  #place;
  #address;
  #servers;
  #stream = null;
  #session = null;
  #wanted = false;
  #tries = 0;
  #again = 0;
  #since = 0;
  #asking = 0;
  #heldBack = 0;
  #picture = h("video", { muted: true, autoplay: true, playsInline: true, "aria-label": t("What the camera sees") });
  #state = h("p", { class: "state", role: "status" });
  #trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  #figures = h("p", { class: "figures", "aria-hidden": "true" });
  #start = h("button", { type: "button", class: "start", onclick: () => this.#press() });
  #sound = h("button", { type: "button", class: "plain", "aria-pressed": "true", onclick: () => this.#turnSound() }, t("Sound"));
  #which = h("select", { onchange: () => this.#change() });
  #height = h("select", { onchange: () => this.#change() });

  constructor(place) {
    this.#place = place;
    this.#address = place.dataset.address;
    this.#servers = JSON.parse(place.dataset.servers);
    this.#which.append(
      h("option", { value: "environment" }, t("Back camera")),
      h("option", { value: "user" }, t("Front camera")),
    );
    for (const height of Object.keys(SIZES)) this.#height.append(h("option", { value: height, selected: height === "720" }, `${height}p`));
  }

  /** Shows itself, or why it cannot work here. */
  async begin() {
    if (!mayAsk()) {
      this.#place.append(insecure(this.#place.dataset.encrypted === "true"));
      return;
    }
    this.#which.id = "which";
    this.#height.id = "height";
    this.#place.append(
      h("div", { class: "picture" }, icon("camera"), this.#picture, this.#figures),
      this.#trouble,
      h("div", { class: "bar" }, this.#state, h("a", { href: this.#address, target: "_blank" }, t("Watch"))),
      this.#start,
      h(
        "div",
        { class: "choices" },
        h("div", {}, h("label", { for: "which" }, t("Camera")), this.#which),
        h("div", {}, h("label", { for: "height" }, t("Size")), this.#height),
        this.#sound,
      ),
    );
    this.#tell("idle");
    window.addEventListener("pagehide", () => this.#session?.close());
    window.addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => this.#seen());
    navigator.mediaDevices.addEventListener("devicechange", () => this.#listCameras());
    if (await isAllowed()) await this.#openCamera().catch((error) => this.#complain(error.message));
  }

  async #press() {
    this.#complain("");
    if (this.#wanted) {
      this.#stop();
      return;
    }
    this.#start.disabled = true;
    try {
      if (this.#stream === null) {
        this.#tell("asking");
        await this.#openCamera();
      }
      this.#wanted = true;
      this.#tries = 0;
    } catch (error) {
      this.#complain(error.message);
      this.#tell("idle");
      return;
    } finally {
      this.#start.disabled = false;
    }
    await this.#connect();
  }

  #stop() {
    this.#wanted = false;
    clearTimeout(this.#again);
    clearInterval(this.#asking);
    this.#session?.close();
    this.#session = null;
    stayAwake(false);
    say(this.#figures, "");
    this.#tell("idle");
  }

  async #connect() {
    clearTimeout(this.#again);
    this.#session?.close();
    this.#tell(this.#tries === 0 ? "connecting" : "again");
    const session = new Session(this.#stream, SIZES[this.#height.value], this.#servers);
    this.#session = session;
    session.onlost = () => this.#lost(session, new Error(t("The connection to the relay was lost.")));
    try {
      await session.open(`${this.#address}/whip`);
    } catch (error) {
      session.close();
      this.#lost(session, error);
      return;
    }
    if (this.#session !== session) {
      session.close();
      return;
    }
    this.#tries = 0;
    this.#since = Date.now();
    this.#heldBack = 0;
    this.#complain("");
    this.#tell("live");
    stayAwake(true);
    clearInterval(this.#asking);
    this.#asking = setInterval(() => this.#measure(), FIGURES_MS);
  }

  /** A session is no more: another one is tried, unless that would be refused again. */
  #lost(session, error) {
    if (this.#session !== session || !this.#wanted) return;
    this.#session = null;
    clearInterval(this.#asking);
    say(this.#figures, "");
    if (error.status === 401) {
      window.location.assign(`/login?next=${encodeURIComponent(window.location.pathname)}`);
      return;
    }
    this.#complain(error.message);
    if (FINAL.includes(error.status)) {
      this.#stop();
      return;
    }
    this.#tell("again");
    const wait = AGAIN_MS[Math.min(this.#tries++, AGAIN_MS.length - 1)];
    this.#again = setTimeout(() => this.#connect(), wait);
  }

  #hurry() {
    if (this.#wanted && this.#session === null) this.#connect();
  }

  /** A phone takes the camera away from a page that is not seen. */
  async #seen() {
    if (document.visibilityState !== "visible" || this.#stream === null) return;
    if (this.#stream.getVideoTracks()[0].readyState === "ended") await this.#change();
    this.#hurry();
  }

  async #openCamera() {
    const sound = this.#sound.getAttribute("aria-pressed") === "true";
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#stream = await open(this.#which.value, Number(this.#height.value), sound);
    this.#picture.srcObject = this.#stream;
    const { facingMode } = this.#stream.getVideoTracks()[0].getSettings();
    this.#picture.classList.toggle("mirror", facingMode === "user");
    if (sound && this.#stream.getAudioTracks().length === 0) this.#sound.setAttribute("aria-pressed", "false");
    await this.#listCameras();
  }

  async #listCameras() {
    const found = await cameras();
    const chosen = this.#which.value;
    const options = [...this.#which.options].slice(0, 2);
    if (found.length > 1) options.push(...found.map(({ deviceId, label }) => h("option", { value: deviceId }, label)));
    this.#which.replaceChildren(...options);
    this.#which.value = options.some(({ value }) => value === chosen) ? chosen : options[0].value;
  }

  /** Another camera or another size: the session goes on with it. */
  async #change() {
    if (this.#stream === null) return;
    this.#complain("");
    try {
      await this.#openCamera();
      await this.#session?.replace(this.#stream, SIZES[this.#height.value]);
    } catch (error) {
      this.#complain(error.message);
      if (this.#wanted) this.#stop();
    }
  }

  async #turnSound() {
    const on = this.#sound.getAttribute("aria-pressed") !== "true";
    this.#sound.setAttribute("aria-pressed", String(on));
    const [track] = this.#stream?.getAudioTracks() ?? [];
    if (track) track.enabled = on;
    else if (on) await this.#change();
  }

  async #measure() {
    const figures = await this.#session?.figures().catch(() => null);
    if (!figures) return;
    const parts = [elapsed((Date.now() - this.#since) / 1000), bitRate(figures.bitsPerSecond)];
    // Numbers with a sign between them would be turned round where texts run from right to left.
    if (figures.height) parts.push(`\u2066${figures.width}×${figures.height}\u2069`);
    say(this.#figures, parts.join(" · "));
    // At the beginning it is found out how much the network takes.
    this.#heldBack = figures.isHeldBack ? this.#heldBack + 1 : 0;
    if (this.#heldBack >= SLOW) this.#complain(t("The network is slow, so the picture is less sharp."));
    else if (this.#place.dataset.state === "live") this.#complain("");
  }

  #tell(state) {
    const words = {
      idle: t("Nobody sees this yet."),
      asking: t("The browser asks whether this page may use the camera."),
      connecting: t("Connecting"),
      again: t("Trying again"),
      live: t("Live at {path}", { path: this.#place.dataset.path }),
    };
    this.#place.dataset.state = state;
    say(this.#state, words[state]);
    const sending = state === "connecting" || state === "again" || state === "live";
    say(this.#start, sending ? t("Stop") : t("Start"));
    this.#start.classList.toggle("sending", sending);
  }

  #complain(text) {
    say(this.#trouble, text);
    show(this.#trouble, text !== "");
  }
}

/** Why a page that is not encrypted has no camera, and what helps. */
function insecure(encrypted) {
  const address = `https://${window.location.host}${window.location.pathname}`;
  const help = encrypted
    ? h("p", {}, h("a", { class: "start", href: address }, t("Open this page encrypted")), h("small", {}, t("The browser warns where the certificate is signed by the relay itself.")))
    : h("p", {}, t("Start the relay with --tls, and open this page at:"), h("code", { dir: "ltr" }, address));
  return h("div", { class: "insecure" }, h("p", { role: "alert" }, t("Browsers give the camera only to pages that are encrypted, or of this same device.")), help);
}

await loadTexts();
await new Publishing(document.getElementById("publish")).begin();
