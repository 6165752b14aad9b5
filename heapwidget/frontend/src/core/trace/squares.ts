/** The squares of an input's positions by which arrivals are logged: each is known by its first position. */

import { type Layer, layerOf, type Trace } from "./trace";

/** Whether any input's arrivals are logged by squares of more than one position. */
export const hasSquares = (trace: Trace): boolean => trace.layers.some(({ square }) => square > 1);

/** The positions `[from, to)` along each axis of an input's grid that lie in the square of a position. */
function spans({ grid, first, square }: Layer, node: number): [from: number, to: number][] {
  let rest = node - first;
  const found: [number, number][] = [];
  for (let axis = grid.length - 1; axis >= 0; axis--) {
    const size = grid[axis] as number;
    const at = rest % size;
    rest = Math.floor(rest / size);
    const from = at - (at % square);
    found.unshift([from, Math.min(from + square, size)]);
  }
  return found;
}

/** How many positions the square of an input's node has. */
export function squareSize(trace: Trace, node: number): number {
  const layer = layerOf(trace, node);
  if (layer.square === 1) return 1;
  return spans(layer, node).reduce((n, [from, to]) => n * (to - from), 1);
}

/** The node that begins the square of a position. */
export function squareOf(trace: Trace, node: number): number {
  const layer = layerOf(trace, node);
  if (layer.square === 1) return node;
  return (
    layer.first + spans(layer, node).reduce((at, [from], axis) => at * (layer.grid[axis] as number) + from, 0)
  );
}

/** Gives each position of a node's square its key. */
export function fillSquare(trace: Trace, into: Float32Array, node: number, key: number): void {
  const layer = layerOf(trace, node);
  const ranges = spans(layer, node);
  const fill = (axis: number, at: number): void => {
    const [from, to] = ranges[axis] as [number, number];
    const row = at * (layer.grid[axis] as number);
    if (axis === ranges.length - 1) into.fill(key, layer.first + row + from, layer.first + row + to);
    else for (let i = from; i < to; i++) fill(axis + 1, row + i);
  };
  fill(0, 0);
}
