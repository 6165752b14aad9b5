/** What the curve panel can show: curves over the steps, or the score as positions are taken away and given back. */

import type { Palette } from "../../kit/theme";

/** A curve's entry in the legend. */
export interface Entry {
  /** Names its swatch. */
  readonly id: string;
  readonly name: string;
  /** What it is at the cursor, or its area. */
  readonly value: string;
  readonly hint?: string;
}

export interface Plot {
  readonly canvas: HTMLCanvasElement;
  draw(width: number, height: number, palette: Palette): void;
  /** Place of a step, 0..1, and the step at a place. */
  at(step: number): number;
  step(x: number): number;
  /** Height of the curve that the cursor's dot sits on, 0 (bottom) to 1, and of the words beside it. */
  level(step: number): number;
  labelLevel(step: number): number;
  entries(step: number): Entry[];
  /** The words beside the cursor. */
  label(step: number): string;
  /** What stands under the plot: words at places of the axis. */
  readonly axis: readonly (readonly [place: number, words: string])[];
}

/** Where a value is, as a share of the height from the bottom, kept within it. */
export function shareOfHeight(value: number, low: number, high: number): number {
  return (Math.min(Math.max(value, low), high) - low) / (high - low || 1);
}
