/** One layer as a small image: a pixel a cell, drawn anew only where relevance moved. */

import { type ColorMap, colorIndex } from "../../core/colour/colormap";
import type { Column } from "../../core/geometry/layercolumns";
import type { LayerMap } from "../../core/geometry/layermap";
import { h } from "../../kit/dom";

/** Of more changed cells no list is kept. */
const MANY = 1024;

/** How the cells of a layer are coloured. */
export interface Coloring {
  readonly colors: ColorMap;
  /** Magnitude with the strongest colour. */
  readonly scale: number;
  readonly signed: boolean;
  /** Ground of the tiles. */
  readonly ground: string;
}

export class LayerImage {
  readonly map: LayerMap;
  /** Value of each cell. */
  readonly #values: Float64Array;
  /** A pixel a cell, the tiles under one another. */
  readonly #small = h("canvas");
  #pixels: ImageData | null = null;
  /** The same, a word a pixel, and the words of the colours. */
  #words = new Uint32Array();
  #palette = new Uint32Array();
  /** Cells that changed since they were drawn; null: so many that all are drawn anew. */
  #changed: number[] | null = null;
  /** Largest magnitude; null: not known since cells changed. */
  #largest: number | null = null;
  #colors: ColorMap | null = null;

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

  add(cell: number, change: number): void {
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

  /** Has all tiles drawn anew: what they were drawn on is gone. */
  forget(): void {
    this.#changed = null;
  }

  /** Draws the tiles that changed into their column; `context` keeps the others, and has a unit for each device pixel. */
  draw(context: CanvasRenderingContext2D, column: Column, ratio: number, coloring: Coloring): void {
    if (coloring.colors !== this.#colors) {
      this.#colors = coloring.colors;
      this.#palette = wordsOf(coloring.colors);
    }
    if (this.#changed?.length === 0) return;
    const area = this.map.tileWidth * this.map.tileHeight;
    const tiles = this.#changed
      ? new Set(this.#changed.map((cell) => Math.floor(cell / area)))
      : Array.from({ length: this.map.tiles }, (_, tile) => tile);
    this.#paint(coloring);
    context.fillStyle = coloring.ground;
    context.imageSmoothingEnabled = column.cell * ratio < 1;
    for (const tile of tiles) this.#drawTile(context, column, ratio, tile);
    this.#changed = [];
  }

  /** Colours what changed. */
  #paint({ scale, signed }: Coloring): void {
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

  /** Tiles begin and end at whole pixels: drawn again, an edge in between would add up. */
  #drawTile(
    context: CanvasRenderingContext2D,
    { x, y, cell, gap }: Column,
    ratio: number,
    tile: number,
  ): void {
    const { across, tileWidth, tileHeight } = this.map;
    const left = x + (tile % across) * (tileWidth * cell + gap);
    const top = y + Math.floor(tile / across) * (tileHeight * cell + gap);
    const [x0, y0] = [Math.round(left * ratio), Math.round(top * ratio)];
    const width = Math.max(Math.round((left + tileWidth * cell) * ratio) - x0, 1);
    const height = Math.max(Math.round((top + tileHeight * cell) * ratio) - y0, 1);
    context.fillRect(x0, y0, width, height);
    context.drawImage(this.#small, 0, tile * tileHeight, tileWidth, tileHeight, x0, y0, width, height);
  }
}

/** Colours as they lie in the memory of an image: red, green, blue, and opaque. */
function wordsOf(colors: ColorMap): Uint32Array<ArrayBuffer> {
  const bytes = new Uint8Array((4 * colors.length) / 3).fill(255);
  for (let i = 0; 3 * i < colors.length; i++) bytes.set(colors.subarray(3 * i, 3 * i + 3), 4 * i);
  return new Uint32Array(bytes.buffer);
}
