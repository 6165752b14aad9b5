/** Reads a trace from its JSON header and its columns, and checks both. */

import { checkColumns } from "./columncheck";
import { fail } from "./error";
import { readHeader } from "./header";
import { dict } from "./json";
import { type Header, product, type Trace } from "./trace";

export type Buffer = ArrayBuffer | ArrayBufferView;
/** The bytes of a buffer in memory of their own: a DataView from a comm may start at any byte. */
export function bytesOf(buffer: Buffer): Uint8Array<ArrayBuffer> {
  const view =
    buffer instanceof ArrayBuffer
      ? new Uint8Array(buffer)
      : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  return new Uint8Array(view);
}

const isBuffer = (value: unknown): value is Buffer =>
  value instanceof ArrayBuffer || ArrayBuffer.isView(value);

function words(columns: Readonly<Record<string, unknown>>, name: string, length: number | null): ArrayBuffer {
  const buffer = columns[name];
  if (!isBuffer(buffer)) return fail(`Column ${name} is missing.`);
  const { buffer: bytes } = bytesOf(buffer);
  if (bytes.byteLength % 4) fail(`Column ${name} has ${bytes.byteLength} bytes, not a multiple of 4.`);
  const found = bytes.byteLength / 4;
  if (length !== null && found !== length) fail(`Column ${name} has ${found} values, not ${length}.`);
  return bytes;
}

/** A column of one value a row; where its start alone is given, the last value there holds for all the rest. */
function rows(columns: Readonly<Record<string, unknown>>, name: string, length: number): ArrayBuffer {
  const begun = `${name}_start`;
  if (!(begun in columns)) return words(columns, name, length);
  const start = new Uint32Array(words(columns, begun, null));
  if (start.length === 0 || start.length > length)
    fail(`Column ${begun} has ${start.length} values, of ${length} rows.`);
  const all = new Uint32Array(length).fill(start[start.length - 1] as number);
  all.set(start);
  return all.buffer;
}

const unitsOf = ({ layers, inputs }: Header): number =>
  layers.slice(0, inputs).reduce((n, { shape }) => n + product(shape), 0);

/** Reads and checks a trace; throws `TraceError` with one sentence. */
export function readTrace(rawHeader: unknown, columns: unknown): Trace {
  const header = readHeader(rawHeader);
  if (!dict(columns)) return fail("The list of columns is missing.");
  const { layers, inputs, steps } = header;
  const floats = (name: string, length: number | null) => new Float32Array(words(columns, name, length));
  const ids = (name: string, length: number | null) => new Uint32Array(words(columns, name, length));
  const sums = (name: string) => new Float32Array(rows(columns, name, steps));
  const logNode = ids("log_node", null);
  const trace: Trace = {
    ...header,
    inputCount: layers.slice(0, inputs).reduce((n, layer) => n + layer.count, 0),
    nodeCount: layers.reduce((n, layer) => n + layer.count, 0),
    firstNodes: Uint32Array.from(layers, ({ first }) => first),
    popNode: ids("pop_node", steps),
    popMass: floats("pop_mass", steps),
    explained: sums("explained"),
    absorbed: sums("absorbed"),
    dust: sums("dust"),
    bound: sums("bound"),
    certain: ids("certain", steps),
    logOffset: new Uint32Array(rows(columns, "log_offset", steps + 1)),
    logNode,
    logKey: floats("log_key", logNode.length),
    // Of many units a viewer is sent none: it shows positions.
    contribution: "contribution" in columns ? floats("contribution", unitsOf(header)) : new Float32Array(),
  };
  checkColumns(trace);
  return trace;
}
