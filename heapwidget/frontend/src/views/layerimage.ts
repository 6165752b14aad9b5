/** One layer as a small image: a pixel a cell, drawn anew only where relevance moved. */

import { type ColorMap, colorIndex } from "../core/colormap";
import type { Column } from "../core/columns";
import type { LayerMap } from "../core/maps";
import { h } from "./dom";

/** Of more changed cells no list is kept. */
const MANY = 1024;

export class LayerImage {
  readonly map: LayerMap;
  /** Value of each cell. */
  readonly #values: Float64Array;
  /** A pixel a cell, the tiles under one another. */
  readonly #small = h("canvas");
  /** As large as it is shown. */
  readonly #shown = h("canvas");
  #pixels: ImageData | null = null;
  /** The same, a word a pixel, and the words of the colours. */
  #words = new Uint32Array();
  #palette = new Uint32Array();
  /** Cells that changed since they were drawn; null: so many that all are drawn anew. */
  #changed: number[] | null = null;
  /** Largest magnitude; null: not known since cells changed. */
  #largest: number | null = null;
  #colors: ColorMap | null = null;
  /** Where and on what it was drawn last. */
  #drawn = "";

  constructor(map: LayerMap) {
    this.map = map;
    this.#small.width = map.tileWidth;
    this.#small.height = map.tileHeight * map.tiles;
    this.#values = new Float64Array(this.#small.width * this.#small.height);
  }

  /** Largest magnitude now. */
  get largest(): number {
    this.#largest ??= this.#values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    return this.#largest;
  }

  add(node: number, change: number): void {
    const cell = this.map.cellOf(node);
    this.#write(cell, (this.#values[cell] as number) + change);
  }

  set(node: number, value: number): void {
    const cell = this.map.cellOf(node);
    if (this.#values[cell] !== value) this.#write(cell, value);
  }

  #write(cell: number, value: number): void {
    this.#values[cell] = value;
    this.#largest = null;
    this.#changed?.push(cell);
    if (this.#changed && this.#changed.length > Math.min(this.#values.length / 4, MANY)) this.#changed = null;
  }

  draw(
    context: CanvasRenderingContext2D,
    column: Column,
    colors: ColorMap,
    scale: number,
    signed: boolean,
    patch: string,
  ): void {
    const ratio = globalThis.devicePixelRatio || 1;
    const drawn = `${column.width} ${column.cell} ${patch} ${ratio}`;
    if (colors !== this.#colors) {
      this.#changed = null;
      this.#palette = wordsOf(colors);
    }
    if (this.#changed?.length !== 0 || drawn !== this.#drawn) {
      this.#colors = colors;
      this.#drawn = drawn;
      this.#paint(scale, signed);
      this.#enlarge(column, ratio, patch);
      this.#changed = [];
    }
    context.drawImage(this.#shown, column.x, column.y, this.#shown.width / ratio, this.#shown.height / ratio);
  }

  #paint(scale: number, signed: boolean): void {
    const context = this.#small.getContext("2d");
    if (!context) return;
    if (!this.#pixels) {
      this.#pixels = context.createImageData(this.#small.width, this.#small.height);
      this.#words = new Uint32Array(this.#pixels.data.buffer);
    }
    const [values, words, palette] = [this.#values, this.#words, this.#palette];
    // What an addition and its reversal leave is no relevance.
    const least = 1e-9 * scale;
    const paint = (cell: number) => {
      const value = values[cell] as number;
      const seen = value > least || value < -least;
      words[cell] = seen ? (palette[colorIndex(value, scale, signed)] as number) : 0;
    };
    if (this.#changed) this.#changed.forEach(paint);
    else for (let cell = 0; cell < values.length; cell++) paint(cell);
    context.putImageData(this.#pixels, 0, 0);
  }

  #enlarge({ width, height, cell, gap }: Column, ratio: number, patch: string): void {
    const [w, hgt] = [Math.max(Math.round(width * ratio), 1), Math.max(Math.round(height * ratio), 1)];
    if (this.#shown.width !== w || this.#shown.height !== hgt) {
      this.#shown.width = w;
      this.#shown.height = hgt;
    }
    const context = this.#shown.getContext("2d");
    if (!context) return;
    context.clearRect(0, 0, w, hgt);
    context.fillStyle = patch;
    context.imageSmoothingEnabled = cell * ratio < 1;
    const { tiles, across, tileWidth, tileHeight } = this.map;
    const [tw, th] = [tileWidth * cell * ratio, tileHeight * cell * ratio];
    for (let tile = 0; tile < tiles; tile++) {
      const x = (tile % across) * (tw + gap * ratio);
      const y = Math.floor(tile / across) * (th + gap * ratio);
      context.fillRect(x, y, tw, th);
      context.drawImage(this.#small, 0, tile * tileHeight, tileWidth, tileHeight, x, y, tw, th);
    }
  }
}

/** Colours as they lie in the memory of an image: red, green, blue, and opaque. */
function wordsOf(colors: ColorMap): Uint32Array<ArrayBuffer> {
  const bytes = new Uint8Array((4 * colors.length) / 3).fill(255);
  for (let i = 0; 3 * i < colors.length; i++) bytes.set(colors.subarray(3 * i, 3 * i + 3), 4 * i);
  return new Uint32Array(bytes.buffer);
}
