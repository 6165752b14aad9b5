/** The input: its picture, what has reached it in colour, and the frame of what a node sees. */

import { fieldRects, type Rect } from "../core/field";
import { formatCount, formatKey, ordinal } from "../core/format";
import type { Input } from "../core/input";
import { nodeLabel } from "../core/labels";
import { positionNoun } from "../core/narration";
import type { Replay } from "../core/replay";
import { phaseOf } from "../core/trace";
import { h, setText } from "./dom";
import { isCollecting, Overlay } from "./overlay";
import type { Panel, Stage, View } from "./panel";

/** Widest picture, and largest cell where there are few positions. */
const WIDEST = 364;
const LARGEST_CELL = 28;
const STACKED_WIDEST = 252;
/** Widest frame that is drawn around its cells instead of on them. */
const SMALL_FRAME = 24;
/** Height of a band of values over a band of contributions. */
const BAND = 44;

export const inputPanel: Panel = {
  name: "input",
  title: "Input",
  create: (root, stage) => new InputView(root, stage),
};

class InputView implements View {
  readonly #stage: Stage;
  readonly #base = h("canvas", { class: "hw-base", role: "img", "aria-label": "The input" });
  readonly #overlay: Overlay;
  readonly #frames = h("div", { class: "hw-frames" });
  readonly #cell = h("div", { class: "hw-cell", hidden: true });
  readonly #picture = h("div", { class: "hw-picture" });
  readonly #frameText = h("span", { class: "hw-clip" });
  readonly #colorText = h("span");
  readonly #status = h("div", { class: "hw-slot hw-clip" });
  readonly #root: HTMLElement;
  /** CSS pixels of one cell of the grid: width, and height of a row. */
  #scale = 1;
  #rowScale = 1;
  /** Changes of size seen so far. */
  #measured = 0;
  /** Step and theme that the canvases show, nothing if they must be drawn anew. */
  #drawn = "";

  constructor(root: HTMLElement, stage: Stage) {
    this.#root = root;
    this.#stage = stage;
    const { session, signal } = stage;
    const { input } = session;
    this.#overlay = new Overlay(input);
    // One row of values stands above a row of contributions, which would hide it.
    this.#picture.classList.toggle("hw-bands", isBand(input));
    this.#picture.title = isBand(input) ? "above: values, below: contributions" : "";
    this.#base.classList.toggle("hw-photo", input.kind === "image" && input.channels === 3);
    this.#picture.append(this.#base, this.#overlay.canvas, this.#overlay.hatch, this.#cell, this.#frames);
    const notes = h(
      "div",
      { class: "hw-notes" },
      h("div", { class: "hw-caption" }, this.#frameText),
      h("div", { class: "hw-caption" }, this.#colorText, this.#overlay.legend),
      this.#status,
    );
    root.append(this.#picture, notes);
    this.#picture.addEventListener("pointermove", (e) => session.update({ hovered: this.#positionAt(e) }), {
      signal,
    });
    this.#picture.addEventListener("pointerleave", () => session.update({ hovered: null }), { signal });
    this.#picture.addEventListener("click", (e) => this.#click(this.#positionAt(e)), { signal });
  }

  update(): void {
    const { session, theme } = this.#stage;
    const { replay } = session;
    const { dark } = theme.palette;
    this.#fit();
    const drawn = `${replay.step} ${dark}`;
    if (drawn !== this.#drawn) {
      if (this.#base.dataset.dark !== String(dark)) this.#drawBase(dark);
      this.#overlay.draw(replay, dark, { width: this.#scale, height: this.#rowScale });
      this.#drawn = drawn;
    }
    this.#drawFrames(replay);
    this.#write(replay);
  }

  destroy(): void {
    this.#root.replaceChildren();
  }

  #positionAt(event: MouseEvent): number | null {
    const { grid } = this.#stage.session.input;
    const box = this.#picture.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * grid.columns);
    const row = Math.floor(((event.clientY - box.top) / box.height) * grid.rows);
    const position = row * grid.columns + column;
    return column >= 0 && column < grid.columns && position >= 0 && position < grid.count ? position : null;
  }

  #click(position: number | null): void {
    const { session } = this.#stage;
    if (position === null) return;
    const row = session.replay.collectRow[position] ?? -1;
    const popped = row >= 0 && row < session.state.step;
    if (popped) session.seek(row + 1);
    else session.update({ selected: session.state.selected === position ? null : position });
  }

  /** Fits the picture into the panel; measures only when sizes changed. */
  #fit(): void {
    const { session, sizes } = this.#stage;
    if (sizes.changes === this.#measured) return;
    this.#measured = sizes.changes;
    const { grid } = session.input;
    const ratio = globalThis.devicePixelRatio || 1;
    const band = isBand(session.input);
    const stacked = this.#root.closest(".hw-stacked") !== null && !band;
    const room = Math.min(this.#root.clientWidth || WIDEST, stacked ? STACKED_WIDEST : WIDEST);
    const cell = Math.min(room / grid.columns, (room * 1.1) / grid.rows, LARGEST_CELL);
    // Whole device pixels a cell keep all cells alike; a large picture may take a fraction.
    this.#scale = cell * ratio >= 2 ? Math.floor(cell * ratio) / ratio : cell;
    this.#rowScale = band ? BAND : this.#scale;
    this.#picture.style.width = `${grid.columns * this.#scale}px`;
    this.#picture.style.height = `${grid.rows * this.#rowScale}px`;
    this.#drawn = "";
  }

  /** The node that the step is about. */
  #subject(replay: Replay): number | null {
    return this.#stage.session.slow?.last.operation.node ?? poppedNode(replay);
  }

