/** The state after k pops, rebuilt from the trace: the heap, what has reached the input, what the last row touched. */

import type { Trace } from "../trace/trace";
import { scale as shared } from "../vocabulary/vocabulary";
import type { Heap } from "./heap";
import { Keyframes, workOf } from "./keyframes";
import { Messages } from "./messages";
import type { Order } from "./order";
import { State } from "./state";

/** What the last row did to a node of the heap; lowered: re-keyed, away from the top. */
export const Touch = { none: 0, pushed: 1, rekeyed: 2, lowered: 3 } as const;

/** What the row before the current step did. */
export interface RowEffect {
  pushed: number;
  rekeyed: number;
  /** Re-keyed nodes whose key moved away from the top. */
  shrank: number;
  /** Input positions whose contribution changed. */
  reached: number;
  /** A node that had the same key as the popped one, or -1. */
  tie: number;
}

/** A trace that takes no more work than this is recorded, and checked, at once. */
const AT_ONCE = 400_000;
/** A state that is no further ahead than this is reached without a keyframe. */
const NEAR = 64;
/** Of more positions a sample tells which are outliers. */
const SAMPLE = 100_000;

export class Replay {
  readonly trace: Trace;
  /** `Touch` of each node by the last row. */
  readonly touch: Uint8Array;
  /** Row of the collect phase that pops a position, -1: none. */
  readonly collectRow: Int32Array;
  /** Row that popped the same node before, -1: none (walk rows only). */
  readonly previousPop: Int32Array;
  /** How many pops of the walk were of nodes popped before. */
  readonly repops: number;
  readonly effect: RowEffect = { pushed: 0, rekeyed: 0, shrank: 0, reached: 0, tie: -1 };
  /** Largest number of nodes the heap ever holds. */
  readonly largestHeap: number;
  /** Magnitude that gets the strongest colour: the largest in the end, or of many the 99.5th percentile. */
  readonly inputScale: number;
  /** Whether there are larger magnitudes than `inputScale`. */
  readonly clipped: boolean;
  /** Whether any contribution, or any collected key, is negative. */
  readonly signed: boolean;
  /** The state shown. */
  readonly #state: State;
  #messages: Messages | null = null;
  /** Nodes that the last row may have marked. */
  #marked: Uint32Array = new Uint32Array();
  /** States to go on from. */
  readonly #keyframes: Keyframes;

