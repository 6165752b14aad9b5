/** What happened at a step, in one or two plain sentences, and what the title line claims. */

import type { Replay } from "../replay/replay";
import { hasSquares } from "../trace/squares";
import { layerOf, phaseOf, type Trace } from "../trace/trace";
import { nounOf, nouns, rounding, ruleLabel } from "../vocabulary/vocabulary";
import { formatBound, formatCount, formatKey, formatShare, ordinal, plural } from "./format";
import { nodeLabel } from "./labels";
import { effect, targetNoun, targetWorth, wholeNoun } from "./targetwords";

/** A run of text; `node` names are set in the popped node's colour, others in bold. */
export interface Part {
  readonly text: string;
  readonly kind?: "popped" | "node";
}

/** The word in which positions of the input are counted. */
export const positionNoun = (trace: Trace): string =>
  nounOf(trace.layers.slice(0, trace.inputs).map(({ kind }) => kind));

export const plainText = (parts: readonly Part[]): string => parts.map((part) => part.text).join("");

const extreme = (trace: Trace, row: number): string =>
  (row < trace.finishEnd ? trace.ascending : trace.collectAscending) ? "smallest" : "largest";

/** Why a node of the walk is the next. */
const foremost = (trace: Trace): string =>
  trace.classTop === null ? `the ${extreme(trace, 0)}` : "of the largest size, the nearest to the output";

/** What a collected key is. */
function keyNoun(trace: Trace): string {
  return trace.method === "gradient" ? "gradient" : trace.conserved ? "contribution" : "key";
}

export function narrate(replay: Replay): Part[] {
  const { trace, row } = replay;
  if (row < 0) return beforeFirst(replay);
  const phase = phaseOf(trace, row);
  if (phase === "walk") return walkRow(replay, row);
  if (phase === "finish") return finishRow(replay, row);
  return collectRow(replay, row);
}

function beforeFirst(replay: Replay): Part[] {
  const { trace, heap } = replay;
  if (trace.steps === 0) return [{ text: "Nothing was popped: the trace has no rows." }];
  if (heap.size === 0) return [{ text: "Nothing popped yet. The heap is empty." }];
  const top: Part = { text: nodeLabel(trace, heap.nodeAt(0)), kind: "node" };
  const key = formatKey(heap.keyAt(0));
  if (trace.walkEnd > 0 && heap.size === 1) {
    return [
      { text: "Nothing popped yet. The heap holds one node, " },
      top,
      { text: `, with all of the ${wholeNoun(trace.target)}: ${key}${inMass(trace, heap.keyAt(0))}.` },
    ];
  }
  const held = plural(heap.size, trace.walkEnd > 0 ? "node" : positionNoun(trace));
  return [
    {
      text: `Nothing popped yet. The heap holds ${held}; ${trace.walkEnd > 0 ? foremost(trace) : `the ${extreme(trace, 0)}`}, `,
    },
    top,
    { text: ` with ${key}, is on top.` },
  ];
}

/** Scores that speak for and against add up to more than their sum. */
const inMass = (trace: Trace, key: number): string =>
  trace.target.baseline !== null && key > 1.001 * Math.abs(trace.target.change) ? " in mass" : "";

function tieParts(replay: Replay): Part[] {
  const { tie } = replay.effect;
  if (tie < 0) return [];
  return [
    { text: ", tied with " },
    { text: nodeLabel(replay.trace, tie), kind: "node" },
    { text: " (the smaller id goes first)" },
  ];
}

function walkRow(replay: Replay, row: number): Part[] {
  const { trace } = replay;
  const before = replay.previousPop[row] ?? -1;
  const parts: Part[] = [
    { text: "Pop " },
    { text: nodeLabel(trace, trace.popNode[row] as number), kind: "popped" },
    {
      text: `${before >= 0 ? " again" : ""}: ${foremost(trace)} in the heap, ${formatKey(trace.popMass[row] as number)}`,
    },
    ...tieParts(replay),
    { text: `. ${consequences(replay, row)}` },
    {
      text:
        before >= 0
          ? ` It was popped before, at step ${formatCount(before + 1)}; this has reached it since.`
          : "",
    },
    { text: nowCertain(trace, row) },
    { text: row + 1 === trace.finishEnd ? nowCollect(trace, row) : "" },
  ];
  return parts.filter((part) => part.text !== "");
}

