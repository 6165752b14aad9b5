/** The input: each of its parts as its kind is drawn, what has reached it in colour, and what a node sees. */

import {
  type Legend,
  type Mode,
  modesOf,
  naturalMode,
  type ToneColors,
  Tones,
  toneColors,
} from "../../core/colour/tones";
import { seesAll } from "../../core/geometry/field";
import type { Replay } from "../../core/replay/replay";
import { partAt, valuesAt } from "../../core/trace/input";
import { phaseOf } from "../../core/trace/trace";
import { panels } from "../../core/vocabulary/vocabulary";
import { formatCount, formatKey, ordinal } from "../../core/words/format";
import { nodeLabel } from "../../core/words/labels";
import { positionNoun } from "../../core/words/narration";
import { Choice } from "../../kit/choice";
import { h, icon, listen, setText, setVariable, tellWhileFocused } from "../../kit/dom";
import { leaveKeys } from "../../kit/keys";
import type { Panel, Stage, View } from "../../kit/panel";
import { Colorbar, titleOf } from "./colorbar";
import type { PartView, Room } from "./kind";
import { DRAWINGS } from "./kinds/table";
import { Positions } from "./positions";
import { Zoom } from "./zoom";

/** Room where nothing can be measured, and where the panels stand one under another. */
const FALLBACK_WIDTH = 364;
const STACKED_WIDTH = 252;
/** A part's height by its width, and at most. */
const TALLEST = 1.1;
const HIGHEST = 640;
/** Distance of two images side by side. */
const GAP = 12;
/** A circle, half of it filled. */
const CIRCLE = "M8 2.6a5.4 5.4 0 1 0 0 10.8A5.4 5.4 0 1 0 8 2.6z";
const HALF = "M8 2.6v10.8a5.4 5.4 0 0 0 0-10.8z";
/** Values of a position that are told; of more, the first. */
const MOST_VALUES = 4;

export const inputPanel: Panel = {
  name: "input",
  title: panels.input,
  create: (root, stage) => new InputView(root, stage),
};

class InputView implements View {
  readonly #stage: Stage;
  readonly #root: HTMLElement;
  readonly #tones: Tones;
  readonly #parts: readonly PartView[];
  readonly #modes: Choice<Mode>;
  readonly #zoom: Zoom;
  readonly #keys: Positions;
  readonly #legend = new Colorbar();
  readonly #opacity = h("input", { type: "range", class: "hw-opacity", min: 0, max: 100, step: 1 });
  readonly #frameText = h("span", { class: "hw-clip" });
  readonly #what = h("div", { class: "hw-slot hw-clip" });
  readonly #howMuch = h("div", { class: "hw-slot hw-clip" });
  /** Changes of size seen so far. */
  #measured = 0;
  /** Step, mode and theme that the parts show. */
  #drawn = "";
  /** Colours in force, and what they were made for. */
  #colors: { made: string; plain: ToneColors; sheer: ToneColors } | null = null;

