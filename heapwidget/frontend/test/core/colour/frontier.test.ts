import { describe, expect, it } from "vitest";
import { Frontier } from "../../../src/core/colour/frontier";
import { Heap } from "../../../src/core/replay/heap";
import { largestFirst } from "../../../src/core/replay/order";
import { Replay } from "../../../src/core/replay/replay";
import { type Input, readInput } from "../../../src/core/trace/input";
import { readTrace } from "../../../src/core/trace/read";
import { boxOf, type Digit, type Layer, layerOf, type Trace } from "../../../src/core/trace/trace";
import { asViews } from "../../helpers/columns";
import { traceCases } from "../../helpers/golden";
import { stillTrace } from "../../helpers/inputs";

/** The parts of an axis that a node's units lie in, unit by unit: from the first to the last; all, where none lies. */
function partsOf(layer: Layer, node: number, digits: readonly Digit[]): readonly [from: number, to: number] {
  const places: number[] = [];
  const count = digits.reduce((n, { size }) => n * size, 1);
  const box = boxOf(layer, node);
  const walk = (axis: number, unit: readonly number[]): void => {
    const [from, to] = box[axis] ?? [0, 0];
    if (axis === box.length) {
      let place: number | null = 0;
      for (const { axis: own, start, stop, stride, size } of digits) {
        const i = unit[own] as number;
        if (i < start || i >= stop) place = null;
        if (place !== null) place = place * size + (Math.floor((i - start) / stride) % size);
      }
      if (place !== null) places.push(place);
    } else for (let i = from; i < to; i++) walk(axis + 1, [...unit, i]);
  };
  walk(0, []);
  return places.length > 0 ? [Math.min(...places), Math.max(...places) + 1] : [0, count];
}

/** The same, position by position. */
function slowly(
  trace: Trace,
  input: Input,
  keys: readonly (readonly [node: number, key: number])[],
): number[] {
  const out = Array.from({ length: trace.inputCount }, () => 0);
  for (const [node, key] of keys) {
    const layer = layerOf(trace, node);
    const covered = new Map<number, number>();
    for (const part of input) {
      if (part.lengths.some((_, axis) => layer.field?.[part.firstAxis + axis]?.size === 0)) continue;
      for (let p = 0; p < part.count; p++) {
        let rest = p;
        let share = 1;
        for (let axis = part.lengths.length - 1; axis >= 0; axis--) {
          const length = part.lengths[axis] as number;
          const digits = layer.cell?.[part.firstAxis + axis] ?? [];
          const count = digits.reduce((n, { size }) => n * size, 1);
          const [from, to] = partsOf(layer, node, digits).map((n) => (n * length) / count) as [
            number,
            number,
          ];
          const at = rest % length;
          share *= Math.max(0, Math.min(to, at + 1) - Math.max(from, at));
          rest = Math.floor(rest / length);
        }
        if (share > 0) covered.set(part.first + p, share);
      }
    }
    const all = [...covered.values()].reduce((a, b) => a + b, 0);
    for (const [p, share] of covered) out[p] = (out[p] as number) + (key * share) / all;
  }
  return out;
}

function check(trace: Trace, keys: readonly (readonly [node: number, key: number])[]) {
  const input = readInput(null, trace);
  const heap = new Heap(trace.nodeCount, largestFirst);
  for (const [node, key] of keys) heap.push(node, key);
  const spread = new Float64Array(trace.inputCount);
  new Frontier(trace, input).spread(heap, spread);
  const expected = slowly(trace, input, keys);
  expect(Math.max(...expected)).toBeGreaterThan(0);
  for (const [p, value] of spread.entries()) expect(value).toBeCloseTo(expected[p] as number, 10);
  const all = keys.reduce((sum, [, key]) => sum + key, 0);
  expect(spread.reduce((a, b) => a + b, 0)).toBeCloseTo(all, 8);
}

/** A part for each index of an axis. */
const along = (axis: number, size: number) => [axis, 0, size, 1, size];

