/** Curves from node to node, the wider the more, and frames around nodes. */

import type { Box } from "../../core/geometry/layercolumns";

export interface Edge {
  /** The node nearer to the output, and the one nearer to the input. */
  readonly from: Box;
  readonly to: Box;
  /** Share of the largest among those drawn together. */
  readonly share: number;
  /** Height at which it passes over the columns between its ends; null: there are none. */
  readonly over: number | null;
}

/** More could not be told apart, and would take long. */
const MOST = 240;
/** Curves of about the same width are stroked together. */
const WIDTHS = 6;
/** How far a curve within a column leaves it, and how far from its ends one rises to pass over others. */
const LOOP = 14;
const RISE = 22;
const THINNEST = 0.5;
const WIDEST = 2.6;
const PALEST = 0.28;
const STRONGEST = 0.85;

/** Curves in a color, with `strength` as the opacity of all. */
export function drawEdges(
  context: CanvasRenderingContext2D,
  all: readonly Edge[],
  color: string,
  strength = 1,
): void {
  const edges = all.length > MOST ? [...all].sort((a, b) => b.share - a.share).slice(0, MOST) : all;
  /** By width; where there are none of a width, none are stroked. */
  const paths: Path2D[] = [];
  for (const edge of edges) {
    const width = Math.min(Math.floor(Math.sqrt(edge.share) * WIDTHS), WIDTHS - 1);
    paths[width] ??= new Path2D();
    trace(paths[width], edge);
  }
  context.save();
  context.strokeStyle = color;
  paths.forEach((path, i) => {
    const share = i / (WIDTHS - 1);
    context.lineWidth = THINNEST + (WIDEST - THINNEST) * share;
    context.globalAlpha = strength * (PALEST + (STRONGEST - PALEST) * share);
    context.stroke(path);
  });
  context.restore();
}

/** Hairlines, which take a browser a fraction of the time of wider curves. */
export function drawHairlines(
  context: CanvasRenderingContext2D,
  edges: readonly Edge[],
  color: string,
  strength: number,
): void {
  const path = new Path2D();
  for (const edge of edges) trace(path, edge);
  context.save();
  context.strokeStyle = color;
  context.globalAlpha = strength;
  context.stroke(path);
  context.restore();
}

/** One way through several nodes, as a band with an edge that sets it off from the maps. */
export function drawWay(
  context: CanvasRenderingContext2D,
  edges: readonly Edge[],
  width: number,
  color: string,
  halo: string,
): void {
  const path = new Path2D();
  for (const edge of edges) trace(path, edge);
  context.save();
  context.lineCap = context.lineJoin = "round";
  for (const [line, style] of [
    [width + 1.6, halo],
    [width, color],
  ] as const) {
    context.lineWidth = line;
    context.strokeStyle = style;
    context.stroke(path);
  }
  context.restore();
}

function trace(path: Path2D, { from, to, over }: Edge): void {
  const [x0, y0] = [from.x, from.y + from.height / 2];
  const [x1, y1] = [to.x + to.width, to.y + to.height / 2];
  path.moveTo(x0, y0);
  if (x1 > x0) {
    // Within one column the curve leaves it on the left.
    const left = Math.min(x0, to.x) - LOOP;
    path.bezierCurveTo(left, y0, left, y1, to.x, y1);
  } else if (over !== null && x0 - x1 > 2 * RISE) {
    path.bezierCurveTo(x0 - RISE / 2, y0, x0 - RISE / 2, over, x0 - RISE, over);
    path.lineTo(x1 + RISE, over);
    path.bezierCurveTo(x1 + RISE / 2, over, x1 + RISE / 2, y1, x1, y1);
  } else {
    const middle = (x0 + x1) / 2;
    path.bezierCurveTo(middle, y0, middle, y1, x1, y1);
  }
}

/** A frame around a place, large enough to be seen. */
export function drawFrame(
  context: CanvasRenderingContext2D,
  { x, y, width, height }: Box,
  color: string,
  halo: string,
  strength = 1,
): void {
  const grow = (size: number) => Math.max(SMALLEST - size, 2) / 2;
  const [dx, dy] = [grow(width), grow(height)];
  context.save();
  context.globalAlpha = strength;
  for (const [line, style] of [
    [3.5, halo],
    [1.75, color],
  ] as const) {
    context.lineWidth = line;
    context.strokeStyle = style;
    context.strokeRect(x - dx, y - dy, width + 2 * dx, height + 2 * dy);
  }
  context.restore();
}

const SMALLEST = 8;
