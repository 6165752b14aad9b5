/** Where a step stands on the curve's axis: the collect phase, often by far the longest, never crowds out the walk. */

import type { Trace } from "../trace/trace";
import { axis } from "../vocabulary/vocabulary";

export interface StepAxis {
  /** Steps that begin a piece of even pace, and the last step. */
  readonly ends: readonly number[];
  /** Place of a step, 0..1. */
  at(step: number): number;
  /** Step at a place. */
  step(x: number): number;
}

export function stepAxis({ finishEnd, steps }: Pick<Trace, "finishEnd" | "steps">): StepAxis {
  const both = finishEnd > 0 && finishEnd < steps;
  const cut = both ? Math.max(finishEnd / steps, 1 - axis.collect) : 1;
  const middle = both ? finishEnd : steps;
  return {
    ends: both ? [0, middle, steps] : [0, steps],
    at: (step) =>
      step <= middle
        ? middle > 0
          ? (cut * step) / middle
          : 0
        : cut + ((1 - cut) * (step - middle)) / (steps - middle),
    step: (x) => {
      const place = Math.min(Math.max(x, 0), 1);
      return Math.round(
        place <= cut ? (place / cut) * middle : middle + ((place - cut) / (1 - cut)) * (steps - middle),
      );
    },
  };
}
