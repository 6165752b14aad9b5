/** What the curve shows: shares of the target over the steps, or the keys in pop order, cut to the screen's pixels. */

import type { Trace } from "../trace/trace";
import { series as called } from "../vocabulary/vocabulary";
import { partOf, shareOf } from "../words/narration";
import { extent } from "./decimate";

export type SeriesId = "dust" | "heap" | "absorbed" | "explained" | "popped" | "bound" | "keys";

/** A line over the steps 0..n; areas reach from it down to 0. */
export interface Series {
  readonly id: SeriesId;
  readonly label: string;
  readonly at: (step: number) => number;
  /** The height of an area alone, where others lie under it. */
  readonly own?: (step: number) => number;
}

export interface Chart {
  /** Areas on one another, plain lines where shares can be negative, or bare keys. */
  readonly kind: "stack" | "lines" | "keys";
  /** From the one at the back to the one in front. */
  readonly series: readonly Series[];
  /** Ends of the vertical axis. */
  readonly low: number;
  readonly high: number;
}

/** Float noise that does not make a share negative. */
const NOISE = 0.005;

export function chartOf(trace: Trace): Chart {
  if (!trace.conserved) return keyChart(trace);
  const share = (column: Float32Array, first: number) => (step: number) =>
    step === 0 ? first : partOf(trace, column[step - 1] as number);
  const explained = share(trace.explained, 0);
  const absorbed = share(trace.absorbed, 0);
  // A mass has no sign.
  const dust = (step: number) => (step === 0 ? 0 : shareOf(trace, trace.dust[step - 1] as number));
  const heap = (step: number) => 1 - explained(step) - absorbed(step) - dust(step);
  const popped = poppedShares(trace);
  const front: Series[] = [{ id: "explained", label: called.explained, at: explained }];
  if (trace.steps > trace.finishEnd)
    front.push({ id: "popped", label: called.popped, at: (step) => popped[step] as number });
  const bound: Series[] =
    trace.finishEnd > 0 ? [{ id: "bound", label: called.bound, at: boundShare(trace) }] : [];
  const parts = [explained, absorbed, dust, heap];
  if (parts.every((part) => extent(part, 0, trace.finishEnd + 1)[0] >= -NOISE)) {
    const gone = (step: number) => explained(step) + absorbed(step);
    const back: Series[] = [
      { id: "dust", label: called.dust, at: () => 1, own: dust },
      { id: "heap", label: called.heap, at: (step) => Math.max(1 - dust(step), gone(step)), own: heap },
      { id: "absorbed", label: called.absorbed, at: gone, own: absorbed },
    ];
    return { kind: "stack", series: [...back, ...front, ...bound], low: 0, high: 1 };
  }
  const left = (step: number) => 1 - explained(step) - absorbed(step);
  const back: Series[] = [
    { id: "absorbed", label: called.absorbed, at: absorbed },
    { id: "dust", label: called.dust, at: dust },
    { id: "heap", label: called.way, at: left },
  ];
  const series: Series[] = [...back, ...front, ...bound];
  const ranges = series.map((s) => extent(s.at, 0, trace.steps + 1));
  const low = Math.min(0, ...ranges.map(([least]) => least));
  const high = Math.max(1, ...ranges.map(([, most]) => most));
  return { kind: "lines", series, low: Math.max(low, -MOST), high: Math.min(high, MOST) };
}

/** A bound may begin at many times the target: the curve is not flattened for it. */
const MOST = 3;

function keyChart(trace: Trace): Chart {
  const at = (step: number) => trace.popMass[Math.max(step - 1, 0)] ?? 0;
  const [low, high] = extent(at, 0, trace.steps + 1);
  const series: Series[] = [{ id: "keys", label: called.keys, at }];
  return { kind: "keys", series, low: Math.min(low, 0), high: Math.max(high, 0) || (low < 0 ? 0 : 1) };
}

/** Certified error as a share; before the first pop nothing is certified but the whole. */
const boundShare = (trace: Trace) => (step: number) =>
  shareOf(trace, trace.bound[Math.max(step - 1, 0)] ?? 0);

/** Share of the target on the positions popped so far, at each step. */
function poppedShares(trace: Trace): Float32Array {
  const shares = new Float32Array(trace.steps + 1);
  let sum = 0;
  for (let step = trace.finishEnd + 1; step <= trace.steps; step++) {
    sum += trace.popMass[step - 1] as number;
    shares[step] = partOf(trace, sum);
  }
  return shares;
}

/** The steps of the walk after which more of the first positions are certain than before. */
export function settlingSteps({ certain, walkEnd }: Trace): number[] {
  const steps: number[] = [];
  for (let row = 0; row < walkEnd; row++)
    if ((certain[row] as number) > (certain[row - 1] ?? 0)) steps.push(row + 1);
  return steps;
}
