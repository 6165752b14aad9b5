/** Relevance popped at each node so far: goes forwards and backwards without rounding, a write for each row. */

import { layerIndex, type Trace } from "../trace/trace";

export class Passed {
  /** Popped so far, by node. */
  readonly mass: Float32Array;
  /** Largest magnitude in each layer, ever. */
  readonly largest: Float64Array;
  /** Whether any node ever passed on less than nothing. */
  readonly signed: boolean;
  readonly #trace: Trace;
  /** Row that popped the same node before, -1: none. */
  readonly #previous: Int32Array;
  /** Popped at the row's node until then, that row included. */
  readonly #total: Float32Array;
  #step = 0;

  constructor(trace: Trace, previousPop: Int32Array) {
    this.#trace = trace;
    this.#previous = previousPop;
    this.mass = new Float32Array(trace.nodeCount);
    this.#total = new Float32Array(trace.walkEnd);
    this.largest = new Float64Array(trace.layers.length);
    let signed = false;
    for (let row = 0; row < trace.walkEnd; row++) {
      const before = previousPop[row] as number;
      const total = (trace.popMass[row] as number) + (before < 0 ? 0 : (this.#total[before] as number));
      this.#total[row] = total;
      signed ||= total < 0;
      const layer = layerIndex(trace, trace.popNode[row] as number);
      this.largest[layer] = Math.max(this.largest[layer] as number, Math.abs(total));
    }
    this.signed = signed;
  }

  /** Goes to the state after `step` rows, and tells by how much each row on the way changes the mass of its node. */
  seek(step: number, changed: (row: number, by: number) => void): void {
    const { popNode } = this.#trace;
    const target = Math.min(step, this.#trace.walkEnd);
    const set = (row: number, mass: number) => {
      const node = popNode[row] as number;
      const old = this.mass[node] as number;
      this.mass[node] = mass;
      changed(row, mass - old);
    };
    for (; this.#step < target; this.#step++) set(this.#step, this.#total[this.#step] as number);
    while (this.#step > target) {
      const before = this.#previous[--this.#step] as number;
      set(this.#step, before < 0 ? 0 : (this.#total[before] as number));
    }
  }
}
