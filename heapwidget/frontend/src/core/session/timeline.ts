/** The phases of a trace as a line, and where a moment of one trace lies in another. */

import type { Trace } from "../trace/trace";
import { plural } from "../words/format";

/** Rows of the walk, the finish and the collect phase. */
export type Lengths = readonly [walk: number, finish: number, collect: number];

export const lengthsOf = ({ walkEnd, finishEnd, steps }: Trace): Lengths => [
  walkEnd,
  finishEnd - walkEnd,
  steps - finishEnd,
];

/** Whether a trace is another one whose walk went on: the same nodes, and all its pops. */
export function continues(trace: Trace, earlier: Trace): boolean {
  const { layers, walkEnd, target, method } = earlier;
  return (
    trace.method === method &&
    trace.target.label === target.label &&
    trace.nodeCount === earlier.nodeCount &&
    trace.layers.length === layers.length &&
    trace.walkEnd >= walkEnd &&
    trace.popNode.subarray(0, walkEnd).every((node, row) => node === earlier.popNode[row])
  );
}

/**
 * Where a step is found again once the walk went on: pops of the walk stay where they are, the finish was what is now
 * walked, and of the collected positions as many are popped. Python moves steps in the same way.
 */
export function movedStep(step: number, before: Lengths, after: Lengths): number {
  const [walk, finish] = before;
  if (step <= walk + finish) return Math.min(step, walk);
  return after[0] + after[1] + Math.min(step - walk - finish, after[2]);
}

/** The timeline on which several traces go on together: the longest of each phase. */
export const sharedBy = (all: readonly Lengths[]): Lengths => [
  Math.max(...all.map(([walk]) => walk)),
  Math.max(...all.map(([, finish]) => finish)),
  Math.max(...all.map(([, , collect]) => collect)),
];

export const lengthOf = ([walk, finish, collect]: Lengths): number => walk + finish + collect;

/** The step of a trace at a place on a shared timeline: as many pops of the phase; a shorter phase waits at its end. */
export function stepAt(place: number, own: Lengths, shared: Lengths): number {
  let [step, rest] = [0, place];
  for (const [phase, length] of shared.entries()) {
    const mine = own[phase] as number;
    if (rest <= length) return step + Math.min(rest, mine);
    step += mine;
    rest -= length;
  }
  return step;
}

/** The first place on a shared timeline at which a trace is at a step. */
export function placeAt(step: number, own: Lengths, shared: Lengths): number {
  let [place, rest] = [0, step];
  for (const [phase, length] of own.entries()) {
    if (rest <= length) return place + rest;
    place += shared[phase] as number;
    rest -= length;
  }
  return place;
}

/** Names of the phases. */
const PHASES = ["walk", "finish", "collect phase"];

/** What is said of a cursor that is shared: how moments are matched, and whether this trace waits for another. */
export function linkWords(step: number, place: number, own: Lengths, shared: Lengths): string {
  const rule = "Linked: both show the same pop of the same phase.";
  if (placeAt(step, own, shared) === place) return rule;
  const phase = place <= shared[0] ? 0 : place <= shared[0] + shared[1] ? 1 : 2;
  const rows = own[phase] as number;
  const why =
    rows === 0
      ? `there is no ${PHASES[phase]} here`
      : `the ${PHASES[phase]} here ended after ${plural(rows, "step")}`;
  return `${rule} This one waits: ${why}.`;
}
