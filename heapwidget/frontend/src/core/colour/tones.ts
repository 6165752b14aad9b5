/**
 * What each position of the input is coloured by, in one of three modes, as a tone: a place in the colour map.
 *
 * - *contribution*: what has reached each position so far, on a root scale; diverging where there are negative ones.
 * - *frontier*: that, and what is still in the heap, spread over what its nodes see. The keys of a walk have no sign;
 *   where contributions have both, magnitudes are shown.
 * - *popped*: the positions that were popped for good, by rank: the first has the strongest colour.
 */

import type { Replay } from "../replay/replay";
import type { Input } from "../trace/input";
import { scale } from "../vocabulary/vocabulary";
import { colorIndex, colorMap } from "./colormap";
import { Frontier } from "./frontier";

export const MODES = ["contribution", "frontier", "popped"] as const;
export type Mode = (typeof MODES)[number];

/** A tone of no colour, one of what was popped with the key 0, and the first of the colour map's. */
export const Tone = { none: 0, idle: 1, first: 2 } as const;
export const TONES = Tone.first + 256;

/** So many times the mean of what is spread gets the strongest colour, however little arrives in the end. */
const PEAK = 8;
/** A share of the scale that is nothing but rounding. */
const NOISE = 1e-7;

/** What the colours say. */
export interface Legend {
  readonly mode: Mode;
  readonly signed: boolean;
  /** Magnitude of the strongest colour; in mode *popped* the number of positions that are popped in the end. */
  readonly scale: number;
  /** Whether there are larger magnitudes. */
  readonly clipped: boolean;
}

/** The modes in which there is anything to see. */
export function modesOf({ trace }: Replay): readonly Mode[] {
  return MODES.filter((mode) => mode !== "frontier" || (trace.conserved && trace.walkEnd > 0));
}

/** What is shown unless a mode was chosen: what has arrived, and once positions are popped, these. */
export function naturalMode({ trace, step }: Replay): Mode {
  return trace.inputInHeap || step > trace.finishEnd || trace.finishEnd === 0 ? "popped" : "contribution";
}

/** What a position holds unless a mode was chosen: what has arrived, or the key it was popped with; null: nothing. */
export function shownValue(replay: Replay, position: number): number | null {
  const { trace, collectRow, step } = replay;
  if (trace.finishEnd > 0 && step <= trace.finishEnd) return replay.input[position] || null;
  const row = collectRow[position] ?? -1;
  return row >= 0 && row < step ? (trace.popMass[row] as number) : null;
}

/** In which order positions are popped for good. */
export class Ranks {
  /** Row that pops a position for good, -1: none; and how many were popped before, and with it. */
  readonly row: Int32Array;
  readonly rank: Int32Array;
  readonly count: number;

  constructor({ trace }: Replay) {
    this.row = new Int32Array(trace.inputCount).fill(-1);
    this.rank = new Int32Array(trace.inputCount);
    let count = 0;
    for (let row = trace.inputInHeap ? 0 : trace.finishEnd; row < trace.steps; row++) {
      const node = trace.popNode[row] as number;
      if (node >= trace.inputCount || this.row[node] !== -1) continue;
      this.row[node] = row;
      this.rank[node] = ++count;
    }
    this.count = count;
  }

  /** Whether a position is popped after `step` rows. */
  has(position: number, step: number): boolean {
    const row = this.row[position] as number;
    return row >= 0 && row < step;
  }
}

export class Tones {
  readonly ranks: Ranks;
  /** Tone of each position, as last asked for. */
  readonly tones: Uint16Array;
  /** Value of each position that the tones stand for; keys in mode *popped*. */
  readonly values: Float32Array;
  readonly #replay: Replay;
  readonly #frontier: Frontier;
  /** Tone and key of each position once it is popped: with a million of them that is worth remembering. */
  readonly #popped: Uint16Array;
  readonly #keys: Float32Array;
  /** Largest magnitude of the keys. */
  readonly largest: number;
  /** Sign of what is in the heap: that of all contributions, 0 where they have both. */
  readonly #sign: -1 | 0 | 1;

  constructor(replay: Replay, input: Input) {
    const { trace } = replay;
    this.#replay = replay;
    this.#frontier = new Frontier(trace, input);
    this.ranks = new Ranks(replay);
    this.tones = new Uint16Array(trace.inputCount);
    this.values = new Float32Array(trace.inputCount);
    this.#keys = new Float32Array(trace.inputCount);
    this.#popped = new Uint16Array(trace.inputCount);
    this.ranks.row.forEach((row, p) => {
      if (row < 0) return;
      const key = trace.popMass[row] as number;
      this.#keys[p] = key;
      const share = 1 - ((this.ranks.rank[p] as number) - 1) / this.ranks.count;
      this.#popped[p] = key === 0 ? Tone.idle : Tone.first + Math.round(255 * share);
    });
    this.largest = this.#keys.reduce((most, key) => Math.max(most, Math.abs(key)), 0);
    this.#sign = signOf(replay, this.#keys);
  }

