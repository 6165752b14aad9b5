/** Draws the areas and lines of a chart, and their names. */

import { type Chart, chartOf, type Points, resample, type Series } from "../core/series";
import type { Trace } from "../core/trace";
import { fitCanvas, h } from "./dom";
import type { Palette } from "./theme";

/** Height of the plot in CSS pixels. */
export const HEIGHT = 84;
/** An area is named where its name fits with this much room, in pixels. */
const LABEL_ROOM = 19;

export class ChartCanvas {
  readonly canvas = h("canvas", { "aria-hidden": "true" });
  readonly chart: Chart;
  readonly #trace: Trace;
  #width = 1;
  /** Font family of the names. */
  #font = "sans-serif";

  constructor(trace: Trace) {
    this.#trace = trace;
    this.chart = chartOf(trace);
  }

  /** Height of a value, in pixels from the top. */
  y(value: number): number {
    const { low, high } = this.chart;
    const share = (Math.min(Math.max(value, low), high) - low) / (high - low || 1);
    return HEIGHT * (1 - share);
  }

  draw(width: number, font: string, palette: Palette): void {
    const context = fitCanvas(this.canvas, width, HEIGHT);
    if (!context) return;
    this.#width = width;
    this.#font = font;
    const { steps } = this.#trace;
    const lines = this.chart.series.map((series) => ({
      series,
      points: resample(series.at, steps, Math.ceil(this.#width)),
    }));
    for (const { series, points } of lines) this.#drawSeries(context, series, points, palette);
    this.#drawPhases(context, palette);
    if (this.chart.kind !== "lines") this.#name(context, lines, palette);
    else this.#nameLines(context, lines, palette);
  }

  #drawSeries(context: CanvasRenderingContext2D, series: Series, points: Points, palette: Palette): void {
    const line = new Path2D();
    // Nothing is popped from the last heap before it is there.
    const { finishEnd, steps } = this.#trace;
    const from = series.id === "popped" ? finishEnd / steps : 0;
    points.x.forEach((x, i) => {
      if (x >= from) line.lineTo(x * this.#width, this.y(points.y[i] as number));
    });
    const filled = this.chart.kind !== "lines" && series.id !== "bound";
    if (!filled) {
      context.strokeStyle = color(series, palette);
      context.lineWidth = series.id === "bound" ? 1 : 1.75;
      context.setLineDash(series.id === "bound" ? [3, 3] : []);
      context.stroke(line);
      context.setLineDash([]);
      return;
    }
    const area = new Path2D(line);
    area.lineTo(this.#width, this.y(0));
    area.lineTo(from * this.#width, this.y(0));
    area.closePath();
    context.fillStyle = color(series, palette);
    context.fill(area);
    if (this.chart.low < 0) {
      context.save();
      context.beginPath();
      context.rect(0, this.y(0), this.#width, HEIGHT);
      context.clip();
      context.fillStyle = palette.cool;
      context.fill(area);
      context.restore();
    }
  }

  /** A hairline where a phase begins. */
  #drawPhases(context: CanvasRenderingContext2D, palette: Palette): void {
    const { walkEnd, finishEnd, steps } = this.#trace;
    context.fillStyle = palette.bg;
    for (const at of new Set([walkEnd, finishEnd])) {
      if (at > 0 && at < steps) context.fillRect((at / steps) * this.#width - 0.5, 0, 1, HEIGHT);
    }
    if (this.chart.low < 0) {
      context.fillStyle = palette.line;
      context.fillRect(0, Math.round(this.y(0)), this.#width, 1);
    }
  }

  /** Writes the name of each area where it is thickest, if it fits. */
  #name(context: CanvasRenderingContext2D, lines: Line[], palette: Palette): void {
    const areas = lines.filter(({ series }) => series.id !== "bound");
    const tops = areas.map(({ points }) => this.#heights(points));
    context.font = `12px ${this.#font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    areas.forEach(({ series }, i) => {
      const top = tops[i] as Float32Array;
      const next = tops[i + 1] ?? new Float32Array(top.length).fill(this.y(0));
      const room = Math.ceil(context.measureText(series.label).width) + 16;
      const place = thickest(top, next, room);
      if (!place || place.size < LABEL_ROOM) return;
      context.fillStyle = onArea(series, palette);
      context.fillText(series.label, place.x, place.y);
    });
  }

  #nameLines(context: CanvasRenderingContext2D, lines: Line[], palette: Palette): void {
    context.font = `11px ${this.#font}`;
    context.textBaseline = "top";
    let x = 6;
    for (const { series } of lines) {
      context.fillStyle = color(series, palette);
      context.fillText(series.label, x, 3);
      x += context.measureText(series.label).width + 14;
    }
  }

  /** Height of a line at each pixel. */
  #heights(points: Points): Float32Array {
    const heights = new Float32Array(Math.ceil(this.#width));
    let i = 0;
    for (let x = 0; x < heights.length; x++) {
      while (i + 1 < points.x.length && (points.x[i + 1] as number) * this.#width <= x) i++;
      heights[x] = this.y(points.y[i] as number);
    }
    return heights;
  }
}

interface Line {
  readonly series: Series;
  readonly points: Points;
}

function color(series: Series, palette: Palette): string {
  if (series.id === "bound") return palette.muted;
  return palette.areas[series.id === "keys" ? "explained" : series.id];
}

function onArea(series: Series, palette: Palette): string {
  const strong = series.id === "explained" || series.id === "popped" || series.id === "keys";
  if (!strong) return palette.dark ? palette.muted : "#4d5763";
  return palette.dark ? "#14171a" : series.id === "popped" ? "#fff" : "#3d1703";
}

/** Middle of the widest band of `room` pixels between two lines. */
function thickest(
  top: Float32Array,
  bottom: Float32Array,
  room: number,
): { x: number; y: number; size: number } | null {
  let best: { x: number; y: number; size: number } | null = null;
  for (let from = 0; from + room <= top.length; from += 4) {
    let [low, high] = [Number.POSITIVE_INFINITY, 0];
    for (let x = from; x < from + room; x += 2) {
      low = Math.min(low, bottom[x] as number);
      high = Math.max(high, top[x] as number);
    }
    if (!best || low - high > best.size + 0.5)
      best = { x: from + room / 2, y: (low + high) / 2, size: low - high };
  }
  return best;
}
