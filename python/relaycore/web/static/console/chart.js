// A small line that says how something went in the last two minutes.

import { svg } from "./dom.js";
import { SAMPLES } from "./model.js";

const WIDTH = 120;
const HEIGHT = 32;

/** A chart of a row of numbers. It says nothing to who cannot see it: the number stands beside it. */
export class Chart {
  #line = svg("path", { class: "line", fill: "none", "vector-effect": "non-scaling-stroke" });
  #area = svg("path", { class: "area" });
  element = svg(
    "svg",
    { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    this.#area,
    this.#line,
  );

  /** Draws the newest values; the highest of them, or `floor` where that is more, is the height. */
  draw(values, floor = 0) {
    this.element.toggleAttribute("hidden", values.length === 0);
    if (values.length < 2) {
      this.#line.removeAttribute("d");
      this.#area.removeAttribute("d");
      return;
    }
    const most = Math.max(floor, ...values) || 1;
    const step = WIDTH / (SAMPLES - 1);
    const start = WIDTH - (values.length - 1) * step;
    const points = values.map((value, at) => {
      const height = HEIGHT - 1 - (value / most) * (HEIGHT - 3);
      return `${(start + at * step).toFixed(1)} ${height.toFixed(1)}`;
    });
    this.#line.setAttribute("d", `M${points.join("L")}`);
    this.#area.setAttribute("d", `M${start.toFixed(1)} ${HEIGHT}L${points.join("L")}L${WIDTH} ${HEIGHT}Z`);
  }
}
