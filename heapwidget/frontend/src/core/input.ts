/** The input that is explained, and the grid in which its positions are drawn. */

import { type Buffer, bytesOf, type Layer, type Trace, TraceError } from "./trace";

export interface ImageInput {
  readonly kind: "image";
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
  /** Rows of pixels, channels innermost. */
  readonly pixels: Uint8Array;
}

export interface StripInput {
  readonly kind: "strip";
  /** One value a position. */
  readonly values: Float32Array;
}

/** Positions in reading order, `columns` a row. */
export interface Grid {
  readonly columns: number;
  readonly rows: number;
  readonly count: number;
  /** Whether a row of the grid is a row of the input (else one long row is broken into lines). */
  readonly planar: boolean;
}

export type Input = (ImageInput | StripInput) & { readonly grid: Grid };

/** Cells a line when a long row of positions is broken. */
const LINE = 32;

function gridOf(trace: Trace): Grid {
  const layer = trace.layers[0] as Layer;
  const sizes = layer.grid.filter((n) => n > 1);
  const count = layer.count;
  if (sizes.length > 1) {
    const columns = sizes[sizes.length - 1] as number;
    return { columns, rows: count / columns, count, planar: true };
  }
  const rows = Math.ceil(count / LINE);
  return { columns: rows > 1 ? LINE : count, rows, count, planar: rows <= 1 };
}

/** Mean over what each position holds: one value a position whatever the layout of layer 0. */
function valuesByPosition(layer: Layer, values: Float32Array): Float32Array {
  if (values.length === layer.count) return values;
  const out = new Float32Array(layer.count);
  const share = layer.count / values.length;
  for (let unit = 0; unit < values.length; unit++) {
    let rest = unit;
    let position = 0;
    let stride = 1;
    for (let axis = layer.shape.length - 1; axis >= 0; axis--) {
      const n = layer.shape[axis] ?? 1;
      position += Math.floor((rest % n) / (layer.box[axis] ?? 1)) * stride;
      stride *= layer.grid[axis] ?? 1;
      rest = Math.floor(rest / n);
    }
    out[position] = (out[position] as number) + (values[unit] as number) * share;
  }
  return out;
}

/** Reads the `_input` trait; an input that was not given is drawn blank. */
export function readInput(raw: unknown, trace: Trace): Input {
  const layer = trace.layers[0] as Layer;
  const grid = gridOf(trace);
  const { parts } = (raw ?? {}) as { readonly parts?: readonly Readonly<Record<string, unknown>>[] };
  const value = parts?.[0] ?? {};
  if (value.kind === "image") {
    const { height, width } = value as { height: number; width: number };
    const channels = value.channels === 3 ? 3 : 1;
    const pixels = bytesOf(value.pixels as Buffer);
    if (pixels.length !== height * width * channels) {
      throw new TraceError(`The image has ${pixels.length} bytes, not ${height} × ${width} × ${channels}.`);
    }
    return { kind: "image", channels, height, width, pixels, grid };
  }
  if (value.kind === "strip") {
    const values = new Float32Array(bytesOf(value.values as Buffer).buffer);
    const units = layer.shape.reduce((a, b) => a * b, 1);
    if (values.length !== layer.count && values.length !== units) {
      throw new TraceError(`The input has ${values.length} values, not ${layer.count}.`);
    }
    return { kind: "strip", values: valuesByPosition(layer, values), grid };
  }
  return { kind: "strip", values: new Float32Array(layer.count), grid };
}
