/** What a trace is (docs/trace.md is the contract): its header and its columns, and where its nodes lie. */

import type { Kind } from "./kinds";
import { rankOf } from "./sorted";

/** Where a unit looks along one position axis of the input: `[start + step*i, start + step*i + size)`. */
export interface FieldAxis {
  readonly start: number;
  readonly step: number;
  readonly size: number;
  /** The layer's own axis that `i` runs along; null: the same for all units. */
  readonly axis: number | null;
}

/**
 * A digit of the place where a unit lies along a position axis of the input: of index i on the layer's `axis` it is
 * `floor((i - start) / stride) % size`; units outside of `[start, stop)` lie nowhere.
 */
export interface Digit {
  readonly axis: number;
  readonly start: number;
  readonly stop: number;
  readonly stride: number;
  readonly size: number;
}

export interface Layer {
  readonly label: string;
  readonly shape: readonly number[];
  readonly box: readonly number[];
  readonly channelAxis: number | null;
  /** Layers that it reads. */
  readonly reads: readonly number[];
  /** How an input is shown; other layers have none. */
  readonly kind: Kind | null;
  /** Side of the squares of an input's positions by which arrivals are logged. */
  readonly square: number;
  /** Names of an input's positions, where they have any. */
  readonly names: readonly string[] | null;
  readonly field: readonly FieldAxis[] | null;
  /** For each position axis of the inputs, the digits of a unit's place, the largest first; null: it lies over all. */
  readonly cell: readonly (readonly Digit[])[] | null;
  /** Boxes along each axis. */
  readonly grid: readonly number[];
  /** Id of the layer's first node. */
  readonly first: number;
  /** Number of nodes. */
  readonly count: number;
}

export interface ScoreCurves {
  /** The score at each of the fractions, as a part of the score on the whole input unless they are `absolute`. */
  readonly deletion: readonly number[];
  readonly insertion: readonly number[];
}

/** What the target's score does as positions are taken away, or given back, in pop order: measured in Python. */
export interface Scores extends ScoreCurves {
  /** What the score is: `probability` or `logit`. */
  readonly kind: string;
  /** Whether the curves hold the scores themselves: that on the whole input is too small to be divided by. */
  readonly absolute: boolean;
  /** Fractions of the positions that are replaced, or given back, from 0 to 1. */
  readonly fractions: readonly number[];
  /** The mean of random orders. */
  readonly random: ScoreCurves | null;
}

export interface Header {
  readonly method: string;
  readonly rule: string | null;
  readonly ascending: boolean;
  /** The same for the collect phase: of a negative target the lowest contributions are the largest parts. */
  readonly collectAscending: boolean;
  /** Whether the input's nodes lie in the heap of the walk, and are selected as it pops them. */
  readonly inputInHeap: boolean;
  readonly conserved: boolean;
  readonly target: {
    readonly label: string;
    readonly index: number | null;
    readonly value: number;
    /** What the scores explained lie below, where the net does not end in them. */
    readonly below: string | null;
    /** What it is, where it is neither the score of a class nor a sum of scores; see `docs/trace.md`. */
    readonly kind: string | null;
    /** What the baseline is called, where the change from it is explained, and the value there. */
    readonly baseline: string | null;
    readonly atBaseline: number;
    /** What is shared out: all of the value, or what it has more than at the baseline. */
    readonly change: number;
  };
  readonly floor: number | null;
  /** Whether keys are parts of the bound, not masses. */
  readonly byBound: boolean;
  /** The top of a size class, where of one class the node nearest the output goes first; null: order is by key alone. */
  readonly classTop: number | null;
  readonly start: readonly (readonly [node: number, key: number])[];
  readonly layers: readonly Layer[];
  /** How many of the layers, from the first on, are inputs. */
  readonly inputs: number;
  /** Rows before which the finish phase, and the collect phase, begin. */
  readonly walkEnd: number;
  readonly finishEnd: number;
  readonly steps: number;
  /** Deletion and insertion curves, if they were measured. */
  readonly scores: Scores | null;
}

export interface Trace extends Header {
  /** Nodes of all inputs; their ids come first. */
  readonly inputCount: number;
  readonly nodeCount: number;
  /** The first node of each layer. */
  readonly firstNodes: Uint32Array;
  readonly popNode: Uint32Array;
  readonly popMass: Float32Array;
  readonly explained: Float32Array;
  readonly absorbed: Float32Array;
  readonly dust: Float32Array;
  readonly bound: Float32Array;
  /** How many of the first positions can no longer be displaced. */
  readonly certain: Uint32Array;
  readonly logOffset: Uint32Array;
  readonly logNode: Uint32Array;
  readonly logKey: Float32Array;
  readonly contribution: Float32Array;
}

export const product = (numbers: readonly number[]): number => numbers.reduce((a, b) => a * b, 1);

/** Index of the layer that a node belongs to. */
export function layerIndex(trace: Trace, node: number): number {
  return rankOf(trace.firstNodes, node) - 1;
}

export const layerOf = (trace: Trace, node: number): Layer => trace.layers[layerIndex(trace, node)] as Layer;

/** Units `[from, to)` of the node along each axis of its layer. */
export function boxOf(layer: Layer, node: number): [from: number, to: number][] {
  let rest = node - layer.first;
  const ranges: [number, number][] = [];
  for (let axis = layer.shape.length - 1; axis >= 0; axis--) {
    const n = layer.grid[axis] ?? 1;
    const size = layer.box[axis] ?? 1;
    const from = (rest % n) * size;
    rest = Math.floor(rest / n);
    ranges.unshift([from, Math.min(from + size, layer.shape[axis] ?? 1)]);
  }
  return ranges;
}

export type Phase = "walk" | "finish" | "collect";

/** The phase of a row. */
export function phaseOf(trace: Trace, row: number): Phase {
  if (row < trace.walkEnd) return "walk";
  return row < trace.finishEnd ? "finish" : "collect";
}
