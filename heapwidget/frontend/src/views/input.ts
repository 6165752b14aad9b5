/** The input: its picture, what has reached it in colour, and the frame of what a node sees. */

import { type ColorMap, colorIndex, colorMap } from "../core/colormap";
import { fieldRects, type Rect } from "../core/field";
import { formatCount, formatKey, ordinal } from "../core/format";
import type { Input } from "../core/input";
import { nodeLabel } from "../core/labels";
import { positionNoun } from "../core/narration";
import type { Replay } from "../core/replay";
import { phaseOf } from "../core/trace";
import { fitCanvas, h, setText } from "./dom";
import type { Panel, Stage, View } from "./panel";

/** Cells smaller than this many pixels bear no hatching. */
const SMALLEST_HATCHED = 4;
/** Widest picture, and largest cell where there are few positions. */
const WIDEST = 364;
const LARGEST_CELL = 28;
const STACKED_WIDEST = 252;
/** Widest frame that is drawn around its cells instead of on them. */
const SMALL_FRAME = 24;
/** Height of a band of values over a band of contributions. */
const BAND = 44;
/** A photograph must show through what contributes little. */
const PALEST = 0.05;
const STRONGEST = 0.9;
/** Opacity of what was popped with the key 0. */
const IDLE = 0.14;

export const inputPanel: Panel = {
  name: "input",
  title: "Input",
  create: (root, stage) => new InputView(root, stage),
};

