// Who watched, who changed what, who was refused. It is looked at on demand, since looking is itself put on record.

import { t } from "../texts.js";
import { api } from "./api.js";
import { button, field } from "./dialogs.js";
import { h, plain, say, show } from "./dom.js";
import { elapsed, size, timeOf } from "./units.js";

const PAGE = 50;

const KINDS = () => ({
  opening: t("Session that goes on"),
  session: t("Session"),
  refusal: t("Refusal"),
  act: t("Act"),
  removal: t("Removal of records"),
});

/** What a record says beyond who, when and where. */
function detailOf(record) {
  switch (record.kind) {
    case "opening":
      return [record.action, record.protocol, record.network, record.purpose];
    case "session":
      return [
        record.action,
        record.protocol,
        record.network,
        record.to === null ? null : elapsed((record.to - record.from) / 1000),
        record.bytes === null ? null : size(record.bytes),
        record.purpose,
        record.reason,
      ];
    case "refusal":
      return [record.action, record.protocol, record.network, record.status, record.reason];
    case "act":
      return [record.act, record.means, record.network];
    default:
      return [];
  }
}

function row(record, names) {
  const detail = detailOf(record).filter((part) => part !== null && part !== undefined && part !== "");
  return h(
    "tr",
    {},
    h("td", {}, h("time", { dateTime: new Date(record.at).toISOString() }, timeOf(record.at))),
    h("td", {}, names[record.kind] ?? record.kind),
    h("td", {}, plain(record.subject ?? "–")),
    h("td", {}, plain(record.path ?? record.target ?? "–")),
    h("td", {}, h("bdi", { lang: "en" }, detail.join(" · "))),
  );
}

/** The section of the ledger. */
export function ledgerSection() {
  const names = KINDS();
  const rows = h("tbody");
  const trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  const nothing = h("p", { class: "nothing", hidden: true }, t("There are no such records."));
  const table = h(
    "table",
    { class: "stays", hidden: true },
    h("caption", { class: "unseen" }, t("Ledger")),
    h("thead", {}, h("tr", {}, ...[t("Time"), t("Record"), t("User"), t("Path"), t("Details")].map((name) => h("th", { scope: "col" }, name)))),
    rows,
  );
  let next = null;
  const text = (name) => h("input", { name, type: "text", maxLength: 256, autocomplete: "off", autocapitalize: "none", dir: "ltr" });
  const kind = h("select", { name: "kind" }, h("option", { value: "" }, t("All")), ...Object.entries(names).map(([value, name]) => h("option", { value }, name)));
  const form = h(
    "form",
    { class: "search", onsubmit: (event) => look(event, null) },
    field(t("User"), text("subject")),
    field(t("Path"), text("path")),
    field(t("Record"), kind),
    h("button", { type: "submit", class: "button main" }, t("Show records")),
  );
  const more = button(t("More records"), (event) => look(event, next));
  more.hidden = true;
  const look = async (event, after) => {
    event.preventDefault();
    show(trouble, false);
    try {
      const values = Object.fromEntries(new FormData(form));
      const found = await api.ledger({ ...values, limit: PAGE, after });
      if (after === null) rows.replaceChildren();
      rows.append(...found.records.map((record) => row(record, names)));
      next = found.next;
    } catch (error) {
      say(trouble, error.message);
      show(trouble, true);
      return;
    }
    show(more, next !== null);
    show(table, rows.childElementCount > 0);
    show(nothing, rows.childElementCount === 0);
  };
  return h(
    "section",
    { "aria-labelledby": "ledger" },
    h("div", { class: "heading" }, h("h2", { id: "ledger" }, t("Ledger"))),
    h("p", { class: "facts" }, t("Looking at records is itself put on record.")),
    form,
    trouble,
    nothing,
    h("div", { class: "wide", role: "group", tabIndex: 0, "aria-label": t("Ledger") }, table),
    h("div", { class: "acts" }, more),
  );
}