/** All nodes from one id on, with keys that differ. */
const allFrom = (first: number, trace: Trace) =>
  Array.from({ length: trace.nodeCount - first }, (_, i) => [first + i, 1 + ((i * 37) % 11)] as const);

describe("the frontier", () => {
  it.each(traceCases().filter(([, { header }]) => header.conserved))(
    "of %s is each key spread over its node's cell",
    (_, { header, columns }) => {
      const trace = readTrace(header, asViews(columns));
      const replay = new Replay(trace);
      for (const step of [0, 1, Math.floor(trace.walkEnd / 2), trace.walkEnd - 1]) {
        replay.seek(step);
        const keys = Array.from(
          { length: replay.heap.size },
          (_, cell) => [replay.heap.nodeAt(cell), replay.heap.keyAt(cell)] as const,
        );
        if (keys.length > 0) check(trace, keys);
      }
    },
  );

  it("knows planes, boxes, tiles and parts that are no whole positions", () => {
    const trace = stillTrace(
      [
        { shape: [3, 7, 9], channelAxis: 0 },
        { shape: [4, 7, 5], channelAxis: 0, box: [4, 2, 1], cell: [[along(1, 7)], [along(2, 5)]] },
        { shape: [4, 14, 11], channelAxis: 0, box: [4, 3, 2], cell: [[along(1, 14)], [along(2, 11)]] },
        { shape: [6, 2], channelAxis: 1, cell: [[], [along(0, 6)]] },
        { shape: [5] },
      ],
      { start: [[63, 1]] },
    );
    check(trace, allFrom(63, trace));
  });

  it("knows tokens of a picture, with one that lies nowhere, and windows of them", () => {
    const tokens = (stride: number, size: number) => [0, 1, 13, stride, size];
    const windows = (window: number, token: number, size: number) => [
      [0, 0, 4, window, size],
      [1, 0, 4, token, size],
    ];
    const trace = stillTrace(
      [
        { shape: [1, 12, 9], channelAxis: 0 },
        { shape: [13, 8], channelAxis: 1, box: [1, 8], cell: [[tokens(3, 4)], [tokens(1, 3)]] },
        { shape: [13, 8], channelAxis: 1, box: [2, 8], cell: [[tokens(3, 4)], [tokens(1, 3)]] },
        { shape: [4, 4, 8], channelAxis: 2, box: [1, 1, 8], cell: [windows(2, 2, 2), windows(1, 1, 2)] },
      ],
      { start: [[108, 1]] },
    );
    check(trace, allFrom(108, trace));
  });

  it("knows rows, spaces, and inputs without positions", () => {
    const cut = { shape: [2, 6], channelAxis: 0, cell: [[[1, -3, 9, 1, 12]]] };
    const row = stillTrace([{ shape: [12] }, cut]);
    check(row, allFrom(12, row));
    const space = stillTrace([
      { shape: [2, 3, 4, 5], channelAxis: 0 },
      { shape: [1, 3, 4, 5], channelAxis: 0, cell: [[along(1, 3)], [along(2, 4)], [along(3, 5)]] },
    ]);
    check(space, allFrom(60, space));
    const point = stillTrace([{ shape: [4], channelAxis: 0 }, { shape: [3] }]);
    check(point, allFrom(1, point));
  });

  it("shares a key among all inputs that the node sees, by the positions that it lies over", () => {
    const unseen = [
      [0, 0, 3, 0],
      [0, 0, 0, null],
      [0, 0, 0, null],
    ];
    const trace = stillTrace(
      [
        { shape: [6] },
        { shape: [1, 2, 3], channelAxis: 0 },
        { shape: [3], cell: [[along(0, 3)], [], []], field: unseen },
        { shape: [3], cell: [[along(0, 3)], [], [along(0, 3)]] },
        { shape: [2] },
      ],
      { inputs: 2, start: [[12, 1]] },
    );
    check(trace, allFrom(12, trace));
  });
});