class InputView implements View {
  readonly #stage: Stage;
  readonly #base = h("canvas", { class: "hw-base", role: "img", "aria-label": "The input" });
  readonly #overlay = h("canvas", { class: "hw-overlay", "aria-hidden": "true" });
  readonly #hatch = h("canvas", { class: "hw-hatch", "aria-hidden": "true" });
  readonly #frames = h("div", { class: "hw-frames" });
  readonly #cell = h("div", { class: "hw-cell", hidden: true });
  readonly #picture = h(
    "div",
    { class: "hw-picture" },
    this.#base,
    this.#overlay,
    this.#hatch,
    this.#cell,
    this.#frames,
  );
  readonly #frameText = h("span", { class: "hw-clip" });
  readonly #colorText = h("span");
  readonly #ramp = h("canvas", { class: "hw-ramp", "aria-hidden": "true" });
  readonly #rampLow = h("span");
  readonly #rampHigh = h("span");
  readonly #status = h("div", { class: "hw-slot hw-clip" });
  readonly #root: HTMLElement;
  /** CSS pixels of one cell of the grid: width, and height of a row. */
  #scale = 1;
  #rowScale = 1;
  /** Colours, and whether they were made for a dark page. */
  #colors: { map: ColorMap; dark: boolean } | null = null;
  /** Pixels of the overlay, one a position. */
  #pixels: ImageData | null = null;

  constructor(root: HTMLElement, stage: Stage) {
    this.#root = root;
    this.#stage = stage;
    const { grid } = stage.session.input;
    this.#overlay.width = grid.columns;
    this.#overlay.height = grid.rows;
    const legend = h("span", { class: "hw-legend" }, this.#rampLow, this.#ramp, this.#rampHigh);
    // One row of values stands above a row of contributions, which would hide it.
    this.#picture.classList.toggle("hw-bands", isBand(stage.session.input));
    const notes = h(
      "div",
      { class: "hw-notes" },
      h("div", { class: "hw-caption" }, this.#frameText),
      h("div", { class: "hw-caption" }, this.#colorText, legend),
      this.#status,
    );
    root.append(this.#picture, notes);
    const { signal } = stage;
    const { session } = stage;
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
    if (this.#colors?.dark !== dark) {
      this.#colors = { map: colorMap(dark, replay.signed), dark };
      this.#drawLegend(replay);
    }
    this.#drawBase(dark);
    this.#drawOverlay(replay, this.#colors.map);
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

  #drawBase(dark: boolean): void {
    const { picture, session } = this.#stage;
    const { grid } = session.input;
    const ratio = globalThis.devicePixelRatio || 1;
    const band = isBand(session.input);
    const stacked = this.#root.closest(".hw-stacked") !== null && !band;
    const room = Math.min(this.#root.clientWidth || WIDEST, stacked ? STACKED_WIDEST : WIDEST);
    const cell = Math.min(room / grid.columns, (room * 1.1) / grid.rows, LARGEST_CELL);
    // Whole device pixels a cell keep all cells alike; a large picture may take a fraction.
    this.#scale = cell * ratio >= 2 ? Math.floor(cell * ratio) / ratio : cell;
    this.#rowScale = band ? BAND : this.#scale;
    const [width, height] = [grid.columns * this.#scale, grid.rows * this.#rowScale];
    this.#picture.style.width = `${width}px`;
    this.#picture.style.height = `${height}px`;
    const source = picture.canvas(dark);
    this.#base.classList.toggle("hw-photo", session.input.kind === "image" && session.input.channels === 3);
    if (this.#base.width !== source.width || this.#base.dataset.dark !== String(dark)) {
      this.#base.width = source.width;
      this.#base.height = source.height;
      this.#base.dataset.dark = String(dark);
      this.#base.getContext("2d")?.drawImage(source, 0, 0);
    }
  }

  /** Contribution shown at a position: what has arrived, or in the collect phase the key it was popped with. */
  #shown(replay: Replay, collecting: boolean, position: number): number {
    if (!collecting) return replay.input[position] as number;
    const row = replay.collectRow[position] as number;
    return row >= 0 && row < replay.step ? (replay.trace.popMass[row] as number) : Number.NaN;
  }

  #drawOverlay(replay: Replay, map: ColorMap): void {
    const context = this.#overlay.getContext("2d");
    if (!context) return;
    const { input } = this.#stage.session;
    const { grid } = input;
    this.#pixels ??= context.createImageData(grid.columns, grid.rows);
    const { data } = this.#pixels;
    const collecting = isCollecting(replay);
    const { inputScale: scale, signed } = replay;
    const photo = input.kind === "image" && input.channels === 3;
    let hatching = "";
    for (let p = 0; p < grid.count; p++) {
      const value = this.#shown(replay, collecting, p);
      // A popped position is selected even where its key is 0.
      const drawn = collecting ? !Number.isNaN(value) : value !== 0;
      if (!drawn) {
        data[4 * p + 3] = 0;
        continue;
      }
      const color = colorIndex(value, scale, signed);
      data[4 * p] = map[3 * color] as number;
      data[4 * p + 1] = map[3 * color + 1] as number;
      data[4 * p + 2] = map[3 * color + 2] as number;
      const share = Math.min(Math.abs(value) / scale, 1);
      // Selected for nothing: the last pixels of an image that is mostly paper.
      const idle = collecting && value === 0;
      const strength = idle ? IDLE : photo && !collecting ? PALEST + (STRONGEST - PALEST) * share ** 0.6 : 1;
      data[4 * p + 3] = Math.max(1, Math.round(255 * strength));
      if (signed && value < 0) hatching += this.#hatchPath(p, grid.columns);
    }
    context.putImageData(this.#pixels, 0, 0);
    if (signed) this.#drawHatching(hatching);
  }

  #hatchPath(position: number, columns: number): string {
    const [w, hgt] = [this.#scale, this.#rowScale];
    if (w < SMALLEST_HATCHED) return "";
    const [x, y] = [(position % columns) * w, Math.floor(position / columns) * hgt];
    return `M${x} ${y + hgt}l${w} ${-hgt}`;
  }

  #drawHatching(path: string): void {
    const { grid } = this.#stage.session.input;
    const context = fitCanvas(this.#hatch, grid.columns * this.#scale, grid.rows * this.#rowScale);
    if (!context || !path) return;
    context.strokeStyle = this.#stage.theme.palette.dark ? "rgb(0 0 0 / 0.55)" : "rgb(255 255 255 / 0.75)";
    context.lineWidth = 1;
    context.stroke(new Path2D(path));
  }

  #drawFrames(replay: Replay): void {
    const { session } = this.#stage;
    const { hovered, selected } = session.state;
    const { grid } = session.input;
    const node = hovered ?? selected ?? poppedNode(replay);
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

  #drawLegend(replay: Replay): void {
    const map = this.#colors?.map;
    if (!map) return;
    this.#ramp.width = 256;
    this.#ramp.height = 1;
    const context = this.#ramp.getContext("2d");
    const image = context?.createImageData(256, 1);
    if (context && image) {
      for (let i = 0; i < 256; i++) {
        const value = replay.signed ? (2 * i) / 255 - 1 : i / 255;
        const color = colorIndex(value, 1, replay.signed);
        // The negative half is hatched here too.
        const alpha = value < 0 && i % 20 < 5 ? 110 : 255;
        image.data.set(
          [map[3 * color] as number, map[3 * color + 1] as number, map[3 * color + 2] as number, alpha],
          4 * i,
        );
      }
      context.putImageData(image, 0, 0);
    }
    const most = replay.clipped ? "≥ " : "";
    setText(this.#rampLow, replay.signed ? "" : "0");
    setText(this.#rampHigh, (replay.signed ? "±" : most) + formatKey(replay.inputScale));
  }

  #write(replay: Replay): void {
    const { session } = this.#stage;
    const { trace } = replay;
    const { hovered, selected } = session.state;
    const popped = poppedNode(replay);
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
    setText(this.#colorText, collecting ? "colour: popped so far" : "colour: contribution so far");
    this.#picture.title = isBand(session.input) ? "above: values, below: contributions" : "";
    const position = [hovered, selected].find((n): n is number => n !== null && n < trace.inputCount);
    setText(
      this.#status,
      position === undefined ? this.#progress(replay, collecting) : this.#describe(replay, position),
    );
  }

  #progress(replay: Replay, collecting: boolean): string {
    const { trace } = replay;
    const noun = `${positionNoun(trace)}s`;
    if (collecting)
      return `${formatCount(replay.step - trace.finishEnd)} of ${formatCount(trace.inputCount)} ${noun} popped`;
    let reached = 0;
    for (const value of replay.input) if (value !== 0) reached++;
    return `${formatCount(reached)} of ${formatCount(trace.inputCount)} ${noun} reached`;
  }

  #describe(replay: Replay, position: number): string {
    const { trace } = replay;
    const label = nodeLabel(trace, position);
    const row = replay.collectRow[position] ?? -1;
    const value =
      isCollecting(replay) && row >= 0 ? (trace.popMass[row] as number) : (replay.input[position] as number);
    const rank =
      row < 0
        ? ""
        : ` · ${row < replay.step ? "popped" : "to be popped"} ${ordinal(row - trace.finishEnd + 1)}`;
    return `${label} · ${formatKey(value)}${rank}`;
  }
}

const isCollecting = (replay: Replay): boolean =>
  replay.step > replay.trace.finishEnd || replay.trace.finishEnd === 0;

/** The node that the last row popped; none where it passed on a whole layer. */
function poppedNode(replay: Replay): number | null {
  const { trace, row } = replay;
  return row < 0 || phaseOf(trace, row) === "finish" ? null : (trace.popNode[row] as number);
}

const isAll = (r: Rect, grid: { columns: number; rows: number }): boolean =>
  r.x0 === 0 && r.y0 === 0 && r.x1 === grid.columns && r.y1 === grid.rows;

const isBand = (input: Input): boolean => input.kind === "strip" && input.grid.rows === 1;
