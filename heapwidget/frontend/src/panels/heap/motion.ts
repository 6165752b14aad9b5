/** How long touched things may move: not at all for jumps, fast play, or people who ask for stillness. */

import type { ViewState } from "../../core/session/session";

const LONGEST = 190;
const SHORTEST = 45;

/** Where the cursor stood when something was last drawn. */
export interface Shown {
  readonly step: number;
  readonly sub: number;
}

export function glideTime(state: ViewState, shown: Shown): number {
  const by = state.step === shown.step ? Math.abs(state.sub - shown.sub) : Math.abs(state.step - shown.step);
  if (by !== 1 || shown.step < 0 || state.scrubbing) return 0;
  if (globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches) return 0;
  const time = state.playing ? Math.min(LONGEST, state.interval * 0.7) : LONGEST;
  return time < SHORTEST ? 0 : time;
}
