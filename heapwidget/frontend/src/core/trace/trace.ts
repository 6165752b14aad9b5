/** The trace of a walk, read from its JSON header and its columns, and checked (docs/trace.md is the contract). */

import { checkColumns } from "./columncheck";
import { fail } from "./error";
import { isRecord, type RawLayer, readHeader } from "./header";

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
  readonly kind: string | null;
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

export interface Trace {
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
  /** Nodes of all inputs; their ids come first. */
  readonly inputCount: number;
  readonly nodeCount: number;
  readonly popNode: Uint32Array;
  readonly popMass: Float32Array;
  readonly explained: Float32Array;
  readonly absorbed: Float32Array;
  readonly dust: Float32Array;
  readonly bound: Float32Array;
  readonly logOffset: Uint32Array;
  readonly logNode: Uint32Array;
  readonly logKey: Float32Array;
  readonly contribution: Float32Array;
  /** Deletion and insertion curves, if they were measured: `readScores` reads them. */
  readonly scores: unknown;
}

export { TraceError } from "./error";

export type Buffer = ArrayBuffer | ArrayBufferView;
/** The bytes of a buffer in memory of their own: a DataView from a comm may start at any byte. */
export function bytesOf(buffer: Buffer): Uint8Array<ArrayBuffer> {
  const view =
    buffer instanceof ArrayBuffer
      ? new Uint8Array(buffer)
      : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  return new Uint8Array(view);
}

function isBuffer(value: unknown): value is Buffer {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

function words(columns: Readonly<Record<string, unknown>>, name: string, length: number | null): ArrayBuffer {
  const buffer = columns[name];
  if (!isBuffer(buffer)) return fail(`Column ${name} is missing.`);
  const { buffer: bytes } = bytesOf(buffer);
  if (bytes.byteLength % 4) fail(`Column ${name} has ${bytes.byteLength} bytes, not a multiple of 4.`);
  const found = bytes.byteLength / 4;
  if (length !== null && found !== length) fail(`Column ${name} has ${found} values, not ${length}.`);
  return bytes;
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
      count: grid.reduce((a, b) => a * b, 1),
    };
    first += layer.count;
    return layer;
  });
}

const inputUnits = (layers: readonly Layer[], inputs: number): number =>
  layers.slice(0, inputs).reduce((n, { shape }) => n + shape.reduce((a, b) => a * b, 1), 0);

/** Reads and checks a trace; throws `TraceError` with one sentence. */
export function readTrace(rawHeader: unknown, columns: unknown): Trace {
  if (!isRecord(rawHeader)) return fail("The header is missing.");
  if (!isRecord(columns)) return fail("The list of columns is missing.");
  if (rawHeader.format !== "heapwidget-trace") fail("This is not a heapwidget trace.");
  if (rawHeader.version !== 1)
    fail(`The trace has version ${String(rawHeader.version)}; this viewer reads version 1.`);
  const header = readHeader(rawHeader);
  const layers = readLayers(header.layers);
  const last = layers[layers.length - 1] as Layer;
  const inputs = header.inputs ?? 1;
  const { target, phases } = header;
  const walkEnd = phases.walk;
  const finishEnd = walkEnd + phases.finish;
  const steps = finishEnd + phases.collect;

  const floats = (name: string, length: number | null) => new Float32Array(words(columns, name, length));
  const ids = (name: string, length: number | null) => new Uint32Array(words(columns, name, length));
  const logNode = ids("log_node", null);
  const trace: Trace = {
    method: header.method,
    rule: header.rule_label ?? header.rule,
    ascending: header.order === "ascending",
    collectAscending: (header.collect_order ?? header.order) === "ascending",
    inputInHeap: header.input_in_heap === true,
    conserved: header.conserved,
    target: {
      label: target.label,
      index: target.index,
      value: target.value,
      below: target.below ?? null,
    },
    byBound: header.priority === "bound",
    floor: header.floor,
    // Keys are of single precision, like those of the log.
    start: header.start.map(([node, key]) => [node, Math.fround(key)] as const),
    layers,
    inputs,
    walkEnd,
    finishEnd,
    steps,
    inputCount: layers.slice(0, inputs).reduce((n, layer) => n + layer.count, 0),
    nodeCount: last.first + last.count,
    popNode: ids("pop_node", steps),
    popMass: floats("pop_mass", steps),
    explained: floats("explained", steps),
    absorbed: floats("absorbed", steps),
    dust: floats("dust", steps),
    bound: floats("bound", steps),
    logOffset: ids("log_offset", steps + 1),
    logNode,
    logKey: floats("log_key", logNode.length),
    contribution: floats("contribution", inputUnits(layers, inputs)),
    scores: header.scores ?? null,
  };
  checkColumns(trace);
  return trace;
}

/** Index of the layer that a node belongs to. */
export function layerIndex(trace: Trace, node: number): number {
  let low = 0;
  let high = trace.layers.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((trace.layers[middle] as Layer).first <= node) low = middle;
    else high = middle - 1;
  }
  return low;
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
