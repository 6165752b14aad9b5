/** Words, shaded and broken into lines like text. */

import { fieldRun, narrowRun } from "../../../core/geometry/field";
import type { InputPart } from "../../../core/trace/input";
import { ink } from "../../../core/vocabulary/vocabulary";
import { nodeLabel } from "../../../core/words/labels";
import { h } from "../../../kit/dom";
import { leaveKeys, SCROLLING } from "../../../kit/keys";
import type { Stage } from "../../../kit/panel";
import {
  cssColor,
  type InputScene,
  type KindOfInput,
  type PartView,
  type Patch,
  type Pointed,
  type Room,
} from "../kind";

/** A text that is higher is scrolled. */
const HIGHEST = 400;

class Words implements PartView {
  readonly element = h("div", { class: "hw-words", role: "list" });
  readonly mostZoom = 1;
  readonly fades = false;
  readonly #part: InputPart;
  readonly #stage: Stage;
  readonly #words: readonly HTMLElement[];
  /** What each word shows: colour, sign and rank. */
  readonly #drawn: string[];
  #framed: readonly [number, number] = [0, 0];
  #hot: HTMLElement | undefined;

  constructor(part: InputPart, stage: Stage) {
    this.#part = part;
    this.#stage = stage;
    this.element.setAttribute("aria-label", `Words of ${part.label}`);
    this.element.style.maxHeight = `${HIGHEST}px`;
    this.#words = Array.from({ length: part.count }, (_, position) =>
      h(
        "span",
        { class: "hw-word", role: "listitem", "data-node": part.first + position },
        part.names?.[position] || "∅",
      ),
    );
    this.#drawn = this.#words.map(() => "");
    // Spaces between the words let the lines break; they belong to none.
    for (const word of this.#words) this.element.append(word, " ");
    const { signal } = stage;
    leaveKeys(this.element, (key) => SCROLLING.includes(key), signal);
  }

  fit({ width }: Room): void {
    this.element.style.width = `${width}px`;
    if (this.element.scrollHeight > this.element.clientHeight) this.element.tabIndex = 0;
    else this.element.removeAttribute("tabindex");
  }

  draw({ tones, colors, replay, palette }: InputScene): void {
    const { first } = this.#part;
    this.#words.forEach((word, position) => {
      const node = first + position;
      const tone = tones.tones[node] as number;
      const negative = (tones.values[node] as number) < 0;
      const popped = tones.ranks.has(node, replay.step);
      const drawn = `${tone} ${negative} ${popped} ${palette.dark} ${replay.signed}`;
      if (this.#drawn[position] === drawn) return;
      this.#drawn[position] = drawn;
      word.style.backgroundColor = tone === 0 ? "" : cssColor(colors, tone);
      word.style.color = tone === 0 ? "" : inkOn(colors, tone);
      word.classList.toggle("hw-negative", negative && tone !== 0);
      word.classList.toggle("hw-popped", popped);
      const label = nodeLabel(this.#stage.session.trace, node);
      word.setAttribute("aria-label", popped ? `${label}, popped` : label);
    });
  }

  point({ framed, position }: Pointed): void {
    const next = narrowRun(this.#stage.session.trace, framed, this.#part) ?? ([0, 0] as const);
    for (let p = this.#framed[0]; p < this.#framed[1]; p++)
      this.#words[p]?.classList.remove("hw-seen", "hw-seen-first", "hw-seen-last");
    for (let p = next[0]; p < next[1]; p++) this.#words[p]?.classList.add("hw-seen");
    this.#words[next[0]]?.classList.toggle("hw-seen-first", next[1] > next[0]);
    this.#words[next[1] - 1]?.classList.toggle("hw-seen-last", next[1] > next[0]);
    this.#framed = next;
    this.#hot?.classList.remove("hw-hot");
    this.#hot = position === null ? undefined : this.#words[position - this.#part.first];
    this.#hot?.classList.add("hw-hot");
  }

  positionAt(event: MouseEvent): number | null {
    const word = (event.target as Element).closest<HTMLElement>(".hw-word");
    return word ? Number(word.dataset.node) : null;
  }

  look(): void {}
}

/** Black or white, whichever reads better on a colour: relative luminance as WCAG 2 defines it. */
function inkOn(colors: Uint8ClampedArray, tone: number): string {
  const [r, g, b] = [0, 1, 2].map((c) => {
    const share = (colors[4 * tone + c] as number) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) ? ink.black : ink.white;
}

/** So many words are written; a longer text is told by its shape. */
const MOST_WORDS = 3;
const LARGEST = 13;
const SMALLEST = 8;
const LINE = 4;
const MARGIN = 3;

/** Words on a card: the word itself, or as much of a text as fits, unseen parts as mere lines. */
function drawMiniText(part: InputPart, stage: Stage, patch: Patch): void {
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

export const tokensKind: KindOfInput = {
  create: (part, stage) => new Words(part, stage),
  drawPatch: drawMiniText,
};
