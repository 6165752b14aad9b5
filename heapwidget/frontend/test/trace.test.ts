import { describe, expect, it } from "vitest";
import { boundsOf, covers, fieldRects } from "../src/core/field";
import { readInput } from "../src/core/input";
import { layerIndex, readTrace } from "../src/core/trace";
import { asViews } from "./columns";
import { COLUMNS, collectTrace, HEADER, PIXELS, sampleTrace } from "./sample";

describe("reading a trace", () => {
  it("reads views that begin anywhere in their buffer", () => {
    const trace = sampleTrace();
    expect([...trace.popNode]).toEqual(COLUMNS.pop_node);
    expect([...trace.logKey]).toEqual(COLUMNS.log_key);
    expect(trace).toMatchObject({ walkEnd: 3, finishEnd: 4, steps: 6, inputCount: 6, nodeCount: 9 });
  });

  it.each([
    ["foreign", { format: "zip" }, {}, /not a heapwidget trace/],
    ["of another version", { version: 2 }, {}, /version 2/],
    ["with a short column", {}, { bound: [1] }, /Column bound has 1 values, not 6/],
    ["with a node beyond the last", {}, { log_node: [6, 7, 0, 4, 5, 6, 9] }, /log_node: node 9 at 6/],
    ["with offsets that fall", {}, { log_offset: [0, 2, 1, 6, 7, 7, 7] }, /log_offset falls at row 2/],
    ["with a log that is not covered", {}, { log_offset: [0, 2, 3, 6, 6, 6, 6] }, /does not cover/],
    ["that collects what is no input", {}, { pop_node: [8, 6, 7, 6, 6, 0] }, /collect/],
    ["without layers", { layers: [] }, {}, /no layers/],
    ["whose target is no number", { target: { label: "7", value: null } }, {}, /target.value/],
  ])("refuses a trace %s", (_, header, columns, message) => {
    expect(() => sampleTrace(header, columns as Record<string, number[]>)).toThrow(message);
  });

  it("refuses a trace that misses a column, or that is nothing", () => {
    const { dust: _, ...rest } = asViews(COLUMNS);
    expect(() => readTrace(HEADER, rest)).toThrow("Column dust is missing.");
    expect(() => readTrace(undefined, undefined)).toThrow("The header is missing.");
  });

  it("counts the nodes of several inputs", () => {
    const contribution = [...(COLUMNS.contribution as number[]), 0, 0];
    const trace = sampleTrace({ inputs: 2 }, { contribution });
    expect([trace.inputs, trace.inputCount]).toEqual([2, 8]);
    expect(() => sampleTrace({ inputs: 4 })).toThrow("4 inputs among 3 layers");
    expect(() => sampleTrace({ inputs: 0 })).toThrow("0 inputs among 3 layers");
  });

  it("finds the layer of a node", () => {
    const trace = sampleTrace();
    expect([0, 5, 6, 7, 8].map((node) => layerIndex(trace, node))).toEqual([0, 0, 1, 1, 2]);
  });
});

describe("the input", () => {
  it("is a grid of pixels", () => {
    const input = readInput(PIXELS, sampleTrace());
    expect(input).toMatchObject({ kind: "image", grid: { columns: 3, rows: 2, count: 6 } });
  });

  it("refuses an image of another size", () => {
    expect(() => readInput({ parts: [{ ...PIXELS.parts[0], width: 4 }] }, sampleTrace())).toThrow(
      /6 bytes, not 2 × 4 × 1/,
    );
  });

  it("breaks a long row into lines", () => {
    const trace = collectTrace(Array.from({ length: 70 }, (_, i) => i));
    expect(readInput(null, trace).grid).toEqual({ columns: 32, rows: 3, count: 70, planar: false });
  });

  it("takes the mean of the channels of a position", () => {
    const layers = [
      { label: "input", op: "input", shape: [2, 3], box: [2, 1], channel_axis: 0, field: null },
      ...HEADER.layers.slice(1),
    ];
    const columns = { ...COLUMNS, pop_node: [5, 3, 4, 3, 1, 0], log_node: [3, 4, 0, 1, 2, 3, 1] };
    const trace = readTrace({ ...HEADER, layers, start: [[5, 8]] }, asViews(columns));
    const values = new DataView(Float32Array.from([1, 2, 3, 5, 6, 7]).buffer);
    const input = readInput({ parts: [{ kind: "strip", values }] }, trace);
    expect(input.kind === "strip" && [...input.values]).toEqual([3, 4, 5]);
  });
});

describe("the field of a node", () => {
  const layers = [
    ...HEADER.layers.slice(0, 1),
    {
      label: "conv",
      op: "conv",
      shape: [2, 2, 3],
      box: [1, 1, 2],
      channel_axis: 0,
      field: [
        [-1, 1, 3, 1],
        [0, 1, 1, 2],
      ],
    },
  ];
  const trace = readTrace(
    { ...HEADER, layers, start: [[6, 8]], phases: { walk: 1, finish: 0, collect: 0 } },
    asViews({
      ...Object.fromEntries(Object.keys(COLUMNS).map((name) => [name, [0]])),
      pop_node: [6],
      log_offset: [0, 0],
      log_node: [],
      log_key: [],
      contribution: [0, 0, 0, 0, 0, 0],
    }),
  );
  const { grid } = readInput(null, trace);

  it("is the pixel itself on the input", () => {
    expect(fieldRects(trace, 4, grid)).toEqual([{ x0: 1, y0: 1, x1: 2, y1: 2 }]);
  });

  it("is cut at the edge, and joins what the units of a box see", () => {
    expect(fieldRects(trace, 6, grid)).toEqual([{ x0: 0, y0: 0, x1: 2, y1: 2 }]);
    expect(fieldRects(trace, 7, grid)).toEqual([{ x0: 2, y0: 0, x1: 3, y1: 2 }]);
  });

  it("is all of the input where nothing narrows it", () => {
    const whole = sampleTrace();
    expect(fieldRects(whole, 8, grid)).toEqual([{ x0: 0, y0: 0, x1: 3, y1: 2 }]);
  });

  it("is one piece a line where a row is broken", () => {
    const long = collectTrace(Array.from({ length: 70 }, () => 1));
    const { grid: lines } = readInput(null, long);
    expect(fieldRects(long, 40, lines)).toEqual([{ x0: 8, y0: 1, x1: 9, y1: 2 }]);
  });

  it("covers its cells", () => {
    const rects = [
      { x0: 1, y0: 0, x1: 2, y1: 1 },
      { x0: 0, y0: 1, x1: 1, y1: 2 },
    ];
    expect([covers(rects, 1, 0), covers(rects, 0, 1), covers(rects, 1, 1)]).toEqual([true, true, false]);
    expect(boundsOf(rects)).toEqual({ x0: 0, y0: 0, x1: 2, y1: 2 });
  });
});
