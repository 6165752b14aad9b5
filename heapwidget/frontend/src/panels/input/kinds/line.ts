/** A signal: a lane a channel, shaded by what its positions receive, which stands below once more as bars. */

import { decimate, extentOf, strongest, ticks } from "../../../core/chart/decimate";
import { Tone } from "../../../core/colour/tones";
import { type Camera, toPicture, toView, WHOLE } from "../../../core/geometry/camera";
import { fieldRun, narrowRun } from "../../../core/geometry/field";
import { channelRows, type InputPart } from "../../../core/trace/input";
import { fitCanvas, h, putAt, setHidden } from "../../../kit/dom";
import type { Stage } from "../../../kit/panel";
import {
  barScale,
  cssColor,
  type InputScene,
  type KindOfInput,
  type PartView,
  type Patch,
  type Pointed,
  type Room,
} from "../kind";
import { stripKind } from "./strip";

/** Channels that can be told apart; more are shown as rows of grey. */
const MOST_CHANNELS = 8;
/** Heights of a lane by the number of lanes, of the bars, and of the ticks under them. */
const LANES = 120;
const LOWEST_LANE = 30;
const BARS = 40;
const TICKS = 15;
const SPACE = 5;
/** Shades are this strong at most: the line is read through them. */
const SHADE = 0.6;
/** Pixels a position from which on its values get dots. */
const DOTS = 14;
/** Magnified as far as it goes, so many positions are seen. */
const FEWEST = 8;

class Signal implements PartView {
  readonly element = h("div", { class: "hw-signal" });
  readonly mostZoom: number;
  readonly fades = true;
  readonly #part: InputPart;
  readonly #stage: Stage;
  readonly #channels: readonly Float32Array[];
  readonly #extents: readonly (readonly [number, number])[];
  readonly #canvas = h("canvas", { role: "img" });
  readonly #frame = h("div", { class: "hw-frame", hidden: true });
  readonly #cell = h("div", { class: "hw-cell", hidden: true });
  readonly #lane: number;
  #width = 1;
  #camera = WHOLE;
  #shown: InputScene | null = null;
  #pointed: Pointed = { framed: null, position: null };
  /** Opacity as it was drawn last. */
  #opacity = 1;

