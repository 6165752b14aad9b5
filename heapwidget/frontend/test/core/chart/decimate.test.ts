import { describe, expect, it } from "vitest";
import { envelope, extent, ticks } from "../../../src/core/chart/decimate";

const wave = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i / 3) + (i === 617 ? 9 : 0));

describe("a signal", () => {
  it("has an extent", () => {
    expect(extent(Float32Array.from([2, -1, 5]))).toEqual([-1, 5]);
    expect(extent(Float32Array.from([2, -1, 5]), 0, 1)).toEqual([2, 2]);
  });

  it("is drawn point by point where there is room", () => {
    expect(envelope(Float32Array.from([3, 1, 2]), 1, 3, 10)).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  it("keeps every peak where there is not, and never goes back", () => {
    const points = envelope(wave, 0, 1000, 50);
    expect(points.length).toBeLessThanOrEqual(100);
    expect(points).toContainEqual([617, wave[617]]);
    const at = points.map(([x]) => x);
    expect(at).toEqual([...at].sort((a, b) => a - b));
    expect(new Set(at).size).toBe(at.length);
    expect(extent(Float32Array.from(points, ([, y]) => y))).toEqual(extent(wave));
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
