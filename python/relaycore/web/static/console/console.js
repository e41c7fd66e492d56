// The console of a relay: what it does, and what may be done with it, as far as whoever looks may see and do that.

import { loadTexts, t } from "../texts.js";
import { alertsSection } from "./alerts.js";
import { api } from "./api.js";
import { button, wordsPlace } from "./dialogs.js";
import { h, plain, say, show } from "./dom.js";
import { journeysSection } from "./journeys.js";
import { ledgerSection } from "./ledger.js";
import { Live } from "./live.js";
import { Model } from "./model.js";
import { overview } from "./overview.js";
import { pathsSection } from "./paths.js";
import { sessionsSection } from "./sessions.js";

const ROLES = () => ({
  viewer: t("viewer"),
  publisher: t("publisher"),
  operator: t("operator"),
  auditor: t("auditor"),
  administrator: t("administrator"),
});

function stateOf(live) {
  const words = { live: t("Live"), connecting: t("Connecting"), away: t("Paused") };
  const text = h("span", {}, words[live.state]);
  const place = h("p", { class: "state", role: "status", data: { state: live.state } }, text);
  live.addEventListener("state", ({ detail }) => {
    place.dataset.state = detail;
    say(text, words[detail]);
  });
  return place;
}

function whoIs(me) {
  if (me.user === null) return me.parts.includes("login") ? h("a", { class: "button", href: "/login?next=/" }, t("Log in")) : null;
  const who = h("p", { class: "who" }, plain(me.user), h("small", {}, ROLES()[me.role] ?? ""));
  return me.parts.includes("login") ? h("div", { class: "acts" }, who, button(t("Log out"), leave)) : who;
}

async function leave() {
  await fetch("/logout", { method: "POST" }).catch(() => null);
  window.location.assign("/login");
}

/** A login that has ended leads to the page where there is a new one. */
async function lookWho() {
  const error = await api.me().then(() => null, (refusal) => refusal);
  if (error?.status === 401) window.location.reload();
}

async function begin() {
  const plainPage = document.getElementById("plain");
  await loadTexts();
  const me = await api.me();
  const audits = me.may.includes("audit");
  const model = new Model(me);
  const live = new Live({ alerts: audits });
  const trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  model.addEventListener("trouble", ({ detail }) => {
    say(trouble, detail.message);
    show(trouble, true);
  });
  model.addEventListener("paths", () => show(trouble, false));
  const sections = [overview(model), pathsSection(model, me), sessionsSection(model)];
  if (audits) sections.push(alertsSection(model));
  if (me.parts.includes("journeys")) sections.push(journeysSection());
  if (audits && me.parts.includes("ledger")) sections.push(ledgerSection());
  document.getElementById("bar").append(stateOf(live), whoIs(me) ?? "");
  const links = sections
    .map((section) => section.querySelector("h2[id]"))
    .filter((heading) => heading !== null)
    .map((heading) => h("a", { href: `#${heading.id}` }, heading.textContent));
  plainPage.replaceWith(h("nav", { class: "places", "aria-label": t("Sections") }, ...links), trouble, ...sections);
  document.body.append(wordsPlace);
  model.listenTo(live);
  live.addEventListener("refused", lookWho);
  live.open();
}

begin().catch((error) => {
  // The page that needs no scripts stays where it is.
  document.getElementById("plain").prepend(h("p", { class: "trouble", role: "alert" }, error.message));
});
