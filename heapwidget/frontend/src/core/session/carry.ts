/** What stays of a state when a longer walk takes the place of the one that was shown. */

import type { Trace } from "../trace/trace";
import { outcome } from "./refining";
import type { ViewState } from "./session";
import { continues, lengthsOf, movedStep } from "./timeline";

/** The state to go on with; nothing, if the new trace is another one altogether. */
export function carriedOver(state: ViewState, before: Trace, after: Trace): Partial<ViewState> {
  if (!continues(after, before)) return {};
  const moved = (step: number) => movedStep(step, lengthsOf(before), lengthsOf(after));
  const { place: _place, shared: _shared, companions: _companions, led: _led, ...own } = state;
  return {
    ...own,
    step: moved(state.step),
    sub: 0,
    bookmarks: state.bookmarks.map((bookmark) => ({ ...bookmark, step: moved(bookmark.step) })),
    hovered: null,
    scrubbing: false,
    refining: { kind: "ready", pending: false, said: outcome(before, after) },
  };
}