  #drawBase(dark: boolean): void {
    const source = this.#stage.picture.canvas(dark);
    this.#base.dataset.dark = String(dark);
    this.#base.width = source.width;
    this.#base.height = source.height;
    this.#base.getContext("2d")?.drawImage(source, 0, 0);
  }

  #drawFrames(replay: Replay): void {
    const { session } = this.#stage;
    const { hovered, selected } = session.state;
    const { grid } = session.input;
    const node = hovered ?? selected ?? this.#subject(replay);
    const rects = node === null ? [] : fieldRects(replay.trace, node, grid).filter((r) => !isAll(r, grid));
    while (this.#frames.children.length < rects.length) this.#frames.append(h("div", { class: "hw-frame" }));
    [...this.#frames.children].forEach((child, i) => {
      const rect = rects[i];
      const frame = child as HTMLElement;
      frame.hidden = !rect;
      if (rect) this.#place(frame, rect, 2);
    });
    const position = hovered !== null && hovered < grid.count ? hovered : null;
    this.#cell.hidden = position === null;
    if (position !== null) {
      const [x0, y0] = [position % grid.columns, Math.floor(position / grid.columns)];
      this.#place(this.#cell, { x0, y0, x1: x0 + 1, y1: y0 + 1 }, 0);
    }
  }

  /** Puts an element around a part of the grid; what is small is framed from outside. */
  #place(element: HTMLElement, rect: Rect, border: number): void {
    const [sx, sy] = [this.#scale, this.#rowScale];
    const out = (rect.x1 - rect.x0) * sx < SMALL_FRAME ? border : 0;
    element.style.transform = `translate(${rect.x0 * sx - out}px, ${rect.y0 * sy - out}px)`;
    element.style.width = `${(rect.x1 - rect.x0) * sx + 2 * out}px`;
    element.style.height = `${(rect.y1 - rect.y0) * sy + 2 * out}px`;
  }

  #write(replay: Replay): void {
    const { session } = this.#stage;
    const { trace } = replay;
    const { hovered, selected } = session.state;
    const popped = this.#subject(replay);
    const node = hovered ?? selected ?? popped;
    if (node === null) {
      setText(this.#frameText, replay.row >= 0 ? "a whole layer sees all of the input" : "");
    } else {
      const whole = fieldRects(trace, node, session.input.grid).every((r) => isAll(r, session.input.grid));
      const label = nodeLabel(trace, node);
      const text =
        node < trace.inputCount
          ? `frame: ${label}`
          : whole
            ? `${label} sees all of the input`
            : `frame: what ${label} sees`;
      setText(this.#frameText, text);
    }
    const collecting = isCollecting(replay);
    setText(
      this.#colorText,
      collecting || replay.trace.inputInHeap ? "colour: popped so far" : "colour: contribution so far",
    );
    const position = [hovered, selected].find((n): n is number => n !== null && n < trace.inputCount);
    setText(
      this.#status,
      position === undefined ? this.#progress(replay, collecting) : this.#describe(replay, position),
    );
  }

  #progress(replay: Replay, collecting: boolean): string {
    const { trace } = replay;
    const noun = `${positionNoun(trace)}s`;
    const of = (n: number, all: number) => `${formatCount(n)} of ${formatCount(all)} ${noun}`;
    if (collecting) return `${of(replay.step - trace.finishEnd, trace.steps - trace.finishEnd)} popped`;
    let reached = 0;
    for (const value of replay.input) if (value !== 0) reached++;
    return `${of(reached, trace.inputCount)} ${trace.inputInHeap ? "popped" : "reached"}`;
  }

  #describe(replay: Replay, position: number): string {
    const { trace } = replay;
    const label = nodeLabel(trace, position);
    const row = replay.collectRow[position] ?? -1;
    const collected = isCollecting(replay) && row >= 0;
    const value = (collected ? trace.popMass[row] : replay.input[position]) as number;
    const rank =
      row < 0
        ? ""
        : ` · ${row < replay.step ? "popped" : "to be popped"} ${ordinal(row - trace.finishEnd + 1)}`;
    return `${label} · ${formatKey(value)}${rank}`;
  }
}

/** The node that the last row popped; none where it passed on a whole layer. */
function poppedNode(replay: Replay): number | null {
  const { trace, row } = replay;
  return row < 0 || phaseOf(trace, row) === "finish" ? null : (trace.popNode[row] as number);
}

const isAll = (r: Rect, grid: { columns: number; rows: number }): boolean =>
  r.x0 === 0 && r.y0 === 0 && r.x1 === grid.columns && r.y1 === grid.rows;

const isBand = (input: Input): boolean => input.kind === "strip" && input.grid.rows === 1;
