/** What the target's score does as positions are taken away, or given back, in pop order: measured in Python. */

import type { Scores, Trace } from "../trace/trace";
import { formatKey, formatShare, plural } from "../words/format";
import { positionNoun } from "../words/narration";

/** Area under a curve over the fractions. */
export function area(fractions: readonly number[], curve: readonly number[]): number {
  let sum = 0;
  for (let i = 1; i < fractions.length; i++) {
    const [from, to] = [fractions[i - 1] as number, fractions[i] as number];
    sum += ((to - from) * ((curve[i] as number) + (curve[i - 1] as number))) / 2;
  }
  return sum;
}

/** Value of a curve at a fraction, on the line between its points. */
export function valueAt(fractions: readonly number[], curve: readonly number[], at: number): number {
  let i = 1;
  while (i < fractions.length - 1 && (fractions[i] as number) < at) i++;
  const [x0, x1] = [fractions[i - 1] as number, fractions[i] as number];
  const [y0, y1] = [curve[i - 1] as number, curve[i] as number];
  const t = x1 > x0 ? Math.min(Math.max((at - x0) / (x1 - x0), 0), 1) : 0;
  return y0 + t * (y1 - y0);
}

/** Fraction of the positions that are popped at a step. */
export function fractionAt(trace: Trace, step: number): number {
  return Math.max(step - trace.finishEnd, 0) / Math.max(trace.inputCount, 1);
}

/** The step at which a fraction of the positions is popped: within the collect phase, which pops them. */
export function stepAtFraction(trace: Trace, fraction: number): number {
  const popped = Math.round(Math.min(Math.max(fraction, 0), 1) * trace.inputCount);
  return Math.min(trace.finishEnd + popped, trace.steps);
}

/** A score as a share of that on the whole input, or as it is. */
const told = ({ absolute }: Scores, value: number): string => (absolute ? formatKey : formatShare)(value);

/** The words beside the cursor of the score's curves. */
export function scoreLabel(trace: Trace, scores: Scores, step: number): string {
  const fraction = fractionAt(trace, step);
  const [without, alone] = [scores.deletion, scores.insertion].map((curve) =>
    told(scores, valueAt(scores.fractions, curve, fraction)),
  );
  return `${plural(Math.max(step - trace.finishEnd, 0), positionNoun(trace))}: ${without} without, ${alone} alone`;
}
