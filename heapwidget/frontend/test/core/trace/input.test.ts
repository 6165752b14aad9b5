import { describe, expect, it } from "vitest";
import {
  channelRows,
  type InputPart,
  partAt,
  positionValues,
  readInput,
  valuesAt,
} from "../../../src/core/trace/input";
import { inputOf, valuesPart } from "../../helpers/inputs";
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
    expect([0, 5, 6, 9, 10].map((node) => partAt(input, node)?.label)).toEqual([
      "left",
      "left",
      "table",
      "table",
      undefined,
    ]);
  });
});
