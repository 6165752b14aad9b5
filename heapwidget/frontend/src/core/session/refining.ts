/** Asking Python for more pops: how that stands, in words for the screen. */

import type { Trace } from "../trace/trace";
import { formatCount, formatShare, plural } from "../words/format";
import { certified } from "../words/narration";

export type Refining =
  /** Python has been asked whether it is there. */
  | { readonly kind: "asked" }
  | { readonly kind: "impossible"; readonly reason: string }
  /** `said` tells how the last attempt ended. */
  | { readonly kind: "ready"; readonly pending: boolean; readonly said: string }
  | { readonly kind: "running"; readonly done: number; readonly of: number };

/** What can be asked of Python; a page without it asks nothing. */
export interface Kernel {
  /** Asks whether it is there. */
  hello(): void;
  refine(pops: number): void;
}

export const NO_KERNEL: Refining = {
  kind: "impossible",
  reason: "This page stands on its own: more pops need Python, in the notebook where the walk was made.",
};

/** Whether there is a walk that could go on. */
export const hasWalk = (trace: Trace): boolean => trace.method === "relevance" && trace.floor !== null;

/** Where the walk stands, and what more pops would do. */
export function outlook(trace: Trace, refining: Refining): string {
  const floor = trace.floor ?? 0;
  const claim = certified(trace, trace.walkEnd - 1);
  const walked = `The walk has ${plural(trace.walkEnd, "pop")}${claim ? `, ${claim}` : ""}.`;
  if (refining.kind !== "ready") return walked;
  return refining.pending
    ? `${walked} It goes on with the nodes that are left in the heap.`
    : `${walked} Nothing above the floor of ${formatShare(floor)} is left; it goes on with a floor of ${formatShare(floor / 10)}.`;
}

/** How it went, once a longer walk is there. */
export function outcome(before: Trace, after: Trace): string {
  const more = after.walkEnd - before.walkEnd;
  if (more === 0) return "No pop was added: the heap is empty.";
  const [was, is] = [before, after].map((trace) => certified(trace, trace.walkEnd - 1));
  const claim = is && is !== was ? `: ${is}${was ? `, before ${was.replace("error ", "")}` : ""}` : "";
  return `${formatCount(more)} more ${more === 1 ? "pop" : "pops"}${claim}.`;
}

/** The word on the button that leads here. */
export function progressWord(refining: Refining): string {
  if (refining.kind !== "running") return "Refine";
  const { done, of } = refining;
  return `Refining ${Math.floor((100 * done) / Math.max(of, 1))} %`;
}
