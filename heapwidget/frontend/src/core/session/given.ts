/** State as a model or a page gives it: fields of another kind than they are held in are left out. */

import type { ViewState } from "./session";

const isNumber = (value: unknown): boolean => Number.isFinite(value);
const isBoolean = (value: unknown): boolean => typeof value === "boolean";

const FITS = {
  step: isNumber,
  playing: isBoolean,
  interval: isNumber,
  loop: isBoolean,
  // Entries that are no bookmarks are left out when they are read.
  bookmarks: Array.isArray,
  link: (value) => typeof value === "string",
  selected: (value) => value === null || isNumber(value),
  panels: (value) => Array.isArray(value) && value.every((name) => typeof name === "string"),
} as const satisfies Partial<Record<keyof ViewState, (value: unknown) => boolean>>;

export function givenState(raw: unknown): Partial<ViewState> {
  const given = (raw ?? {}) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(FITS)
      .filter(([field, fits]) => fits(given[field]))
      .map(([field]) => [field, given[field]]),
  );
}
