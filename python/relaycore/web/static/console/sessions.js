// Who watches and who publishes.

import { t, tn } from "../texts.js";
import { api } from "./api.js";
import { ask, button, tell } from "./dialogs.js";
import { arrange, h, plain, say, show } from "./dom.js";
import { icon } from "./icons.js";
import { MOST_SESSIONS } from "./model.js";
import { bitRate, elapsed, shortTime } from "./units.js";

const COLUMNS = () => [t("Who"), t("Path"), t("How"), t("Since"), t("Rate"), t("Delay"), t("Skipped"), t("Lost")];

class SessionRow {
  #session = null;
  #model;
  #cells;

  constructor(session, model) {
    this.#model = model;
    const names = COLUMNS();
    this.#cells = names.map((name) => h("td", { data: { name } }));
    this.element = h("tr", { data: { session: session.id } }, ...this.#cells);
    if (model.may.has("control")) {
      const ending = button("", () => this.#end(), { kind: "small", drawing: icon("end"), name: t("End the session of {who} at {path}", { who: session.user ?? session.peer, path: session.path }) });
      this.element.append(h("td", { class: "act" }, ending));
    }
  }

  update(session) {
    this.#session = session;
    const [who, path, how] = this.#cells;
    who.replaceChildren(plain(session.user ?? session.peer));
    if (session.user) who.append(h("small", {}, plain(session.peer)));
    path.replaceChildren(plain(session.path));
    if (session.action === "publish") path.append(h("small", {}, t("publishes")));
    how.replaceChildren(plain(`${session.protocol}/${session.transport}`));
    if (session.user_agent) how.append(h("small", {}, plain(session.user_agent, { class: "short", title: session.user_agent })));
    this.measure();
  }

  measure() {
    const figures = this.#model.ofSession.get(this.#session.id) ?? this.#session;
    const [, , , since, rate, lag, skipped, lost] = this.#cells;
    say(since, elapsed(Date.now() / 1000 - this.#session.started));
    say(rate, figures.rate ? bitRate(figures.rate.row.last) : "–");
    say(lag, shortTime(figures.lag_s));
    say(skipped, String(figures.discarded));
    say(lost, String(figures.lost));
  }

  async #end() {
    const { id, user, peer, path } = this.#session;
    const done = await ask({
      title: t("End this session?"),
      content: [h("p", {}, t("{who} at {path}. The client may come again.", { who: user ?? peer, path }))],
      act: t("End session"),
      danger: true,
      work: () => api.endSession(id),
    });
    if (done) tell(t("The session was ended."));
  }
}

/** The section of the sessions. */
export function sessionsSection(model) {
  const rows = h("tbody");
  const views = new Map();
  const acts = model.may.has("control") ? h("th", { scope: "col" }, h("span", { class: "unseen" }, t("End session"))) : null;
  const table = h(
    "table",
    {},
    h("caption", { class: "unseen" }, t("Sessions")),
    h("thead", {}, h("tr", {}, ...COLUMNS().map((name) => h("th", { scope: "col" }, name)), acts)),
    rows,
  );
  const nothing = h("p", { class: "nothing" }, t("Nobody watches and nobody publishes."));
  const more = h("p", { class: "facts", hidden: true });
  const count = h("span", { class: "count" });
  const draw = () => {
    const sessions = [...model.sessions.values()].sort((one, other) => one.started - other.started);
    arrange(rows, views, sessions, (session) => session.id, (session) => new SessionRow(session, model));
    show(table, sessions.length > 0);
    show(nothing, sessions.length === 0);
    counts();
  };
  const counts = () => {
    say(count, model.total ? String(model.total) : "");
    show(more, model.total > model.sessions.size);
    say(more, tn("{count} session is shown, the oldest.", "{count} sessions are shown, the oldest.", Math.min(model.sessions.size, MOST_SESSIONS)));
  };
  model.addEventListener("sessions", draw);
  model.addEventListener("figures", () => {
    for (const view of views.values()) view.measure();
    counts();
  });
  draw();
  return h(
    "section",
    { "aria-labelledby": "sessions" },
    h("div", { class: "heading" }, h("h2", { id: "sessions" }, t("Sessions")), count),
    nothing,
    h("div", { class: "wide" }, table),
    more,
  );
}
