/** Where the relevance is over the steps: areas on one another, lines where shares can be negative, or bare keys. */

import { decimate } from "../../core/chart/decimate";
import { type Chart, chartOf, type Series, settlingSteps } from "../../core/chart/series";
import { stepAxis } from "../../core/chart/stepaxis";
import type { Trace } from "../../core/trace/trace";
import { series as called } from "../../core/vocabulary/vocabulary";
import { formatBound, formatCount, formatKey, formatShare, plural } from "../../core/words/format";
import { curveLabel, positionNoun } from "../../core/words/narration";
import { fitCanvas, h } from "../../kit/dom";
import type { Palette } from "../../kit/theme";
import { type Entry, type Plot, shareOfHeight } from "./plot";

const DASHES: Readonly<Record<string, number[]>> = { bound: [3, 3], dust: [1, 3] };
const HINTS: Readonly<Record<string, string>> = {
  explained: "has reached the input",
  popped: "of what is on the input, what the pops so far account for",
  absorbed: "has ended in no input: in biases, dead ends, padding",
  heap: "still on its way, in the nodes of the heap",
  dust: "still on its way, in nodes too small to enter the heap",
  bound: "what is on the input differs from the final attribution by no more than this",
  certain: "so many of the first positions can no longer be displaced, as a set",
};
/** The order of the legend. */
const ORDER = ["explained", "popped", "absorbed", "heap", "dust", "bound"];
/** Half the width of a mark. */
const MARK = 3.5;
/** Distance of the specks that tell dust from the heap without colour. */
const SPECK = 5;

