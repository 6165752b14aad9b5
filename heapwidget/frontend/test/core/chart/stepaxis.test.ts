import { describe, expect, it } from "vitest";
import { stepAxis } from "../../../src/core/chart/stepaxis";

describe("the axis of the steps", () => {
  it.each([
    [860, 1000],
    [1298, 51_474],
    [1, 100_000],
    [0, 50],
    [50, 50],
    [3, 6],
  ])("leads from each step to its place and back (%i of %i before the collect phase)", (finishEnd, steps) => {
    const axis = stepAxis({ finishEnd, steps });
    let last = -1;
    for (let step = 0; step <= steps; step += Math.max(Math.floor(steps / 500), 1)) {
      const x = axis.at(step);
      expect(x).toBeGreaterThan(last);
      expect(axis.step(x)).toBe(step);
      last = x;
    }
    expect([axis.at(0), axis.at(steps)]).toEqual([0, 1]);
    expect([axis.step(-1), axis.step(2)]).toEqual([0, steps]);
  });

  it("gives the walk at least three fifths, and its own share where that is more", () => {
    expect(stepAxis({ finishEnd: 1298, steps: 51_474 }).at(1298)).toBeCloseTo(0.6);
    expect(stepAxis({ finishEnd: 860, steps: 1000 }).at(860)).toBeCloseTo(0.86);
  });
});
