/** What the colours over the input say: a ramp with its ends, and words. */

import { type Legend, type Mode, Tone, type ToneColors } from "../../core/colour/tones";
import type { Replay } from "../../core/replay/replay";
import { formatCount, formatKey, ordinal } from "../../core/words/format";
import { h, setText } from "../../kit/dom";

const SHADES = 256;
/** Tones that share a band of the ramp; of the negative half, one band of every `HATCH` tones is hatched. */
const BAND = 4;
const HATCH = 20;

export class Colorbar {
  readonly element: HTMLElement;
  readonly #words = h("span", { class: "hw-clip" });
  readonly #low = h("span");
  readonly #high = h("span");
  readonly #ramp = h("i", { class: "hw-ramp" });
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
    const bands: string[] = [];
    for (let i = 0; i < SHADES; i += BAND) {
      const index = mode === "popped" ? SHADES - 1 - i : i;
      const tone = 4 * (Tone.first + index);
      const hatched = signed && index < SHADES / 2 && index % HATCH < BAND;
      const color = `rgb(${colors.subarray(tone, tone + 3).join(" ")} / ${hatched ? 0.43 : 1})`;
      bands.push(`${color} ${((100 * i) / SHADES).toFixed(1)}% ${((100 * (i + BAND)) / SHADES).toFixed(1)}%`);
    }
    this.#ramp.style.background = `linear-gradient(90deg, ${bands.join()})`;
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
