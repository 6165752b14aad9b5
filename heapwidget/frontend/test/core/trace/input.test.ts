import { describe, expect, it } from "vitest";
import { boundsOf, fieldRects, fieldRun, sees, seesAll } from "../../../src/core/geometry/field";
import {
  channelRows,
  type InputPart,
  partOf,
  positionValues,
  readInput,
  valuesAt,
} from "../../../src/core/trace/input";
import { inputOf, layerOf, stillTrace, valuesPart } from "../../helpers/inputs";
import { collectTrace, PIXELS, sampleTrace } from "../../helpers/sample";

const [IMAGE] = PIXELS.parts;
const only = (parts: readonly InputPart[]) => parts[0] as InputPart;

describe("the input", () => {
  it("is a grid of pixels", () => {
    const input = readInput(PIXELS, sampleTrace());
    expect(input).toMatchObject([{ kind: "image", grid: { columns: 3, rows: 2, count: 6 } }]);
  });

  it("refuses an image of another size, and values of another number", () => {
    expect(() => readInput({ parts: [{ ...IMAGE, width: 4 }] }, sampleTrace())).toThrow(
      /6 bytes, not 2 × 4 × 1/,
    );
    expect(() => inputOf([{ shape: [3] }], [valuesPart("bars", [1, 2])])).toThrow("2 values, not 3");
  });

  it("breaks a long row into lines, and a flattened image where its own rows end", () => {
    const trace = collectTrace(Array.from({ length: 70 }, (_, i) => i));
    expect(only(readInput(null, trace)).grid).toEqual({ columns: 32, rows: 3, count: 70, planar: false });
    const flat = collectTrace([1, 2, 3, 4, 5, 6]);
    expect(only(readInput(PIXELS, flat))).toMatchObject({
      kind: "image",
      grid: { columns: 3, rows: 2, count: 6, planar: false },
    });
  });

  it("knows the values of a position, wherever the channels lie", () => {
    const values = [1, 2, 3, 5, 6, 7];
    const first = only(inputOf([{ shape: [2, 3], channelAxis: 0 }], [valuesPart("line", values)]));
    expect(valuesAt(first, 1)).toEqual([2, 6]);
    expect([...positionValues(first)]).toEqual([3, 4, 5]);
    expect(channelRows(first).map((row) => [...row])).toEqual([
      [1, 2, 3],
      [5, 6, 7],
    ]);
    const last = only(inputOf([{ shape: [3, 2], channelAxis: 1 }], [valuesPart("strip", values)]));
    expect(valuesAt(last, 1)).toEqual([3, 5]);
    expect([...positionValues(last)]).toEqual([1.5, 4, 6.5]);
    const none = only(inputOf([{ shape: [4] }], [valuesPart("bars", [4, 3, 2, 1])]));
    expect(valuesAt(none, 2)).toEqual([2]);
  });

  it("tells a pixel's values where the picture was made of them", () => {
    expect(valuesAt(only(readInput(PIXELS, sampleTrace())), 2)).toBeNull();
    const ranged = { parts: [{ ...IMAGE, range: [-1, 1] }] };
    expect(valuesAt(only(readInput(ranged, sampleTrace())), 2)).toEqual([(2 * 100) / 255 - 1]);
  });

  it("has a part for each input, with its nodes and axes after those of the others", () => {
    const layers = [
      { shape: [1, 2, 3], channelAxis: 0, more: { kind: "image", label: "left" } },
      { shape: [4], more: { kind: "bars", label: "table", names: ["a", "b", "<c>", "d"] } },
    ];
    const input = inputOf(layers, [
      IMAGE as object as Record<string, unknown>,
      valuesPart("bars", [1, 2, 3, 4]),
    ]);
    expect(input).toMatchObject([
      { kind: "image", label: "left", first: 0, count: 6, firstAxis: 0, lengths: [2, 3] },
      { kind: "bars", label: "table", first: 6, count: 4, firstAxis: 2, names: ["a", "b", "<c>", "d"] },
    ]);
    expect([0, 5, 6, 9, 10].map((node) => partOf(input, node)?.label)).toEqual([
      "left",
      "left",
      "table",
      "table",
      undefined,
    ]);
  });
});

