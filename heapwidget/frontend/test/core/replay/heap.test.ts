import { describe, expect, it } from "vitest";
import { Heap } from "../../../src/core/replay/heap";
import { largestFirst, smallestFirst } from "../../../src/core/replay/order";
import { heapqCases } from "../../helpers/golden";

const pairs = (heap: Heap) =>
  Array.from({ length: heap.size }, (_, cell) => [heap.keyAt(cell), heap.nodeAt(cell)]);

describe("the heap is CPython's heapq", () => {
  const cases = heapqCases();

  it("has golden cases", () => expect(cases.length).toBeGreaterThan(0));

  it.each(cases.map((c, i) => [i, c] as const))("sequence %i", (_, { order, ops, arrays }) => {
    const nodes = Math.max(...ops.map((op) => op[2] ?? 0)) + 1;
    const heap = new Heap(nodes, order === "ascending" ? smallestFirst : largestFirst);
    ops.forEach((op, i) => {
      if (op[0] === "push") heap.push(op[2], op[1]);
      else if (op[0] === "rekey") heap.rekey(op[2], op[1]);
      else heap.pop();
      expect(pairs(heap)).toEqual(arrays[i]);
      for (let cell = 0; cell < heap.size; cell++) expect(heap.cellOf(heap.nodeAt(cell))).toBe(cell);
    });
  });
});

describe("heap", () => {
  it("lets the smaller id go first among equal keys", () => {
    const heap = new Heap(4, largestFirst);
    for (const node of [3, 1, 2, 0]) heap.push(node, 0.5);
    expect([heap.pop(), heap.pop(), heap.pop(), heap.pop()]).toEqual([0, 1, 2, 3]);
    expect(heap.size).toBe(0);
  });

  it("tells no negative zero", () => {
    const heap = new Heap(1, largestFirst);
    heap.push(0, 0);
    expect(Object.is(heap.keyAt(0), 0)).toBe(true);
  });

  it("comes back from a saved frame, whatever happened since", () => {
    const heap = new Heap(300, largestFirst);
    for (let node = 0; node < 200; node++) heap.push(node, (node * 37) % 101);
    const frame = heap.save();
    const before = pairs(heap);
    for (let i = 0; i < 50; i++) heap.pop();
    heap.push(250, 7);
    heap.restore(frame, largestFirst);
    expect(pairs(heap)).toEqual(before);
    expect(heap.cellOf(250)).toBe(-1);
    expect(heap.cellOf(heap.nodeAt(17))).toBe(17);
  });
});
