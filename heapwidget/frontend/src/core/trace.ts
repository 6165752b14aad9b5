/** The trace of a walk, read from its JSON header and its columns, and checked (docs/trace.md is the contract). */

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

export type Buffer = ArrayBuffer | ArrayBufferView;
type Json = Readonly<Record<string, unknown>>;

/** The trace is damaged or foreign; the message says where. */
export class TraceError extends Error {
  override readonly name = "TraceError";
}

const fail = (message: string): never => {
  throw new TraceError(message);
};

function record(value: unknown, what: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return fail(`${what} is missing.`);
  return value as Json;
}

function list(value: unknown, what: string): readonly unknown[] {
  return Array.isArray(value) ? value : fail(`${what} is not a list.`);
}

function number(value: unknown, what: string): number {
  return typeof value === "number" && Number.isFinite(value) ? value : fail(`${what} is not a number.`);
}

function count(value: unknown, what: string): number {
  const n = number(value, what);
  return Number.isInteger(n) && n >= 0 ? n : fail(`${what} is ${n}, not a count.`);
}

const orNull = <T>(value: unknown, read: (value: unknown) => T): T | null =>
  value === null || value === undefined ? null : read(value);

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

function words(columns: Json, name: string, length: number | null): ArrayBuffer {
  const buffer = columns[name];
  if (!isBuffer(buffer)) return fail(`Column ${name} is missing.`);
  const { buffer: bytes } = bytesOf(buffer);
  if (bytes.byteLength % 4) fail(`Column ${name} has ${bytes.byteLength} bytes, not a multiple of 4.`);
  const found = bytes.byteLength / 4;
  if (length !== null && found !== length) fail(`Column ${name} has ${found} values, not ${length}.`);
  return bytes;
}

function readField(value: unknown, what: string): readonly FieldAxis[] {
  return list(value, what).map((entry) => {
    const [start, step, size, axis] = list(entry, what);
    return {
      start: number(start, what),
      step: number(step, what),
      size: number(size, what),
      axis: orNull(axis, (a) => count(a, what)),
    };
  });
}

function readLayers(value: unknown): Layer[] {
  let first = 0;
  const layers = list(value, "layers").map((entry, i) => {
    const what = `Layer ${i}`;
    const raw = record(entry, what);
    const shape = list(raw.shape, `${what}: shape`).map((n) => count(n, `${what}: shape`));
    const box = list(raw.box, `${what}: box`).map((n) => count(n, `${what}: box`));
    if (box.length !== shape.length || box.includes(0)) fail(`${what}: box and shape do not match.`);
    const grid = shape.map((n, axis) => Math.ceil(n / (box[axis] ?? 1)));
    const layer: Layer = {
      label: String(raw.label),
      shape,
      box,
      reads: list(raw.reads ?? [], `${what}: reads`).map((n) => count(n, `${what}: reads`)),
      channelAxis: orNull(raw.channel_axis, (axis) => count(axis, `${what}: channel_axis`)),
      kind: orNull(raw.kind, String),
      names: orNull(raw.names, (names) => list(names, `${what}: names`).map(String)),
      field: orNull(raw.field, (field) => readField(field, `${what}: field`)),
      grid,
      first,
      count: grid.reduce((a, b) => a * b, 1),
    };
    first += layer.count;
    return layer;
  });
  return layers.length > 0 ? layers : fail("The trace has no layers.");
}

const inputUnits = (layers: readonly Layer[], inputs: number): number =>
  layers.slice(0, inputs).reduce((n, { shape }) => n + shape.reduce((a, b) => a * b, 1), 0);

function checkNodes(nodes: Uint32Array, limit: number, column: string): void {
  for (let i = 0; i < nodes.length; i++) {
    if ((nodes[i] as number) >= limit)
      fail(`Column ${column}: node ${nodes[i]} at ${i}, but there are ${limit} nodes.`);
  }
}

function checkOffsets(offsets: Uint32Array, entries: number): void {
  for (let i = 1; i < offsets.length; i++) {
    if ((offsets[i] as number) < (offsets[i - 1] as number)) fail(`Column log_offset falls at row ${i}.`);
  }
  if (offsets[0] !== 0 || offsets[offsets.length - 1] !== entries)
    fail("Column log_offset does not cover the log.");
}

/** Reads and checks a trace; throws `TraceError` with one sentence. */
export function readTrace(rawHeader: unknown, rawColumns: unknown): Trace {
  const header = record(rawHeader, "The header");
  const columns = record(rawColumns, "The list of columns");
  if (header.format !== "heapwidget-trace") fail("This is not a heapwidget trace.");
  if (header.version !== 1)
    fail(`The trace has version ${String(header.version)}; this viewer reads version 1.`);

  const layers = readLayers(header.layers);
  const last = layers[layers.length - 1] as Layer;
  const inputs = header.inputs === undefined ? 1 : count(header.inputs, "inputs");
  if (inputs < 1 || inputs > layers.length)
    fail(`The trace has ${inputs} inputs among ${layers.length} layers.`);
  const nodeCount = last.first + last.count;
  const phases = record(header.phases, "phases");
  const walkEnd = count(phases.walk, "phases.walk");
  const finishEnd = walkEnd + count(phases.finish, "phases.finish");
  const steps = finishEnd + count(phases.collect, "phases.collect");
  const target = record(header.target, "target");

  const floats = (name: string, length: number | null) => new Float32Array(words(columns, name, length));
  const ids = (name: string, length: number | null) => new Uint32Array(words(columns, name, length));
  const logNode = ids("log_node", null);
  const trace: Trace = {
    method: String(header.method),
    rule: orNull(header.rule, String),
    ascending: header.order === "ascending",
    collectAscending: (header.collect_order ?? header.order) === "ascending",
    inputInHeap: header.input_in_heap === true,
    conserved: header.conserved === true,
    target: {
      label: String(target.label),
      index: orNull(target.index, (i) => number(i, "target.index")),
      value: number(target.value, "target.value"),
      below: orNull(target.below, String),
    },
    byBound: header.priority === "bound",
    floor: orNull(header.floor, (floor) => number(floor, "floor")),
    start: list(header.start ?? [], "start").map((pair) => {
      const [node, key] = list(pair, "start");
      return [count(node, "start"), number(key, "start")] as const;
    }),
    layers,
    inputs,
    walkEnd,
    finishEnd,
    steps,
    inputCount: layers.slice(0, inputs).reduce((n, layer) => n + layer.count, 0),
    nodeCount,
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
  checkNodes(trace.popNode, nodeCount, "pop_node");
  checkNodes(logNode, nodeCount, "log_node");
  checkNodes(trace.popNode.subarray(finishEnd), trace.inputCount, "pop_node (collect)");
  checkNodes(
    Uint32Array.from(trace.start, ([node]) => node),
    nodeCount,
    "start",
  );
  checkOffsets(trace.logOffset, logNode.length);
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
