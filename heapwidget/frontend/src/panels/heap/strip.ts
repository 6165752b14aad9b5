/** The whole heap as the array that it is: a bar a cell, or the largest of several where they are too many. */

import { binOf, firstCell, type Profile, profileOf } from "../../core/chart/profile";
import type { HeapLike } from "../../core/replay/heap";
import { Touch } from "../../core/replay/replay";
import { fitCanvas, h } from "../../kit/dom";
import type { Palette } from "../../kit/theme";

/** Lanes from top to bottom: signs of what was pushed, bars, signs of what was re-keyed and where levels begin. */
const ABOVE = 8;
const BARS = 30;
const BELOW = 9;
const HEIGHT = ABOVE + BARS + BELOW;
/** Widest bar: a heap of three is not three slabs. */
const WIDEST = 26;
/** Signs of one kind are no nearer than this. */
const APART = 7;

export interface StripMarks {
  /** `Touch` of the nodes that the last row touched. */
  readonly touch: Uint8Array;
  /** Those nodes. */
  readonly touched: readonly number[];
  /** Cells under the pointer, and selected; -1: none. */
  readonly hot: number;
  readonly selected: number;
}

/** The cells that one pixel stands for, both ends included, and the largest of them. */
export interface Pick {
  readonly from: number;
  readonly to: number;
  readonly cell: number;
}

export class Strip {
  readonly canvas = h("canvas", {
    class: "hw-strip",
    role: "slider",
    tabindex: 0,
    "aria-label": "Cell of the heap's array",
    "aria-valuemin": 0,
  });
  #profile: Profile = { size: 0, bins: 0, high: NONE, low: NONE, top: new Int32Array(), most: 0, least: 0 };
  /** CSS pixels of a bin. */
  #step = 1;
  /** What the profile was made of. */
  #made = "";

  /** Looks through the heap again where `moment`, which tells its states apart, or the width has changed. */
  measure(heap: HeapLike, width: number, moment: string): Profile {
    const made = `${moment} ${width}`;
    if (made !== this.#made) {
      this.#made = made;
      this.#profile = profileOf(heap, width);
      const { size, bins } = this.#profile;
      this.#step = Math.min(width / Math.max(size, 1), WIDEST) * (size / Math.max(bins, 1));
    }
    return this.#profile;
  }

  /** The cells at a distance from the left edge, or null. */
  pick(x: number): Pick | null {
    const { bins, top } = this.#profile;
    const bin = Math.floor(x / this.#step);
    if (bin < 0 || bin >= bins) return null;
    const [from, to] = [firstCell(this.#profile, bin), firstCell(this.#profile, bin + 1) - 1];
    return { from, to, cell: top[bin] as number };
  }

  draw(heap: HeapLike, width: number, marks: StripMarks, palette: Palette): void {
    const context = fitCanvas(this.canvas, width, HEIGHT);
    const { size, bins, most, least, high, low } = this.#profile;
    if (!context || size === 0) return;
    const unit = BARS / (most - least || 1);
    const zero = ABOVE + most * unit;
    const bar = this.#step >= 4 ? this.#step - 1 : this.#step >= 2.4 ? this.#step - 0.6 : this.#step;
    const colors = this.#colors(heap, marks, palette);
    const ratio = globalThis.devicePixelRatio || 1;
    /** Bars that touch end at whole pixels of the screen, or seams would show between them. */
    const edge = (x: number) => (bar < this.#step ? x : Math.round(x * ratio) / ratio);
    let filled = "";
    /** Rectangles one by one: a path of a thousand of them takes far longer to fill. */
    const fill = (color: string, x: number, y: number, height: number) => {
      if (color !== filled) context.fillStyle = filled = color;
      context.fillRect(edge(x), y, Math.max(edge(x + bar) - edge(x), 1 / ratio), height);
    };
    for (let bin = 0; bin < bins; bin++) {
      const [above, below, color] = [high[bin] as number, low[bin] as number, colors.get(bin)];
      const x = bin * this.#step;
      if (above > 0 || below === 0) {
        const height = Math.max(above * unit, 1);
        fill(color ?? palette.warmSoft, x, zero - height, height);
      }
      if (below < 0) fill(color ?? palette.cool, x, zero, Math.max(-below * unit, 1));
    }
    this.#drawLevels(context, palette);
    this.#drawSigns(context, heap, marks, bar, width, palette);
  }

  #x(cell: number): number {
    return binOf(this.#profile, cell) * this.#step;
  }

  /** Colours of the bins that are not like the others. */
  #colors(heap: HeapLike, { touched, hot, selected }: StripMarks, palette: Palette): Map<number, string> {
    const colors = new Map([[0, palette.warm]]);
    for (const node of touched) {
      const cell = heap.cellOf(node);
      if (cell >= 0) colors.set(binOf(this.#profile, cell), palette.blue);
    }
    for (const cell of [hot, selected]) if (cell >= 0) colors.set(binOf(this.#profile, cell), palette.ink);
    return colors;
  }

  /** A tick under the first cell of each level of the tree. */
  #drawLevels(context: CanvasRenderingContext2D, palette: Palette): void {
    context.fillStyle = palette.faint;
    const { size } = this.#profile;
    for (let first = 1; first < size; first = 2 * first + 1) {
      const x = this.#x(first);
      if (x >= 8) context.fillRect(Math.round(x) - 0.5, ABOVE + BARS + 2, 1, 3);
    }
  }

  /** A plus over what was pushed, under what was re-keyed an arrowhead that tells which way. */
  #drawSigns(
    context: CanvasRenderingContext2D,
    heap: HeapLike,
    { touch, touched }: StripMarks,
    bar: number,
    width: number,
    palette: Palette,
  ): void {
    const places = (kind: number) =>
      touched
        .filter((node) => touch[node] === kind && heap.cellOf(node) >= 0)
        .map((node) => this.#x(heap.cellOf(node)) + bar / 2)
        .sort((a, b) => a - b)
        .filter(sparsely());
    const inside = (x: number) => Math.min(Math.max(x, 3), width - 3.5);
    context.fillStyle = palette.blue;
    for (const x of places(Touch.pushed)) {
      const cx = Math.round(inside(x));
      context.fillRect(cx - 3, 3, 6, 2);
      context.fillRect(cx - 1, 1, 2, 6);
    }
    const heads = new Path2D();
    for (const [kind, tip, foot] of [
      [Touch.rekeyed, 2, 7.5],
      [Touch.lowered, 7.5, 2],
    ] as const) {
      for (const x of places(kind)) {
        const [cx, top] = [inside(x), ABOVE + BARS];
        heads.moveTo(cx, top + tip);
        heads.lineTo(cx + 3.2, top + foot);
        heads.lineTo(cx - 3.2, top + foot);
        heads.closePath();
      }
    }
    context.fill(heads);
  }
}

const NONE = new Float64Array();

/** Lets through what is not too near to what was let through before. */
function sparsely(): (x: number) => boolean {
  let last = Number.NEGATIVE_INFINITY;
  return (x) => {
    if (x - last < APART) return false;
    last = x;
    return true;
  };
}
