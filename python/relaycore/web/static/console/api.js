// The API of the relay, as docs/api.md has it.

import { t } from "../texts.js";

const PATIENCE_MS = 30_000;

/** The relay refused: `message` is a sentence for a person. */
export class Refusal extends Error {
  constructor(status, message, mistakes = []) {
    super(message);
    this.status = status;
    this.mistakes = mistakes;
  }
}

async function ask(method, address, body) {
  const options = { method, signal: AbortSignal.timeout(PATIENCE_MS), headers: { Accept: "application/json" } };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(`/api/v1/${address}`, options);
  } catch {
    throw new Refusal(0, t("The relay does not answer."));
  }
  const found = response.status === 204 ? null : await response.json().catch(() => null);
  if (!response.ok) {
    throw new Refusal(response.status, found?.error ?? t("The relay does not answer."), found?.mistakes);
  }
  return found;
}

/** A path as it stands in an address. */
export function inAddress(path) {
  return path.split("/").map(encodeURIComponent).join("/");
}

function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

export const api = {
  me: () => ask("GET", "me"),
  paths: () => ask("GET", "paths").then((found) => found.paths),
  sessions: (limit) => ask("GET", `sessions${query({ limit })}`),
  devices: () => ask("GET", "devices"),
  alerts: (limit) => ask("GET", `alerts${query({ limit })}`).then((found) => found.alerts),
  journeys: () => ask("GET", "journeys"),
  ledger: (values) => ask("GET", `ledger${query(values)}`),
  setPath: (path, settings) => ask("PUT", `paths/${inAddress(path)}`, settings),
  whatEnds: (path) => ask("DELETE", `paths/${inAddress(path)}?dry_run=true`).then((found) => found.ended),
  removePath: (path) => ask("DELETE", `paths/${inAddress(path)}`),
  addCamera: (path, settings) => ask("PUT", `cameras/${inAddress(path)}`, settings),
  removeCamera: (path) => ask("DELETE", `cameras/${inAddress(path)}`),
  start: (path) => ask("POST", `paths/${inAddress(path)}/start`),
  stop: (path) => ask("POST", `paths/${inAddress(path)}/stop`),
  endSession: (id) => ask("DELETE", `sessions/${encodeURIComponent(id)}`),
};
