/** Curves from the popped node to where its relevance went, the wider the more. */

import type { Box } from "../core/columns";

export interface Edge {
  readonly to: Box;
  /** Share of the largest message of the pop. */
  readonly share: number;
}

/** More could not be told apart, and would take long. */
const MOST = 240;
/** Curves of about the same width are stroked together. */
const WIDTHS = 6;
/** How far a curve within a column leaves it. */
const LOOP = 14;
const THINNEST = 0.5;
const WIDEST = 2.6;
const PALEST = 0.28;
const STRONGEST = 0.85;

export function drawEdges(
  context: CanvasRenderingContext2D,
  from: Box,
  all: readonly Edge[],
  color: string,
): void {
  const edges = all.length > MOST ? [...all].sort((a, b) => b.share - a.share).slice(0, MOST) : all;
  const paths = Array.from({ length: WIDTHS }, () => new Path2D());
  for (const { to, share } of edges) {
    const path = paths[Math.min(Math.floor(Math.sqrt(share) * WIDTHS), WIDTHS - 1)] as Path2D;
    const [x0, y0] = [from.x, from.y + from.height / 2];
    const [x1, y1] = [to.x + to.width, to.y + to.height / 2];
    // Within one column the curve leaves it on the left.
    if (x1 > x0) {
      const [left, end] = [Math.min(x0, to.x) - LOOP, to.x];
      path.moveTo(x0, y0);
      path.bezierCurveTo(left, y0, left, y1, end, y1);
      continue;
    }
    const middle = (x0 + x1) / 2;
    path.moveTo(x0, y0);
    path.bezierCurveTo(middle, y0, middle, y1, x1, y1);
  }
  context.save();
  context.strokeStyle = color;
  context.lineCap = "round";
  paths.forEach((path, i) => {
    const share = i / (WIDTHS - 1);
    context.lineWidth = THINNEST + (WIDEST - THINNEST) * share;
    context.globalAlpha = PALEST + (STRONGEST - PALEST) * share;
    context.stroke(path);
  });
  context.restore();
}

/** A frame around a place, large enough to be seen. */
export function drawFrame(
  context: CanvasRenderingContext2D,
  { x, y, width, height }: Box,
  color: string,
  halo: string,
): void {
  const grow = (size: number) => Math.max(SMALLEST - size, 2) / 2;
  const [dx, dy] = [grow(width), grow(height)];
  for (const [line, style] of [
    [3.5, halo],
    [1.75, color],
  ] as const) {
    context.lineWidth = line;
    context.strokeStyle = style;
    context.strokeRect(x - dx, y - dy, width + 2 * dx, height + 2 * dy);
  }
}

const SMALLEST = 8;
