// The relay as a whole: four numbers, each with what it was in the last two minutes.

import { number, t } from "../texts.js";
import { Chart } from "./chart.js";
import { h, say } from "./dom.js";
import { bitRate, shortTime } from "./units.js";

class Tile {
  #value = h("p", { class: "value" }, "–");
  #chart = new Chart();
  #format;
  #floor;

  constructor(name, format, floor) {
    this.#format = format;
    this.#floor = floor;
    this.element = h("div", { class: "tile" }, h("h2", {}, name), this.#value, this.#chart.element);
  }

  draw(row) {
    if (row.values.length) say(this.#value, this.#format(row.last));
    this.#chart.draw(row.values, this.#floor);
  }
}

/** The section at the top. */
export function overview(model) {
  const tiles = [
    [new Tile(t("Viewers"), (value) => number(value), 4), () => model.readers],
    [new Tile(t("Sent"), bitRate, 1e6), () => model.sent.row],
    [new Tile(t("Received"), bitRate, 1e6), () => model.received.row],
    [new Tile(t("Largest delay"), shortTime, 0.1), () => model.lag],
  ];
  model.addEventListener("figures", () => {
    for (const [tile, row] of tiles) tile.draw(row());
  });
  return h("section", { class: "tiles", "aria-label": t("Overview") }, ...tiles.map(([tile]) => tile.element));
}
