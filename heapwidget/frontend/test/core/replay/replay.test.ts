import { describe, expect, it } from "vitest";
import { Replay, Touch } from "../../../src/core/replay/replay";
import { readTrace } from "../../../src/core/trace/read";
import { nodeLabel } from "../../../src/core/words/labels";
import { asViews } from "../../helpers/columns";
import { traceCases } from "../../helpers/golden";
import { stillTrace } from "../../helpers/inputs";
import { collectTrace, sampleTrace } from "../../helpers/sample";

const heapOf = ({ heap }: Replay) =>
  Array.from({ length: heap.size }, (_, cell) => [heap.nodeAt(cell), heap.keyAt(cell)]);

const cases = traceCases();

it("has golden traces", () => expect(cases.length).toBeGreaterThan(0));

describe.each(cases)("%s", (_, golden) => {
  const trace = readTrace(golden.header, asViews(golden.columns));
  const steps = Object.keys(golden.states).map(Number);

  it.each([
    ["forwards", (a: number, b: number) => a - b],
    ["backwards", (a: number, b: number) => b - a],
    ["to and fro", (a: number, b: number) => ((a * 7919) % 101) - ((b * 7919) % 101)],
  ])("replays %s to the same states as Python", (_name, order) => {
    const replay = new Replay(trace);
    for (const step of [...steps].sort(order)) {
      replay.seek(step);
      const state = golden.states[String(step)];
      expect(heapOf(replay)).toEqual(state?.heap);
      const input = new Float32Array(trace.inputCount);
      for (const [node, key] of state?.input ?? []) input[node] = key;
      expect(replay.input).toEqual(input);
      const selecting = trace.popNode.subarray(trace.inputInHeap ? 0 : trace.finishEnd, step);
      const selected = [...selecting].filter((node) => node < trace.inputCount);
      expect(selected).toEqual(state?.selected);
    }
  });

  it("gives nodes the labels that Python gives them", () => {
    for (const [node, label] of golden.labels ?? []) expect(nodeLabel(trace, node)).toBe(label);
  });
});

describe("replay", () => {
  it("tells what the last row did", () => {
    const replay = new Replay(sampleTrace());
    expect(replay.effect).toEqual({ pushed: 0, rekeyed: 0, shrank: 0, reached: 0, tie: -1 });
    replay.seek(1);
    expect(replay.effect).toEqual({ pushed: 2, rekeyed: 0, shrank: 0, reached: 0, tie: -1 });
    expect([...replay.touch]).toEqual([0, 0, 0, 0, 0, 0, Touch.pushed, Touch.pushed, 0]);
    replay.seek(2);
    expect(replay.effect).toEqual({ pushed: 0, rekeyed: 0, shrank: 0, reached: 1, tie: 7 });
    replay.seek(0);
    expect([...replay.touch].every((touch) => touch === Touch.none)).toBe(true);
  });

  it("empties the heap in the finish and fills it with what is collected", () => {
    const replay = new Replay(sampleTrace());
    replay.seek(3);
    expect(heapOf(replay)).toEqual([[6, 0.5]]);
    replay.seek(4);
    expect(heapOf(replay)).toEqual([
      [4, 4],
      [0, 3],
    ]);
    replay.seek(6);
    expect(replay.heap.size).toBe(0);
  });

  it("tells a re-keyed node from a pushed one, and growth from shrinking", () => {
    const columns = {
      log_offset: [0, 2, 4, 7, 8, 8, 8],
      log_node: [6, 7, 0, 7, 4, 5, 6, 4],
      log_key: [4, 4, 3, 3.5, 2, 0, 0.5, 4],
      pop_mass: [8, 4, 3.5, 0.5, 4, 3],
    };
    const replay = new Replay(sampleTrace({}, columns));
    replay.seek(2);
    expect(replay.effect).toMatchObject({ pushed: 0, rekeyed: 1, shrank: 1, reached: 1 });
    expect(replay.touch[7]).toBe(Touch.lowered);
  });

  it("knows that a node was popped before", () => {
    const trace = sampleTrace(
      { phases: { walk: 4, finish: 0, collect: 2 } },
      { pop_node: [8, 6, 7, 6, 4, 0], pop_mass: [8, 4, 4, 0.5, 4, 3] },
    );
    expect([...new Replay(trace).previousPop]).toEqual([-1, -1, -1, 1]);
  });

  it("refuses pops that are not those of the heap", () => {
    expect(() => new Replay(sampleTrace({}, { pop_node: [8, 7, 6, 6, 4, 0] }))).toThrow(/Row 1 pops node 7/);
  });

  it("seeks exactly in a trace with many keyframes", () => {
    const keys = Array.from({ length: 20_000 }, (_, i) => Math.fround(((i * 7919) % 10_007) / 10_007));
    const trace = collectTrace(keys);
    const there = new Replay(trace);
    const fresh = new Replay(trace);
    for (const step of [20_000, 5, 12_345, 12_344, 1, 19_999, 0]) {
      there.seek(step);
      fresh.seek(0);
      fresh.seek(step);
      expect(heapOf(there)).toEqual(heapOf(fresh));
      expect(there.heap.size).toBe(20_000 - step);
    }
  });

  it("knows signs and scale of what is collected", () => {
    expect(new Replay(collectTrace([1, -3, 2], "ascending"))).toMatchObject({ signed: true, inputScale: 3 });
    expect(new Replay(collectTrace([1, 3, 2]))).toMatchObject({ signed: false, inputScale: 3 });
  });

  it("shows a trace without pops", () => {
    const replay = new Replay(stillTrace([{ shape: [4] }]));
    replay.seek(0);
    expect(replay.heap.size).toBe(0);
  });
});
