/** CPython's heapq, operation by operation, with the place of each node kept so that keys can change. */

import type { Order } from "./order";

export interface HeapFrame {
  readonly nodes: Uint32Array;
  /** In single precision where that is exact, as for all keys of a trace. */
  readonly keys: Float64Array | Float32Array;
}

/** What a view of a heap needs to know. */
export interface HeapLike {
  readonly size: number;
  nodeAt(cell: number): number;
  keyAt(cell: number): number;
  /** Cell of a node, or -1. */
  cellOf(node: number): number;
}

/** A heap of (rank, node) pairs, smallest first; an order says which rank a node has with its key. */
export class Heap implements HeapLike {
  /** Number of nodes held. */
  #size = 0;
  /** Node in each cell. */
  #nodes = new Uint32Array(64);
  /** Rank in each cell, and the key that gave it. */
  #ranks = new Float64Array(64);
  #keys = new Float64Array(64);
  /** Cell of each node, counted from 1; 0 where it is not in the heap: memory of nodes never reached is never touched. */
  readonly #cell: Int32Array;
  #order: Order;

  constructor(nodeCount: number, order: Order) {
    this.#cell = new Int32Array(nodeCount);
    this.#order = order;
  }

  get size(): number {
    return this.#size;
  }

  /** Cell of a node, or -1. */
  cellOf(node: number): number {
    return (this.#cell[node] ?? 0) - 1;
  }

  nodeAt(cell: number): number {
    return this.#nodes[cell] as number;
  }

  keyAt(cell: number): number {
    return this.#keys[cell] as number;
  }

  push(node: number, key: number): void {
    if (this.#size === this.#nodes.length) this.#grow(this.#size * 2);
    const cell = this.#size++;
    this.#place(cell, node, this.#order(node, key), key + 0);
    this.#siftDown(0, cell);
  }

  /** Removes and returns the node on top; the heap must not be empty. */
  pop(): number {
    const node = this.#nodes[0] as number;
    this.#cell[node] = 0;
    const last = --this.#size;
    if (last > 0) {
      this.#place(0, this.#nodes[last] as number, this.#ranks[last] as number, this.#keys[last] as number);
      this.#siftUp(0);
    }
    return node;
  }

  /** Gives a node in the heap a new key. */
  rekey(node: number, key: number): void {
    const cell = (this.#cell[node] as number) - 1;
    const rank = this.#order(node, key);
    const before = this.#ranks[cell] as number;
    this.#ranks[cell] = rank;
    this.#keys[cell] = key + 0;
    if (rank < before) this.#siftDown(0, cell);
    else this.#siftUp(cell);
  }

  /** Empties the heap, for keys that may be popped in another order. */
  restart(order: Order): void {
    this.clear();
    this.#order = order;
  }

  clear(): void {
    for (let cell = 0; cell < this.#size; cell++) this.#cell[this.#nodes[cell] as number] = 0;
    this.#size = 0;
  }

  save(): HeapFrame {
    const keys = this.#keys.subarray(0, this.#size);
    // From a typed array the constructor copies at once; `from` would ask for one number after another.
    const single = new Float32Array(keys);
    let cell = 0;
    while (cell < this.#size && single[cell] === keys[cell]) cell++;
    return { nodes: this.#nodes.slice(0, this.#size), keys: cell === this.#size ? single : keys.slice() };
  }

  restore(frame: HeapFrame, order: Order): void {
    this.restart(order);
    this.#size = frame.nodes.length;
    if (this.#size > this.#nodes.length) this.#grow(this.#size);
    this.#nodes.set(frame.nodes);
    this.#keys.set(frame.keys);
    for (let cell = 0; cell < this.#size; cell++) {
      const node = this.#nodes[cell] as number;
      this.#ranks[cell] = order(node, this.#keys[cell] as number);
      this.#cell[node] = cell + 1;
    }
  }

  #grow(capacity: number): void {
    const nodes = new Uint32Array(capacity);
    const [ranks, keys] = [new Float64Array(capacity), new Float64Array(capacity)];
    nodes.set(this.#nodes);
    ranks.set(this.#ranks);
    keys.set(this.#keys);
    this.#nodes = nodes;
    [this.#ranks, this.#keys] = [ranks, keys];
  }

  #place(cell: number, node: number, rank: number, key: number): void {
    this.#nodes[cell] = node;
    this.#ranks[cell] = rank;
    this.#keys[cell] = key;
    this.#cell[node] = cell + 1;
  }

  #less(a: number, b: number): boolean {
    const ra = this.#ranks[a] as number;
    const rb = this.#ranks[b] as number;
    return ra < rb || (ra === rb && (this.#nodes[a] as number) < (this.#nodes[b] as number));
  }

  /** heapq._siftdown: move the item at `cell` towards the root, not past `start`. */
  #siftDown(start: number, cell: number): void {
    const node = this.#nodes[cell] as number;
    const rank = this.#ranks[cell] as number;
    const key = this.#keys[cell] as number;
    let at = cell;
    while (at > start) {
      const parent = (at - 1) >> 1;
      const above = this.#ranks[parent] as number;
      if (!(rank < above || (rank === above && node < (this.#nodes[parent] as number)))) break;
      this.#place(at, this.#nodes[parent] as number, above, this.#keys[parent] as number);
      at = parent;
    }
    this.#place(at, node, rank, key);
  }

  /** heapq._siftup: pull smaller children up until a leaf, then let the item rise from there. */
  #siftUp(start: number): void {
    const node = this.#nodes[start] as number;
    const rank = this.#ranks[start] as number;
    const key = this.#keys[start] as number;
    let at = start;
    let child = 2 * at + 1;
    while (child < this.#size) {
      const right = child + 1;
      if (right < this.#size && !this.#less(child, right)) child = right;
      this.#place(
        at,
        this.#nodes[child] as number,
        this.#ranks[child] as number,
        this.#keys[child] as number,
      );
      at = child;
      child = 2 * at + 1;
    }
    this.#place(at, node, rank, key);
    this.#siftDown(start, at);
  }
}
