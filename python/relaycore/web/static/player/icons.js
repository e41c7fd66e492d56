// The drawings on the buttons.

const PATHS = {
  play: "M7 4.5v15l12-7.5z",
  pause: "M6 4.5h4v15H6zm8 0h4v15h-4z",
  loud: "M4 9v6h4l5 4.5v-15L8 9zm11.5-.8v7.6a4.2 4.2 0 0 0 0-7.6zm0-4.2v2.1a6.2 6.2 0 0 1 0 11.8V20a8.2 8.2 0 0 0 0-16z",
  muted: "M4 9v6h4l5 4.5v-15L8 9zm17.3.1-1.4-1.4-2.4 2.5-2.4-2.5-1.4 1.4 2.4 2.4-2.4 2.5 1.4 1.4 2.4-2.5 2.4 2.5 1.4-1.4-2.4-2.5z",
  snapshot: "M9 4.5 7.4 6.5H4A1.5 1.5 0 0 0 2.5 8v10A1.5 1.5 0 0 0 4 19.5h16a1.5 1.5 0 0 0 1.5-1.5V8A1.5 1.5 0 0 0 20 6.5h-3.4L15 4.5zm3 4a4.3 4.3 0 1 1 0 8.6 4.3 4.3 0 0 1 0-8.6zm0 2a2.3 2.3 0 1 0 0 4.6 2.3 2.3 0 0 0 0-4.6z",
  figures: "M4 20h3v-7H4zm6.5 0h3V4h-3zM17 20h3V9h-3z",
  window: "M3 5h18v14H3zm2 2v10h14V7zm6 4h7v5h-7z",
  enlarge: "M4 4h6v2H6v4H4zm10 0h6v6h-2V6h-4zM4 14h2v4h4v2H4zm14 0h2v6h-6v-2h4z",
  reduce: "M8 4h2v6H4V8h4zm6 0h2v4h4v2h-6zM4 14h6v6H8v-4H4zm10 0h6v2h-4v4h-2z",
};

const SVG = "http://www.w3.org/2000/svg";

/** A drawing that says nothing to who cannot see it: the button has a name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
