/** A table's features on a card: their values as small bars, those that the node sees in ink. */

import { fieldRun } from "../../../core/geometry/field";
import { type InputPart, positionValues } from "../../../core/trace/input";
import type { Stage } from "../../../kit/panel";
import type { Patch } from "../kind";

/** More bars than this could not be told apart; around a single one so many are shown. */
const MOST = 24;
const AROUND = 11;
const MARGIN = 0.08;

export function drawMiniBars(part: InputPart, stage: Stage, patch: Patch): void {
  const { context, size, node, palette } = patch;
  const all: readonly [number, number] = [0, part.count];
  const seen = (node === null ? null : fieldRun(stage.session.trace, node, part)) ?? all;
  const single = seen[1] - seen[0] === 1;
  const [from, to] = windowAround(seen, part.count);
  const values = positionValues(part).subarray(from, to);
  const bins = Math.min(values.length, MOST);
  const heights = Array.from({ length: bins }, (_, bin) =>
    strongest(
      values,
      Math.floor((bin * values.length) / bins),
      Math.floor(((bin + 1) * values.length) / bins),
    ),
  );
  // A root scale: features are seldom in one unit.
  const root = (value: number) => Math.sign(value) * Math.sqrt(Math.abs(value));
  const high = Math.max(...heights.map(root), 0);
  const low = Math.min(...heights.map(root), 0);
  const unit = (size * (1 - 2 * MARGIN)) / (high - low || 1);
  const zero = size * MARGIN + high * unit;
  const pitch = (size * (1 - 2 * MARGIN)) / bins;
  heights.forEach((value, bin) => {
    const at = from + Math.floor((bin * values.length) / bins);
    const inSight = at >= seen[0] && at < seen[1];
    context.fillStyle = inSight ? (single ? palette.blue : palette.muted) : palette.line;
    const height = Math.max(Math.abs(root(value)) * unit, 1);
    const x = size * MARGIN + bin * pitch;
    context.fillRect(x, value < 0 ? zero : zero - height, Math.max(pitch * 0.8, 1), height);
  });
}

/** The positions shown: all, or those around what is seen. */
function windowAround([from, to]: readonly [number, number], count: number): [number, number] {
  if (count <= MOST || to - from > MOST) return to - from > MOST ? [from, to] : [0, count];
  const low = Math.max(Math.min(Math.floor((from + to) / 2) - AROUND, count - 2 * AROUND), 0);
  return [Math.min(low, from), Math.max(Math.min(low + 2 * AROUND, count), to)];
}

function strongest(values: Float32Array, from: number, to: number): number {
  let most = 0;
  for (let i = from; i < Math.max(to, from + 1); i++) {
    const value = values[i] as number;
    if (Math.abs(value) > Math.abs(most)) most = value;
  }
  return most;
}