function consequences(replay: Replay, row: number): string {
  const { trace, effect } = replay;
  const clauses: string[] = [];
  const { pushed, rekeyed } = effect;
  const change = effect.shrank === 0 ? "grow" : effect.shrank === rekeyed ? "shrink" : "change";
  if (pushed > 0)
    clauses.push(`${plural(pushed, "node")} it draws on ${pushed === 1 ? "enters" : "enter"} the heap`);
  if (rekeyed > 0) {
    const verb = rekeyed === 1 ? `${change}s` : change;
    clauses.push(
      pushed > 0
        ? `${rekeyed} already there ${verb}`
        : `${plural(rekeyed, "node")} already in the heap ${verb}`,
    );
  }
  if (effect.reached > 0) clauses.push(arrived(replay));
  if (clauses.length === 0) {
    clauses.push(
      trace.floor === null
        ? noChildren(trace, row)
        : `nothing it draws on reaches the floor of ${formatShare(trace.floor)}`,
    );
  }
  const absorbed = partOf(trace, (trace.absorbed[row] as number) - (trace.absorbed[row - 1] ?? 0));
  if (trace.conserved && Math.abs(absorbed) >= 0.001) {
    clauses.push(`${formatShare(absorbed)} of the ${wholeNoun(trace.target)} is absorbed`);
  }
  const sentence =
    clauses.length > 1
      ? `${clauses.slice(0, -1).join("; ")}; ${clauses[clauses.length - 1]}`
      : (clauses[0] as string);
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
}

/** What of the input a row reached: positions, or squares of them. */
function arrived({ trace, effect: { reached } }: Replay): string {
  const is = reached === 1 ? "is" : "are";
  if (!hasSquares(trace)) return `${plural(reached, positionNoun(trace))} ${is} reached`;
  return `${plural(reached, "square")} of ${positionNoun(trace)}s ${is} reached`;
}

/** Why a pop changes no key, in a heap that held all nodes from the start. */
function noChildren(trace: Trace, row: number): string {
  if (!trace.inputInHeap) return "nothing enters the heap";
  return (trace.popNode[row] as number) < trace.inputCount
    ? "the input has no children"
    : "all its children were popped before";
}

/** How many of the first positions a row made certain, if it did; once nothing is on its way, that says nothing new. */
function nowCertain(trace: Trace, row: number): string {
  const count = trace.certain[row] as number;
  if (count <= (trace.certain[row - 1] ?? 0) || row + 1 === trace.finishEnd) return "";
  const noun = positionNoun(trace);
  return count === 1
    ? ` The first ${noun} is certain now: nothing on its way can displace it.`
    : ` The first ${plural(count, noun)} are certain now: nothing on its way can displace them.`;
}

/** What follows the last row before the collect phase. */
function nowCollect(trace: Trace, row: number): string {
  if (row + 1 === trace.steps) return " The walk ends here.";
  return ` Now the ${plural(trace.steps - trace.finishEnd, positionNoun(trace))} form a heap of their own.`;
}

function finishRow(replay: Replay, row: number): Part[] {
  const { trace, effect } = replay;
  const first = row === trace.walkEnd;
  const reached = effect.reached > 0 ? `; ${arrived(replay)}` : "";
  const parts: Part[] = [
    { text: first ? `The walk is over${popsInAll(replay)}. What is left in ` : "What is left in " },
    { text: layerOf(trace, trace.popNode[row] as number).label, kind: "popped" },
    { text: `, ${formatKey(trace.popMass[row] as number)} in all, is passed on at once${reached}.` },
  ];
  if (row + 1 === trace.finishEnd && row + 1 < trace.steps) parts.push({ text: nowCollect(trace, row) });
  return parts;
}

/** How many pops the walk took, and how many of them for what had come too late for an earlier one. */
function popsInAll({ trace, repops }: Replay): string {
  if (trace.walkEnd === 0) return "";
  const again = repops === 0 ? "" : `, ${formatCount(repops)} of them of nodes popped before`;
  return ` after ${plural(trace.walkEnd, "pop")}${again}`;
}

function collectRow(replay: Replay, row: number): Part[] {
  const { trace } = replay;
  const label = nodeLabel(trace, trace.popNode[row] as number);
  const rank = row - trace.finishEnd + 1;
  const superlative = rank === 1 ? extreme(trace, row) : `${ordinal(rank)} ${extreme(trace, row)}`;
  return [
    { text: label.charAt(0).toUpperCase() + label.slice(1), kind: "popped" },
    { text: ` has the ${superlative} ${keyNoun(trace)}, ${formatKey(trace.popMass[row] as number)}` },
    ...tieParts(replay),
    { text: rank === 1 ? lowestFirst(trace) : "" },
    { text: signChange(trace, row) },
    { text: row + 1 === trace.steps ? ". It was the last: the heap is empty." : "." },
  ];
}