  constructor(trace: Trace) {
    this.trace = trace;
    this.touch = new Uint8Array(trace.nodeCount);
    this.collectRow = new Int32Array(trace.inputCount).fill(-1);
    this.previousPop = findPreviousPops(trace);
    this.repops = this.previousPop.reduce((n, before) => n + (before < 0 ? 0 : 1), 0);
    for (let row = trace.finishEnd; row < trace.steps; row++)
      this.collectRow[trace.popNode[row] as number] = row;
    const collect = collectInIdOrder(this.collectRow, trace.steps - trace.finishEnd);
    this.#state = new State(trace, collect);
    this.largestHeap = findLargestHeap(trace, this.#state.collected);
    const { scale, largest, signed } = inputRange(trace, this.#state.collected);
    this.inputScale = scale;
    this.clipped = scale < largest;
    this.signed = signed;
    this.#keyframes = new Keyframes(trace, new State(trace, collect), this.largestHeap);
    if (workOf(trace) <= AT_ONCE) this.#keyframes.record(trace.steps, Number.POSITIVE_INFINITY);
    this.#state.restore(this.#keyframes.before(0));
  }

  /** What the pops of the walk brought to others; worked out when it is first asked for. */
  get messages(): Messages {
    this.#messages ??= new Messages(this.trace);
    return this.#messages;
  }

  get heap(): Heap {
    return this.#state.heap;
  }

  /** Contribution so far of each input position; 0: none. */
  get input(): Float32Array {
    return this.#state.input;
  }

  get step(): number {
    return this.#state.step;
  }

  /** Moves to the state after `step` rows. */
  seek(step: number): void {
    const state = this.#state;
    if (step === state.step) return;
    // One row at least is replayed, so that `touch` and `effect` are those of the last row.
    const target = Math.max(step - 1, 0);
    const near = state.step <= target && target - state.step <= NEAR;
    const frame = near ? null : this.#keyframes.before(target);
    if (frame && (state.step > target || state.step < frame.step)) state.restore(frame);
    this.#forget();
    while (state.step < target) state.apply(state.step);
    if (step > 0) this.#applyMarking(step - 1);
  }

  /** Prepares for seeks, for so many milliseconds; false: all is prepared. */
  prepare(milliseconds: number): boolean {
    if (!this.#keyframes.complete) this.#keyframes.record(this.trace.steps, milliseconds);
    return !this.#keyframes.complete;
  }

  /** Whether a node that is logged goes into the heap; others are just counted as reached. */
  entersHeap(node: number): boolean {
    return node >= this.#state.collected;
  }

  /** The order of the heap that the row after the shown state pops from. */
  get order(): Order {
    return this.#state.orderAt(this.step);
  }

  /** The rows in which the last pop was logged: row of the shown state, or -1 at step 0. */
  get row(): number {
    return this.step - 1;
  }

  /** Clears the marks of the row shown last. */
  #forget(): void {
    for (const node of this.#marked) this.touch[node] = Touch.none;
    Object.assign(this.effect, { pushed: 0, rekeyed: 0, shrank: 0, reached: 0, tie: -1 });
  }

  #applyMarking(row: number): void {
    const { trace, heap, effect, touch } = this;
    const end = trace.logOffset[row + 1] as number;
    this.#marked = trace.logNode.subarray(trace.logOffset[row], end);
    const byKey = row < trace.walkEnd ? trace.classTop === null : row >= trace.finishEnd;
    if (byKey) effect.tie = this.#tie();
    for (let i = trace.logOffset[row] as number; i < end; i++) {
      const node = trace.logNode[i] as number;
      if (node < this.#state.collected) {
        effect.reached++;
      } else if (touch[node] === Touch.none) {
        const cell = node === trace.popNode[row] ? -1 : heap.cellOf(node);
        touch[node] = cell >= 0 ? Touch.rekeyed : Touch.pushed;
        if (cell < 0) effect.pushed++;
        else {
          effect.rekeyed++;
          const change = (trace.logKey[i] as number) - heap.keyAt(cell);
          if (trace.ascending ? change > 0 : change < 0) {
            effect.shrank++;
            touch[node] = Touch.lowered;
          }
        }
      }
    }
    this.#state.apply(row);
  }

  /** The runner-up, if its key is that of the root. */
  #tie(): number {
    const { heap } = this;
    let tie = -1;
    for (let cell = 1; cell < Math.min(3, heap.size); cell++) {
      if (heap.keyAt(cell) === heap.keyAt(0) && (tie < 0 || heap.nodeAt(cell) < tie)) tie = heap.nodeAt(cell);
    }
    return tie;
  }
}

/** Magnitude and sign of what reaches the input in the end, and of what is collected. */
function inputRange(trace: Trace, collected: number): { scale: number; largest: number; signed: boolean } {
  const input = new Float32Array(trace.inputCount);
  const { logNode, logKey } = trace;
  for (let i = 0; i < logNode.length; i++) {
    if ((logNode[i] as number) < collected) input[logNode[i] as number] = logKey[i] as number;
  }
  if (trace.inputInHeap) {
    for (let row = 0; row < trace.walkEnd; row++) {
      const node = trace.popNode[row] as number;
      if (node < trace.inputCount) input[node] = trace.popMass[row] as number;
    }
  }
  let low = 0;
  let high = 0;
  const keys = trace.popMass.subarray(trace.finishEnd);
  for (const values of [input, keys]) {
    for (const value of values) {
      if (value < low) low = value;
      else if (value > high) high = value;
    }
  }
  const largest = Math.max(high, -low) || 1;
  // A few outliers among many would leave all the others pale.
  const many =
    input.length >= shared.many
      ? Math.max(
          percentile(input.map(Math.abs), shared.percentile),
          percentile(keys.map(Math.abs), shared.percentile),
        ) || largest
      : largest;
  return { scale: Math.min(many, largest), largest, signed: low < 0 };
}

/** Largest number of nodes that the heap ever holds: who is in it is known without knowing where. */
function findLargestHeap(trace: Trace, collected: number): number {
  const held = new Uint8Array(trace.nodeCount);
  for (const [node] of trace.start) held[node] = 1;
  let size = trace.start.length;
  let largest = size;
  for (let row = 0; row < trace.walkEnd; row++) {
    held[trace.popNode[row] as number] = 0;
    size--;
    for (let i = trace.logOffset[row] as number; i < (trace.logOffset[row + 1] as number); i++) {
      const node = trace.logNode[i] as number;
      if (node < collected || held[node] === 1) continue;
      held[node] = 1;
      size++;
    }
    largest = Math.max(largest, size);
  }
  return Math.max(largest, trace.steps - trace.finishEnd);
}

/** Of very many values, those of an even sample of them. */
function percentile(all: Float32Array, share: number): number {
  const stride = Math.ceil(all.length / SAMPLE);
  const values = stride > 1 ? all.filter((_, i) => i % stride === 0) : all;
  return values.sort()[Math.floor((values.length - 1) * share)] ?? 0;
}

function findPreviousPops(trace: Trace): Int32Array {
  // Rows are counted from 1, so that memory of nodes never popped is never touched.
  const last = new Int32Array(trace.nodeCount);
  const previous = new Int32Array(trace.walkEnd);
  for (let row = 0; row < trace.walkEnd; row++) {
    const node = trace.popNode[row] as number;
    previous[row] = (last[node] as number) - 1;
    last[node] = row + 1;
  }
  return previous;
}

function collectInIdOrder(collectRow: Int32Array, count: number): Uint32Array {
  const rows = new Uint32Array(count);
  let n = 0;
  for (let node = 0; node < collectRow.length; node++) {
    const row = collectRow[node] as number;
    if (row >= 0) rows[n++] = row;
  }
  return rows.subarray(0, n);
}
