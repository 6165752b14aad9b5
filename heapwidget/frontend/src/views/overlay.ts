/** What has reached the input, in colour: one canvas pixel a position, hatching where it is negative, a legend. */

import { type ColorMap, colorIndex, colorMap } from "../core/colormap";
import { formatKey } from "../core/format";
import type { Input } from "../core/input";
import type { Replay } from "../core/replay";
import { fitCanvas, h, setText } from "./dom";

/** Cells smaller than this many pixels bear no hatching. */
const SMALLEST_HATCHED = 4;
/** A photograph must show through what contributes little. */
const PALEST = 0.05;
const STRONGEST = 0.9;
const EXPONENT = 0.6;
/** Opacity of what was popped with the key 0: the last pixels of an image that is mostly paper. */
const IDLE = 0.14;

/** Size of a cell in CSS pixels. */
export interface CellSize {
  readonly width: number;
  readonly height: number;
}

/** Whether popped positions are shown, and no longer what has arrived. */
export const isCollecting = (replay: Replay): boolean =>
  replay.step > replay.trace.finishEnd || replay.trace.finishEnd === 0;

/** What a position is coloured by: what has arrived, or the key it was popped with; null: nothing. */
export function shownValue(replay: Replay, position: number): number | null {
  if (!isCollecting(replay)) return replay.input[position] || null;
  const row = replay.collectRow[position] ?? -1;
  return row >= 0 && row < replay.step ? (replay.trace.popMass[row] as number) : null;
}

export class Overlay {
  readonly canvas = h("canvas", { class: "hw-overlay", "aria-hidden": "true" });
  readonly hatch = h("canvas", { class: "hw-hatch", "aria-hidden": "true" });
  readonly legend: HTMLElement;
  readonly #ramp = h("canvas", { class: "hw-ramp", width: 256, height: 1, "aria-hidden": "true" });
  readonly #low = h("span");
  readonly #high = h("span");
  readonly #input: Input;
  /** Whether the colours must leave a photograph visible. */
  readonly #photo: boolean;
  /** Colours, and whether they were made for a dark page. */
  #colors: { map: ColorMap; dark: boolean } | null = null;
  /** Colour of each position once it is popped. */
  #popped: Uint32Array | null = null;
  /** Pixels of the canvas. */
  #pixels: ImageData | null = null;

  constructor(input: Input) {
    this.#input = input;
    this.#photo = input.kind === "image" && input.channels === 3;
    this.canvas.width = input.grid.columns;
    this.canvas.height = input.grid.rows;
    this.legend = h("span", { class: "hw-legend" }, this.#low, this.#ramp, this.#high);
  }

  draw(replay: Replay, dark: boolean, cell: CellSize): void {
    if (this.#colors?.dark !== dark) {
      this.#colors = { map: colorMap(dark, replay.signed), dark };
      this.#popped = null;
      this.#drawLegend(replay, this.#colors.map);
    }
    const context = this.canvas.getContext("2d");
    if (!context) return;
    const { grid } = this.#input;
    this.#pixels ??= context.createImageData(grid.columns, grid.rows);
    this.#fill(this.#pixels.data, replay, this.#colors.map);
    context.putImageData(this.#pixels, 0, 0);
    if (replay.signed) this.#drawHatching(replay, dark, cell);
  }

  #fill(data: Uint8ClampedArray, replay: Replay, map: ColorMap): void {
    const { count } = this.#input.grid;
    if (isCollecting(replay)) {
      // A position has one colour once it is popped: with a million of them that is worth remembering.
      this.#popped ??= this.#poppedColors(replay, map);
      const words = new Uint32Array(data.buffer);
      const { collectRow, step } = replay;
      for (let p = 0; p < count; p++) {
        const row = collectRow[p] as number;
        words[p] = row >= 0 && row < step ? (this.#popped[p] as number) : 0;
      }
      return;
    }
    for (let p = 0; p < count; p++) this.#color(data, p, replay.input[p] || null, replay, map, this.#photo);
  }

  /** Colours of all positions when they are popped, a word each. */
  #poppedColors(replay: Replay, map: ColorMap): Uint32Array {
    const { count } = this.#input.grid;
    const colors = new Uint8ClampedArray(4 * count);
    const { popMass } = replay.trace;
    for (let p = 0; p < count; p++) {
      const row = replay.collectRow[p] as number;
      this.#color(colors, p, row < 0 ? null : (popMass[row] as number), replay, map, false);
    }
    return new Uint32Array(colors.buffer);
  }

  #color(
    data: Uint8ClampedArray,
    p: number,
    value: number | null,
    { inputScale: scale, signed }: Replay,
    map: ColorMap,
    sheer: boolean,
  ): void {
    if (value === null) {
      data[4 * p + 3] = 0;
      return;
    }
    const color = colorIndex(value, scale, signed);
    data[4 * p] = map[3 * color] as number;
    data[4 * p + 1] = map[3 * color + 1] as number;
    data[4 * p + 2] = map[3 * color + 2] as number;
    const share = Math.min(Math.abs(value) / scale, 1);
    const strength = value === 0 ? IDLE : sheer ? PALEST + (STRONGEST - PALEST) * share ** EXPONENT : 1;
    data[4 * p + 3] = Math.max(1, Math.round(255 * strength));
  }

  #drawHatching(replay: Replay, dark: boolean, { width, height }: CellSize): void {
    const { columns, rows, count } = this.#input.grid;
    const context = fitCanvas(this.hatch, columns * width, rows * height);
    if (!context || width < SMALLEST_HATCHED) return;
    context.beginPath();
    for (let p = 0; p < count; p++) {
      if ((shownValue(replay, p) ?? 0) >= 0) continue;
      const [x, y] = [(p % columns) * width, Math.floor(p / columns) * height];
      context.moveTo(x, y + height);
      context.lineTo(x + width, y);
    }
    context.strokeStyle = dark ? "rgb(0 0 0 / 0.55)" : "rgb(255 255 255 / 0.75)";
    context.stroke();
  }

  #drawLegend(replay: Replay, map: ColorMap): void {
    const context = this.#ramp.getContext("2d");
    const image = context?.createImageData(256, 1);
    for (let i = 0; image && i < 256; i++) {
      const value = replay.signed ? (2 * i) / 255 - 1 : i / 255;
      const color = colorIndex(value, 1, replay.signed);
      // The negative half is hatched here too.
      const alpha = value < 0 && i % 20 < 5 ? 110 : 255;
      image.data.set([...map.subarray(3 * color, 3 * color + 3), alpha], 4 * i);
    }
    if (image) context?.putImageData(image, 0, 0);
    const most = replay.clipped ? "≥ " : "";
    setText(this.#low, replay.signed ? "" : "0");
    setText(this.#high, (replay.signed ? "±" : most) + formatKey(replay.inputScale));
  }
}
