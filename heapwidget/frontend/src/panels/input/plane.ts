/** Positions in a plane, an image's pixels or a strip's cells: the picture, its colours, hatching, and frames. */

import { type Camera, toPicture, toView, WHOLE } from "../../core/geometry/camera";
import { fieldRects, type Rect } from "../../core/geometry/field";
import type { InputPart } from "../../core/trace/input";
import { fitCanvas, h, putAt, setHidden } from "../../kit/dom";
import type { Stage } from "../../kit/panel";
import type { InputScene, PartView, Pointed, Room } from "./kind";
import { isBand, type Picture } from "./picture";

/** Largest cell where there are few positions, and smallest that bears hatching. */
const LARGEST_CELL = 28;
const SMALLEST_HATCHED = 4;
/** Widest frame that is drawn around its cells instead of on them. */
const SMALL_FRAME = 24;
/** Height of a row of values with its colours under it, and of what each further channel adds. */
const BAND = 52;
const CHANNEL = 3;
const TALLEST_BAND = 132;
/** Magnified as far as it goes, so many cells are seen. */
const FEWEST_CELLS = 5;

export class Plane implements PartView {
  readonly element = h("div", { class: "hw-picture" });
  readonly mostZoom: number;
  readonly fades = true;
  readonly #part: InputPart;
  readonly #stage: Stage;
  readonly #picture: Picture;
  readonly #photo: boolean;
  readonly #base = h("canvas", { class: "hw-base", role: "img" });
  readonly #overlay = h("canvas", { class: "hw-overlay", "aria-hidden": "true" });
  readonly #hatch = h("canvas", { class: "hw-hatch", "aria-hidden": "true" });
  readonly #plane: HTMLElement;
  readonly #frames = h("div", { class: "hw-frames" });
  readonly #cell = h("div", { class: "hw-cell", hidden: true });
  /** Pixels of the overlay. */
  #pixels: ImageData | null = null;
  #width = 1;
  #height = 1;
  #camera = WHOLE;
  #shown: InputScene | null = null;
  #pointed: Pointed = { framed: null, position: null };

