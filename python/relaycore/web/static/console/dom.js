// Making elements: texts are only ever texts, so nothing that a stranger has named can become markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. Properties that begin with `on` listen, `class`, `role` and those with a dash are attributes, `data` is a
 * record of data attributes; all others are set as they are. Children that are null are left out.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "class" || name === "role" || name === "for" || name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An element of a drawing. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Sets the text of an element, where it is another one: what does not change is not read aloud again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows an element or does not. */
export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

/** An address or a name that keeps its own order of writing. */
export function plain(text, properties = {}) {
  return h("bdi", { dir: "ltr", ...properties }, text);
}

/**
 * The children of `parent` as the items say, in their order: those that were there stay, with whatever has the focus.
 *
 * @param {Map<string, {element: Element, update: (item: any) => void}>} views what is there, by key
 */
export function arrange(parent, views, items, keyOf, make) {
  const wanted = new Set();
  let before = null;
  for (const item of items) {
    const key = keyOf(item);
    wanted.add(key);
    let view = views.get(key);
    if (!view) {
      view = make(item);
      views.set(key, view);
    }
    view.update(item);
    const place = before === null ? parent.firstElementChild : before.nextElementSibling;
    if (place !== view.element) parent.insertBefore(view.element, place);
    before = view.element;
  }
  for (const [key, view] of views) {
    if (wanted.has(key)) continue;
    view.element.remove();
    view.gone?.();
    views.delete(key);
  }
}
