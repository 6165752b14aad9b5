/** The state after k pops, rebuilt from the trace: the heap, what has reached the input, what the last row touched. */

import { Heap, type HeapFrame } from "./heap";
import { type Trace, TraceError } from "./trace";

/** What the last row did to a node of the heap. */
export const Touch = { none: 0, pushed: 1, rekeyed: 2 } as const;

interface Keyframe {
  readonly step: number;
  readonly heap: HeapFrame;
  readonly input: Float32Array;
}

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

/** Keyframes at most, and log entries between two of them at least: bounds memory and the time of a seek. */
const MAX_KEYFRAMES = 96;
const MIN_SPACING = 4096;
/** Positions from which on outliers are cut off, and the share that is not. */
const MANY = 2048;
const OUTLIERS = 0.995;

export class Replay {
  readonly trace: Trace;
  readonly heap: Heap;
  /** Contribution so far of each input position; 0: none. */
  readonly input: Float32Array;
  /** `Touch` of each node by the last row. */
  readonly touch: Uint8Array;
  /** Row of the collect phase that pops a position, -1: none. */
  readonly collectRow: Int32Array;
  /** Row that popped the same node before, -1: none (walk rows only). */
  readonly previousPop: Int32Array;
  /** How much each entry of the last row's log added to its node's key (walk rows only). */
  messages: number[] = [];
  readonly effect: RowEffect = { pushed: 0, rekeyed: 0, shrank: 0, reached: 0, tie: -1 };
  /** Largest number of nodes the heap ever holds. */
  readonly largestHeap: number;
  /** Magnitude that gets the strongest colour: the largest in the end, or of many the 99.5th percentile. */
  readonly inputScale: number;
  /** Whether there are larger magnitudes than `inputScale`. */
  readonly clipped: boolean;
  /** Whether any contribution, or any collected key, is negative. */
  readonly signed: boolean;
  /** State shown. */
  #step = 0;
  /** Nodes below this are collected as they are reached: they never lie in the heap of the walk. */
  readonly #collected: number;
  /** States saved, by ascending step; the first is step 0. */
  readonly #frames: Keyframe[] = [];
  /** Rows of the collect phase by ascending node id. */
  readonly #collect: Uint32Array;

  constructor(trace: Trace) {
    this.trace = trace;
    this.#collected = trace.inputInHeap ? 0 : trace.inputCount;
    this.heap = new Heap(trace.nodeCount, trace.ascending);
    this.input = new Float32Array(trace.inputCount);
    this.touch = new Uint8Array(trace.nodeCount);
    this.collectRow = new Int32Array(trace.inputCount).fill(-1);
    this.previousPop = findPreviousPops(trace);
    for (let row = trace.finishEnd; row < trace.steps; row++)
      this.collectRow[trace.popNode[row] as number] = row;
    this.#collect = collectInIdOrder(this.collectRow, trace.steps - trace.finishEnd);
    this.largestHeap = this.#record();
    const { scale, largest, signed } = this.#inputRange();
    this.inputScale = scale;
    this.clipped = scale < largest;
    this.signed = signed;
    this.seek(0);
  }

  get step(): number {
    return this.#step;
  }

