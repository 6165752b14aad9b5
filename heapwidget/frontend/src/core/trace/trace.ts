/** A trace: its header and its columns (docs/trace.md is the contract), and where its nodes lie. */

import type { Header, Layer } from "./header";
import { rankOf } from "./sorted";

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
  readonly logOffset: Uint32Array;
  readonly logNode: Uint32Array;
  readonly logKey: Float32Array;
  readonly contribution: Float32Array;
}

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
