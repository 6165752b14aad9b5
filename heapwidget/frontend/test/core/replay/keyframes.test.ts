import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Replay } from "../../../src/core/replay/replay";
import { Session } from "../../../src/core/session/session";
import { TraceError } from "../../../src/core/trace/error";
import { readInput } from "../../../src/core/trace/input";
import { collectTrace } from "../../helpers/sample";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const N = 120_000;
const keys = Array.from({ length: N }, (_, i) => Math.fround(((i * 7919) % 100_003) / 100_003));
const long = collectTrace(keys);
const strip = readInput(null, long);
const nodes = (replay: Replay) =>
  Array.from({ length: replay.heap.size }, (_, cell) => replay.heap.nodeAt(cell));

it("is prepared in slices while nothing else is done, and only until all is", () => {
  const replay = new Replay(long);
  expect(replay.prepare(0)).toBe(true);
  const session = new Session(long, strip);
  expect(vi.getTimerCount()).toBe(1);
  // The clock of the slices stands still in this test: one slice is all there is.
  vi.advanceTimersByTime(500);
  expect(vi.getTimerCount()).toBe(0);
  session.destroy();
});

it("stops preparing when the session goes", () => {
  const session = new Session(long, strip);
  session.destroy();
  expect(vi.getTimerCount()).toBe(0);
});

it("seeks the same whether prepared or not", () => {
  const prepared = new Replay(long);
  while (prepared.prepare(1e6));
  const fresh = new Replay(long);
  for (const step of [90_000, 3, 3 + 64, 3 + 65, 119_999, 60_000]) {
    prepared.seek(step);
    fresh.seek(step);
    expect(nodes(fresh)).toEqual(nodes(prepared));
  }
});

it("tells later that pops are not those of the heap, where the trace is long", () => {
  const popNode = long.popNode.slice();
  [popNode[N - 2], popNode[N - 1]] = [popNode[N - 1] as number, popNode[N - 2] as number];
  const session = new Session({ ...long, popNode }, strip);
  const told = vi.fn();
  session.subscribe(told);
  expect(session.replay.step).toBe(0);
  vi.advanceTimersByTime(500);
  expect(told).toHaveBeenCalled();
  expect(() => session.replay).toThrow(TraceError);
  session.destroy();
});
