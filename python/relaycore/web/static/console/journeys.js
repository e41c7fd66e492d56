// How far attempts to view came.

import { number, t, tn } from "../texts.js";
import { api } from "./api.js";
import { button } from "./dialogs.js";
import { h, say, show } from "./dom.js";
import { shortTime } from "./units.js";

const STAGES = () => ({
  connected: t("Connected"),
  secured: t("Secured"),
  authorised: t("Authorised"),
  described: t("Described"),
  set_up: t("Set up"),
  playing: t("Playing"),
  first_packet: t("First packet"),
  first_key_frame: t("First key frame"),
  watched: t("Ten seconds watched"),
  ended_well: t("Ended well"),
});

function row(stage, attempts, names) {
  const share = attempts ? stage.passed / attempts : 0;
  const causes = stage.ended.map(({ cause, count }) => `${cause} ${number(count)}`).join(", ");
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, names[stage.stage] ?? stage.stage),
    h("td", { class: "bar" }, h("meter", { min: 0, max: 1, value: share, "aria-label": names[stage.stage] ?? stage.stage }), h("span", {}, number(stage.passed))),
    h("td", {}, stage.median_ms === null ? "–" : shortTime(stage.median_ms / 1000)),
    h("td", {}, h("bdi", { lang: "en" }, causes)),
  );
}

/** The section of the journeys. */
export function journeysSection() {
  const rows = h("tbody");
  const summary = h("p", { class: "facts" });
  const trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  const table = h(
    "table",
    { class: "stays", hidden: true },
    h("caption", { class: "unseen" }, t("Journeys")),
    h("thead", {}, h("tr", {}, ...[t("Stage"), t("Attempts"), t("Median time"), t("Ended here")].map((name) => h("th", { scope: "col" }, name)))),
    rows,
  );
  const look = async () => {
    show(trouble, false);
    try {
      const { all } = await api.journeys();
      const names = STAGES();
      rows.replaceChildren(...all.stages.map((stage) => row(stage, all.attempts, names)));
      const startup = all.startup_ms === null ? "–" : shortTime(all.startup_ms / 1000);
      say(summary, tn("{count} attempt to view; first key frame after {time} (median).", "{count} attempts to view; first key frame after {time} (median).", all.attempts, { time: startup }));
      show(table, all.attempts > 0);
    } catch (error) {
      say(trouble, error.message);
      show(trouble, true);
    }
  };
  look();
  return h(
    "section",
    { "aria-labelledby": "journeys" },
    h("div", { class: "heading" }, h("h2", { id: "journeys" }, t("Journeys")), h("div", { class: "acts" }, button(t("Look again"), look))),
    summary,
    trouble,
    h("div", { class: "wide", role: "group", tabIndex: 0, "aria-label": t("Journeys") }, table),
  );
}
