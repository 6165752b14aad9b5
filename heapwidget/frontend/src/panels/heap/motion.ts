/** How long touched things may move: not at all for jumps, fast play, or people who ask for stillness. */

import type { ViewState } from "../../core/session/viewstate";

const LONGEST = 190;
const SHORTEST = 45;

/** `drawn`: the state that was drawn last. */
export function glideTime({ cursor, play }: ViewState, drawn: ViewState | null): number {
  if (!drawn || cursor.scrubbing) return 0;
  const [steps, subSteps] = [cursor.step - drawn.cursor.step, cursor.sub - drawn.cursor.sub];
  if (Math.abs(steps || subSteps) !== 1) return 0;
  if (globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches) return 0;
  const time = play.playing ? Math.min(LONGEST, play.interval * 0.7) : LONGEST;
  return time < SHORTEST ? 0 : time;
}
