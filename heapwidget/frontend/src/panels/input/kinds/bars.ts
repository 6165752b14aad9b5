/** A table's features: a row each with its name, its value, and a bar for what its colour stands for. */

import { strongest } from "../../../core/chart/decimate";
import { largestFirst } from "../../../core/colour/tones";
import { fieldRun, narrowRun } from "../../../core/geometry/field";
import { type InputPart, positionValues } from "../../../core/trace/input";
import { formatKey } from "../../../core/words/format";
import { nodeLabel } from "../../../core/words/labels";
import { Choice } from "../../../kit/choice";
import { h, setHidden, setText } from "../../../kit/dom";
import { leaveKeys, SCROLLING } from "../../../kit/keys";
import type { Stage } from "../../../kit/panel";
import {
  type BarScale,
  barScale,
  cssColor,
  type InputScene,
  type KindOfInput,
  type PartView,
  type Patch,
  type Pointed,
  type Room,
} from "../kind";

/** Height of a row, and rows in sight at most; from so many on they can be sorted. */
const ROW = 19;
const MOST_ROWS = 23;
const SORTABLE = 4;

/** Width of a row's numbers with the spaces between them, and of its bar at least. */
const NUMBERS = 88;
const NARROWEST_BAR = 48;
/** Names are set a little larger than the labels that are measured. */
const NAME = 1.1;

type Sorting = "largest first" | "as given";

interface Row {
  readonly element: HTMLElement;
  readonly rank: HTMLElement;
  readonly name: HTMLElement;
  readonly value: HTMLElement;
  readonly bar: HTMLElement;
}

class Bars implements PartView {
  readonly element: HTMLElement;
  readonly mostZoom = 1;
  readonly fades = false;
  readonly #part: InputPart;
  readonly #stage: Stage;
  readonly #values: Float32Array;
  readonly #names: readonly string[];
  readonly #rows: Row[] = [];
  readonly #sheet = h("div", { class: "hw-sheet-of-rows" });
  readonly #scroller = h("div", { class: "hw-features", role: "list" }, this.#sheet);
  readonly #choice: Choice<Sorting>;
  #order: Sorting = "largest first";
  /** Position of each line, and line of each position. */
  #lines: readonly number[] = [];
  #shown: InputScene | null = null;
  #pointed: Pointed = { framed: null, position: null };
  /** The step that was followed last. */
  #followed = -1;

