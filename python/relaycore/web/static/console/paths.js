// The paths: a card each, with its picture.

import { t, tn } from "../texts.js";
import { api, inAddress } from "./api.js";
import { Chart } from "./chart.js";
import { ask, button, copy, field, showText, tell } from "./dialogs.js";
import { arrange, h, plain, say, show } from "./dom.js";
import { icon } from "./icons.js";
import { Thumbnail } from "./thumbnail.js";
import { bitRate, shortTime } from "./units.js";

/** What a path does, in a word, and how bad that is. */
function stateOf(path) {
  if (path.stopped) return ["off", t("Stopped")];
  if (path.ready) return ["live", t("Live")];
  switch (path.source?.state) {
    case "starting":
      return ["waiting", t("Starting")];
    case "failed":
      return ["failed", t("Failed")];
    case "off":
      return ["waiting", t("On demand")];
    default:
      return ["waiting", t("Waiting")];
  }
}

/** Where its pictures come from, as a person would say. */
function originOf(path) {
  if (path.stream?.camera) return path.stream.camera.device;
  if (path.source?.current) return path.source.current;
  if (path.publisher) return path.publisher.user ?? path.publisher.peer;
  const source = path.settings?.source;
  return Array.isArray(source) ? source.join(", ") : source ?? "";
}

/**
 * Whether a picture is shown without being asked for: not where people are to read a notice before they see one, and not
 * of a source that is open only while somebody watches, which looking at it would keep open.
 */
function hasPicture(path) {
  if (!path.ready || path.settings?.protocol?.notice || path.settings?.source_on_demand) return false;
  return (path.stream?.tracks ?? []).some((track) => track.kind === "video");
}

class Card {
  #model;
  #path = null;
  #thumbnail;
  #badge = h("span", { class: "badge" });
  #title;
  #facts = h("p", { class: "facts" });
  #rate = h("span", { class: "rate" });
  #origin = plain("", { class: "origin" });
  #trouble = h("p", { class: "trouble", dir: "auto" });
  #chart = new Chart();
  #acts = h("div", { class: "acts" });
  #buttons = {};

