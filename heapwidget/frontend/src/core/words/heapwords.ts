/** What the heap panel says: about a cell, about what lies deeper, about the dust under the floor. */

import { levelOf } from "../geometry/treelayout";
import type { HeapLike } from "../replay/heap";
import type { Replay } from "../replay/replay";
import { phaseOf, type Trace } from "../trace/trace";
import { formatCount, formatKey, formatShare, plural } from "./format";
import { nodeLabel } from "./labels";
import { positionNoun, shareOf } from "./narration";
import { wholeNoun } from "./targetwords";

/** A cell of the heap: its node, its key, when it is popped, and what stands above and below it. */
export function describeCell({ trace, step }: Replay, heap: HeapLike, cell: number): string {
  const node = heap.nodeAt(cell);
  const label = (at: number) => nodeLabel(trace, heap.nodeAt(at));
  const children = [2 * cell + 1, 2 * cell + 2].filter((child) => child < heap.size);
  const next = trace.popNode.indexOf(node, step);
  const pop =
    next < 0 || phaseOf(trace, next) === "finish" ? "" : `next popped at step ${formatCount(next + 1)}`;
  return [
    `${nodeLabel(trace, node)}: ${formatKey(heap.keyAt(cell))}`,
    `cell ${formatCount(cell)}, level ${levelOf(cell) + 1}`,
    pop,
    cell === 0 ? "on top" : `below ${label((cell - 1) >> 1)}`,
    children.length ? `above ${children.map(label).join(" and ")}` : "",
  ]
    .filter((part) => part !== "")
    .join(" · ");
}

/** What lies deeper than a window with so many levels; nothing if that is all. */
export function beyondWindow(size: number, top: number, levels: number): string {
  const under = subtree(size, top);
  const deeper = under.levels - levels;
  if (deeper <= 0) return "";
  return `… ${formatCount(under.cells - (2 ** levels - 1))} more, ${plural(deeper, "level")} deeper`;
}

/** Cells and levels of the subtree at a cell. */
export function subtree(size: number, top: number): { cells: number; levels: number } {
  let [cells, levels] = [0, 0];
  for (let first = top; first < size; first = 2 * first + 1) {
    cells += Math.min(2 ** levels, size - first);
    levels++;
  }
  return { cells, levels };
}

export interface Dust {
  /** Share of what is still on its way that lies under the floor, 0..1. */
  readonly part: number;
  readonly heap: string;
  readonly dust: string;
  readonly explanation: string;
}

/** What lies under the floor at a step of the walk; null: nothing is told of it. */
export function dustAt(trace: Trace, step: number): Dust | null {
  if (!trace.conserved || trace.floor === null || step > trace.walkEnd) return null;
  const row = step - 1;
  const column = (values: Float32Array) => (row < 0 ? 0 : Math.abs(shareOf(trace, values[row] as number)));
  const dust = column(trace.dust);
  const left = Math.max(1 - column(trace.explained) - column(trace.absorbed), dust);
  const noun = wholeNoun(trace.target);
  return {
    part: left > 0 ? dust / left : 0,
    heap: `in the heap: ${formatShare(left - dust)} of the ${noun}`,
    dust:
      dust > 0 ? `dust under the floor: ${formatShare(dust)}, too small to enter` : "no dust under the floor",
    explanation:
      `Relevance of nodes that hold less than the floor, ${formatShare(trace.floor)} of the ${noun}: they do not enter the ` +
      "heap one by one. Whatever is left of it when the walk ends is passed on a layer at a time.",
  };
}

/** Why there is no tree. */
export function emptyMessage({ trace, step }: Replay): string {
  if (step > trace.walkEnd && step < trace.finishEnd)
    return "The heap is empty. What is left in the network is passed on a whole layer at a time.";
  if (step === trace.steps && trace.finishEnd < trace.steps) {
    return `The heap is empty. The ${plural(trace.steps - trace.finishEnd, positionNoun(trace))} that it held are popped.`;
  }
  return "The heap is empty.";
}
