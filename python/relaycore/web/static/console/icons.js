// The drawings on buttons and in place of pictures.

import { svg } from "./dom.js";

const PATHS = {
  play: "M7 4.5v15l12-7.5z",
  stop: "M6 6h12v12H6z",
  remove: "M9 3h6l1 2h4v2H4V5h4zM6 9h12l-1 12H7z",
  copy: "M8 3h11v14h-3V6H8zM5 7h9v14H5z",
  add: "M11 4h2v7h7v2h-7v7h-2v-7H4v-2h7z",
  end: "m6.4 5 5.6 5.6L17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6l5.6-5.6L5 6.4z",
  camera: "M3 7.5A1.5 1.5 0 0 1 4.5 6h10A1.5 1.5 0 0 1 16 7.5v9a1.5 1.5 0 0 1-1.5 1.5h-10A1.5 1.5 0 0 1 3 16.5zM17.5 10 21 7.5v9L17.5 14z",
  phone: "M8 2h8a1.5 1.5 0 0 1 1.5 1.5v17A1.5 1.5 0 0 1 16 22H8a1.5 1.5 0 0 1-1.5-1.5v-17A1.5 1.5 0 0 1 8 2zm.5 3v13h7V5zM11 19.5h2V20h-2z",
};

/** A drawing that says nothing to who cannot see it. */
export function icon(name) {
  const drawing = svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" });
  drawing.append(svg("path", { d: PATHS[name] }));
  return drawing;
}