  constructor(part: InputPart, stage: Stage) {
    this.#part = part;
    this.#stage = stage;
    this.#values = positionValues(part);
    this.#names = part.names ?? Array.from({ length: part.count }, (_, p) => String(p));
    const { signal } = stage;
    const orders = (["largest first", "as given"] as const).map((value) => ({ value, text: value }));
    this.#choice = new Choice<Sorting>("Order of the features", orders, (order) => this.#sort(order), signal);
    this.#choice.element.hidden = part.count < SORTABLE;
    this.#scroller.setAttribute("aria-label", `Features of ${part.label}`);
    this.#sheet.style.height = `${part.count * ROW}px`;
    this.#scroller.style.height = `${Math.min(part.count, MOST_ROWS) * ROW}px`;
    this.element = h("div", { class: "hw-bars" }, this.#scroller, this.#choice.element);
    if (part.count > MOST_ROWS) this.#scroller.tabIndex = 0;
    this.#scroller.addEventListener("scroll", () => this.#draw(), { signal, passive: true });
    leaveKeys(this.#scroller, (key) => SCROLLING.includes(key), signal);
  }

  fit({ width }: Room): void {
    this.element.style.width = `${width}px`;
    const { theme } = this.#stage;
    // Long names get what numbers and bars leave; short ones leave it to the bars.
    const longest = this.#names.reduce((most, name) => Math.max(most, theme.textWidth(name)), 0);
    const room = Math.max(width - NUMBERS - NARROWEST_BAR, width / 3);
    this.#sheet.style.setProperty("--hw-name", `${Math.ceil(Math.min(longest * NAME, room))}px`);
  }

  draw(shown: InputScene): void {
    const first = this.#shown === null;
    this.#shown = shown;
    if (first) this.#sort(this.#order);
    this.#follow(shown);
    this.#draw();
  }

  point(pointed: Pointed): void {
    this.#pointed = pointed;
    this.#draw();
  }

  positionAt(event: MouseEvent): number | null {
    if (!(event.target as Element).closest(".hw-features")) return null;
    const line = Math.floor((event.clientY - this.#sheet.getBoundingClientRect().top) / ROW);
    const position = this.#lines[line];
    return position === undefined ? null : this.#part.first + position;
  }

  look(): void {}

  #sort(order: Sorting): void {
    this.#order = order;
    const { count, first } = this.#part;
    const positions = Array.from({ length: count }, (_, p) => p);
    const tones = this.#shown?.tones;
    this.#lines = order === "as given" || !tones ? positions : largestFirst(tones, first, count);
    this.#choice.update(order);
    this.#scroller.scrollTop = 0;
    this.#draw();
  }

  /** Keeps the feature that was just popped in sight, unless one looks around. */
  #follow({ replay }: InputScene): void {
    const { row, trace, step } = replay;
    if (step === this.#followed) return;
    this.#followed = step;
    const position = row < 0 ? -1 : (trace.popNode[row] as number) - this.#part.first;
    const line = this.#lines.indexOf(position);
    const { scrollTop, clientHeight } = this.#scroller;
    if (line < 0 || clientHeight === 0 || this.#scroller.matches(":hover")) return;
    if (line * ROW < scrollTop) this.#scroller.scrollTop = line * ROW;
    else if ((line + 1) * ROW > scrollTop + clientHeight)
      this.#scroller.scrollTop = (line + 1) * ROW - clientHeight;
  }

  /** Fills the rows in sight, and only these: there may be twenty thousand. */
  #draw(): void {
    const shown = this.#shown;
    if (!shown) return;
    const from = Math.floor(this.#scroller.scrollTop / ROW);
    const lines = Math.min(this.#lines.length - from, MOST_ROWS + 1);
    while (this.#rows.length < lines) this.#rows.push(this.#newRow());
    const scale = barScale(shown);
    const run = narrowRun(this.#stage.session.trace, this.#pointed.framed, this.#part);
    this.#rows.forEach((row, i) => {
      row.element.hidden = i >= lines;
      const position = this.#lines[from + i];
      if (position === undefined) return;
      row.element.style.transform = `translateY(${(from + i) * ROW}px)`;
      this.#fill(row, position, shown, scale);
      const seen = run !== null && position >= run[0] && position < run[1];
      row.element.classList.toggle("hw-seen", seen);
      row.element.classList.toggle("hw-hot", this.#pointed.position === this.#part.first + position);
      row.element.setAttribute("aria-posinset", String(from + i + 1));
    });
  }

  #newRow(): Row {
    const rank = h("span", { class: "hw-rank" });
    const name = h("span", { class: "hw-feature-name hw-clip" });
    const value = h("span", { class: "hw-feature-value" });
    const bar = h("i");
    const track = h("span", { class: "hw-feature-bar" }, bar);
    const element = h(
      "div",
      { class: "hw-feature", role: "listitem", "aria-setsize": this.#part.count },
      rank,
      name,
      value,
      track,
    );
    element.style.height = `${ROW}px`;
    this.#sheet.append(element);
    return { element, rank, name, value, bar };
  }

  #fill(row: Row, position: number, shown: InputScene, { size, signed }: BarScale): void {
    const { tones, replay, colors } = shown;
    const node = this.#part.first + position;
    const popped = tones.ranks.has(node, replay.step);
    const name = nodeLabel(this.#stage.session.trace, node);
    const label = this.#names[position] as string;
    setText(row.rank, popped ? String(tones.ranks.rank[node]) : "");
    setText(row.name, label);
    row.name.title = label;
    setText(row.value, formatKey(this.#values[position] as number));
    row.element.dataset.node = String(node);
    row.element.classList.toggle("hw-popped", popped);
    row.element.style.setProperty("--hw-rank", `${String(tones.ranks.count).length}ch`);
    const value = tones.values[node] as number;
    const tone = tones.tones[node] as number;
    const told = `${name}: value ${formatKey(this.#values[position] as number)}, ${formatKey(value)}`;
    row.element.setAttribute("aria-label", popped ? `${told}, popped` : told);
    // Bars begin in the middle where there are negative ones.
    const [share, zero] = [Math.min(Math.abs(value) / (size || 1), 1), signed ? 0.5 : 0];
    const { style } = row.bar;
    style.left = `${100 * (value < 0 ? zero - share * zero : zero)}%`;
    style.width = `${100 * share * (value < 0 ? zero : 1 - zero)}%`;
    setHidden(row.bar, tone === 0);
    style.background = cssColor(colors, tone);
    row.bar.classList.toggle("hw-negative", value < 0);
    row.bar.parentElement?.style.setProperty("--hw-zero", `${100 * zero}%`);
  }
}

/** More bars than this could not be told apart; around a single one so many are shown. */
const MOST = 24;
const AROUND = 11;
const MARGIN = 0.08;

/** A table's features on a card: their values as small bars, those that the node sees in ink. */
function drawMiniBars(part: InputPart, stage: Stage, patch: Patch): void {
  const { context, size, node, palette } = patch;
  const all: readonly [number, number] = [0, part.count];
  const seen = (node === null ? null : fieldRun(stage.session.trace, node, part)) ?? all;
  const single = seen[1] - seen[0] === 1;
  const [from, to] = windowAround(seen, part.count);
  const values = positionValues(part).subarray(from, to);
  const bins = Math.min(values.length, MOST);
  const edge = (bin: number) => Math.floor((bin * values.length) / bins);
  const heights = Array.from(
    { length: bins },
    (_, bin) => values[strongest(values, edge(bin), edge(bin + 1))] as number,
  );
  // A root scale: features are seldom in one unit.
  const root = (value: number) => Math.sign(value) * Math.sqrt(Math.abs(value));
  const high = Math.max(...heights.map(root), 0);
  const low = Math.min(...heights.map(root), 0);
  const unit = (size * (1 - 2 * MARGIN)) / (high - low || 1);
  const zero = size * MARGIN + high * unit;
  const pitch = (size * (1 - 2 * MARGIN)) / bins;
  heights.forEach((value, bin) => {
    const at = from + edge(bin);
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

export const barsKind: KindOfInput = {
  create: (part, stage) => new Bars(part, stage),
  drawPatch: drawMiniBars,
};
