/** The levels of the tree below the cards: a dot a node, its size and colour tell the key. */

import type { Slot } from "../../core/geometry/treelayout";
import type { Palette } from "../../kit/theme";
import { BADGES, type CardState } from "./badge";
import type { CardMark } from "./card";

export interface DotFace {
  /** Share of the largest key, 0..1. */
  readonly share: number;
  readonly negative: boolean;
  readonly state: CardState;
  readonly mark: CardMark;
  readonly hot: boolean;
  readonly sees: boolean;
}

/** Edge of the badge beside a dot. */
const BADGE = 10;
/** How far beside a dot still hits it. */
const NEAR = 2;

const centre = (slot: Slot): number => slot.y + slot.size / 2;

/** The dot at a point of the tree. */
export function dotAt(slots: readonly Slot[], x: number, y: number): Slot | undefined {
  return slots.find(
    (slot) => slot.kind === "dot" && Math.hypot(x - slot.x, y - centre(slot)) <= slot.size / 2 + NEAR,
  );
}

export function drawDot(
  context: CanvasRenderingContext2D,
  slot: Slot,
  face: DotFace,
  palette: Palette,
): void {
  const radius = ((0.45 + 0.55 * Math.sqrt(face.share)) * slot.size) / 2;
  const full = face.negative ? palette.cool : palette.dot;
  context.beginPath();
  context.arc(slot.x, centre(slot), radius, 0, 2 * Math.PI);
  // Mixed, not transparent: the edge behind a dot must not show.
  context.fillStyle = `color-mix(in srgb, ${full} ${(45 + 55 * face.share).toFixed(0)}%, ${palette.bg})`;
  context.fill();
  const line = lineOf(face, palette);
  if (line) {
    [context.strokeStyle, context.lineWidth] = line;
    if (face.mark === "hole") context.setLineDash([0.38 * radius, 0.31 * radius]);
    context.stroke();
    context.setLineDash([]);
  }
  if (face.state !== "") drawBadge(context, slot, face.state, palette);
}

/** Colour and width of the line around a dot. */
function lineOf({ state, mark, hot, sees }: DotFace, palette: Palette): [string, number] | null {
  if (mark === "hole") return [palette.muted, 1.5];
  if (mark === "compared") return [palette.ink, 2.2];
  if (mark === "moved") return [palette.blue, 2.2];
  if (hot) return [palette.ink, 2];
  if (sees) return [palette.blue, 1];
  return state === "" ? null : [palette.blue, 1.75];
}

/** The same badge as on cards, smaller. */
function drawBadge(context: CanvasRenderingContext2D, slot: Slot, state: CardState, palette: Palette): void {
  context.save();
  context.translate(slot.x + slot.size / 2 - 4, slot.y - BADGE + 4);
  context.scale(BADGE / 16, BADGE / 16);
  context.beginPath();
  context.arc(8, 8, 8, 0, 2 * Math.PI);
  context.fillStyle = palette.blue;
  context.fill();
  context.strokeStyle = palette.onColor;
  context.lineWidth = 2.6;
  context.lineCap = context.lineJoin = "round";
  context.stroke(new Path2D(BADGES[state]));
  context.restore();
}
