// Amounts as people read them.

import { moment, number, t } from "../texts.js";

/** Bits per second. */
export function bitRate(bits) {
  if (bits < 999_500) return t("{value} kbit/s", { value: number(bits / 1000, { maximumFractionDigits: 0 }) });
  if (bits < 999_500_000) return t("{value} Mbit/s", { value: number(bits / 1e6, { maximumSignificantDigits: 3 }) });
  return t("{value} Gbit/s", { value: number(bits / 1e9, { maximumSignificantDigits: 3 }) });
}

/** A short time in seconds. */
export function shortTime(seconds) {
  if (seconds < 0.9995) return t("{value} ms", { value: number(seconds * 1000, { maximumFractionDigits: 0 }) });
  return t("{value} s", { value: number(seconds, { maximumSignificantDigits: 3 }) });
}

/** How long something has gone on, such as 3:05 or 2:03:05. */
export function elapsed(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** A moment in milliseconds of Unix time; without the date where it is of today. */
export function timeOf(ms) {
  const today = new Date(ms).toDateString() === new Date().toDateString();
  return moment(new Date(ms), today ? { timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" });
}

/** Bytes, with the multiples of 1000. */
export function size(bytes) {
  if (bytes < 999_500) return t("{value} kB", { value: number(bytes / 1000, { maximumFractionDigits: 0 }) });
  if (bytes < 999_500_000) return t("{value} MB", { value: number(bytes / 1e6, { maximumSignificantDigits: 3 }) });
  return t("{value} GB", { value: number(bytes / 1e9, { maximumSignificantDigits: 3 }) });
}
