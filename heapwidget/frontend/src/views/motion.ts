/** How long touched things may move: not at all for jumps, fast play, or people who ask for stillness. */

import type { ViewState } from "../core/session";

const LONGEST = 190;
const SHORTEST = 45;

export function glideTime(state: ViewState, shownStep: number): number {
  const single = Math.abs(state.step - shownStep) === 1;
  if (!single || shownStep < 0 || state.scrubbing) return 0;
  if (globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches) return 0;
  const time = state.playing ? Math.min(LONGEST, state.interval * 0.7) : LONGEST;
  return time < SHORTEST ? 0 : time;
}