export class StepPlot implements Plot {
  readonly canvas = h("canvas", { "aria-hidden": "true" });
  readonly axis: Plot["axis"];
  readonly #chart: Chart;
  readonly #trace: Trace;
  readonly #axis: ReturnType<typeof stepAxis>;
  /** Steps of the walk after which more of the first positions are certain. */
  readonly #settling: readonly number[];
  #width = 1;
  #height = 1;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#chart = chartOf(trace);
    this.#axis = stepAxis(trace);
    this.#settling = settlingSteps(trace);
    this.axis = this.#words();
  }

  at(step: number): number {
    return this.#axis.at(step);
  }

  step(x: number): number {
    return this.#axis.step(x);
  }

  level(step: number): number {
    const wanted = step > this.#trace.finishEnd ? "popped" : "explained";
    const { series, low, high } = this.#chart;
    const front = series.find((s) => s.id === wanted) ?? (series[0] as Series);
    return shareOfHeight(front.at(step), low, high);
  }

  labelLevel(step: number): number {
    return this.level(step);
  }

  label(step: number): string {
    const popped = this.#chart.series.find((s) => s.id === "popped");
    return curveLabel(this.#trace, step, popped?.at(step) ?? 0);
  }

  entries(step: number): Entry[] {
    const { kind, series } = this.#chart;
    if (kind === "keys") return [];
    const curves = ORDER.flatMap((id) => series.filter((s) => s.id === id)).map(({ id, label, at, own }) => {
      const value = (own ?? at)(step);
      const none = (id === "popped" && step <= this.#trace.finishEnd) || !Number.isFinite(value);
      const said =
        id === "bound" ? `≤ ${formatBound(value)}` : formatShare(Math.abs(value) < 5e-7 ? 0 : value);
      const hint = HINTS[id];
      return {
        id: kind === "lines" ? `${id}-line` : id,
        name: label,
        value: none ? "–" : said,
        ...(hint ? { hint } : {}),
      };
    });
    return [...curves, ...this.#certain(step)];
  }

  /** The entry of the marks, where there are any. */
  #certain(step: number): Entry[] {
    if (this.#settling.length === 0) return [];
    const value = formatCount(this.#trace.certain[step - 1] ?? 0);
    return [{ id: "certain", name: called.certain, value, hint: HINTS.certain as string }];
  }

  draw(width: number, height: number, palette: Palette): void {
    const context = fitCanvas(this.canvas, width, height);
    if (!context) return;
    [this.#width, this.#height] = [width, height];
    for (const series of this.#chart.series) this.#drawSeries(context, series, palette);
    this.#drawPhases(context, palette);
    this.#drawCertain(context, palette);
  }

  #y(value: number): number {
    const { low, high } = this.#chart;
    return this.#height * (1 - shareOfHeight(value, low, high));
  }

  /** The line of a series, a point for each step or two for each pixel. */
  #line({ id, at }: Series): { line: Path2D; from: number } {
    const line = new Path2D();
    const { ends } = this.#axis;
    // Nothing is popped from the last heap before it is there.
    const first = id === "popped" ? this.#trace.finishEnd : 0;
    for (let piece = 1; piece < ends.length; piece++) {
      const [from, to] = [ends[piece - 1] as number, ends[piece] as number];
      if (from < first) continue;
      const bins = Math.ceil((this.#axis.at(to) - this.#axis.at(from)) * this.#width) || 1;
      for (const [step, value] of decimate(at, from, to + 1, bins)) {
        // Points are of single precision, like the columns.
        const place = Math.fround((step - from) / Math.max(to - from, 1));
        line.lineTo(this.#axis.at(from + place * (to - from)) * this.#width, this.#y(Math.fround(value)));
      }
    }
    return { line, from: this.#axis.at(first) * this.#width };
  }

  #drawSeries(context: CanvasRenderingContext2D, series: Series, palette: Palette): void {
    const { line, from } = this.#line(series);
    const { kind, low } = this.#chart;
    if (kind === "lines" || series.id === "bound") {
      context.strokeStyle = lineColor(series, palette);
      context.lineWidth = series.id === "bound" ? 1.25 : 1.75;
      context.setLineDash(DASHES[series.id] ?? []);
      context.stroke(line);
      context.setLineDash([]);
      return;
    }
    line.lineTo(this.#width, this.#y(0));
    line.lineTo(from, this.#y(0));
    line.closePath();
    context.fillStyle = palette.areas[series.id === "keys" ? "explained" : series.id];
    context.fill(line);
    if (series.id === "dust") this.#drawSpecks(context, line, palette);
    if (low >= 0) return;
    context.save();
    context.beginPath();
    context.rect(0, this.#y(0), this.#width, this.#height);
    context.clip();
    context.fillStyle = palette.cool;
    context.fill(line);
    context.restore();
  }

  #drawSpecks(context: CanvasRenderingContext2D, area: Path2D, palette: Palette): void {
    const tile = h("canvas", { width: SPECK, height: SPECK });
    const pen = tile.getContext("2d");
    if (!pen) return;
    pen.fillStyle = palette.faint;
    pen.fillRect(2, 2, 1, 1);
    context.fillStyle = context.createPattern(tile, "repeat") ?? palette.areas.dust;
    context.fill(area);
  }

  /** A hairline where a phase begins, and at zero. */
  #drawPhases(context: CanvasRenderingContext2D, palette: Palette): void {
    const { walkEnd, finishEnd, steps } = this.#trace;
    context.fillStyle = palette.bg;
    for (const at of new Set([walkEnd, finishEnd])) {
      if (at > 0 && at < steps) context.fillRect(this.#axis.at(at) * this.#width - 0.5, 0, 1, this.#height);
    }
    if (this.#chart.low < 0) {
      context.fillStyle = palette.muted;
      context.fillRect(0, Math.round(this.#y(0)), this.#width, 1);
    }
  }

  /** A mark at the top where more of the first positions became certain. */
  #drawCertain(context: CanvasRenderingContext2D, palette: Palette): void {
    context.fillStyle = palette.blue;
    context.strokeStyle = palette.bg;
    for (const step of this.#settling) {
      const x = this.#axis.at(step) * this.#width;
      const mark = new Path2D();
      mark.moveTo(x - MARK, 0);
      mark.lineTo(x + MARK, 0);
      mark.lineTo(x, MARK * 1.6);
      mark.closePath();
      context.stroke(mark);
      context.fill(mark);
    }
  }

  #words(): Plot["axis"] {
    const { walkEnd, finishEnd, steps } = this.#trace;
    const noun = positionNoun(this.#trace);
    const words: [number, string][] = [];
    if (walkEnd > 0) words.push([0, `walk: ${plural(walkEnd, "pop")}`]);
    if (steps > finishEnd) words.push([this.at(finishEnd), `collect: ${plural(steps - finishEnd, noun)}`]);
    if (this.#chart.kind !== "keys") return words;
    const { low, high } = this.#chart;
    return [
      [0, `key of each pop, ${formatKey(low)} to ${formatKey(high)}`],
      ...words.filter(([at]) => at > 0),
    ];
  }
}

function lineColor({ id }: Series, palette: Palette): string {
  const colors: Readonly<Record<string, string>> = {
    bound: palette.ink,
    heap: palette.blue,
    dust: palette.muted,
    absorbed: palette.faint,
    popped: palette.areas.popped,
  };
  return colors[id] ?? palette.areas.explained;
}