  /** Works out the tones of the replay's state. */
  update(mode: Mode): Legend {
    if (mode === "popped") return this.#showPopped();
    if (mode === "frontier") return this.#showFrontier();
    return this.#showContributions();
  }

  /** What has reached a position so far; of a heap that holds the input from the start, its key there. */
  contribution(position: number): number {
    const { trace, input, heap } = this.#replay;
    if (trace.finishEnd === 0) return this.#keys[position] as number;
    const cell = trace.inputInHeap ? heap.cellOf(position) : -1;
    return cell < 0 ? (input[position] as number) : heap.keyAt(cell);
  }

  /** The key with which a position is popped for good; null: it never is. */
  finalKey(position: number): number | null {
    return (this.ranks.row[position] as number) < 0 ? null : (this.#keys[position] as number);
  }

  #showPopped(): Legend {
    const { step } = this.#replay;
    const { row } = this.ranks;
    for (let p = 0; p < row.length; p++) {
      const popped = (row[p] as number) >= 0 && (row[p] as number) < step;
      this.tones[p] = popped ? (this.#popped[p] as number) : Tone.none;
      this.values[p] = popped ? (this.#keys[p] as number) : 0;
    }
    return { mode: "popped", signed: false, scale: this.ranks.count, clipped: false };
  }

  #showContributions(): Legend {
    const { trace, input, inputScale: scale, signed, clipped } = this.#replay;
    if (trace.finishEnd === 0) this.values.set(this.#keys);
    else if (!trace.inputInHeap) this.values.set(input);
    else for (let p = 0; p < this.values.length; p++) this.values[p] = this.contribution(p);
    this.#tone(scale, signed, 0);
    return { mode: "contribution", signed, scale, clipped };
  }

  #showFrontier(): Legend {
    const { trace, heap, step, input, inputScale } = this.#replay;
    const { values } = this;
    let waiting = 0;
    for (let p = 0; p < values.length; p++) values[p] = Math.abs(input[p] as number);
    // After the walk the heap holds what has arrived already.
    if (step <= trace.walkEnd) waiting = this.#frontier.spread(heap, values);
    const scale = Math.max(inputScale, (PEAK * waiting) / values.length);
    const largest = values.reduce((a, b) => Math.max(a, b), 0);
    const signed = this.#sign < 0;
    if (signed) for (let p = 0; p < values.length; p++) values[p] = -(values[p] as number);
    this.#tone(scale, signed, NOISE * scale);
    return { mode: "frontier", signed, scale, clipped: largest > scale };
  }

  #tone(scale: number, signed: boolean, least: number): void {
    const { values, tones } = this;
    for (let p = 0; p < values.length; p++) {
      const value = values[p] as number;
      tones[p] = Math.abs(value) <= least ? Tone.none : Tone.first + colorIndex(value, scale, signed);
    }
  }
}

/** Positions of an input, from its first on, by the magnitude of the key they are popped with. */
export function largestFirst(tones: Tones, first: number, count: number): number[] {
  const size = (p: number) => Math.abs(tones.finalKey(first + p) ?? 0);
  return Array.from({ length: count }, (_, p) => p).sort((a, b) => size(b) - size(a) || a - b);
}

function signOf({ signed }: Replay, keys: Float32Array): -1 | 0 | 1 {
  if (!signed) return 1;
  return keys.some((key) => key > 0) ? 0 : -1;
}

/** Red, green, blue and opacity of each tone. */
export type ToneColors = Uint8ClampedArray;

/** Opacity of what was popped with the key 0: the last pixels of an image that is mostly paper. */
const IDLE = 0.14;
/** A photograph must show through what is pale, and what was popped must be seen on it. */
const SHEER_POPPED = 0.3;

/** The colours of a legend's tones; `sheer`: for what lies over a photograph. */
export function toneColors(legend: Legend, dark: boolean, sheer: boolean): ToneColors {
  const map = colorMap(dark, legend.signed);
  const colors = new Uint8ClampedArray(4 * TONES);
  const palest = legend.mode === "popped" ? SHEER_POPPED : scale.palest;
  for (let index = 0; index < 256; index++) {
    const strength = legend.signed ? Math.abs(index - 127.5) / 127.5 : index / 255;
    const opacity = sheer ? palest + (scale.strongest - palest) * strength : 1;
    colors.set(map.subarray(3 * index, 3 * index + 3), 4 * (Tone.first + index));
    colors[4 * (Tone.first + index) + 3] = Math.round(255 * opacity);
  }
  colors.set([...map.subarray(0, 3), Math.round(255 * IDLE)], 4 * Tone.idle);
  return colors;
}
