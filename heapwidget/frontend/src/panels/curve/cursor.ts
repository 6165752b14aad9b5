/** The curve's cursor: a line over the plot, a dot on the curve, and what holds there in words. */

import type { Theme } from "../../kit/theme";

/** How far the line stands out above and below the plot, and the dot beside it. */
export const BEYOND = 6;
/** Height of the words' ground, its distance from the line, and the room between its edge and the words. */
const LABEL = 18;
const BESIDE = 11;
const INSET = 5;
const FONT = 12;
const RADIUS = 4.5;

export interface Mark {
  readonly x: number;
  /** Height of the dot, and of the middle of the words. */
  readonly y: number;
  readonly labelY: number;
  readonly words: string;
}

/** Left edge of words of a width: right of the line where there is room, else left of it; never beyond the edges. */
export function labelLeft(x: number, width: number, room: number): number {
  return x + BESIDE + width <= room ? x + BESIDE : Math.max(x - BESIDE - width, 0);
}

/** Draws the cursor over a plot whose upper left corner is the origin. */
export function drawCursor(
  context: CanvasRenderingContext2D,
  { x, y, labelY, words }: Mark,
  width: number,
  height: number,
  theme: Theme,
): void {
  const { ink, bg } = theme.palette;
  context.fillStyle = ink;
  context.fillRect(x - 0.75, -BEYOND + 2, 1.5, height + 2 * BEYOND - 4);
  context.beginPath();
  context.arc(x, y, RADIUS, 0, 2 * Math.PI);
  context.fillStyle = bg;
  context.fill();
  context.strokeStyle = ink;
  context.lineWidth = 2;
  context.stroke();
  context.font = theme.font(FONT);
  const wide = context.measureText(words).width + 2 * INSET;
  const left = labelLeft(x, wide, width);
  const top = Math.min(Math.max(labelY - LABEL / 2, 0), height - LABEL);
  context.fillStyle = bg;
  context.globalAlpha = 0.84;
  context.beginPath();
  context.roundRect(left, top, wide, LABEL, 3);
  context.fill();
  context.globalAlpha = 1;
  context.fillStyle = ink;
  context.textBaseline = "middle";
  context.fillText(words, left + INSET, top + LABEL / 2 + 0.5);
}
