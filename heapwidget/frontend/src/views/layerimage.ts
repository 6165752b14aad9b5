/** One layer as a small image: a pixel a cell, drawn anew only where relevance moved. */

import { type ColorMap, colorIndex } from "../core/colormap";
import type { Column } from "../core/columns";
import type { LayerMap } from "../core/maps";
import { h } from "./dom";

export class LayerImage {
  readonly map: LayerMap;
  /** Value of each cell. */
  readonly #values: Float64Array;
  /** A pixel a cell, the tiles under one another. */
  readonly #small = h("canvas");
  /** As large as it is shown. */
  readonly #shown = h("canvas");
  #pixels: ImageData | null = null;
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
    if (this.#changed && this.#changed.length > this.#values.length / 4) this.#changed = null;
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
    if (colors !== this.#colors) this.#changed = null;
    if (this.#changed?.length !== 0 || drawn !== this.#drawn) {
      this.#colors = colors;
      this.#drawn = drawn;
      this.#paint(colors, scale, signed);
      this.#enlarge(column, ratio, patch);
      this.#changed = [];
    }
    context.drawImage(this.#shown, column.x, column.y, this.#shown.width / ratio, this.#shown.height / ratio);
  }

  #paint(colors: ColorMap, scale: number, signed: boolean): void {
    const context = this.#small.getContext("2d");
    if (!context) return;
    this.#pixels ??= context.createImageData(this.#small.width, this.#small.height);
    const { data } = this.#pixels;
    const values = this.#values;
    // What an addition and its reversal leave is no relevance.
    const least = 1e-9 * scale;
    const paint = (cell: number) => {
      const [value, at] = [values[cell] as number, 4 * cell];
      const seen = value > least || value < -least;
      data[at + 3] = seen ? 255 : 0;
      if (!seen) return;
      const color = 3 * colorIndex(value, scale, signed);
      data[at] = colors[color] as number;
      data[at + 1] = colors[color + 1] as number;
      data[at + 2] = colors[color + 2] as number;
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
