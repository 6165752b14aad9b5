/** What part of the input a node sees: ranges along the position axes, and rectangles of the grid. */

import { type Input, type InputPart, partAt } from "../trace/input";
import { boxOf, type FieldAxis, type Layer, layerOf, type Trace } from "../trace/trace";

/** Columns `[x0, x1)` and rows `[y0, y1)` of the grid. */
export interface Rect {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** Positions `[from, to)` along an axis. */
export type Span = readonly [from: number, to: number];

/** What a unit, or several in a row, see along an axis of some length, within its ends. */
export function seenFrom({ start, step, size }: FieldAxis, [from, to]: Span, length: number): Span {
  const low = Math.min(Math.max(start + step * from, 0), length);
  const high = Math.min(start + step * (to - 1) + size, length);
  return [low, Math.max(high, low)];
}

/** Range of positions along each position axis of an input; null: the node may see all of it. */
export function fieldSpans(trace: Trace, node: number, part: InputPart): readonly Span[] | null {
  const layer = layerOf(trace, node);
  const box = boxOf(layer, node);
  if (node < trace.inputCount) {
    if (layer !== part.layer) return part.lengths.map(() => [0, 0]);
    return box.filter((_, axis) => axis !== layer.channelAxis);
  }
  if (!layer.field) return null;
  return part.lengths.map((length, i) => {
    const entry = layer.field?.[part.firstAxis + i];
    if (!entry) return [0, length];
    return seenFrom(entry, (entry.axis === null ? undefined : box[entry.axis]) ?? [0, 1], length);
  });
}

const isEmpty = (spans: readonly Span[] | null): boolean => spans?.some(([from, to]) => from >= to) ?? false;

/** Several rectangles only where one row of positions is broken into lines; none where nothing is seen. */
export function fieldRects(trace: Trace, node: number, part: InputPart): Rect[] {
  const { grid } = part;
  const all: Rect = { x0: 0, y0: 0, x1: grid.columns, y1: grid.rows };
  const spans = fieldSpans(trace, node, part);
  if (isEmpty(spans)) return [];
  if (!spans || spans.length === 0 || spans.length > 2) return [all];
  const [low, high] = spans[spans.length - 1] as Span;
  if (spans.length === 1)
    return grid.planar ? [{ ...all, x0: low, x1: high }] : brokenLines(low, high, grid.columns);
  const [top, bottom] = spans[0] as Span;
  return [{ x0: low, x1: high, y0: top, y1: bottom }];
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

/** Positions `[from, to)` of an input in reading order that a node sees, at least; null: none. */
export function fieldRun(trace: Trace, node: number, part: InputPart): Span | null {
  const spans = fieldSpans(trace, node, part);
  if (isEmpty(spans)) return null;
  return spans?.length === 1 ? (spans[0] as Span) : [0, part.count];
}

/** The same of a node that sees something, and not all; null: it does not. */
export function narrowRun(trace: Trace, node: number | null, part: InputPart): Span | null {
  const run = node === null ? null : fieldRun(trace, node, part);
  return run && run[1] - run[0] < part.count ? run : null;
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

/** Whether a node sees a position of the input. */
export function sees(trace: Trace, input: Input, node: number, position: number): boolean {
  const part = partAt(input, position);
  if (!part) return false;
  const { columns } = part.grid;
  const at = position - part.first;
  const [column, row] = [at % columns, Math.floor(at / columns)];
  return fieldRects(trace, node, part).some(
    (r) => column >= r.x0 && column < r.x1 && row >= r.y0 && row < r.y1,
  );
}

/** Whether a node sees all of every input. */
export function seesAll(trace: Trace, input: Input, node: number): boolean {
  return input.every((part) =>
    (fieldSpans(trace, node, part) ?? []).every(([from, to], i) => from === 0 && to === part.lengths[i]),
  );
}

/** Whether a layer's nodes see nothing of an input. */
export const seesNothing = ({ field }: Layer, part: InputPart): boolean =>
  part.lengths.some((_, axis) => field?.[part.firstAxis + axis]?.size === 0);
