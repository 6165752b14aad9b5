/** The fields of the state that a model's traits, or a page, keep: where each lies, and what may be given for it. */

import type { Change, ViewState } from "./viewstate";

type Fits = (value: unknown) => boolean;
/** Part of the state, field of the part, and what fits. */
type Kept = { [P in keyof ViewState]: readonly [P, keyof ViewState[P] & string, Fits] }[keyof ViewState];

const isNumber: Fits = (value) => Number.isFinite(value);
const isBoolean: Fits = (value) => typeof value === "boolean";

const KEPT = {
  step: ["cursor", "step", isNumber],
  playing: ["play", "playing", isBoolean],
  interval: ["play", "interval", isNumber],
  loop: ["play", "loop", isBoolean],
  // Entries that are no bookmarks are left out when they are read.
  bookmarks: ["marks", "bookmarks", Array.isArray],
  link: ["shared", "link", (value) => typeof value === "string"],
  selected_node: ["picked", "selected", (value) => value === null || isNumber(value)],
  panels: [
    "screen",
    "panels",
    (value) => Array.isArray(value) && value.every((name) => typeof name === "string"),
  ],
} as const satisfies Readonly<Record<string, Kept>>;

export type KeptField = keyof typeof KEPT;
export const KEPT_FIELDS = Object.keys(KEPT) as KeptField[];

export function keptValue(state: ViewState, field: KeptField): unknown {
  const [part, name] = KEPT[field];
  return (state[part] as Readonly<Record<string, unknown>>)[name];
}

/** State as it is given: fields of another kind than they are held in are left out. */
export function givenState(raw: unknown): Change {
  const given = (raw ?? {}) as Readonly<Record<string, unknown>>;
  const change: Partial<Record<keyof ViewState, Record<string, unknown>>> = {};
  for (const field of KEPT_FIELDS) {
    const [part, name, fits] = KEPT[field];
    if (fits(given[field])) change[part] = { ...change[part], [name]: given[field] };
  }
  return change as Change;
}
