/** A small trace made by hand: an image of 2 × 3 pixels, a layer of two channels over it, an output. */

import { readTrace } from "../../src/core/trace/read";
import type { Trace } from "../../src/core/trace/trace";
import { asViews } from "./columns";

// Nodes: 0..5 pixels, 6..7 hidden·0, hidden·1, 8 output.
export const HEADER = {
  format: "heapwidget-trace",
  version: 1,
  method: "relevance",
  rule: "zplus",
  order: "descending",
  conserved: true,
  target: { label: "<b>7</b>", index: 7, value: 8 },
  floor: 0.001,
  phases: { walk: 3, finish: 1, collect: 2 },
  start: [[8, 8]],
  layers: [
    {
      label: "input",
      op: "input",
      shape: [1, 2, 3],
      box: [1, 1, 1],
      channel_axis: 0,
      reads: [],
      kind: "image",
      field: [
        [0, 1, 1, 1],
        [0, 1, 1, 2],
      ],
    },
    { label: "hidden", op: "linear", shape: [2], box: [1], channel_axis: 0, reads: [0], field: null },
    { label: "out<i>", op: "linear", shape: [1], box: [1], channel_axis: 0, reads: [1], field: null },
  ],
  ledger: { target: 8, explained: 7, residual: 0, absorbed: [["hidden", "bias", 1]] },
};

export const COLUMNS: Record<string, number[]> = {
  pop_node: [8, 6, 7, 6, 4, 0],
  pop_mass: [8, 4, 4, 0.5, 4, 3],
  explained: [0, 3, 5, 7, 7, 7],
  absorbed: [0, 1, 1, 1, 1, 1],
  dust: [0, 0, 0.4, 0, 0, 0],
  bound: [8, 4, 2.1, 0, 0, 0],
  certain: [0, 0, 0, 2, 2, 2],
  log_offset: [0, 2, 3, 6, 7, 7, 7],
  log_node: [6, 7, 0, 4, 5, 6, 4],
  log_key: [4, 4, 3, 2, 0, 0.5, 4],
  contribution: [3, 0, 0, 0, 4, 0],
};

type Header = Readonly<Record<string, unknown>>;

export function sampleTrace(header: Header = {}, columns: Record<string, number[]> = {}): Trace {
  return readTrace({ ...HEADER, ...header }, asViews({ ...COLUMNS, ...columns }));
}

const IMAGE = {
  kind: "image",
  channels: 1,
  height: 2,
  width: 3,
  pixels: new DataView(Uint8Array.from([0, 50, 100, 150, 200, 250]).buffer),
};

export const PIXELS = { parts: [IMAGE] };

/** A trace of collect rows only, as the gradient methods leave it. */
export function collectTrace(
  keys: readonly number[],
  order: "ascending" | "descending" = "descending",
  more: Readonly<Record<string, unknown>> = {},
): Trace {
  const sign = (more.collect_order ?? order) === "ascending" ? 1 : -1;
  const nodes = keys.map((_, i) => i).sort((a, b) => sign * ((keys[a] ?? 0) - (keys[b] ?? 0)) || a - b);
  const zeros = keys.map(() => 0);
  return readTrace(
    {
      ...HEADER,
      method: "gradient",
      rule: null,
      order,
      conserved: false,
      floor: null,
      start: [],
      target: { label: "y", index: null, value: 1 },
      phases: { walk: 0, finish: 0, collect: keys.length },
      layers: [
        {
          label: "input",
          op: "input",
          shape: [keys.length],
          box: [1],
          channel_axis: null,
          reads: [],
          kind: "strip",
          field: null,
        },
      ],
      ...more,
    },
    asViews({
      pop_node: nodes,
      pop_mass: nodes.map((node) => keys[node] ?? 0),
      explained: zeros,
      absorbed: zeros,
      dust: zeros,
      bound: zeros,
      certain: zeros,
      log_offset: [...zeros, 0],
      log_node: [],
      log_key: [],
      contribution: [...keys],
    }),
  );
}
