import { describe, expect, it } from "vitest";
import { Frontier } from "../../../src/core/colour/frontier";
import { fieldSpans } from "../../../src/core/geometry/field";
import { Heap } from "../../../src/core/replay/heap";
import { largestFirst } from "../../../src/core/replay/order";
import { Replay } from "../../../src/core/replay/replay";
import { type Input, readInput } from "../../../src/core/trace/input";
import { readTrace } from "../../../src/core/trace/read";
import type { Trace } from "../../../src/core/trace/trace";
import { asViews } from "../../helpers/columns";
import { traceCases } from "../../helpers/golden";
import { stillTrace } from "../../helpers/inputs";

/** The same, position by position. */
function slowly(
  trace: Trace,
  input: Input,
  keys: readonly (readonly [node: number, key: number])[],
): number[] {
  const out = Array.from({ length: trace.inputCount }, () => 0);
  for (const [node, key] of keys) {
    const seen: number[] = [];
    for (const part of input) {
      const spans = fieldSpans(trace, node, part);
      for (let p = 0; p < part.count; p++) {
        let rest = p;
        let inside = true;
        for (let axis = part.lengths.length - 1; axis >= 0; axis--) {
          const length = part.lengths[axis] as number;
          const [from, to] = spans?.[axis] ?? [0, length];
          const at = rest % length;
          inside &&= at >= from && at < to;
          rest = Math.floor(rest / length);
        }
        if (inside) seen.push(part.first + p);
      }
    }
    for (const p of seen) out[p] = (out[p] as number) + key / seen.length;
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

/** All nodes from one id on, with keys that differ. */
const allFrom = (first: number, trace: Trace) =>
  Array.from({ length: trace.nodeCount - first }, (_, i) => [first + i, 1 + ((i * 37) % 11)] as const);

describe("the frontier", () => {
  it.each(traceCases().filter(([, { header }]) => header.conserved))(
    "of %s is each key spread over what its node sees",
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

  it("knows planes, boxes, tiles and strides", () => {
    const trace = stillTrace(
      [
        { shape: [3, 7, 9], channelAxis: 0 },
        {
          shape: [4, 7, 5],
          channelAxis: 0,
          box: [4, 2, 1],
          field: [
            [-1, 1, 3, 1],
            [-1, 2, 3, 2],
          ],
        },
        {
          shape: [6, 2],
          channelAxis: 1,
          field: [
            [0, 0, 7, null],
            [0, 1, 4, 0],
          ],
        },
        { shape: [5], field: null },
      ],
      { start: [[63, 1]] },
    );
    check(trace, allFrom(63, trace));
  });

  it("knows rows, spaces, and inputs without positions", () => {
    const row = stillTrace([{ shape: [12] }, { shape: [2, 6], channelAxis: 0, field: [[-2, 2, 5, 1]] }]);
    check(row, allFrom(12, row));
    const space = stillTrace([
      { shape: [2, 3, 4, 5], channelAxis: 0 },
      {
        shape: [1, 3, 4, 5],
        channelAxis: 0,
        field: [
          [-1, 1, 3, 1],
          [0, 1, 2, 2],
          [-2, 1, 3, 3],
        ],
      },
    ]);
    check(space, allFrom(60, space));
    const point = stillTrace([
      { shape: [4], channelAxis: 0 },
      { shape: [3], field: null },
    ]);
    check(point, allFrom(1, point));
  });

  it("shares a key among all inputs that the node sees", () => {
    const trace = stillTrace(
      [
        { shape: [6] },
        { shape: [1, 2, 3], channelAxis: 0 },
        {
          shape: [3],
          field: [
            [0, 2, 3, 0],
            [0, 0, 0, null],
            [0, 0, 3, null],
          ],
        },
        {
          shape: [3],
          field: [
            [0, 2, 2, 0],
            [1, 0, 1, null],
            [0, 1, 1, 0],
          ],
        },
        { shape: [2], field: null },
      ],
      { inputs: 2, start: [[12, 1]] },
    );
    check(trace, allFrom(12, trace));
  });
});
