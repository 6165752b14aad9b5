/** What the colours over the input say: a ramp with its ends, and words. */

import { formatCount, formatKey, ordinal } from "../core/format";
import type { Replay } from "../core/replay";
import { type Legend, type Mode, Tone, type ToneColors } from "../core/tones";
import { h, setText } from "./dom";

const WIDTH = 256;
/** Every so many pixels of the negative half are hatched, so many of them. */
const HATCH = 20;
const HATCHED = 5;

export class LegendView {
  readonly element: HTMLElement;
  readonly #words = h("span", { class: "hw-clip" });
  readonly #low = h("span");
  readonly #high = h("span");
  readonly #ramp = h("canvas", { class: "hw-ramp", width: WIDTH, height: 1, "aria-hidden": "true" });
  /** Colours of the ramp as it was drawn last. */
  #colors: ToneColors | null = null;

  constructor() {
    const ramp = h("span", { class: "hw-legend" }, this.#low, this.#ramp, this.#high);
    this.element = h("div", { class: "hw-caption" }, this.#words, ramp);
  }

  update(replay: Replay, legend: Legend, colors: ToneColors): void {
    if (colors !== this.#colors) this.#draw(legend, colors);
    this.#colors = colors;
    setText(this.#words, words(replay, legend.mode));
    if (legend.mode === "popped") {
      setText(this.#low, ordinal(1));
      setText(this.#high, legend.scale > 1 ? ordinal(legend.scale) : "");
      return;
    }
    const most = legend.clipped ? "≥ " : "";
    setText(this.#low, legend.signed ? "" : "0");
    setText(this.#high, (legend.signed ? "±" : most) + formatKey(legend.scale));
  }

  #draw({ mode, signed }: Legend, colors: ToneColors): void {
    const context = this.#ramp.getContext("2d");
    const image = context?.createImageData(WIDTH, 1);
    for (let i = 0; image && i < WIDTH; i++) {
      const index = mode === "popped" ? WIDTH - 1 - i : i;
      const tone = 4 * (Tone.first + index);
      const hatched = signed && index < WIDTH / 2 && index % HATCH < HATCHED;
      image.data.set([...colors.subarray(tone, tone + 3), hatched ? 110 : 255], 4 * i);
    }
    if (image) context?.putImageData(image, 0, 0);
  }
}

function words({ trace }: Replay, mode: Mode): string {
  if (mode === "popped") return "order of popping";
  if (mode === "frontier") return trace.byBound ? "arrived + bound, spread" : "arrived + heap, spread";
  if (trace.finishEnd === 0) return trace.method === "gradient" ? "gradient" : "contribution";
  return "contribution so far";
}

/** What a mode shows, for its button. */
export function titleOf({ trace }: Replay, mode: Mode): string {
  if (mode === "popped")
    return `Positions that are popped for good, the first in the strongest colour (${formatCount(trace.inputCount)} in all)`;
  if (mode === "frontier")
    return "What has arrived, and what is still in the heap, spread evenly over what its nodes see";
  return "What has reached each position so far";
}
