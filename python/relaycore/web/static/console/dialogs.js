// Questions, forms, and words about what was done.

import { t } from "../texts.js";
import { h, say } from "./dom.js";

const SEEN_MS = 6000;

const words = h("div", { class: "words", role: "status", "aria-live": "polite" });

/** Where words appear; to be put into the page once. */
export const wordsPlace = words;

/** Tells what was done, for a moment. */
export function tell(text) {
  const word = h("p", {}, text);
  words.append(word);
  setTimeout(() => word.remove(), SEEN_MS);
}

/** A button; `kind` is `main`, `danger` or empty. */
export function button(text, onclick, { kind = "", drawing = null, name = null } = {}) {
  return h("button", { type: "button", class: `button ${kind}`, onclick, "aria-label": name, title: drawing && !text ? name : null }, drawing, text);
}

let numbers = 0;

/**
 * Asks something in a dialog.
 *
 * @param {object} question
 * @param {string} question.title
 * @param {(Node | string)[]} question.content
 * @param {string} question.act the name of the button that does it
 * @param {boolean} [question.danger]
 * @param {(form: HTMLFormElement) => Promise<unknown>} question.work what the button does; the dialog stays, and says why, while it is refused
 * @returns {Promise<unknown>} what came of it; null where the person thought better of it
 */
export function ask({ title, content, act, danger = false, work }) {
  return new Promise((done) => {
    const id = `dialog-${++numbers}`;
    const trouble = h("p", { class: "trouble", role: "alert", dir: "auto" });
    const doing = h("button", { type: "submit", class: `button ${danger ? "danger" : "main"}` }, act);
    const leaving = button(t("Cancel"), () => dialog.close());
    const form = h(
      "form",
      { method: "dialog", noValidate: false },
      h("h2", { id }, title),
      ...content,
      trouble,
      h("div", { class: "acts" }, leaving, doing),
    );
    const dialog = h("dialog", { "aria-labelledby": id }, form);
    let result = null;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      doing.disabled = true;
      say(trouble, "");
      try {
        result = (await work(form)) ?? true;
        dialog.close();
      } catch (error) {
        say(trouble, error.message);
      } finally {
        doing.disabled = false;
      }
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(result);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Shows something to be read and copied. */
export function showText({ title, content, text }) {
  const id = `dialog-${++numbers}`;
  const dialog = h(
    "dialog",
    { "aria-labelledby": id },
    h("h2", { id }, title),
    ...content,
    text === null ? null : h("pre", { dir: "ltr", tabIndex: 0 }, text),
    h(
      "div",
      { class: "acts" },
      text === null ? null : button(t("Copy"), () => copy(text)),
      button(t("Close"), () => dialog.close(), { kind: "main" }),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Puts a text where it can be pasted from. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    tell(t("Copied."));
  } catch {
    // Without encryption a page has no clipboard.
    showText({ title: t("To be copied"), content: [h("p", { class: "address", dir: "ltr" }, text)], text: null });
  }
}

/** A field of a form with its label, and a hint below it. */
export function field(label, input, hint = null) {
  const id = `field-${++numbers}`;
  input.id = id;
  if (hint !== null) input.setAttribute("aria-describedby", `${id}-hint`);
  return h(
    "div",
    { class: input.type === "checkbox" ? "field check" : "field" },
    h("label", { for: id }, label),
    input,
    hint === null ? null : h("p", { class: "hint", id: `${id}-hint` }, hint),
  );
}