/** Why the smallest contribution comes first. */
const lowestFirst = (trace: Trace): string =>
  trace.conserved && trace.collectAscending
    ? `: the ${wholeNoun(trace.target)} is negative, so what lowers it most comes first`
    : "";

/** What contributions of this sign do, told where the first of them is popped, if they are parts of a change. */
function signChange(trace: Trace, row: number): string {
  const value = trace.popMass[row] as number;
  const before = row > trace.finishEnd ? (trace.popMass[row - 1] as number) : 0;
  if (!trace.conserved || trace.target.baseline === null || Math.sign(value) === Math.sign(before)) return "";
  return `; ${row > trace.finishEnd ? "from here on " : ""}it ${effect(trace.target, value)}`;
}

/** A mass as a share of the target's magnitude. */
export function shareOf(trace: Trace, mass: number): number {
  return trace.target.change === 0 ? 0 : mass / Math.abs(trace.target.change);
}

/** Relevance as a part of the target: of a negative target's, all of it is negative. */
export function partOf(trace: Trace, relevance: number): number {
  return shareOf(trace, relevance) * Math.sign(trace.target.change) + 0;
}

/** The title line after the target's label, at the replay's step. */
export function summary(replay: Replay): string {
  const { trace, row } = replay;
  const value = targetWorth(trace.target);
  const method = trace.method.replaceAll("_", " ");
  if (trace.inputInHeap) return `${value} · the article's five steps: keys are added, not conserved`;
  if (!trace.conserved) {
    const what = trace.method === "gradient" ? `gradient of the ${targetNoun(trace.target)}` : method;
    const order = trace.ascending ? "smallest first, " : "";
    return `${value} · ${what}, ${order}keys are not shares`;
  }
  const rule = trace.rule === null ? method : `${method}, ${ruleLabel(trace.rule)}`;
  const absorbed = partOf(trace, trace.absorbed[row] ?? 0);
  const claims = [
    onInput(trace, row),
    absorbed === 0 ? "" : `${formatShare(absorbed)} absorbed`,
    certified(trace, row),
    certainFirst(trace, row),
  ].filter((claim) => claim !== "");
  return `${value} · ${rule} · ${claims.join(", ")}`;
}

/** How much has reached the input after a row. */
function onInput(trace: Trace, row: number): string {
  const share = formatShare(partOf(trace, trace.explained[row] ?? 0));
  const noun = positionNoun(trace);
  return `${share} on ${noun === nouns.position ? "the input" : `${noun}s`}`;
}

/** The error certified after a row, or nothing. */
export function certified(trace: Trace, row: number): string {
  // Nothing is certified before the first pop, nor where nothing walked: other methods have errors of their own.
  const bound = row < 0 || trace.finishEnd === 0 ? Number.NaN : (trace.bound[row] as number);
  if (!Number.isFinite(bound)) return "";
  const share = Math.abs(shareOf(trace, bound));
  // A bound of float noise is none: the contributions are those of the full pass.
  return share < rounding.noise ? "exact" : `error ≤ ${formatBound(share)}`;
}

/** How many of the first positions are certain after a row of the walk, if any is. */
function certainFirst(trace: Trace, row: number): string {
  const count = row < trace.walkEnd ? (trace.certain[row] ?? 0) : 0;
  return count > 0 ? `first ${formatCount(count)} certain` : "";
}

/** The words beside the cursor of the curve. */
export function curveLabel(trace: Trace, step: number, popped: number): string {
  if (!trace.conserved) {
    if (step === 0) return "nothing popped yet";
    const all = formatCount(trace.steps);
    return `${formatKey(trace.popMass[step - 1] as number)} · ${ordinal(step)} of ${all}`;
  }
  if (step > trace.finishEnd)
    return `${formatShare(popped)} in ${plural(step - trace.finishEnd, positionNoun(trace))}`;
  const claims = [onInput(trace, step - 1), certified(trace, step - 1), certainFirst(trace, step - 1)];
  return claims.filter((claim) => claim !== "").join(" · ");
}
