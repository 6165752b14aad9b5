import { expect, it } from "vitest";
import { Replay } from "../../../src/core/replay/replay";
import { readTrace } from "../../../src/core/trace/read";
import { narrate, plainText, summary } from "../../../src/core/words/narration";
import { asViews } from "../../helpers/columns";
import { traceCases } from "../../helpers/golden";

const golden = new Map(traceCases()).get("trace_five_steps.json");
const trace = readTrace(golden?.header, asViews(golden?.columns ?? {}));

it("has all nodes in the heap from the start, the input's too", () => {
  const replay = new Replay(trace);
  expect(replay.heap.size).toBe(trace.nodeCount);
  expect(trace.steps).toBe(trace.nodeCount);
  replay.seek(trace.steps);
  expect(replay.heap.size).toBe(0);
});

it("shows a position of the input from the row that pops it", () => {
  const replay = new Replay(trace);
  const row = trace.popNode.findIndex((node) => node < trace.inputCount);
  const position = trace.popNode[row] as number;
  replay.seek(row);
  expect(replay.input[position]).toBe(0);
  replay.seek(row + 1);
  expect(replay.input[position]).toBe(trace.popMass[row]);
});

it("says that keys are added", () => {
  const replay = new Replay(trace);
  replay.seek(1);
  expect(summary(replay)).toContain("keys are added, not conserved");
  expect(plainText(narrate(replay))).toMatch(/^Pop .* already in the heap grow/);
  replay.seek(trace.popNode.findIndex((node) => node < trace.inputCount) + 1);
  expect(plainText(narrate(replay))).toContain("The input has no children.");
  replay.seek(trace.steps);
  expect(plainText(narrate(replay))).toMatch(/all its children were popped before|input has no children/i);
});
