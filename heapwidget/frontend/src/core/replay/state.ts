/** What a trace says row by row, carried out: the heap, and what has reached the input. No more, so that it is fast. */

import { fillSquare, hasSquares } from "../trace/squares";
import type { Trace } from "../trace/trace";
import { Heap, type HeapFrame } from "./heap";
import { type Order, type Orders, ordersOf } from "./order";

export interface Keyframe {
  readonly step: number;
  readonly heap: HeapFrame;
  readonly input: Float32Array;
}

export class State {
  readonly heap: Heap;
  /** Contribution so far of each input position; 0: none. */
  readonly input: Float32Array;
  step = 0;
  readonly #trace: Trace;
  readonly #orders: Orders;
  readonly #squares: boolean;
  /** Nodes below this are collected as they are reached: they never lie in the heap of the walk. */
  readonly collected: number;
  /** Rows of the collect phase by ascending node id. */
  readonly #collect: Uint32Array;

  constructor(trace: Trace, collect: Uint32Array) {
    this.#trace = trace;
    this.#collect = collect;
    this.collected = trace.inputInHeap ? 0 : trace.inputCount;
    this.#orders = ordersOf(trace);
    this.#squares = hasSquares(trace);
    this.heap = new Heap(trace.nodeCount, this.#orders.walk);
    this.input = new Float32Array(trace.inputCount);
  }

  /** Goes to the state before the first row. */
  start(): void {
    this.step = 0;
    this.input.fill(0);
    this.heap.restart(this.#orders.walk);
    for (const [node, key] of this.#trace.start) this.heap.push(node, key);
    if (this.#trace.finishEnd === 0) this.#startCollect();
  }

  apply(row: number): void {
    const { heap, input } = this;
    const trace = this.#trace;
    if (row < trace.walkEnd || row >= trace.finishEnd) heap.pop();
    else heap.clear();
    const popped = trace.popNode[row] as number;
    if (trace.inputInHeap && popped < trace.inputCount) input[popped] = trace.popMass[row] as number;
    const end = trace.logOffset[row + 1] as number;
    for (let i = trace.logOffset[row] as number; i < end; i++) {
      const node = trace.logNode[i] as number;
      const key = trace.logKey[i] as number;
      if (node < this.collected) this.#arrive(node, key);
      else if (heap.cellOf(node) >= 0) heap.rekey(node, key);
      else heap.push(node, key);
    }
    this.step = row + 1;
    if (row + 1 === trace.finishEnd) this.#startCollect();
  }

  restore(frame: Keyframe): void {
    this.step = frame.step;
    this.heap.restore(frame.heap, this.orderAt(frame.step));
    this.input.set(frame.input);
  }

  #arrive(node: number, key: number): void {
    if (this.#squares) fillSquare(this.#trace, this.input, node, key);
    else this.input[node] = key;
  }

  /** The order of the heap before a row. */
  orderAt(row: number): Order {
    return row < this.#trace.finishEnd ? this.#orders.walk : this.#orders.collect;
  }

  #startCollect(): void {
    const { popNode, popMass } = this.#trace;
    this.heap.restart(this.#orders.collect);
    // Of squares only their means were told.
    if (this.#squares) this.input.fill(0);
    for (const row of this.#collect) {
      const [node, key] = [popNode[row] as number, popMass[row] as number];
      this.heap.push(node, key);
      if (this.#squares) this.input[node] = key;
    }
  }
}
