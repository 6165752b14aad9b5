/** The target's score as positions are taken away, or given back, in pop order; random orders beside it. */

import { area, fractionAt, scoreLabel, stepAtFraction, valueAt } from "../../core/chart/scores";
import type { Scores, Trace } from "../../core/trace/trace";
import { formatKey } from "../../core/words/format";
import { positionNoun } from "../../core/words/narration";
import { fitCanvas, h } from "../../kit/dom";
import type { Palette } from "../../kit/theme";
import { type Entry, type Plot, shareOfHeight } from "./plot";

const RANDOM = [2, 3];

export class ScorePlot implements Plot {
  readonly canvas = h("canvas", { "aria-hidden": "true" });
  readonly axis: Plot["axis"];
  readonly #trace: Trace;
  readonly #scores: Scores;
  readonly #low: number;
  readonly #high: number;

  constructor(trace: Trace, scores: Scores) {
    this.#trace = trace;
    this.#scores = scores;
    const { random } = scores;
    const all = [
      ...scores.deletion,
      ...scores.insertion,
      ...(random ? [...random.deletion, ...random.insertion] : []),
    ];
    this.#low = Math.min(0, ...all);
    this.#high = scores.absolute ? Math.max(...all, this.#low + 1e-9) : Math.max(1, ...all);
    this.axis = [
      [0, `no ${positionNoun(trace)}`],
      [1, `all ${positionNoun(trace)}s, in pop order`],
    ];
  }

  at(step: number): number {
    return fractionAt(this.#trace, step);
  }

  step(x: number): number {
    return stepAtFraction(this.#trace, x);
  }

  level(step: number): number {
    return this.#level(this.#scores.insertion, step);
  }

  /** Between the two curves, where neither is covered. */
  labelLevel(step: number): number {
    return (this.level(step) + this.#level(this.#scores.deletion, step)) / 2;
  }

  #level(curve: readonly number[], step: number): number {
    return shareOfHeight(valueAt(this.#scores.fractions, curve, this.at(step)), this.#low, this.#high);
  }

  label(step: number): string {
    return scoreLabel(this.#trace, this.#scores, step);
  }

  entries(): Entry[] {
    const { absolute, fractions, deletion, insertion, random, kind } = this.#scores;
    const areas = (curve: readonly number[]) => {
      const under = area(fractions, curve);
      return absolute ? formatKey(under) : under.toFixed(2);
    };
    const entries = [
      {
        id: "insertion",
        name: "insertion, area",
        value: areas(insertion),
        hint: `the ${kind} as positions are given back, the first popped first: the larger the area, the better`,
      },
      {
        id: "deletion",
        name: "deletion, area",
        value: areas(deletion),
        hint: `the ${kind} as positions are taken away, the first popped first: the smaller the area, the better`,
      },
    ];
    if (!random) return entries;
    const value = `${areas(random.insertion)}, ${areas(random.deletion)}`;
    return [...entries, { id: "random", name: "random orders", value, hint: "the mean of random orders" }];
  }

  draw(width: number, height: number, palette: Palette): void {
    const context = fitCanvas(this.canvas, width, height);
    if (!context) return;
    const y = (value: number) => 1.5 + (height - 3) * (1 - shareOfHeight(value, this.#low, this.#high));
    context.fillStyle = palette.line;
    for (const value of [0, 0.5, 1]) context.fillRect(0, Math.round(y(value)) - 0.5, width, 1);
    const { fractions, deletion, insertion, random } = this.#scores;
    const stroke = (curve: readonly number[], color: string, thickness: number, dash: number[]) => {
      const line = new Path2D();
      curve.forEach((value, i) => {
        line.lineTo((fractions[i] as number) * width, y(value));
      });
      context.strokeStyle = color;
      context.lineWidth = thickness;
      context.setLineDash(dash);
      context.stroke(line);
      context.setLineDash([]);
    };
    context.lineJoin = "round";
    if (random) {
      stroke(random.insertion, palette.faint, 1.25, RANDOM);
      stroke(random.deletion, palette.faint, 1.25, RANDOM);
    }
    stroke(deletion, palette.blue, 2, []);
    stroke(insertion, palette.warm, 2, []);
  }
}
