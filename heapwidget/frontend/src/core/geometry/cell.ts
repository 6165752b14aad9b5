/**
 * Where a node lies over the input, by proportion: the part of an axis that its box is of its layer. What it sees, its
 * field, grows with depth until it is everything; a layer of 7 rows always divides the input into 7 parts.
 */

import type { Digit, Layer } from "../trace/trace";

/** Parts `[from, to)` of an axis. */
export interface Parts {
  from: number;
  to: number;
}

/** Into how many parts some digits divide an axis. */
export const partsOf = (digits: readonly Digit[]): number => digits.reduce((n, { size }) => n * size, 1);

/** The parts that a layer's node lies over, by its index in the layer, into `parts`: all of them where it lies nowhere. */
export function lieOver(layer: Layer, index: number, digits: readonly Digit[], parts: Parts): void {
  let [from, to] = [0, 1];
  for (const digit of digits) {
    const { size } = digit;
    const [first, last] = digitsOf(layer, index, digit);
    if (first < 0) {
      [parts.from, parts.to] = [0, partsOf(digits)];
      return;
    }
    // Of several parts each has all of the smaller ones, or nearly: the hull.
    const wide = to - from > 1;
    to = (to - 1) * size + (wide ? size : last + 1);
    from = from * size + (wide ? 0 : first);
  }
  [parts.from, parts.to] = [from, to];
}

const NOWHERE = [-1, -1] as const;

/** The first and the last digit of a node's units. */
function digitsOf(layer: Layer, index: number, digit: Digit): readonly [first: number, last: number] {
  const { axis, start, stop, stride, size } = digit;
  let after = 1;
  for (let a = axis + 1; a < layer.grid.length; a++) after *= layer.grid[a] as number;
  const box = layer.box[axis] as number;
  const at = (Math.floor(index / after) % (layer.grid[axis] as number)) * box;
  const end = Math.min(at + box, layer.shape[axis] as number, stop);
  if (end <= Math.max(at, start)) return NOWHERE;
  const [low, high] = [
    Math.floor((Math.max(at, start) - start) / stride),
    Math.floor((end - 1 - start) / stride),
  ];
  const [first, last] = [low % size, high % size];
  return high - low >= size || first > last ? [0, size - 1] : [first, last];
}

/** Values of parts along each axis, `parts` of them, as values of positions, `lengths` of them; sums stay. */
export function laidOver(
  values: Float64Array,
  parts: readonly number[],
  lengths: readonly number[],
): Float64Array {
  let [found, shape] = [values, [...parts]];
  for (const [axis, length] of lengths.entries()) {
    if (shape[axis] === length) continue;
    found = along(found, shape, axis, length);
    shape = shape.map((size, a) => (a === axis ? length : size));
  }
  return found;
}

/** The same along one axis: a position takes of each part what lies under it. */
function along(values: Float64Array, shape: readonly number[], axis: number, length: number): Float64Array {
  const count = shape[axis] as number;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const into = new Float64Array(outer * length * inner);
  for (let position = 0; position < length; position++) {
    const [low, high] = [(position * count) / length, ((position + 1) * count) / length];
    for (let part = Math.floor(low); part < Math.min(Math.ceil(high), count); part++) {
      const share = Math.min(high, part + 1) - Math.max(low, part);
      if (share <= 0) continue;
      for (let o = 0; o < outer; o++) {
        const from = (o * count + part) * inner;
        const to = (o * length + position) * inner;
        for (let i = 0; i < inner; i++)
          into[to + i] = (into[to + i] as number) + share * (values[from + i] as number);
      }
    }
  }
  return into;
}
