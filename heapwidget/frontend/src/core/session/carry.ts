/** What stays of a state when a longer walk takes the place of the one that was shown. */

import type { Trace } from "../trace/trace";
import { outcome } from "./refining";
import { continues, lengthsOf, movedStep } from "./timeline";
import type { Change, ViewState } from "./viewstate";

/** The state to go on with; nothing, if the new trace is another one altogether. */
export function carriedOver(state: ViewState, before: Trace, after: Trace): Change {
  if (!continues(after, before)) return {};
  const moved = (step: number) => movedStep(step, lengthsOf(before), lengthsOf(after));
  const { cursor, play, shared, picked, screen, marks } = state;
  return {
    cursor: { step: moved(cursor.step), sub: 0, slow: cursor.slow, scrubbing: false },
    play: { playing: play.playing, interval: play.interval, loop: play.loop },
    shared: { link: shared.link },
    picked: { ...picked, hovered: null },
    screen,
    marks: { bookmarks: marks.bookmarks.map((mark) => ({ ...mark, step: moved(mark.step) })) },
    python: { refining: { kind: "ready", pending: false, said: outcome(before, after) } },
  };
}