  constructor(root: HTMLElement, stage: Stage) {
    this.#root = root;
    this.#stage = stage;
    const { session, signal } = stage;
    const { replay, input } = session;
    this.#tones = new Tones(replay, input);
    this.#parts = input.map((part) => DRAWINGS[part.kind].create(part, stage));
    const modes = modesOf(replay).map((mode) => ({ value: mode, text: mode, title: titleOf(replay, mode) }));
    this.#modes = new Choice("Colours of the input", modes, (mode) => this.#choose(mode), signal);
    this.#zoom = new Zoom(this.#parts, () => this.#point(), signal);
    this.#keys = new Positions(session, (position) => this.#act(position), signal);
    for (const slot of [this.#what, this.#howMuch]) tellWhileFocused(this.#keys.element, slot, signal);
    root.append(
      h("div", { class: "hw-head" }, this.#modes.element, this.#zoom.button),
      this.#frame(),
      this.#notes(),
    );
    this.#listen(signal);
  }

  update(): void {
    const { session, theme } = this.#stage;
    const { replay } = session;
    const { palette } = theme;
    this.#fit();
    const mode = session.state.screen.overlay ?? naturalMode(replay);
    const drawn = `${replay.step} ${mode} ${palette.dark}`;
    if (drawn !== this.#drawn) {
      const legend = this.#tones.update(mode);
      const { plain, sheer } = this.#colorsOf(legend, palette.dark);
      for (const part of this.#parts)
        part.draw({ replay, tones: this.#tones, legend, colors: plain, sheer, palette });
      this.#legend.update(replay, legend, plain);
      this.#modes.update(mode);
      this.#drawn = drawn;
    }
    const { opacity } = session.state.screen;
    this.#opacity.value = String(Math.round(100 * opacity));
    setVariable(this.#root, "--hw-opacity", String(opacity));
    this.#point();
    this.#write(replay);
  }

  /** The parts, each under its name where there are several. */
  #frame(): HTMLElement {
    const { input } = this.#stage.session;
    const parts = this.#parts.map(({ element }, i) => {
      const name = h("div", { class: "hw-part-name hw-clip" }, input[i]?.label ?? "");
      return h("div", { class: "hw-part-box" }, ...(this.#parts.length > 1 ? [name] : []), element);
    });
    return h("div", { class: "hw-parts" }, this.#keys.element, ...parts, this.#zoom.tools);
  }

  #notes(): HTMLElement {
    this.#opacity.setAttribute("aria-label", "Opacity of the colours");
    const opacity = h("label", { class: "hw-opacity-label" }, icon(HALF, CIRCLE), this.#opacity);
    opacity.title = "Opacity of the colours";
    opacity.hidden = !this.#parts.some((part) => part.fades);
    return h(
      "div",
      { class: "hw-notes" },
      this.#legend.element,
      h("div", { class: "hw-caption" }, this.#frameText, opacity),
      this.#what,
      this.#howMuch,
    );
  }

  #listen(signal: AbortSignal): void {
    const { session } = this.#stage;
    const fade = () => session.update({ screen: { opacity: Number(this.#opacity.value) / 100 } });
    listen(this.#opacity, { input: fade }, signal);
    // Arrows on the slider move it; they do not step.
    leaveKeys(this.#opacity, (key) => key !== "Escape", signal);
    listen(this.#root, { keydown: (event) => this.#zoom.onKey(event) }, signal);
    for (const part of this.#parts) {
      const hover = (event: PointerEvent) => session.hover(part.positionAt(event));
      const click = (event: MouseEvent) => this.#click(event, part.positionAt(event));
      listen(part.element, { pointermove: hover, pointerleave: () => session.hover(null), click }, signal);
    }
  }

  /** Choosing what is shown anyway means to go with the phases again. */
  #choose(mode: Mode): void {
    const { session } = this.#stage;
    session.update({ screen: { overlay: mode === naturalMode(session.replay) ? null : mode } });
  }

  #click(event: MouseEvent, position: number | null): void {
    // The second click of a double click is for the zoom.
    if (position === null || this.#zoom.dragged || (this.#zoom.on && event.detail > 1)) return;
    this.#act(position);
  }

  /** Goes to the pop of a popped position, selects another. */
  #act(position: number): void {
    const { session } = this.#stage;
    const { ranks } = this.#tones;
    if (ranks.has(position, session.state.cursor.step)) session.seek((ranks.row[position] as number) + 1);
    else session.toggleSelected(position);
  }

  /** Fits the parts into the panel; measures only when sizes changed. */
  #fit(): void {
    const { sizes, session } = this.#stage;
    if (sizes.changes === this.#measured) return;
    this.#measured = sizes.changes;
    const { input } = session;
    const stacked = this.#root.closest(".hw-stacked") !== null;
    const full = this.#root.clientWidth || FALLBACK_WIDTH;
    const images = input.filter((part) => part.kind === "image").length;
    input.forEach((part, i) => {
      const image = part.kind === "image";
      const width = image && images > 1 ? Math.floor((full - GAP) / 2) : full;
      const room: Room =
        image && stacked
          ? { width: Math.min(width, STACKED_WIDTH), height: HIGHEST }
          : { width, height: HIGHEST };
      this.#parts[i]?.fit({ ...room, height: Math.min(room.width * TALLEST, room.height) });
    });
    this.#drawn = "";
  }

  #colorsOf(legend: Legend, dark: boolean): { plain: ToneColors; sheer: ToneColors } {
    const made = `${legend.mode === "popped"} ${legend.signed} ${dark}`;
    if (this.#colors?.made !== made) {
      const [plain, sheer] = [toneColors(legend, dark, false), toneColors(legend, dark, true)];
      this.#colors = { made, plain, sheer };
    }
    return this.#colors;
  }

  /** The node whose field is framed: the one pointed at, or the one that the step is about. */
  #framed(replay: Replay): number | null {
    const { hovered, selected } = this.#stage.session.state.picked;
    return hovered ?? selected ?? this.#stage.session.slow?.last.operation.node ?? poppedNode(replay);
  }

  /** The position of the input that is pointed at, or selected. */
  #position(): number | null {
    const { state, trace } = this.#stage.session;
    const { hovered, selected } = state.picked;
    const isPosition = (n: number | null): n is number => n !== null && n < trace.inputCount;
    return [hovered, selected].find(isPosition) ?? null;
  }

  #point(): void {
    const framed = this.#framed(this.#stage.session.replay);
    for (const part of this.#parts) part.point({ framed, position: this.#position() });
  }

  #write(replay: Replay): void {
    const { trace, input } = this.#stage.session;
    const node = this.#framed(replay);
    if (node === null) setText(this.#frameText, replay.row >= 0 ? "a whole layer sees all of the input" : "");
    else if (node < trace.inputCount) setText(this.#frameText, `frame: ${nodeLabel(trace, node)}`);
    else if (seesAll(trace, input, node))
      setText(this.#frameText, `${nodeLabel(trace, node)} sees all of the input`);
    else setText(this.#frameText, `frame: what ${nodeLabel(trace, node)} sees`);
    const position = this.#position();
    setText(this.#what, position === null ? this.#progress(replay) : this.#valuesOf(position));
    setText(this.#howMuch, position === null ? "" : this.#sharesOf(replay, position));
  }

  /** How many positions were reached, or popped. */
  #progress(replay: Replay): string {
    const { trace, step } = replay;
    const noun = `${positionNoun(trace)}s`;
    const of = (n: number, all: number) => `${formatCount(n)} of ${formatCount(all)} ${noun}`;
    const { ranks } = this.#tones;
    if (naturalMode(replay) === "popped") {
      let popped = 0;
      for (const row of ranks.row) if (row >= 0 && row < step) popped++;
      return `${of(popped, ranks.count)} popped`;
    }
    let reached = 0;
    for (const value of replay.input) if (value !== 0) reached++;
    return `${of(reached, trace.inputCount)} reached`;
  }

  #valuesOf(position: number): string {
    const { trace, input } = this.#stage.session;
    const part = partAt(input, position);
    const values = part && valuesAt(part, position - part.first);
    const label = nodeLabel(trace, position);
    if (!values) return label;
    const shown = values.slice(0, MOST_VALUES).map(formatKey).join(", ");
    return `${label} · ${shown}${values.length > MOST_VALUES ? `, … (${values.length})` : ""}`;
  }

  /** What a position has received so far, what it has in the end, and when it is popped. */
  #sharesOf(replay: Replay, position: number): string {
    const { trace, step } = replay;
    const { ranks } = this.#tones;
    const key = this.#tones.finalKey(position);
    const words: string[] = [];
    if (trace.finishEnd > 0) words.push(`${formatKey(this.#tones.contribution(position))} so far`);
    if (key === null) words.push("never popped");
    else {
      const rank = ordinal(ranks.rank[position] as number);
      words.push(`${formatKey(key)}${trace.finishEnd > 0 ? " in the end" : ""}`);
      words.push(ranks.has(position, step) ? `popped ${rank}` : `${rank} to be popped`);
    }
    return words.join(" · ");
  }
}

/** The node that the last row popped; none where it passed on a whole layer. */
function poppedNode(replay: Replay): number | null {
  const { trace, row } = replay;
  return row < 0 || phaseOf(trace, row) === "finish" ? null : (trace.popNode[row] as number);
}
