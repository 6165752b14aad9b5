/** Marked moments: steps with a label each, in order, one a step. */

import { layerOf, phaseOf, type Trace } from "../trace/trace";
import { nodeLabel } from "../words/labels";

export interface Bookmark {
  readonly step: number;
  readonly label: string;
}

/** The bookmarks in what a model or a page says; entries that are none are left out. */
export function readBookmarks(raw: unknown, steps: number): readonly Bookmark[] {
  const found = new Map<number, Bookmark>();
  for (const entry of Array.isArray(raw) ? raw : []) {
    const { step, label } = (entry ?? {}) as Partial<Bookmark>;
    if (typeof step !== "number" || !Number.isInteger(step) || step < 0 || step > steps) continue;
    found.set(step, { step, label: String(label ?? "") });
  }
  return [...found.values()].sort((a, b) => a.step - b.step);
}

export const bookmarkAt = (bookmarks: readonly Bookmark[], step: number): Bookmark | undefined =>
  bookmarks.find((bookmark) => bookmark.step === step);

/** Sets a bookmark at a step; the one that is there is replaced. */
export const withBookmark = (bookmarks: readonly Bookmark[], bookmark: Bookmark): readonly Bookmark[] => [
  ...withoutBookmark(bookmarks, bookmark.step),
  bookmark,
];

export const withoutBookmark = (bookmarks: readonly Bookmark[], step: number): readonly Bookmark[] =>
  bookmarks.filter((bookmark) => bookmark.step !== step);

/** The nearest one after a step, or before it. */
export function nextBookmark(
  bookmarks: readonly Bookmark[],
  step: number,
  forward: boolean,
): Bookmark | undefined {
  const side = bookmarks.filter((bookmark) => (forward ? bookmark.step > step : bookmark.step < step));
  return side.at(forward ? 0 : -1);
}

/** What a bookmark is called until someone gives it a name: what was popped there. */
export function momentName(trace: Trace, step: number): string {
  if (step === 0) return "start";
  const node = trace.popNode[step - 1] as number;
  return phaseOf(trace, step - 1) === "finish" ? layerOf(trace, node).label : nodeLabel(trace, node);
}
