// The texts of a page in the language of whoever reads it.
//
//   import { loadTexts, t, tn } from "./texts.js";
//   await loadTexts();
//   button.textContent = t("Play");
//   label.textContent = t("Connecting to {path}", { path });
//   count.textContent = tn("{count} viewer", "{count} viewers", viewers);
//
// A text is written here in English, as one whole sentence with the names of its values in braces; the catalogues of the
// server have the other languages (docs/languages.md). The language is that of the page, `<html lang>`, and
// English until it is loaded, and where it cannot be.

const ENGLISH = { language: "en", direction: "ltr", texts: {} };
const PLACE = /\{([a-z][a-z0-9_]*)\}/g; // the same as in language/message.py
const ISOLATE = "\u2068"; // first strong isolate, and its end: an address keeps its order in a text from right to left
const END = "\u2069";

let spoken = ENGLISH;
let rules = new Intl.PluralRules("en");
let numbers = new Intl.NumberFormat("en");

/** Loads the texts of a language, by default that of the page. Resolves to its tag; never rejects. */
export async function loadTexts(language = document.documentElement.lang || "en") {
  if (language !== spoken.language) {
    try {
      const answer = await fetch(new URL(`texts.${encodeURIComponent(language)}.json`, import.meta.url));
      if (answer.ok) useTexts(await answer.json());
    } catch {
      // English is better than nothing.
    }
  }
  return spoken.language;
}

/** Speaks with these texts, as the server has given them. */
export function useTexts(texts) {
  const locale = texts.language === "en-XA" ? "en" : texts.language;
  rules = new Intl.PluralRules(locale);
  numbers = new Intl.NumberFormat(locale, { numberingSystem: "latn" });
  spoken = texts;
}

/** The language that is spoken: `{ language, direction }`. */
export function speaking() {
  return { language: spoken.language, direction: spoken.direction };
}

/** A text, with values in the places of their names. */
export function t(text, values = {}) {
  const found = spoken.texts[text];
  return filled(typeof found === "string" ? found : found?.other ?? text, values);
}

/** A text about a number of things, which it calls `{count}`. */
export function tn(one, many, count, values = {}) {
  const forms = spoken.texts[one];
  const category = rules.select(count);
  const text = typeof forms === "object" ? forms[category] ?? forms.other : category === "one" ? one : many;
  return filled(text, { count, ...values });
}

/** A number as the language writes it; `options` are those of Intl.NumberFormat. */
export function number(value, options) {
  const locale = numbers.resolvedOptions().locale;
  return options ? new Intl.NumberFormat(locale, { numberingSystem: "latn", ...options }).format(value) : numbers.format(value);
}

/** A date with its time; `options` are those of Intl.DateTimeFormat. */
export function moment(value, options = { dateStyle: "medium", timeStyle: "medium" }) {
  const { locale } = numbers.resolvedOptions();
  return new Intl.DateTimeFormat(locale, { numberingSystem: "latn", ...options }).format(value);
}

function filled(text, values) {
  return text.replace(PLACE, (place, name) => {
    if (!(name in values)) return place;
    const value = values[name];
    if (typeof value === "number") return number(value);
    return spoken.direction === "rtl" ? `${ISOLATE}${value}${END}` : String(value);
  });
}
