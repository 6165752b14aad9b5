/** How a cursor moves on by itself. */

export interface Play {
  readonly playing: boolean;
  /** Milliseconds a pop. */
  readonly interval: number;
  /** Whether play begins again after the last pop. */
  readonly loop: boolean;
  /** Whether another viewer on the same cursor keeps the time. */
  readonly led: boolean;
}

export const STOPPED: Play = { playing: false, interval: 100, loop: false, led: false };

/** Whoever starts or stops keeps the time, unless it is said that another does; without pops nothing plays. */
export function settledPlay(previous: Play, change: Partial<Play>, steps: number): Play {
  const next = { ...previous, ...change };
  return {
    ...next,
    playing: next.playing && steps > 0,
    interval: next.interval > 0 ? next.interval : previous.interval,
    led: next.led && (change.playing === undefined || change.led !== undefined),
  };
}
