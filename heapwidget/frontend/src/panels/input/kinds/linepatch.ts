/** A signal on a card: the part of it that a node sees. */

import { envelope, extent } from "../../../core/chart/decimate";
import { fieldRun } from "../../../core/geometry/field";
import { channelRows, type InputPart } from "../../../core/trace/input";
import type { Stage } from "../../../kit/panel";
import type { Patch } from "../kind";

/** Positions shown on each side of a single one. */
const AROUND = 10;
const MARGIN = 0.1;
/** Channels beyond these would only blacken the card. */
const MOST_CHANNELS = 4;

export function drawMiniLine(part: InputPart, stage: Stage, patch: Patch): void {
  const { context, size, ratio, node, palette } = patch;
  const seen = (node === null ? null : fieldRun(stage.session.trace, node, part)) ?? [0, part.count];
  const single = seen[1] - seen[0] === 1;
  const from = single ? Math.max(Math.min(seen[0] - AROUND, part.count - 2 * AROUND - 1), 0) : seen[0];
  const to = single ? Math.min(from + 2 * AROUND + 1, part.count) : seen[1];
  const pitch = size / (to - from);
  if (single) {
    context.fillStyle = palette.blue;
    context.fillRect((seen[0] - from) * pitch, 0, Math.max(pitch, ratio), size);
  }
  context.strokeStyle = palette.ink;
  context.lineWidth = 1.2 * ratio;
  context.lineJoin = "round";
  for (const row of channelRows(part).slice(0, MOST_CHANNELS)) {
    // The height of the whole signal, so that flat parts look flat.
    const [low, high] = extent(row);
    const unit = (size * (1 - 2 * MARGIN)) / (high - low || 1);
    context.beginPath();
    for (const [at, value] of envelope(row, from, to, size))
      context.lineTo((at - from + 0.5) * pitch, size * MARGIN + (high - value) * unit);
    context.stroke();
  }
}
