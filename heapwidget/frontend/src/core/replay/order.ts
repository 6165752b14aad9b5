/** Which node of a heap goes first: the one of the smallest rank, and of several the one of the smallest id. */

import { layerIndex, type Trace } from "../trace/trace";

export type Order = (node: number, key: number) => number;

export const smallestFirst: Order = (_, key) => key + 0;
export const largestFirst: Order = (_, key) => 0 - key;

/** By so much the bits of two keys differ whose sizes differ by a factor of 16: all of the mantissa, 4 in the exponent. */
const CLASS = 2 ** 25;

const single = new Float32Array(1);
const bits = new Int32Array(single.buffer);

/** The bits of a number in single precision. */
function bitsOf(value: number): number {
  single[0] = value + 0;
  return bits[0] as number;
}

/** The size class of a key: 0 right above `top`, one less for each factor of 16 below. */
export const sizeClass = (top: number, key: number): number =>
  Math.floor((bitsOf(key) - bitsOf(top) - 1) / CLASS);

/** By size class, the largest first; those of one class by place, counted from the output down and up within layers. */
function waveOrder(trace: Trace, top: number): Order {
  const toPlace = trace.layers.map(({ first, count }) => trace.nodeCount - 2 * first - count);
  return (node, key) => node + (toPlace[layerIndex(trace, node)] as number) - sizeClass(top, key) * 2 ** 32;
}

/** The orders of a trace's heaps: in the walk, and where the input's positions are collected. */
export interface Orders {
  readonly walk: Order;
  readonly collect: Order;
}

export function ordersOf(trace: Trace): Orders {
  const byKey = (ascending: boolean) => (ascending ? smallestFirst : largestFirst);
  const walk = trace.classTop === null ? byKey(trace.ascending) : waveOrder(trace, trace.classTop);
  return { walk, collect: byKey(trace.collectAscending) };
}
