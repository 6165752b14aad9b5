/** Words on a card: the word itself, or as much of a text as fits, unseen parts as mere lines. */

import { fieldRun } from "../../../core/geometry/field";
import type { InputPart } from "../../../core/trace/input";
import type { Stage } from "../../../kit/panel";
import type { Patch } from "../kind";

/** So many words are written; a longer text is told by its shape. */
const MOST_WORDS = 3;
const LARGEST = 13;
const SMALLEST = 8;
const LINE = 4;
const MARGIN = 3;

export function drawMiniText(part: InputPart, stage: Stage, patch: Patch): void {
  const { node } = patch;
  const run = (node === null ? null : fieldRun(stage.session.trace, node, part)) ?? [0, part.count];
  if (run[1] - run[0] <= MOST_WORDS) write(part, run, patch, stage);
  else greek(part, run, patch);
}

/** Writes words under one another, as large as they fit. */
function write(part: InputPart, [from, to]: readonly [number, number], patch: Patch, stage: Stage): void {
  const { context, size, ratio, palette } = patch;
  const words = (part.names ?? []).slice(from, to);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = palette.ink;
  const room = size - 2 * MARGIN * ratio;
  const line = Math.min(size / Math.max(words.length, 1), 1.5 * LARGEST * ratio);
  words.forEach((word, i) => {
    const y = size / 2 + (i - (words.length - 1) / 2) * line;
    context.font = stage.theme.font(LARGEST * ratio);
    const fits = (room / Math.max(context.measureText(word).width, 1)) * LARGEST;
    context.font = stage.theme.font(Math.max(Math.min(fits, LARGEST, line / ratio), SMALLEST) * ratio);
    context.fillText(
      shortened(word, (text) => context.measureText(text).width <= room),
      size / 2,
      y,
    );
  });
}

/** A text as lines of bars, a bar a word. */
function greek(part: InputPart, [from, to]: readonly [number, number], patch: Patch): void {
  const { context, size, ratio, palette } = patch;
  const [margin, line] = [MARGIN * ratio, LINE * ratio];
  const room = size - 2 * margin;
  const names = part.names ?? [];
  const letters = names.reduce((sum, name) => sum + name.length + 1, 0);
  // As many letters a line as let the text fill the square.
  const perLine = Math.max(Math.sqrt(letters * 4), 8);
  const letter = room / perLine;
  const needed = Math.ceil(letters / perLine) * line;
  const pitch = needed > room ? (line * room) / needed : line;
  let [x, y] = [0, Math.max((room - needed) / 2, 0)];
  for (let position = 0; position < part.count && y < room; position++) {
    const width = Math.max((names[position]?.length ?? 1) * letter, ratio);
    if (x > 0 && x + width > room) [x, y] = [0, y + pitch];
    context.fillStyle = position >= from && position < to ? palette.muted : palette.line;
    context.fillRect(margin + x, margin + y, Math.min(width, room - x), Math.max(pitch * 0.5, 1));
    x += width + letter;
  }
}

function shortened(word: string, fits: (text: string) => boolean): string {
  let rest = word;
  while (rest.length > 1 && !fits(rest === word ? word : `${rest}…`)) rest = rest.slice(0, -1);
  return rest === word ? word : `${rest}…`;
}
