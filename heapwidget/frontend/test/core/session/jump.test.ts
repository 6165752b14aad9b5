import { describe, expect, it } from "vitest";
import { nextPop, poppedLayers, popSteps } from "../../../src/core/session/jump";
import { readTrace } from "../../../src/core/trace/read";
import { rankOf } from "../../../src/core/trace/sorted";
import { asViews } from "../../helpers/columns";
import { traceCases } from "../../helpers/golden";
import { sampleTrace } from "../../helpers/sample";

describe("pops of a layer or a node", () => {
  const trace = sampleTrace();

  it("are the rows that pop it, as steps", () => {
    expect([...popSteps(trace, { layer: 1 })]).toEqual([2, 3, 4]);
    expect([...popSteps(trace, { layer: 0 })]).toEqual([5, 6]);
    expect(poppedLayers(trace)).toEqual([0, 1, 2]);
  });

  it("do not take a layer that is passed on at once for its first node", () => {
    expect([...popSteps(trace, { node: 6 })]).toEqual([2]);
    expect([...popSteps(trace, { node: 4 })]).toEqual([5]);
    expect([...popSteps(trace, { node: 1 })]).toEqual([]);
  });

  it("are found from any step, forwards and backwards", () => {
    const steps = Uint32Array.from([2, 3, 7]);
    expect([0, 2, 3, 6, 7].map((step) => nextPop(steps, step, true))).toEqual([2, 3, 7, 7, undefined]);
    expect([2, 3, 4, 8].map((step) => nextPop(steps, step, false))).toEqual([undefined, 2, 3, 7]);
    expect([1, 2, 8].map((step) => rankOf(steps, step))).toEqual([0, 1, 3]);
  });

  it.each(traceCases())("%s: every pop is one of its layer and, in its phase, of its node", (_, file) => {
    const golden = readTrace(file.header, asViews(file.columns));
    const steps = poppedLayers(golden).flatMap((layer) => [...popSteps(golden, { layer })]);
    expect(steps.sort((a, b) => a - b)).toEqual(Array.from({ length: golden.steps }, (__, i) => i + 1));
    for (let row = 0; row < golden.walkEnd; row++) {
      expect([...popSteps(golden, { node: golden.popNode[row] as number })]).toContain(row + 1);
    }
  });
});
