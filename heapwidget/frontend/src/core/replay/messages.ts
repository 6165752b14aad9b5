/**
 * The messages of a walk, from its log: by how much each entry changed its node's key. What a node got while it was
 * dust is not logged; the message that lifts it over the floor stands for all of it, so that the messages that a node
 * got until its last pop add up to all that it has passed on.
 */

import { squareOf, squareSize } from "../trace/squares";
import type { Trace } from "../trace/trace";

/** The target, as the source of what the walk began with. */
export const TARGET = -1;

/** A key that fell by less than this part of it only lost digits. */
const NOISE = 1e-5;

export class Messages {
  readonly trace: Trace;
  /** What each entry of the walk's log brought its node. */
  readonly amount: Float32Array;
  /** Whether any message is negative: then shares are no parts of a whole. */
  readonly signed: boolean;
  /** Row of each entry. */
  readonly row: Uint32Array;
  /** The first entry that reached each node, and the next of each entry, all counted from 1; 0: there is none. */
  readonly #first: Uint32Array;
  readonly #next: Uint32Array;

  constructor(trace: Trace) {
    this.trace = trace;
    const { logNode, logKey, logOffset, popNode, walkEnd } = trace;
    const count = logOffset[walkEnd] as number;
    this.amount = new Float32Array(count);
    this.row = new Uint32Array(count);
    // A negative target's relevance is negative on the input, and counted positive on its way.
    const sign = trace.target.change < 0 ? -1 : 1;
    const keys = new Float64Array(trace.nodeCount);
    for (const [node, key] of trace.start) keys[node] = key;
    let signed = false;
    for (let row = 0; row < walkEnd; row++) {
      keys[popNode[row] as number] = 0;
      for (let i = logOffset[row] as number; i < (logOffset[row + 1] as number); i++) {
        const node = logNode[i] as number;
        const [before, after] = [keys[node] as number, logKey[i] as number];
        const amount = (node < trace.inputCount && !trace.inputInHeap ? sign : 1) * (after - before);
        const lost = amount < 0 && -amount <= NOISE * Math.max(Math.abs(before), Math.abs(after));
        signed ||= amount < 0 && !lost;
        this.amount[i] = lost ? 0 : amount;
        this.row[i] = row;
        keys[node] = after;
      }
    }
    this.signed = signed;
    [this.#first, this.#next] = byNode(logNode.subarray(0, count), trace.nodeCount);
  }

  /** What a node got from each source in the rows before `row`. */
  received(to: number, row: number): Map<number, number> {
    const sums = new Map<number, number>();
    // Of an input that is told by squares, what came to each position of the node's own.
    const node = to < this.trace.inputCount && !this.trace.inputInHeap ? squareOf(this.trace, to) : to;
    for (const [start, key] of this.trace.start) if (start === node) sums.set(TARGET, key);
    for (let at = this.#first[node] as number; at > 0; at = this.#next[at - 1] as number) {
      const entry = at - 1;
      const from = this.row[entry] as number;
      if (from >= row) break;
      const source = this.trace.popNode[from] as number;
      sums.set(source, (sums.get(source) ?? 0) + (this.amount[entry] as number));
    }
    return sums;
  }

  /** What each node got from the pops of the given rows. */
  sent(rows: Iterable<number>): Map<number, number> {
    const { logOffset, logNode, inputCount, inputInHeap } = this.trace;
    const sums = new Map<number, number>();
    for (const row of rows) {
      for (let i = logOffset[row] as number; i < (logOffset[row + 1] as number); i++) {
        const node = logNode[i] as number;
        const all = node < inputCount && !inputInHeap ? squareSize(this.trace, node) : 1;
        sums.set(node, (sums.get(node) ?? 0) + all * (this.amount[i] as number));
      }
    }
    return sums;
  }
}

/** The entries of each node as a chain, as they came: memory of nodes never reached is never touched. */
function byNode(nodes: Uint32Array, nodeCount: number): [first: Uint32Array, next: Uint32Array] {
  const [first, last, next] = [
    new Uint32Array(nodeCount),
    new Uint32Array(nodeCount),
    new Uint32Array(nodes.length),
  ];
  nodes.forEach((node, i) => {
    const before = last[node] as number;
    if (before > 0) next[before - 1] = i + 1;
    else first[node] = i + 1;
    last[node] = i + 1;
  });
  return [first, next];
}