  /** Moves to the state after `step` rows. */
  seek(step: number): void {
    if (step === this.#step) return;
    // One row at least is replayed, so that `touch` and `effect` are those of the last row.
    const frame = this.#frameBefore(Math.max(step - 1, 0));
    if (this.#step > step || this.#step < frame.step || step === 0) this.#restore(frame);
    while (this.#step < step - 1) this.#apply(this.#step);
    this.#forget();
    if (step > 0) this.#applyMarking(step - 1);
  }

  /** Whether a node that is logged goes into the heap; others are just counted as reached. */
  entersHeap(node: number): boolean {
    return node >= this.#collected;
  }

  /** The rows in which the last pop was logged: row of the shown state, or -1 at step 0. */
  get row(): number {
    return this.#step - 1;
  }

  /** Replays everything once: saves keyframes, and refuses a trace whose pops are not those of its heap. */
  #record(): number {
    const { trace } = this;
    for (const [node, key] of trace.start) this.heap.push(node, key);
    if (trace.finishEnd === 0) this.#startCollect();
    const spacing = Math.max(
      MIN_SPACING,
      Math.ceil((trace.logNode.length + 4 * trace.steps) / MAX_KEYFRAMES),
    );
    let largest = this.heap.size;
    let cost = 0;
    this.#save();
    for (let row = 0; row < trace.steps; row++) {
      const checked = row < trace.walkEnd || row >= trace.finishEnd;
      if (checked && (this.heap.size === 0 || this.heap.nodeAt(0) !== trace.popNode[row])) {
        throw new TraceError(`Row ${row} pops node ${trace.popNode[row]}, which is not on top of the heap.`);
      }
      this.#apply(row);
      largest = Math.max(largest, this.heap.size);
      cost += 4 + (trace.logOffset[row + 1] as number) - (trace.logOffset[row] as number);
      if (cost >= spacing || row + 1 === trace.finishEnd) {
        this.#save();
        cost = 0;
      }
    }
    return largest;
  }

  #inputRange(): { scale: number; largest: number; signed: boolean } {
    const { trace, input } = this;
    let low = 0;
    let high = 0;
    const collected = trace.popMass.subarray(trace.finishEnd);
    for (const values of [input, collected]) {
      for (const value of values) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    const largest = Math.max(high, -low) || 1;
    // A few outliers among many would leave all the others pale.
    const many =
      input.length >= MANY
        ? Math.max(
            percentile(input.map(Math.abs), OUTLIERS),
            percentile(collected.map(Math.abs), OUTLIERS),
          ) || largest
        : largest;
    return { scale: Math.min(many, largest), largest, signed: low < 0 };
  }

  #save(): void {
    this.#frames.push({ step: this.#step, heap: this.heap.save(), input: this.input.slice() });
  }

  #frameBefore(step: number): Keyframe {
    let low = 0;
    let high = this.#frames.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#frames[middle] as Keyframe).step <= step) low = middle;
      else high = middle - 1;
    }
    return this.#frames[low] as Keyframe;
  }

  #restore(frame: Keyframe): void {
    this.#forget();
    this.#step = frame.step;
    this.heap.restore(frame.heap);
    this.input.set(frame.input);
  }

  /** Clears the marks of the row shown last. */
  #forget(): void {
    this.touch.fill(0);
    this.messages = [];
    Object.assign(this.effect, { pushed: 0, rekeyed: 0, shrank: 0, reached: 0, tie: -1 });
  }

  #apply(row: number): void {
    const { trace, heap, input } = this;
    if (row < trace.walkEnd || row >= trace.finishEnd) heap.pop();
    else heap.clear();
    const popped = trace.popNode[row] as number;
    if (trace.inputInHeap && popped < trace.inputCount) input[popped] = trace.popMass[row] as number;
    const end = trace.logOffset[row + 1] as number;
    for (let i = trace.logOffset[row] as number; i < end; i++) {
      const node = trace.logNode[i] as number;
      const key = trace.logKey[i] as number;
      if (node < this.#collected) input[node] = key;
      else if (heap.cellOf(node) >= 0) heap.rekey(node, key);
      else heap.push(node, key);
    }
    this.#step = row + 1;
    if (row + 1 === trace.finishEnd) this.#startCollect();
  }

  #applyMarking(row: number): void {
    const { trace, heap, effect, touch } = this;
    const end = trace.logOffset[row + 1] as number;
    if (row < trace.walkEnd || row >= trace.finishEnd) effect.tie = this.#tie();
    for (let i = trace.logOffset[row] as number; i < end; i++) {
      const node = trace.logNode[i] as number;
      if (row < trace.walkEnd) this.messages.push((trace.logKey[i] as number) - this.#keyBefore(row, node));
      if (node < this.#collected) {
        effect.reached++;
      } else if (touch[node] === Touch.none) {
        const cell = node === trace.popNode[row] ? -1 : heap.cellOf(node);
        touch[node] = cell >= 0 ? Touch.rekeyed : Touch.pushed;
        if (cell < 0) effect.pushed++;
        else {
          effect.rekeyed++;
          const change = (trace.logKey[i] as number) - heap.keyAt(cell);
          if (trace.ascending ? change > 0 : change < 0) effect.shrank++;
        }
      }
    }
    this.#apply(row);
  }

  /** Key of a node before a row that logs it; of what was not in the heap nothing is known, so 0. */
  #keyBefore(row: number, node: number): number {
    if (node < this.#collected) return this.input[node] as number;
    const cell = node === this.trace.popNode[row] ? -1 : this.heap.cellOf(node);
    return cell < 0 ? 0 : this.heap.keyAt(cell);
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

  #startCollect(): void {
    const { trace, heap } = this;
    heap.clear();
    for (const row of this.#collect) heap.push(trace.popNode[row] as number, trace.popMass[row] as number);
  }
}

function percentile(values: Float32Array, share: number): number {
  return values.sort()[Math.floor((values.length - 1) * share)] ?? 0;
}

function findPreviousPops(trace: Trace): Int32Array {
  const last = new Int32Array(trace.nodeCount).fill(-1);
  const previous = new Int32Array(trace.walkEnd);
  for (let row = 0; row < trace.walkEnd; row++) {
    const node = trace.popNode[row] as number;
    previous[row] = last[node] as number;
    last[node] = row;
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
