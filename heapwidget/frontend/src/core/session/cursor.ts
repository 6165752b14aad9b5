/** Where a viewer is in its trace, on its own and on the timeline that it shares. */

import type { Moment, SlowCursor } from "../slow/slowcursor";
import { type Lengths, lengthOf, placeAt, stepAt } from "./timeline";

export interface Cursor extends Moment {
  /** Pops done, 0..steps. */
  readonly step: number;
  /** Sub-steps done of the pop that follows `step`; 0: the state after `step` pops. */
  readonly sub: number;
  /** Where on the shared timeline that is. */
  readonly place: number;
  /** Whether a step is one comparison or move inside the heap, not a whole pop. */
  readonly slow: boolean;
  /** Whether the slider is held. */
  readonly scrubbing: boolean;
}

export const AT_START: Cursor = { step: 0, sub: 0, place: 0, slow: false, scrubbing: false };

const within = (value: number, end: number) => Math.min(Math.max(Math.round(value) || 0, 0), end);

/** Makes step and place agree, whichever was given, on the timeline shared now; a shorter phase waits at its end. */
export function settledCursor(
  previous: Cursor,
  change: Partial<Cursor>,
  timeline: { readonly own: Lengths; readonly before: Lengths; readonly shared: Lengths },
  slowly: SlowCursor,
): Cursor {
  const { own, before, shared } = timeline;
  const given = { ...previous, ...change };
  let { step, place, sub } = given;
  if (change.place !== undefined) {
    place = within(place, lengthOf(shared));
    step = stepAt(place, own, shared);
  } else {
    step = within(step, lengthOf(own));
    if (step !== previous.step || shared !== before) place = placeAt(step, own, shared);
  }
  // Whoever goes to a step means the state after it.
  if (step !== previous.step && change.sub === undefined) sub = 0;
  if (sub !== 0) sub = given.slow ? slowly.valid(step, sub) : 0;
  return { ...given, step, place, sub };
}

/** Whether there is nothing left to play; in slow motion nobody is waited for. */
export const isOver = ({ slow, step, place }: Cursor, own: Lengths, shared: Lengths): boolean =>
  slow ? step === lengthOf(own) : place === lengthOf(shared);
