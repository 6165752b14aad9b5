/** The header of a trace, typed: nothing else reads its keys. */

import { checkHeader, type RawHeader, type RawLayer } from "./headercheck";
import { product } from "./json";
import type { Kind } from "./kinds";

/** Where a unit looks along one position axis of the input: `[start + step*i, start + step*i + size)`. */
export interface FieldAxis {
  readonly start: number;
  readonly step: number;
  readonly size: number;
  /** The layer's own axis that `i` runs along; null: the same for all units. */
  readonly axis: number | null;
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
  /** Names of an input's positions, where they have any. */
  readonly names: readonly string[] | null;
  readonly field: readonly FieldAxis[] | null;
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
  /** What the rule is called. */
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
  };
  readonly floor: number | null;
  /** Whether keys are parts of the bound, not masses. */
  readonly byBound: boolean;
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

/** Reads what a file or a model has for a header; throws `TraceError` with one sentence. */
export function readHeader(value: unknown): Header {
  const raw = checkHeader(value);
  const { phases, target } = raw;
  const finishEnd = phases.walk + phases.finish;
  return {
    method: raw.method,
    rule: raw.rule_label ?? raw.rule,
    ascending: raw.order === "ascending",
    collectAscending: (raw.collect_order ?? raw.order) === "ascending",
    inputInHeap: raw.input_in_heap === true,
    conserved: raw.conserved,
    target: {
      label: target.label,
      index: target.index,
      value: target.value,
      below: target.below ?? null,
    },
    floor: raw.floor,
    byBound: raw.priority === "bound",
    // Keys are of single precision, like those of the log.
    start: raw.start.map(([node, key]) => [node, Math.fround(key)] as const),
    layers: readLayers(raw.layers),
    inputs: raw.inputs ?? 1,
    walkEnd: phases.walk,
    finishEnd,
    steps: finishEnd + phases.collect,
    scores: readScores(raw.scores ?? null),
  };
}

function readLayers(raw: readonly RawLayer[]): Layer[] {
  let first = 0;
  return raw.map(({ label, shape, box, reads, channel_axis, kind, names, field }) => {
    const grid = shape.map((n, axis) => Math.ceil(n / (box[axis] as number)));
    const layer: Layer = {
      label,
      shape,
      box,
      reads,
      channelAxis: channel_axis,
      kind: kind ?? null,
      names: names ?? null,
      field: field?.map(([start, step, size, axis]) => ({ start, step, size, axis })) ?? null,
      grid,
      first,
      count: product(grid),
    };
    first += layer.count;
    return layer;
  });
}

function readScores(raw: NonNullable<RawHeader["scores"]> | null): Scores | null {
  if (!raw) return null;
  const { kind, fractions, deletion, insertion, random } = raw;
  return { kind, absolute: raw.absolute === true, fractions, deletion, insertion, random };
}
