// What people have to see before the first picture, where the path has a notice (docs/privacy.md).

import { t } from "../texts.js";
import { make } from "./view.js";

/** Whether this person has seen the notice since the browser was started, in the words that it has now. */
export function hasSeen(notice) {
  return recall(keyOf(notice)) === digestOf(notice);
}

/** Remembers that the notice was seen. */
export function remember(notice) {
  try {
    sessionStorage.setItem(keyOf(notice), digestOf(notice));
  } catch {
    // Without storage it is shown again.
  }
}

/** The notice as an element. */
export function noticeOf(notice, address) {
  const lines = [
    [t("Responsible"), notice.responsible],
    [t("Contact"), notice.contact],
    [t("Purpose"), notice.purpose],
    [t("How long it is kept"), notice.kept.map(({ what, time }) => `${what}: ${time}`).join("; ")],
  ].filter(([, value]) => value !== "");
  const list = make("dl", {}, ...lines.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, make("bdi", {}, value)))));
  const more = make("a", { href: address.of("notice"), target: "_blank", rel: "noopener" }, t("All about it"));
  return make("div", { class: "notice" }, list, more);
}

function keyOf(notice) {
  return `relaycore notice ${notice.path}`;
}

/** Changes with the words; it is compared with nothing but itself. */
function digestOf(notice) {
  return JSON.stringify(notice);
}

function recall(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}