  constructor(part: InputPart, stage: Stage) {
    this.#part = part;
    this.#stage = stage;
    this.mostZoom = Math.max(part.count / FEWEST, 1);
    this.#channels = channelRows(part);
    this.#extents = this.#channels.map(extentOf);
    this.#lane = Math.max(LANES / this.#channels.length, LOWEST_LANE);
    this.#canvas.setAttribute("aria-label", `The signal ${part.label}, and what its positions receive`);
    this.element.append(this.#canvas, this.#frame, this.#cell);
    this.element.style.height = `${this.#height}px`;
  }

  fit({ width }: Room): void {
    this.#width = width;
    this.element.style.width = `${width}px`;
    this.look(this.#camera);
  }

  look(camera: Camera): void {
    this.#camera = camera;
    if (this.#shown) this.draw(this.#shown);
    this.point(this.#pointed);
  }

  draw(shown: InputScene): void {
    this.#shown = shown;
    this.#opacity = this.#stage.session.state.screen.opacity;
    const context = fitCanvas(this.#canvas, this.#width, this.#height);
    if (!context) return;
    this.#drawShades(context, shown);
    this.#channels.forEach((row, channel) => {
      this.#drawLane(context, row, channel, shown);
    });
    this.#drawTicks(context, shown);
  }

  point(pointed: Pointed): void {
    this.#pointed = pointed;
    const { framed, position } = pointed;
    const { first, count } = this.#part;
    // The line is no DOM: what fades it is told here.
    if (this.#shown && this.#opacity !== this.#stage.session.state.screen.opacity) this.draw(this.#shown);
    const narrow = narrowRun(this.#stage.session.trace, framed, this.#part);
    setHidden(this.#frame, narrow === null);
    if (narrow) this.#place(this.#frame, ...narrow, 2);
    const at = position === null ? -1 : position - first;
    setHidden(this.#cell, at < 0 || at >= count);
    if (!this.#cell.hidden) this.#place(this.#cell, at, at + 1, 0);
  }

  positionAt(event: MouseEvent): number | null {
    const { first, count } = this.#part;
    const box = this.element.getBoundingClientRect();
    const { x, scale } = this.#camera;
    const at = Math.floor(toPicture((event.clientX - box.left) / box.width, x, scale) * count);
    return at >= 0 && at < count ? first + at : null;
  }

  get #lanes(): number {
    return this.#lane * this.#channels.length;
  }

  get #height(): number {
    return this.#lanes + SPACE + BARS + TICKS;
  }

  /** Where the left edge of a position lies in the view. */
  #across(position: number): number {
    return this.#width * toView(position / this.#part.count, this.#camera.x, this.#camera.scale);
  }

  #place(element: HTMLElement, from: number, to: number, border: number): void {
    const [left, right] = [this.#across(from), this.#across(to)];
    putAt(element, left - border, 0);
    element.style.width = `${Math.max(right - left, 1) + 2 * border}px`;
    element.style.height = `${this.#lanes + SPACE + BARS}px`;
  }

  /** Positions in view. */
  #inView(): [from: number, to: number] {
    const { count } = this.#part;
    const { x, scale } = this.#camera;
    return [Math.floor(x * count), Math.min(Math.ceil((x + 1 / scale) * count), count)];
  }

  /** A column a position, or where they are too narrow the strongest of those that share a pixel. */
  #drawShades(context: CanvasRenderingContext2D, shown: InputScene): void {
    const { tones, colors, palette } = shown;
    const { first } = this.#part;
    const [from, to] = this.#inView();
    const { size, signed } = barScale(shown);
    const zero = this.#lanes + SPACE + (signed ? BARS / 2 : BARS);
    const unit = (signed ? BARS / 2 : BARS) / (size || 1);
    const step = Math.max(Math.floor((to - from) / Math.max(this.#width, 1)), 1);
    for (let p = from; p < to; p += step) {
      const position = strongest(tones.values, first + p, first + Math.min(p + step, to));
      const tone = tones.tones[position] as number;
      if (tone === Tone.none) continue;
      const value = tones.values[position] as number;
      const [left, right] = [this.#across(p), this.#across(Math.min(p + step, to))];
      context.fillStyle = cssColor(colors, tone);
      context.globalAlpha = SHADE * this.#opacity;
      context.fillRect(left, 0, right - left, this.#lanes);
      context.globalAlpha = 1;
      const height = Math.max(Math.min(Math.abs(value), size) * unit, 1);
      const gap = right - left > 4 ? 1 : 0;
      context.fillRect(left, value < 0 ? zero : zero - height, Math.max(right - left - gap, 0.5), height);
    }
    context.fillStyle = palette.line;
    context.fillRect(0, Math.round(zero) - 0.5, this.#width, 1);
  }

  #drawLane(
    context: CanvasRenderingContext2D,
    row: Float32Array,
    channel: number,
    { palette }: InputScene,
  ): void {
    const [low, high] = this.#extents[channel] as readonly [number, number];
    const top = channel * this.#lane + 4;
    const unit = (this.#lane - 8) / (high - low || 1);
    const y = (value: number) => (high > low ? top + (high - value) * unit : top + this.#lane / 2 - 4);
    const [from, to] = this.#inView();
    const pitch = this.#across(1) - this.#across(0);
    context.beginPath();
    const [first, end] = [Math.max(from - 1, 0), Math.min(to + 1, row.length)];
    for (const [at, value] of decimate((at) => row[at] as number, first, end, this.#width))
      context.lineTo(this.#across(at) + pitch / 2, y(value));
    context.lineJoin = "round";
    // A rim of paper keeps the line apart from strong shades.
    context.strokeStyle = palette.bg;
    context.globalAlpha = 0.7;
    context.lineWidth = 3.6;
    context.stroke();
    context.globalAlpha = 1;
    context.strokeStyle = palette.ink;
    context.lineWidth = 1.4;
    context.stroke();
    if (pitch < DOTS) return;
    context.fillStyle = palette.ink;
    for (let p = from; p < to; p++) {
      context.beginPath();
      context.arc(this.#across(p) + pitch / 2, y(row[p] as number), 2.2, 0, 7);
      context.fill();
    }
  }

  #drawTicks(context: CanvasRenderingContext2D, { palette }: InputScene): void {
    const [from, to] = this.#inView();
    const pitch = this.#across(1) - this.#across(0);
    const top = this.#lanes + SPACE + BARS;
    context.fillStyle = palette.faint;
    context.font = this.#stage.theme.font(10);
    context.textBaseline = "top";
    for (const at of ticks(from, to - 1, Math.max(Math.floor(this.#width / 70), 2))) {
      const x = this.#across(at) + pitch / 2;
      context.fillRect(Math.round(x) - 0.5, top, 1, 3);
      context.textAlign = x < 12 ? "left" : x > this.#width - 16 ? "right" : "center";
      context.fillText(String(at), x, top + 4);
    }
  }
}

/** Positions shown on each side of a single one. */
const AROUND = 10;
const MARGIN = 0.1;
/** Channels beyond these would only blacken the card. */
const MOST_ON_CARD = 4;

/** A signal on a card: the part of it that a node sees. */
function drawMiniLine(part: InputPart, stage: Stage, patch: Patch): void {
  const { context, size, ratio, node, palette } = patch;
  const seen = (node === null ? null : fieldRun(stage.session.trace, node, part)) ?? [0, part.count];
  const single = seen[1] - seen[0] === 1;
  const from = single ? Math.max(Math.min(seen[0] - AROUND, part.count - 2 * AROUND - 1), 0) : seen[0];
  const to = single ? Math.min(from + 2 * AROUND + 1, part.count) : seen[1];
  const pitch = size / (to - from);
  if (single) {
    context.fillStyle = palette.blue;
    context.fillRect((seen[0] - from) * pitch, 0, Math.max(pitch, ratio), size);
  }
  context.strokeStyle = palette.ink;
  context.lineWidth = 1.2 * ratio;
  context.lineJoin = "round";
  for (const row of channelRows(part).slice(0, MOST_ON_CARD)) {
    // The height of the whole signal, so that flat parts look flat.
    const [low, high] = extentOf(row);
    const unit = (size * (1 - 2 * MARGIN)) / (high - low || 1);
    context.beginPath();
    for (const [at, value] of decimate((at) => row[at] as number, from, to, size))
      context.lineTo((at - from + 0.5) * pitch, size * MARGIN + (high - value) * unit);
    context.stroke();
  }
}

export const lineKind: KindOfInput = {
  create: (part, stage) =>
    channelRows(part).length > MOST_CHANNELS ? stripKind.create(part, stage) : new Signal(part, stage),
  drawPatch: drawMiniLine,
};
