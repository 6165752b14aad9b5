import { describe, expect, it } from "vitest";
import { Passed } from "../../../src/core/replay/passed";
import { Replay } from "../../../src/core/replay/replay";
import { readTrace } from "../../../src/core/trace/read";
import { asViews } from "../../helpers/columns";
import { traceCases } from "../../helpers/golden";

describe.each(traceCases())("what was passed on: %s", (_, golden) => {
  const trace = readTrace(golden.header, asViews(golden.columns));
  const replay = new Replay(trace);

  it("is the sum of a node's pops, whatever way it was reached", () => {
    const passed = new Passed(trace, replay.previousPop);
    const followed = new Float64Array(trace.nodeCount);
    for (const step of [0, trace.steps, 3, 9, 5, trace.walkEnd, 1, 0]) {
      passed.seek(step, (row, by) => {
        const node = trace.popNode[row] as number;
        followed[node] = (followed[node] as number) + by;
      });
      const expected = new Float64Array(trace.nodeCount);
      for (let row = 0; row < Math.min(step, trace.walkEnd); row++) {
        const node = trace.popNode[row] as number;
        expected[node] = Math.fround((expected[node] as number) + (trace.popMass[row] as number));
      }
      expect([...passed.mass]).toEqual([...expected]);
      followed.forEach((value, node) => {
        expect(value).toBeCloseTo(expected[node] as number, 6);
      });
    }
  });
});