  constructor(name, model, me) {
    this.#model = model;
    this.#thumbnail = me.parts.includes("pictures") && model.may.has("read") ? new Thumbnail(name) : null;
    const picture = this.#thumbnail?.element ?? h("div", { class: "picture" });
    picture.append(icon("camera"));
    const watchable = me.parts.includes("player") && model.may.has("read");
    const address = `/${inAddress(name)}`;
    this.#title = watchable ? h("a", { href: address }, plain(name)) : plain(name);
    const frame = watchable ? h("a", { href: address, tabIndex: -1, "aria-hidden": "true", class: "frame" }, picture) : h("div", { class: "frame" }, picture);
    frame.append(this.#badge);
    this.element = h(
      "article",
      { class: "card", "aria-label": name, data: { path: name } },
      frame,
      h("h3", {}, this.#title, h("span", { class: "unseen" }, " "), this.#rate),
      this.#chart.element,
      this.#facts,
      h("p", { class: "facts" }, this.#origin),
      this.#trouble,
      this.#acts,
    );
    this.#makeButtons(name, me);
  }

  #makeButtons(name, me) {
    const add = (key, made) => {
      this.#buttons[key] = made;
      this.#acts.append(made);
    };
    add("copy", button(t("Address"), () => copy(this.#path.stream?.urls[0] ?? ""), { drawing: icon("copy"), name: t("Copy the address of {path}", { path: name }) }));
    if (me.parts.includes("whip") && this.#model.may.has("publish")) {
      const link = h("a", { class: "button", href: `/${inAddress(name)}/publish` }, icon("phone"), t("Publish here"));
      add("publish", link);
    }
    if (!this.#model.may.has("control")) return;
    add("start", button(t("Start"), () => this.#act("start", () => api.start(name), t("{path} was started.", { path: name })), { drawing: icon("play"), name: t("Start {path}", { path: name }) }));
    add("stop", button(t("Stop"), () => this.#act("stop", () => api.stop(name), t("{path} was stopped.", { path: name })), { drawing: icon("stop"), name: t("Stop {path}", { path: name }) }));
    add("remove", button(t("Remove"), () => this.#remove(name), { drawing: icon("remove"), name: t("Remove {path}", { path: name }) }));
  }

  update(path) {
    this.#path = path;
    const [state, word] = stateOf(path);
    this.element.dataset.state = state;
    say(this.#badge, word);
    if (this.#thumbnail) this.#thumbnail.live = hasPicture(path);
    say(this.#origin, originOf(path));
    const trouble = path.ready ? null : path.source?.error;
    say(this.#trouble, trouble ?? "");
    show(this.#trouble, Boolean(trouble));
    const startable = path.kind === "camera" || path.source !== null;
    const { copy: copying, publish, start, stop, remove } = this.#buttons;
    show(copying, path.stream !== null);
    if (publish) show(publish, !startable && path.publisher === null);
    if (start) {
      show(start, startable && path.stopped);
      show(stop, startable && !path.stopped);
      show(remove, path.kind !== "free");
    }
    this.measure();
  }

  measure() {
    const figures = this.#model.ofPath.get(this.#path.path);
    const codecs = (this.#path.stream?.tracks ?? []).map((track) => track.codec.toUpperCase()).join(", ");
    const parts = [codecs];
    if (figures && this.#path.stream) {
      parts.unshift(tn("{count} viewer", "{count} viewers", figures.readers));
      if (figures.lag_s >= 0.05) parts.push(t("{time} late", { time: shortTime(figures.lag_s) }));
    }
    say(this.#facts, parts.filter(Boolean).join(" · "));
    say(this.#rate, figures && this.#path.stream ? bitRate(figures.received.row.last) : "");
    this.#chart.draw(figures && this.#path.stream ? figures.received.row.values : []);
  }

  gone() {
    this.#thumbnail?.gone();
  }

  async #act(key, work, words) {
    const pressed = this.#buttons[key];
    pressed.disabled = true;
    try {
      await work();
      tell(words);
    } catch (error) {
      showText({ title: t("This was not done"), content: [h("p", {}, error.message)], text: null });
    } finally {
      pressed.disabled = false;
      await this.#model.refreshPaths();
    }
  }

  async #remove(name) {
    const camera = this.#path.kind === "camera";
    const ended = camera ? [...this.#model.sessions.values()].filter((session) => session.path === name) : await api.whatEnds(name).catch(() => []);
    const content = [h("p", {}, t("{path} is forgotten until the relay is started again. To remove it for good, remove it from the configuration file, too.", { path: name }))];
    if (ended.length) content.push(h("p", {}, tn("{count} session ends by it.", "{count} sessions end by it.", ended.length)));
    const done = await ask({
      title: t("Remove {path}?", { path: name }),
      content,
      act: t("Remove"),
      danger: true,
      work: () => (camera ? api.removeCamera(name) : api.removePath(name)),
    });
    if (done) tell(t("{path} was removed.", { path: name }));
    await this.#model.refreshPaths();
  }
}

/** The section of the paths. */
export function pathsSection(model, me) {
  const cards = h("div", { class: "cards" });
  const nothing = h("p", { class: "nothing", hidden: true }, t("There is no path yet."));
  const views = new Map();
  const heading = h("div", { class: "heading" }, h("h2", { id: "paths" }, t("Paths")));
  if (model.may.has("control")) {
    heading.append(
      h(
        "div",
        { class: "acts" },
        button(t("Add path"), () => addPath(model), { drawing: icon("add") }),
        button(t("Add camera"), () => addCamera(model), { drawing: icon("add") }),
      ),
    );
  }
  model.addEventListener("paths", () => {
    show(nothing, model.paths.length === 0);
    arrange(cards, views, model.paths, (path) => path.path, (path) => new Card(path.path, model, me));
  });
  model.addEventListener("figures", () => {
    for (const view of views.values()) view.measure();
  });
  return h("section", { "aria-labelledby": "paths" }, heading, nothing, cards);
}

function nameField() {
  const input = h("input", { name: "path", required: true, maxLength: 200, autocomplete: "off", spellcheck: false, autocapitalize: "none", dir: "ltr" });
  return field(t("Path"), input, t("Such as door or house/door: it becomes part of the address."));
}

/** Shows what has to be written into the configuration file so that it lasts. */
function showKept(title, { toml }) {
  showText({ title, content: [h("p", {}, t("This lasts until the relay is started again. To keep it, paste this into the configuration file:"))], text: toml });
}

async function addPath(model) {
  const source = h("input", { name: "source", type: "text", autocomplete: "off", spellcheck: false, autocapitalize: "none", dir: "ltr", placeholder: "rtsp://192.0.2.7/stream" });
  const demand = h("input", { name: "demand", type: "checkbox" });
  const added = await ask({
    title: t("Add path"),
    content: [
      nameField(),
      field(t("Source"), source, t("The address of a camera, of a stream or of a media file. Leave it empty for a path that somebody publishes to.")),
      field(t("Open the source only while somebody watches"), demand),
    ],
    act: t("Add path"),
    work: (form) => {
      const name = form.elements.path.value.trim();
      if (model.paths.some((path) => path.path === name && path.settings !== null)) throw new Error(t("There is a path of this name already."));
      const settings = {};
      if (source.value.trim()) {
        settings.source = source.value.trim();
        if (demand.checked) settings.source_on_demand = true;
      }
      return api.setPath(name, settings);
    },
  });
  await model.refreshPaths();
  if (added) showKept(t("{path} was added", { path: added.path }), added);
}

async function addCamera(model) {
  const choice = h("select", { name: "camera" });
  choice.append(h("option", { value: "pattern" }, t("Test pattern")));
  const sizes = h("select", { name: "size" }, h("option", { value: "" }, t("The best one")));
  const sound = h("select", { name: "microphone" }, h("option", { value: "none" }, t("No sound")));
  const asking = api.devices().then((devices) => {
    for (const camera of devices.cameras) choice.append(h("option", { value: camera.device }, camera.name));
    for (const microphone of devices.microphones) sound.append(h("option", { value: microphone.device }, microphone.name));
    const fill = () => {
      const camera = devices.cameras.find(({ device }) => device === choice.value);
      sizes.replaceChildren(sizes.firstElementChild, ...(camera?.sizes ?? []).map((size) => h("option", { value: size }, size)));
    };
    choice.addEventListener("change", fill);
    if (devices.cameras.length) choice.value = devices.cameras[0].device;
    fill();
  });
  asking.catch((error) => tell(error.message));
  const added = await ask({
    title: t("Add camera"),
    content: [nameField(), field(t("Camera"), choice), field(t("Size of the picture"), sizes), field(t("Microphone"), sound)],
    act: t("Add camera"),
    work: (form) => {
      const settings = { camera: choice.value, microphone: sound.value };
      if (sizes.value) settings.size = sizes.value;
      return api.addCamera(form.elements.path.value.trim(), settings);
    },
  });
  await model.refreshPaths();
  if (added) showKept(t("{path} was added", { path: added.path }), added);
}
