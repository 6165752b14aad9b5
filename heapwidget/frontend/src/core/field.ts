/** What part of the input a node sees, as rectangles of the input's grid. */

import type { Grid } from "./input";
import { boxOf, type Layer, layerIndex, type Trace } from "./trace";

/** Columns `[x0, x1)` and rows `[y0, y1)` of the grid. */
export interface Rect {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** Lengths of the input's position axes: the channels are summed and make none. */
function positionLengths(input: Layer): number[] {
  return input.shape
    .filter((_, axis) => axis !== input.channelAxis || (input.grid[axis] ?? 1) > 1)
    .map((n) => n);
}

/** Range of positions along each position axis; null: the node may see all of the input. */
function fieldRanges(trace: Trace, node: number): [number, number][] | null {
  const index = layerIndex(trace, node);
  const layer = trace.layers[index] as Layer;
  const input = trace.layers[0] as Layer;
  const box = boxOf(layer, node);
  if (index === 0) return box.filter((_, axis) => axis !== input.channelAxis || (input.grid[axis] ?? 1) > 1);
  if (!layer.field) return null;
  const lengths = positionLengths(input);
  return layer.field.map((entry, i) => {
    const [from, to] = (entry.axis === null ? undefined : box[entry.axis]) ?? [0, 1];
    const length = lengths[i] ?? 1;
    const low = Math.max(entry.start + entry.step * from, 0);
    const high = Math.min(entry.start + entry.step * (to - 1) + entry.size, length);
    return [Math.min(low, length), Math.max(high, low)];
  });
}

/** Several rectangles only where one row of positions is broken into lines, or where there are planes. */
export function fieldRects(trace: Trace, node: number, grid: Grid): Rect[] {
  const all: Rect = { x0: 0, y0: 0, x1: grid.columns, y1: grid.rows };
  const ranges = fieldRanges(trace, node);
  if (!ranges || ranges.length === 0) return [all];
  const [low, high] = ranges[ranges.length - 1] as [number, number];
  if (ranges.length === 1)
    return grid.planar ? [{ ...all, x0: low, x1: high }] : brokenLines(low, high, grid.columns);
  const [top, bottom] = ranges[ranges.length - 2] as [number, number];
  if (ranges.length === 2) return [{ x0: low, x1: high, y0: top, y1: bottom }];
  return [all];
}

function brokenLines(low: number, high: number, columns: number): Rect[] {
  const rects: Rect[] = [];
  for (let row = Math.floor(low / columns); row * columns < high; row++) {
    const x0 = Math.max(low - row * columns, 0);
    const x1 = Math.min(high - row * columns, columns);
    rects.push({ x0, x1, y0: row, y1: row + 1 });
  }
  return rects;
}

/** Smallest rectangle around all of them: what a patch shows. */
export function boundsOf(rects: readonly Rect[]): Rect {
  return {
    x0: Math.min(...rects.map((r) => r.x0)),
    y0: Math.min(...rects.map((r) => r.y0)),
    x1: Math.max(...rects.map((r) => r.x1)),
    y1: Math.max(...rects.map((r) => r.y1)),
  };
}

export function covers(rects: readonly Rect[], column: number, row: number): boolean {
  return rects.some((r) => column >= r.x0 && column < r.x1 && row >= r.y0 && row < r.y1);
}
