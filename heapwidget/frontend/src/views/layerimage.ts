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
  /** Whether the cells, and whether the shown image, must be drawn anew. */
  #stale = true;
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
    return this.#values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  }

  add(node: number, change: number): void {
    const cell = this.map.cellOf(node);
    this.#values[cell] = (this.#values[cell] as number) + change;
    this.#stale = true;
  }

  set(node: number, value: number): void {
    const cell = this.map.cellOf(node);
    if (this.#values[cell] === value) return;
    this.#values[cell] = value;
    this.#stale = true;
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
    if (this.#stale || drawn !== this.#drawn || colors !== this.#colors) {
      this.#colors = colors;
      this.#drawn = drawn;
      this.#paint(colors, scale, signed);
      this.#enlarge(column, ratio, patch);
      this.#stale = false;
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
    for (let cell = 0, at = 0; cell < values.length; cell++, at += 4) {
      const value = values[cell] as number;
      const seen = value > least || value < -least;
      data[at + 3] = seen ? 255 : 0;
      if (!seen) continue;
      const color = 3 * colorIndex(value, scale, signed);
      data[at] = colors[color] as number;
      data[at + 1] = colors[color + 1] as number;
      data[at + 2] = colors[color + 2] as number;
    }
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
