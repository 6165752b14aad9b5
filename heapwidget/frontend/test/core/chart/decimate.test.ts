import { describe, expect, it } from "vitest";
import { decimate, extent, extentOf, strongest, ticks } from "../../../src/core/chart/decimate";

const wave = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i / 3) + (i === 617 ? 9 : 0));

describe("a signal", () => {
  it("has an extent", () => {
    expect(extentOf(Float32Array.from([2, -1, 5]))).toEqual([-1, 5]);
    expect(extent((at) => [2, -1, 5][at] as number, 0, 1)).toEqual([2, 2]);
  });

  it("is drawn point by point where there is room", () => {
    expect(decimate((at) => [3, 1, 2][at] as number, 1, 3, 10)).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  it("keeps every peak where there is not, and never goes back", () => {
    const points = decimate((at) => wave[at] as number, 0, 1000, 50);
    expect(points.length).toBeLessThanOrEqual(100);
    expect(points).toContainEqual([617, wave[617]]);
    const at = points.map(([x]) => x);
    expect(at).toEqual([...at].sort((a, b) => a - b));
    expect(new Set(at).size).toBe(at.length);
    expect(extentOf(points.map(([, y]) => y))).toEqual(extentOf(wave));
  });

  it("keeps the extremes of a million rows, in their order", () => {
    const valueAt = (at: number) => (at === 654_321 ? 9 : at === 654_322 ? -9 : 0);
    const points = decimate(valueAt, 0, 1_000_001, 500);
    const high = points.findIndex(([, value]) => value === 9);
    expect(points.slice(high, high + 2)).toEqual([
      [654_321, 9],
      [654_322, -9],
    ]);
    expect(points.every(([at], i) => i === 0 || at > (points[i - 1] as [number, number])[0])).toBe(true);
  });

  it("has a strongest value, the first of several", () => {
    expect(strongest([1, -3, 3, 2], 0, 4)).toBe(1);
    expect(strongest([1, -3, 3, 2], 2, 4)).toBe(2);
    expect(strongest([1, -3, 3, 2], 3, 3)).toBe(3);
  });
});

describe("ticks", () => {
  it.each([
    [0, 149, 5, [0, 50, 100]],
    [0, 9, 20, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    [37, 61, 4, [40, 50, 60]],
    [0, 4999, 4, [0, 2000, 4000]],
    [3, 3, 2, [3]],
  ])("from %i to %i, %i at most", (from, to, most, expected) => {
    expect(ticks(from, to, most)).toEqual(expected);
  });
});
