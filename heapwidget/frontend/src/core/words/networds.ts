/** What the network panel says: about a node, about a layer, about the strongest flows. */

import type { Flow } from "../replay/flows";
import { type Messages, TARGET } from "../replay/messages";
import type { Passed } from "../replay/passed";
import type { Replay } from "../replay/replay";
import type { Trace } from "../trace/trace";
import { formatCount, formatDigits, formatKey, plural } from "./format";
import { nodeLabel } from "./labels";
import { shareOf } from "./narration";

/** From whom a node got, and to whom it gave, in the walk until a step. */
export interface Kin {
  readonly received: ReadonlyMap<number, number>;
  readonly sent: ReadonlyMap<number, number>;
}

export function kinOf(replay: Replay, node: number): Kin {
  const { trace, step, messages, previousPop } = replay;
  const end = Math.min(step, trace.walkEnd);
  const rows: number[] = [];
  let row = end > 0 ? trace.popNode.lastIndexOf(node, end - 1) : -1;
  for (; row >= 0; row = previousPop[row] as number) rows.push(row);
  return { received: messages.received(node, end), sent: messages.sent(rows) };
}

export function describeNode(replay: Replay, passed: Passed, node: number, kin: Kin): string {
  const { trace, heap, step } = replay;
  const sources = [...kin.received].filter(([source]) => source !== TARGET);
  const gained = sources.reduce((sum, [, amount]) => sum + amount, 0);
  const from = sources.length
    ? `received ${formatKey(gained)} from ${plural(sources.length, "node")}`
    : kin.received.has(TARGET)
      ? "the target stands here"
      : "";
  const before = step > 0 ? trace.popNode.lastIndexOf(node, Math.min(step, trace.walkEnd) - 1) : -1;
  const done =
    node < trace.inputCount
      ? ""
      : before >= 0
        ? `passed on ${formatKey(passed.mass[node] as number)} to ${plural(kin.sent.size, "node")}, last at step ${formatCount(before + 1)}`
        : "not popped yet";
  const cell = heap.cellOf(node);
  const next = trace.popNode.subarray(0, trace.walkEnd).indexOf(node, step);
  return [
    nodeLabel(trace, node),
    from,
    done,
    cell >= 0 ? `${formatKey(heap.keyAt(cell))} in the heap` : "",
    next >= 0 ? `next pop at step ${formatCount(next + 1)} (double click)` : "",
  ]
    .filter((part) => part !== "")
    .join(" · ");
}

/** A layer of a folded run. */
export function describeLayer({ trace, step }: Replay, passed: Passed, layer: number): string {
  const { label, shape, first, count } = trace.layers[layer] as Trace["layers"][number];
  const nodes = passed.mass.subarray(first, first + count);
  const popped = nodes.reduce((n, mass) => n + (mass !== 0 ? 1 : 0), 0);
  const mass = nodes.reduce((sum, m) => sum + m, 0);
  const done =
    step > 0 && popped > 0
      ? `${formatCount(popped)} of ${plural(count, "node")} passed on ${formatKey(mass)}`
      : `none of ${plural(count, "node")} popped yet`;
  return `${label} ${shape.join("×")} · ${done} · click to unfold`;
}

/** A flow's share of the target, and its nodes from the output on; where all of a layer is one node, just the layer. */
export function describeFlow(trace: Trace, { nodes, relevance }: Flow): { share: string; way: string } {
  return {
    // Single flows are small: three digits, whatever their place.
    share: formatDigits(Math.abs(shareOf(trace, relevance))),
    way: nodes.map((node) => nodeLabel(trace, node)).join(" → "),
  };
}

/** Why there are no flows to show; empty: there may be some. */
export function noFlows(trace: Trace, messages: Messages): string {
  if (!trace.conserved || trace.inputInHeap) return "Keys are added here, not moved: nothing flows.";
  if (messages.signed)
    return "Shares can be negative under this rule: then no flow is the strongest. Take a rule such as zplus.";
  return "";
}
