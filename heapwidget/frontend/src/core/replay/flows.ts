/**
 * The strongest flows of a walk so far: the ways from the target to the input by which most relevance has come.
 *
 * What has reached a position came from the nodes that sent it, and what each of these passed on came from those that
 * sent it to them before its last pop, each in its share, as if relevance mixed inside a node. So the flows that end in
 * a position add up to what it has received so far, and nothing that is still on its way, or dust, is counted.
 */

import { type Messages, TARGET } from "./messages";

export interface Flow {
  /** From the node that the target stands on to the input's. */
  readonly nodes: readonly number[];
  /** The part of what the last node has received that came this way. */
  readonly relevance: number;
}

/** Where relevance came from: the nodes that sent it, and each one's share. */
interface Source {
  readonly node: number;
  readonly share: number;
}

interface Way {
  /** The best flow that goes on from here. */
  readonly best: number;
  /** What flows along `nodes`. */
  readonly flow: number;
  readonly nodes: readonly number[];
}

/** The k strongest flows of the first `step` rows, strongest first; none where messages have signs. */
export function strongestFlows(messages: Messages, step: number, k: number): Flow[] {
  const { trace, signed } = messages;
  if (signed || !trace.conserved || trace.inputInHeap) return [];
  const end = Math.min(step, trace.walkEnd);
  const sources = new Map<number, Source[]>();
  const best = bestShares(messages, end, sources, k);
  const open: Way[] = [];
  for (let node = 0; node < trace.inputCount; node++) {
    for (const [source, amount] of messages.received(node, end))
      open.push({ best: amount * (best.get(source) ?? 0), flow: amount, nodes: [source, node] });
  }
  open.sort(byStrength);
  open.splice(k);
  const found: Flow[] = [];
  while (open.length > 0 && found.length < k) {
    const way = open.shift() as Way;
    const [top] = way.nodes as [number];
    if (top === TARGET) {
      if (way.flow > 0) found.push({ nodes: way.nodes.slice(1), relevance: way.flow });
      continue;
    }
    for (const { node, share } of sources.get(top) ?? []) {
      const flow = way.flow * share;
      open.push({ best: flow * (best.get(node) ?? 0), flow, nodes: [node, ...way.nodes] });
    }
    open.sort(byStrength);
    open.splice(k);
  }
  return found;
}

const byStrength = (a: Way, b: Way): number =>
  b.best - a.best || compare(a.nodes.slice().reverse(), b.nodes.slice().reverse());

function compare(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((node, at) => node !== b[at]);
  return i < 0 ? 0 : (a[i] as number) - (b[i] ?? TARGET);
}

/** The largest product of shares on any way from the target to each node that was popped; fills `sources`. */
function bestShares(
  messages: Messages,
  end: number,
  sources: Map<number, Source[]>,
  k: number,
): Map<number, number> {
  const { popNode } = messages.trace;
  const lastPop = new Map<number, number>();
  for (let row = 0; row < end; row++) lastPop.set(popNode[row] as number, row);
  const best = new Map([[TARGET, 1]]);
  // A node reads only nodes with smaller numbers: what sent it relevance was seen before.
  for (const node of [...lastPop.keys()].sort((a, b) => b - a)) {
    const received = messages.received(node, lastPop.get(node) as number);
    let all = 0;
    for (const amount of received.values()) all += amount;
    const shares = [...received]
      .map(([source, amount]) => ({ node: source, share: all > 0 ? amount / all : 0 }))
      .sort((a, b) => b.share * (best.get(b.node) ?? 0) - a.share * (best.get(a.node) ?? 0))
      .slice(0, k);
    sources.set(node, shares);
    const [first] = shares;
    best.set(node, first ? first.share * (best.get(first.node) ?? 0) : 0);
  }
  return best;
}
