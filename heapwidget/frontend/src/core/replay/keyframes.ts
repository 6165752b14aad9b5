/** States saved along a trace, so that any other is near one of them. Recorded as they are needed, or ahead of that. */

import { TraceError } from "../trace/error";
import { rankOf } from "../trace/sorted";
import type { Trace } from "../trace/trace";
import type { Keyframe, State } from "./state";

/** Keyframes at most, and work between two of them at least: bounds memory and the time of a seek. */
const MAX_KEYFRAMES = 96;
const MIN_SPACING = 4096;
/** Bytes that all of them may take. */
const BUDGET = 2e8;
const BYTES_A_NODE = 8;
/** Rows between two looks at the clock. */
const BATCH = 256;

export class Keyframes {
  readonly #trace: Trace;
  /** Saved, by ascending step; the first is step 0. */
  readonly #frames: Keyframe[] = [];
  readonly #steps: number[] = [];
  /** Runs ahead and is saved now and then; gone when it has reached the end. */
  #recorder: State | null;
  /** Work between two frames, and work done since the last. */
  readonly #spacing: number;
  #cost = 0;

  constructor(trace: Trace, recorder: State, largestHeap: number) {
    this.#trace = trace;
    this.#recorder = recorder;
    const affordable = BUDGET / (BYTES_A_NODE * largestHeap + 4 * trace.inputCount + 1);
    const frames = Math.min(Math.max(affordable, 8), MAX_KEYFRAMES);
    this.#spacing = Math.max(MIN_SPACING, Math.ceil(workOf(trace) / frames));
    recorder.start();
    this.#save(recorder);
  }

  /** Whether all of the trace was recorded, and so checked. */
  get complete(): boolean {
    return this.#recorder === null;
  }

  /** The last one that is not after a step; records up to there if need be. */
  before(step: number): Keyframe {
    this.record(step, Number.POSITIVE_INFINITY);
    return this.#frames[rankOf(this.#steps, step) - 1] as Keyframe;
  }

  /** Records up to a step, or for so many milliseconds; refuses a trace whose pops are not those of its heap. */
  record(step: number, milliseconds: number): void {
    const recorder = this.#recorder;
    const { steps, finishEnd, logOffset } = this.#trace;
    const last = Math.min(step, steps);
    const end = milliseconds === Number.POSITIVE_INFINITY ? milliseconds : performance.now() + milliseconds;
    while (recorder && recorder.step < last) {
      const row = recorder.step;
      if (row % BATCH === 0 && end !== Number.POSITIVE_INFINITY && performance.now() >= end) return;
      this.#check(recorder, row);
      recorder.apply(row);
      this.#cost += 4 + (logOffset[row + 1] as number) - (logOffset[row] as number);
      if (this.#cost >= this.#spacing || row + 1 === finishEnd) this.#save(recorder);
    }
    if (recorder && recorder.step === steps) this.#recorder = null;
  }

  #check({ heap }: State, row: number): void {
    const { popNode, popMass, walkEnd, finishEnd } = this.#trace;
    const popped = row < walkEnd || row >= finishEnd;
    // `===` takes 0 and -0 for the same key.
    const isRoot = heap.size > 0 && heap.nodeAt(0) === popNode[row] && heap.keyAt(0) === popMass[row];
    if (popped && !isRoot)
      throw new TraceError(`Row ${row} pops node ${popNode[row]}, which is not on top of the heap.`);
  }

  #save(state: State): void {
    const before = this.#frames[this.#frames.length - 1];
    // Rows without a log, as in the collect phase, leave the input as it is.
    const { logOffset, inputInHeap, finishEnd } = this.#trace;
    const collecting = before && before.step < finishEnd && state.step >= finishEnd;
    const same = before && !inputInHeap && !collecting && logOffset[before.step] === logOffset[state.step];
    const input = same ? before.input : state.input.slice();
    this.#frames.push({ step: state.step, heap: state.heap.save(), input });
    this.#steps.push(state.step);
    this.#cost = 0;
  }
}

/** Entries of the log, and rows, which cost more. */
export const workOf = (trace: Trace): number => trace.logNode.length + 4 * trace.steps;
