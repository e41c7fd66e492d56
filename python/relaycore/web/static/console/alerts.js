// What is odd.

import { t } from "../texts.js";
import { h, plain, show } from "./dom.js";
import { timeOf } from "./units.js";

const SHOWN = 30;

const SEVERITIES = () => ({ info: t("Information"), warning: t("Warning"), critical: t("Critical") });

/** The section of the alerts. */
export function alertsSection(model) {
  const list = h("ol", { class: "alerts", role: "list" });
  const nothing = h("p", { class: "nothing" }, t("Nothing was odd."));
  const names = SEVERITIES();
  model.addEventListener("alerts", () => {
    show(nothing, model.alerts.length === 0);
    list.replaceChildren(
      ...model.alerts.slice(0, SHOWN).map((alert) =>
        h(
          "li",
          { data: { severity: alert.severity } },
          h("span", { class: "badge" }, names[alert.severity]),
          h("time", { dateTime: new Date(alert.at).toISOString() }, timeOf(alert.at)),
          plain(alert.rule, { class: "rule" }),
          h("p", { dir: "auto" }, alert.text),
        ),
      ),
    );
  });
  return h("section", { "aria-labelledby": "alerts" }, h("div", { class: "heading" }, h("h2", { id: "alerts" }, t("Alerts"))), nothing, h("div", { "aria-live": "polite" }, list));
}