describe("the field of a node", () => {
  const layers = [
    { shape: [1, 2, 3], channelAxis: 0 },
    {
      shape: [2, 2, 3],
      channelAxis: 0,
      box: [1, 1, 2],
      field: [
        [-1, 1, 3, 1],
        [0, 1, 1, 2],
      ],
    },
  ];
  const trace = stillTrace(layers, { start: [[6, 8]] });
  const input = readInput(null, trace);
  const part = only(input);

  it("is the pixel itself on the input", () => {
    expect(fieldRects(trace, 4, part)).toEqual([{ x0: 1, y0: 1, x1: 2, y1: 2 }]);
  });

  it("is cut at the edge, and joins what the units of a box see", () => {
    expect(fieldRects(trace, 6, part)).toEqual([{ x0: 0, y0: 0, x1: 2, y1: 2 }]);
    expect(fieldRects(trace, 7, part)).toEqual([{ x0: 2, y0: 0, x1: 3, y1: 2 }]);
  });

  it("is all of the input where nothing narrows it", () => {
    const whole = sampleTrace();
    expect(fieldRects(whole, 8, only(readInput(null, whole)))).toEqual([{ x0: 0, y0: 0, x1: 3, y1: 2 }]);
    expect([seesAll(whole, readInput(null, whole), 8), seesAll(trace, input, 6)]).toEqual([true, false]);
  });

  it("is one piece a line where a row is broken", () => {
    const long = collectTrace(Array.from({ length: 70 }, () => 1));
    const lines = only(readInput(null, long));
    expect(fieldRects(long, 40, lines)).toEqual([{ x0: 8, y0: 1, x1: 9, y1: 2 }]);
    expect(fieldRun(long, 40, lines)).toEqual([40, 41]);
  });

  it("has the positions in it, and bounds", () => {
    expect([0, 1, 2, 3, 4, 5].map((p) => sees(trace, input, 7, p))).toEqual([
      false,
      false,
      true,
      false,
      false,
      true,
    ]);
    const rects = [
      { x0: 1, y0: 0, x1: 2, y1: 1 },
      { x0: 0, y0: 1, x1: 1, y1: 2 },
    ];
    expect(boundsOf(rects)).toEqual({ x0: 0, y0: 0, x1: 2, y1: 2 });
  });

  it("is told for each of several inputs", () => {
    const two = [
      { shape: [5], more: { kind: "line" } },
      { shape: [2, 6], channelAxis: 0 },
      // Two units along the first input, and two that see the second only.
      {
        shape: [2],
        field: [
          [0, 2, 3, 0],
          [0, 0, 0, null],
        ],
      },
      {
        shape: [2],
        field: [
          [0, 0, 0, null],
          [1, 0, 4, null],
        ],
      },
      { shape: [1], field: null },
    ];
    const both = stillTrace(two, { inputs: 2, start: [[11, 1]] });
    const [first, second] = readInput(null, both) as [InputPart, InputPart];
    expect([11, 12, 13, 15].map((node) => fieldRun(both, node, first))).toEqual([
      [0, 3],
      [2, 5],
      null,
      [0, 5],
    ]);
    expect([11, 13, 15].map((node) => fieldRun(both, node, second))).toEqual([null, [1, 5], [0, 6]]);
    expect(fieldRects(both, 11, second)).toEqual([]);
    // A position of one input sees nothing of the other.
    expect([fieldRun(both, 3, first), fieldRun(both, 3, second)]).toEqual([[3, 4], null]);
    expect(fieldRun(both, 7, second)).toEqual([2, 3]);
    expect(layerOf(two[1] as (typeof two)[1]).box).toEqual([2, 1]);
  });
});
