/** Traces of several inputs, or of other kinds, made by hand. */

import { readInput } from "../../src/core/trace/input";
import { readTrace } from "../../src/core/trace/read";
import { asViews } from "./columns";
import { COLUMNS, HEADER } from "./sample";

type Raw = Readonly<Record<string, unknown>>;

export interface LayerOf {
  readonly shape: readonly number[];
  readonly channelAxis?: number | null;
  readonly box?: readonly number[];
  readonly field?: readonly (readonly (number | null)[])[] | null;
  /** For each position axis of the inputs, digits: axis, start, stop, stride, size. */
  readonly cell?: readonly (readonly (readonly number[])[])[] | null;
  readonly more?: Raw;
}

/** A layer of the header: an input by default has a node a position. */
export function layerOf({ shape, channelAxis = null, box, field = null, cell = null, more }: LayerOf): Raw {
  const own = box ?? shape.map((n, axis) => (axis === channelAxis ? n : 1));
  return {
    label: "layer",
    op: "op",
    shape,
    box: own,
    channel_axis: channelAxis,
    reads: [],
    field,
    cell,
    ...more,
  };
}

/** A trace of these layers, in which the first node of `start`, the heap, is popped, if there is one. */
export function stillTrace(
  layers: readonly LayerOf[],
  { inputs = 1, start = [] as readonly (readonly [number, number])[] } = {},
) {
  const count = layers.slice(0, inputs).reduce((n, { shape }) => n + shape.reduce((a, b) => a * b, 1), 0);
  const popped = start.slice(0, 1);
  return readTrace(
    {
      ...HEADER,
      layers: layers.map((layer, i) => ({ ...(i < inputs ? { kind: "strip" } : {}), ...layerOf(layer) })),
      inputs,
      start,
      phases: { walk: popped.length, finish: 0, collect: 0 },
    },
    asViews({
      ...Object.fromEntries(Object.keys(COLUMNS).map((name) => [name, popped.map(() => 0)])),
      pop_node: popped.map(([node]) => node),
      pop_mass: popped.map(([, key]) => key),
      log_offset: [0, ...popped.map(() => 0)],
      log_node: [],
      log_key: [],
      contribution: Array.from({ length: count }, () => 0),
    }),
  );
}

/** Values of a part, as they come. */
export const valuesPart = (kind: string, values: readonly number[]): Raw => ({
  kind,
  values: new DataView(Float32Array.from(values).buffer),
});

export const inputOf = (layers: readonly LayerOf[], parts: readonly Raw[] = [], inputs = layers.length) =>
  readInput({ parts }, stillTrace(layers, { inputs }));