  constructor(part: InputPart, stage: Stage, picture: Picture) {
    const { grid } = part;
    this.#part = part;
    this.#stage = stage;
    this.#picture = picture;
    this.mostZoom = Math.max(Math.max(grid.columns, isBand(part) ? 1 : grid.rows) / FEWEST_CELLS, 1);
    this.#base.setAttribute("aria-label", `The values of ${part.label}`);
    this.#photo = part.pixels?.channels === 3;
    this.#base.classList.toggle("hw-photo", this.#photo);
    this.#overlay.width = grid.columns;
    this.#overlay.height = grid.rows;
    this.#plane = h("div", { class: "hw-plane" }, this.#base, this.#overlay);
    this.element.classList.toggle("hw-bands", isBand(part));
    if (isBand(part)) this.element.title = "above: values, below: what colours stand for";
    this.element.append(this.#plane, this.#hatch, this.#cell, this.#frames);
  }

  fit({ width, height }: Room): void {
    const { grid } = this.#part;
    const ratio = globalThis.devicePixelRatio || 1;
    if (isBand(this.#part)) {
      this.#width = Math.min(width, grid.columns * LARGEST_CELL);
      this.#height = Math.min(BAND + CHANNEL * (this.#picture.height - 1), TALLEST_BAND);
    } else {
      const cell = Math.min(width / grid.columns, height / grid.rows, LARGEST_CELL);
      // Whole device pixels a cell keep all cells alike; a large picture may take a fraction.
      const scale = cell * ratio >= 2 ? Math.floor(cell * ratio) / ratio : cell;
      this.#width = grid.columns * scale;
      this.#height = grid.rows * scale;
    }
    this.element.style.width = `${this.#width}px`;
    this.element.style.height = `${this.#height}px`;
    this.look(this.#camera);
  }

  look(camera: Camera): void {
    this.#camera = isBand(this.#part) ? { ...camera, y: 0 } : camera;
    const { style } = this.#plane;
    style.width = `${this.#width * this.#camera.scale}px`;
    style.height = `${this.#height * this.#down}px`;
    const [left, top] = [
      this.#width * toView(0, this.#camera.x, this.#camera.scale),
      this.#height * toView(0, this.#camera.y, this.#down),
    ];
    style.transform = `translate(${left}px, ${top}px)`;
    if (this.#shown) this.#drawHatching(this.#shown);
    this.point(this.#pointed);
  }

  draw(shown: InputScene): void {
    this.#shown = shown;
    const { dark } = shown.palette;
    if (this.#base.dataset.dark !== String(dark)) this.#drawBase(dark);
    const context = this.#overlay.getContext("2d");
    if (!context) return;
    const { grid, first, count, kind } = this.#part;
    this.#pixels ??= context.createImageData(grid.columns, grid.rows);
    // A frontier lies on all of an image, and hides none of it.
    const sheer = this.#photo || (kind === "image" && shown.legend.mode === "frontier");
    const colors = new Uint32Array((sheer ? shown.sheer : shown.colors).buffer);
    const words = new Uint32Array(this.#pixels.data.buffer);
    const { tones } = shown.tones;
    for (let p = 0; p < count; p++) words[p] = colors[tones[first + p] as number] as number;
    context.putImageData(this.#pixels, 0, 0);
    this.#drawHatching(shown);
  }

  point(pointed: Pointed): void {
    this.#pointed = pointed;
    const { session } = this.#stage;
    const { grid, first, count } = this.#part;
    const all = (r: Rect) => r.x0 === 0 && r.y0 === 0 && r.x1 === grid.columns && r.y1 === grid.rows;
    const { framed, position } = pointed;
    const rects = framed === null ? [] : fieldRects(session.trace, framed, this.#part).filter((r) => !all(r));
    while (this.#frames.children.length < rects.length) this.#frames.append(h("div", { class: "hw-frame" }));
    [...this.#frames.children].forEach((child, i) => {
      const rect = rects[i];
      const frame = child as HTMLElement;
      setHidden(frame, !rect);
      if (rect) this.#place(frame, rect, 2);
    });
    const at = position === null ? -1 : position - first;
    setHidden(this.#cell, at < 0 || at >= count);
    if (this.#cell.hidden) return;
    const [x0, y0] = [at % grid.columns, Math.floor(at / grid.columns)];
    this.#place(this.#cell, { x0, y0, x1: x0 + 1, y1: y0 + 1 }, 0);
  }

  positionAt(event: MouseEvent): number | null {
    const { grid, first, count } = this.#part;
    const box = this.element.getBoundingClientRect();
    const { x, y, scale } = this.#camera;
    const column = Math.floor(toPicture((event.clientX - box.left) / box.width, x, scale) * grid.columns);
    const row = Math.floor(toPicture((event.clientY - box.top) / box.height, y, this.#down) * grid.rows);
    const position = row * grid.columns + column;
    return column >= 0 && column < grid.columns && position >= 0 && position < count
      ? first + position
      : null;
  }

  /** Magnification from top to bottom: a band is stretched along its row only. */
  get #down(): number {
    return isBand(this.#part) ? 1 : this.#camera.scale;
  }

  #drawBase(dark: boolean): void {
    const source = this.#picture.canvas(dark);
    this.#base.dataset.dark = String(dark);
    this.#base.width = source.width;
    this.#base.height = source.height;
    this.#base.getContext("2d")?.drawImage(source, 0, 0);
  }

  /** Where a part of the grid lies in the view. */
  #boxOf({ x0, y0, x1, y1 }: Rect): { x: number; y: number; width: number; height: number } {
    const { grid } = this.#part;
    const { x, y, scale } = this.#camera;
    const across = (column: number) => this.#width * toView(column / grid.columns, x, scale);
    const down = (row: number) => this.#height * toView(row / grid.rows, y, this.#down);
    return { x: across(x0), y: down(y0), width: across(x1) - across(x0), height: down(y1) - down(y0) };
  }

  /** Puts an element around a part of the grid; what is small is framed from outside. */
  #place(element: HTMLElement, rect: Rect, border: number): void {
    const { x, y, width, height } = this.#boxOf(rect);
    const out = width < SMALL_FRAME ? border : 0;
    putAt(element, x - out, y - out);
    element.style.width = `${width + 2 * out}px`;
    element.style.height = `${height + 2 * out}px`;
  }

  /** Lines across all cells in view whose value is negative: sign is not told by colour alone. */
  #drawHatching({ tones, replay, palette }: InputScene): void {
    setHidden(this.#hatch, !replay.signed);
    if (!replay.signed) return;
    const { grid, first, count } = this.#part;
    const context = fitCanvas(this.#hatch, this.#width, this.#height);
    const { x, y, scale } = this.#camera;
    const cell = this.#boxOf({ x0: 0, y0: 0, x1: 1, y1: 1 });
    if (!context || cell.width < SMALLEST_HATCHED) return;
    // Of a band only the lower half is coloured.
    const top = isBand(this.#part) ? this.#height / 2 : 0;
    const height = cell.height - top;
    const [x0, y0] = [Math.floor(x * grid.columns), Math.floor(y * grid.rows)];
    const x1 = Math.min(Math.ceil((x + 1 / scale) * grid.columns), grid.columns);
    const y1 = Math.min(Math.ceil((y + 1 / this.#down) * grid.rows), grid.rows);
    context.beginPath();
    for (let row = y0; row < y1; row++) {
      for (let column = x0; column < x1; column++) {
        const p = row * grid.columns + column;
        if (p >= count || (tones.values[first + p] as number) >= 0) continue;
        const [left, upper] = [cell.x + column * cell.width, cell.y + row * cell.height + top];
        context.moveTo(left, upper + height);
        context.lineTo(left + cell.width, upper);
      }
    }
    context.strokeStyle = palette.halo;
    context.stroke();
  }
}
