import { describe, expect, it } from "vitest";
import { binOf, firstCell, profileOf } from "../../../src/core/chart/profile";
import { Heap } from "../../../src/core/replay/heap";
import { largestFirst } from "../../../src/core/replay/order";

/** A heap of so many nodes with keys that look random, some of them negative. */
function someHeap(size: number): Heap {
  const heap = new Heap(size, largestFirst);
  for (let node = 0; node < size; node++) heap.push(node, Math.sin(node * node + 1));
  return heap;
}

describe("the profile of a heap", () => {
  it.each([
    [5, 900],
    [900, 900],
    [901, 900],
    [5003, 700],
  ])("of %i cells in %i pixels holds each cell once", (size, width) => {
    const heap = someHeap(size);
    const profile = profileOf(heap, width);
    expect(profile.bins).toBe(Math.min(size, width));
    const seen: number[] = [];
    for (let bin = 0; bin < profile.bins; bin++) {
      const cells: number[] = [];
      for (let c = firstCell(profile, bin); c < firstCell(profile, bin + 1); c++) cells.push(c);
      const keys = cells.map((cell) => heap.keyAt(cell));
      expect(cells.every((cell) => binOf(profile, cell) === bin)).toBe(true);
      expect(profile.high[bin]).toBe(Math.max(0, ...keys));
      expect(profile.low[bin]).toBe(Math.min(0, ...keys));
      const largest = Math.max(...keys.map(Math.abs));
      expect(Math.abs(heap.keyAt(profile.top[bin] as number))).toBe(largest);
      seen.push(...cells);
    }
    expect(seen).toEqual(Array.from({ length: size }, (_, i) => i));
    const all = seen.map((cell) => heap.keyAt(cell));
    expect([profile.most, profile.least]).toEqual([Math.max(...all), Math.min(...all)]);
  });

  it("of an empty heap is empty", () => {
    expect(profileOf(new Heap(3, largestFirst), 100)).toMatchObject({ bins: 0, most: 0, least: 0 });
  });
});
