/** An input as pixels: drawn once for each theme, shown in the input panel and, cut out, on the cards. */

import { extentOf } from "../../core/chart/decimate";
import type { Rect } from "../../core/geometry/field";
import { channelRows, type Grid, type InputPart, type Pixels, positionValues } from "../../core/trace/input";

/** Full ink, as a byte: pure black would be harder than the text beside it. */
const INK = 16;

/** Whether positions are one row: their values, a row a channel, then stand above what colours them. */
export const isBand = ({ kind, grid }: InputPart): boolean => kind !== "image" && grid.rows === 1;

export class Picture {
  readonly width: number;
  readonly height: number;
  readonly #part: InputPart;
  /** The drawn pixels, and the theme they were drawn for. */
  #drawn: { canvas: HTMLCanvasElement; dark: boolean } | null = null;
  /** Rows of values of what is no image. */
  readonly #values: readonly Float32Array[];

  constructor(part: InputPart) {
    const { pixels, grid } = part;
    this.#part = part;
    this.#values = pixels ? [] : isBand(part) ? channelRows(part) : [positionValues(part)];
    this.width = pixels?.width ?? grid.columns;
    this.height = pixels?.height ?? (isBand(part) ? this.#values.length : grid.rows);
  }

  canvas(dark: boolean): HTMLCanvasElement {
    if (this.#drawn?.dark !== dark) this.#drawn = { canvas: this.#draw(dark), dark };
    return this.#drawn.canvas;
  }

  /**
   * Draws the part of the picture within `rect` (in cells of the grid) into a square of `pixels`, as large as it fits;
   * of a single cell the neighbourhood, with the cell framed.
   */
  drawPatch(
    context: OffscreenCanvasRenderingContext2D,
    rect: Rect,
    pixels: number,
    ratio: number,
    dark: boolean,
    frame: string,
  ): void {
    const { grid } = this.#part;
    const single = rect.x1 - rect.x0 === 1 && rect.y1 - rect.y0 === 1;
    const { x0, y0, x1, y1 } = single ? around(rect, grid) : rect;
    const [sx, sy] = [this.width / grid.columns, this.height / grid.rows];
    const [w, hgt] = [(x1 - x0) * sx, (y1 - y0) * sy];
    if (w <= 0 || hgt <= 0) return;
    const scale = pixels / Math.max(w, hgt);
    const dw = Math.max(w * scale, 1);
    // A single row would be a thread.
    const dh = grid.rows === 1 ? pixels / 2 : Math.max(hgt * scale, 1);
    const [left, top] = [Math.floor((pixels - dw) / 2), Math.floor((pixels - dh) / 2)];
    context.imageSmoothingEnabled = scale < 1;
    context.drawImage(this.canvas(dark), x0 * sx, y0 * sy, w, hgt, left, top, dw, dh);
    if (!single) return;
    context.strokeStyle = frame;
    context.lineWidth = Math.max(1.5 * ratio, 1);
    const [cw, ch] = [dw / (x1 - x0), dh / (y1 - y0)];
    context.strokeRect(left + (rect.x0 - x0) * cw, top + (rect.y0 - y0) * ch, cw, ch);
  }

  #draw(dark: boolean): HTMLCanvasElement {
    const canvas = document.createElement("canvas");
    canvas.width = this.width;
    canvas.height = this.height;
    const context = canvas.getContext("2d");
    if (!context) return canvas;
    const image = context.createImageData(this.width, this.height);
    const { pixels } = this.#part;
    if (pixels) fillImage(image.data, pixels, dark);
    else fillRows(image.data, this.#values, dark);
    context.putImageData(image, 0, 0);
    return canvas;
  }
}

const PICTURES = new WeakMap<InputPart, Picture>();

/** The one picture of a part of the input. */
export function pictureOf(part: InputPart): Picture {
  const picture = PICTURES.get(part) ?? new Picture(part);
  PICTURES.set(part, picture);
  return picture;
}

/** Cells on each side of a single one. */
const NEIGHBOURS = 3;

function around({ x0, y0 }: Rect, grid: Grid): Rect {
  const range = (at: number, length: number): [number, number] => {
    const low = Math.max(Math.min(at - NEIGHBOURS, length - 2 * NEIGHBOURS - 1), 0);
    return [low, Math.min(low + 2 * NEIGHBOURS + 1, length)];
  };
  const [left, right] = range(x0, grid.columns);
  const [top, bottom] = range(y0, grid.rows);
  return { x0: left, y0: top, x1: right, y1: bottom };
}

/** A gray image is ink on paper in a light page, light on black in a dark one. */
function fillImage(out: Uint8ClampedArray, { bytes, channels }: Pixels, dark: boolean): void {
  for (let i = 0, p = 0; i < out.length; i += 4, p += channels) {
    const gray = bytes[p] as number;
    for (let c = 0; c < 3; c++) {
      out[i + c] = channels === 3 ? (bytes[p + c] as number) : dark ? gray : 255 - (gray * (255 - INK)) / 255;
    }
    out[i + 3] = 255;
  }
}

/** Values are shaded from the least (paper) to the greatest. */
function fillRows(out: Uint8ClampedArray, rows: readonly Float32Array[], dark: boolean): void {
  const extents = rows.map(extentOf);
  const low = Math.min(...extents.map(([least]) => least));
  const high = Math.max(...extents.map(([, most]) => most));
  const span = high - low || 1;
  let pixel = 0;
  for (const row of rows) {
    for (const value of row) {
      const t = (value - low) / span;
      const gray = dark ? 28 + 200 * t : 243 - 200 * t;
      out.set([gray, gray, gray, 255], 4 * pixel++);
    }
  }
}
