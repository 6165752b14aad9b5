/** The whole heap as the array that it is: a bar a cell, or the largest of several where they are too many. */

import type { HeapLike } from "../core/heap";
import { Touch } from "../core/replay";
import { fitCanvas, h } from "./dom";
import type { Palette } from "./theme";

const BARS = 30;
const TICKS = 5;
const HEIGHT = BARS + TICKS;
/** Widest bar: a heap of three is not three slabs. */
const WIDEST = 26;

export interface StripMarks {
  readonly touch: Uint8Array;
  /** Cell under the pointer, and the selected one; -1: none. */
  readonly hot: number;
  readonly selected: number;
}

export class Strip {
  readonly canvas = h("canvas", { class: "hw-strip", role: "img", "aria-label": "The heap as an array" });
  /** CSS pixels of a cell, and number of cells, as last drawn. */
  #pitch = 1;
  #size = 0;

  /** Cell at a distance from the left edge, or null. */
  cellAt(x: number): number | null {
    const cell = Math.floor(x / this.#pitch);
    return cell >= 0 && cell < this.#size ? cell : null;
  }

  draw(heap: HeapLike, width: number, marks: StripMarks, palette: Palette): void {
    const context = fitCanvas(this.canvas, width, HEIGHT);
    this.#size = heap.size;
    this.#pitch = Math.min(width / Math.max(heap.size, 1), WIDEST);
    if (!context || heap.size === 0) return;
    const { high: most, low: least } = extremes(heap, 0, heap.size, marks.touch);
    const unit = BARS / (most - least || 1);
    const zero = most * unit;
    const bins = Math.min(heap.size, Math.ceil(width));
    const perBin = heap.size / bins;
    const step = this.#pitch * perBin;
    const bar = step >= 4 ? step - 1 : step >= 2.4 ? step - 0.6 : step;
    const paths: Record<string, Path2D> = {};
    for (let bin = 0; bin < bins; bin++) {
      const from = Math.floor(bin * perBin);
      const to = Math.max(Math.floor((bin + 1) * perBin), from + 1);
      const { high, low, touched } = extremes(heap, from, to, marks.touch);
      const within = (cell: number) => cell >= from && cell < to;
      const color =
        within(marks.hot) || within(marks.selected)
          ? palette.ink
          : touched
            ? palette.blue
            : from === 0
              ? palette.warm
              : null;
      const x = bin * step;
      if (high > 0 || low === 0) {
        const height = Math.max(high * unit, 1);
        add(paths, color ?? palette.warmSoft, x, zero - height, bar, height);
      }
      if (low < 0) add(paths, color ?? palette.cool, x, zero, bar, Math.max(-low * unit, 1));
    }
    for (const [color, path] of Object.entries(paths)) {
      context.fillStyle = color;
      context.fill(path);
    }
    this.#drawLevels(context, heap.size, palette);
  }

  /** A tick under the first cell of each level of the tree. */
  #drawLevels(context: CanvasRenderingContext2D, size: number, palette: Palette): void {
    context.fillStyle = palette.faint;
    for (let first = 1; first < size; first = 2 * first + 1) {
      const x = first * this.#pitch;
      if (x >= 8) context.fillRect(Math.round(x) - 0.5, BARS + 2, 1, TICKS - 2);
    }
  }
}

function extremes(heap: HeapLike, from: number, to: number, touch: Uint8Array) {
  let high = 0;
  let low = 0;
  let touched = false;
  for (let cell = from; cell < to; cell++) {
    const key = heap.keyAt(cell);
    if (key > high) high = key;
    else if (key < low) low = key;
    touched ||= (touch[heap.nodeAt(cell)] ?? Touch.none) !== Touch.none;
  }
  return { high, low, touched };
}

function add(
  paths: Record<string, Path2D>,
  color: string,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  const path = paths[color] ?? new Path2D();
  paths[color] = path;
  path.rect(x, y, width, height);
}
