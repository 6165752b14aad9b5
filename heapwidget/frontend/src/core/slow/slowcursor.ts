/** Moves through the pops of a replay by single comparisons and writes inside the heap. */

import type { Replay } from "../replay/replay";
import { SlowPop } from "./slowpop";

/** A moment: pops done, and sub-steps done of the pop that follows. */
export interface Moment {
  readonly step: number;
  readonly sub: number;
}

export class SlowCursor {
  readonly #replay: Replay;
  readonly #steps: number;
  /** The pop last looked at, and the state it starts from. */
  #last: { readonly step: number; readonly pop: SlowPop } | null = null;

  constructor(replay: Replay, steps: number) {
    this.#replay = replay;
    this.#steps = steps;
  }

  /** The pop that leads from a state to the next. */
  popAfter(step: number): SlowPop {
    if (this.#last?.step !== step) {
      this.#replay.seek(step);
      this.#last = { step, pop: new SlowPop(this.#replay) };
    }
    return this.#last.pop;
  }

  /** Sub-steps between a state and the next. */
  countAfter(step: number): number {
    return step < this.#steps ? this.popAfter(step).steps.length : 0;
  }

  /** A number of sub-steps that leaves the moment within the pop after `step`. */
  valid(step: number, sub: number): number {
    return Math.min(Math.max(Math.round(sub) || 0, 0), Math.max(this.countAfter(step) - 1, 0));
  }

  /** The moment after some sub-steps; a pop without any, and the last of each, lead to the next state. */
  moved({ step: from, sub: within }: Moment, by: number): Moment {
    let [step, sub, left] = [from, within, by];
    while (left > 0 && step < this.#steps) {
      const rest = Math.max(this.countAfter(step), 1) - sub;
      if (left < rest) return { step, sub: sub + left };
      left -= rest;
      [step, sub] = [step + 1, 0];
    }
    while (left < 0) {
      if (sub + left >= 0) return { step, sub: sub + left };
      if (step === 0) return { step: 0, sub: 0 };
      left += sub;
      step--;
      sub = Math.max(this.countAfter(step), 1);
    }
    return { step, sub };
  }
}
