/** The inputs that are explained: what each holds, how it is shown, and the grid of its positions. */

import { TraceError } from "./error";
import { KINDS, type Kind } from "./kinds";
import { type Buffer, bytesOf } from "./read";
import type { Layer, Trace } from "./trace";

/** A picture of the input, one pixel or more a position. */
export interface Pixels {
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
  /** Rows of pixels, channels innermost. */
  readonly bytes: Uint8Array;
  /** What the bytes 0 and 255 stand for; null where the picture is not made of the input's values. */
  readonly range: readonly [number, number] | null;
}

/** Positions in reading order, `columns` a row. */
export interface Grid {
  readonly columns: number;
  readonly rows: number;
  readonly count: number;
  /** Whether a row of the grid is a row of the input (else one long row is broken into lines). */
  readonly planar: boolean;
}

/** One input of the net: positions are nodes `first .. first + count`. */
export interface InputPart {
  readonly kind: Kind;
  readonly label: string;
  readonly layer: Layer;
  readonly first: number;
  readonly count: number;
  /** Length of each position axis, and where these axes begin among those of all inputs. */
  readonly lengths: readonly number[];
  readonly firstAxis: number;
  readonly grid: Grid;
  /** A name a position, where they have names. */
  readonly names: readonly string[] | null;
  readonly pixels: Pixels | null;
  /** The value of each unit, in the layer's shape; null where only a picture is known, or nothing. */
  readonly values: Float32Array | null;
}

export type Input = readonly InputPart[];

type Raw = Readonly<Record<string, unknown>>;

/** Cells a line when a long row of positions is broken. */
const LINE = 32;

/** The input that a node is a position of, if it is one. */
export function partAt(input: Input, node: number): InputPart | null {
  return input.find((part) => node >= part.first && node < part.first + part.count) ?? null;
}

function gridOf(layer: Layer, pixels: Pixels | null): Grid {
  const sizes = layer.grid.filter((n) => n > 1);
  const { count } = layer;
  if (sizes.length > 1) {
    const columns = sizes[sizes.length - 1] as number;
    return { columns, rows: count / columns, count, planar: true };
  }
  // A picture of a flattened image tells how long its rows were.
  if (pixels && pixels.width * pixels.height === count)
    return { columns: pixels.width, rows: pixels.height, count, planar: pixels.height === 1 };
  const rows = Math.ceil(count / LINE);
  return { columns: rows > 1 ? LINE : count, rows, count, planar: rows <= 1 };
}

/** The first unit of a position, and the distance from each of its channels to the next. */
function unitsOf(
  { layer }: InputPart,
  position: number,
): { first: number; stride: number; channels: number } {
  const { shape, grid, channelAxis } = layer;
  let first = 0;
  let stride = 1;
  let rest = position;
  let unit = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (axis === channelAxis) stride = unit;
    const n = grid[axis] ?? 1;
    first += (rest % n) * unit;
    rest = Math.floor(rest / n);
    unit *= shape[axis] ?? 1;
  }
  return { first, stride, channels: channelAxis === null ? 1 : (shape[channelAxis] ?? 1) };
}

/** The values of a position, a channel each; of a picture, as exactly as its bytes tell; null: not known. */
export function valuesAt(part: InputPart, position: number): number[] | null {
  const { values, pixels } = part;
  if (values) {
    const { first, stride, channels } = unitsOf(part, position);
    return Array.from({ length: channels }, (_, c) => values[first + c * stride] as number);
  }
  if (!pixels?.range || pixels.width * pixels.height !== part.count) return null;
  const [low, high] = pixels.range;
  const { channels, bytes } = pixels;
  return Array.from(
    { length: channels },
    (_, c) => low + ((high - low) * (bytes[position * channels + c] as number)) / 255,
  );
}

/** One value a position: the mean of its channels. */
export function positionValues(part: InputPart): Float32Array {
  const out = new Float32Array(part.count);
  if (!part.values) return out;
  for (let position = 0; position < part.count; position++) {
    const { first, stride, channels } = unitsOf(part, position);
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += part.values[first + c * stride] as number;
    out[position] = sum / channels;
  }
  return out;
}

/** One row of values a channel, along the positions. */
export function channelRows(part: InputPart): Float32Array[] {
  const { values, count } = part;
  if (!values) return [new Float32Array(count)];
  const { stride, channels } = unitsOf(part, 0);
  return Array.from({ length: channels }, (_, c) =>
    Float32Array.from({ length: count }, (_, p) => values[unitsOf(part, p).first + c * stride] as number),
  );
}

function readPixels(raw: Raw): Pixels {
  const { height, width } = raw as { height: number; width: number };
  const channels = raw.channels === 3 ? 3 : 1;
  const bytes = bytesOf(raw.pixels as Buffer);
  if (bytes.length !== height * width * channels)
    throw new TraceError(`The image has ${bytes.length} bytes, not ${height} × ${width} × ${channels}.`);
  const { range } = raw as { range?: readonly [number, number] };
  return { channels, height, width, bytes, range: range ?? null };
}

function readValues(raw: Raw, layer: Layer): Float32Array {
  const values = new Float32Array(bytesOf(raw.values as Buffer).buffer);
  const units = layer.shape.reduce((a, b) => a * b, 1);
  if (values.length !== units) throw new TraceError(`The input has ${values.length} values, not ${units}.`);
  return values;
}

/** Reads the `_input` trait, a part for each input layer; what was not given is drawn blank. */
export function readInput(raw: unknown, trace: Trace): Input {
  const { parts } = (raw ?? {}) as { readonly parts?: readonly Raw[] };
  let firstAxis = 0;
  return trace.layers.slice(0, trace.inputs).map((layer, i): InputPart => {
    const given = parts?.[i] ?? {};
    const pixels = given.kind === "image" ? readPixels(given) : null;
    const values = given.values === undefined ? null : readValues(given, layer);
    const kind = layer.kind ?? "strip";
    const lengths = layer.shape.filter((_, axis) => axis !== layer.channelAxis);
    const part: InputPart = {
      // A picture is shown as one, whatever the input's own shape.
      kind: pixels ? "image" : KINDS[kind].pictured ? "strip" : kind,
      label: layer.label,
      layer,
      first: layer.first,
      count: layer.count,
      lengths,
      firstAxis,
      grid: gridOf(layer, pixels),
      names: layer.names,
      pixels,
      values,
    };
    firstAxis += lengths.length;
    return part;
  });
}
