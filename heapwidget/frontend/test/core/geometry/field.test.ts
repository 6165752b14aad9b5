import { describe, expect, it } from "vitest";
import { boundsOf, fieldRects, fieldRun, sees, seesAll } from "../../../src/core/geometry/field";
import { type InputPart, readInput } from "../../../src/core/trace/input";
import { layerOf, stillTrace } from "../../helpers/inputs";
import { collectTrace, sampleTrace } from "../../helpers/sample";

const only = (parts: readonly InputPart[]) => parts[0] as InputPart;

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
