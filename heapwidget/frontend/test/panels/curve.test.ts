import { describe, expect, it } from "vitest";
import {
  area,
  fractionAt,
  readScores,
  scoreLabel,
  stepAtFraction,
  valueAt,
} from "../../src/core/chart/scores";
import { stepAxis } from "../../src/core/chart/stepaxis";
import { labelLeft } from "../../src/panels/curve/cursor";
import { sampleTrace } from "../helpers/sample";

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

const HEADER = {
  kind: "probability",
  fractions: [0, 0.5, 1],
  deletion: [1, 0.2, 0],
  insertion: [0, 0.75, 1],
  random: { deletion: [1, 0.5, 0], insertion: [0, 0.5, 1] },
};

describe("the score's curves", () => {
  it("are read, with and without random orders", () => {
    expect(readScores(null)).toBeNull();
    expect(readScores(HEADER)).toEqual({ ...HEADER, absolute: false });
    expect(readScores({ ...HEADER, random: null })?.random).toBeNull();
  });

  it.each([
    [{ ...HEADER, fractions: [0] }, "scores.fractions is not a list of two or more numbers."],
    [{ ...HEADER, deletion: [1, 2] }, "scores.deletion is not a list of 3 numbers."],
    [{ ...HEADER, insertion: [1, "x", 2] }, "scores.insertion is not a list of 3 numbers."],
    [{ ...HEADER, random: { deletion: [1, 2, 3] } }, "scores.insertion is not a list of 3 numbers."],
  ])("are refused with the name of what is wrong", (header, message) => {
    expect(() => readScores(header)).toThrow(message);
  });

  it("have areas, and values between their points", () => {
    expect(area(HEADER.fractions, HEADER.deletion)).toBeCloseTo(0.35);
    expect(area(HEADER.fractions, HEADER.insertion)).toBeCloseTo(0.625);
    const values = [-1, 0, 0.25, 0.5, 0.75, 2].map((at) => valueAt(HEADER.fractions, HEADER.deletion, at));
    [1, 1, 0.6, 0.2, 0.1, 0].forEach((value, i) => {
      expect(values[i]).toBeCloseTo(value);
    });
  });

  it("follow the positions that are popped", () => {
    // Steps 5 and 6 pop two of six pixels.
    const trace = sampleTrace();
    expect([0, 4, 5, 6].map((step) => fractionAt(trace, step))).toEqual([0, 0, 1 / 6, 2 / 6]);
    expect([-1, 0, 1 / 6, 0.4, 1].map((x) => stepAtFraction(trace, x))).toEqual([4, 4, 5, 6, 6]);
    const scores = readScores(HEADER);
    expect(scores && scoreLabel(trace, scores, 5)).toBe("1 pixel: 73\u202f% without, 25\u202f% alone");
    const bare = readScores({ ...HEADER, absolute: true });
    expect(bare && scoreLabel(trace, bare, 5)).toBe("1 pixel: 0.733 without, 0.250 alone");
  });
});

describe("the words beside the cursor", () => {
  it.each([320, 700, 1352])("stay within a plot of %i pixels, and off the line", (room) => {
    for (let x = 0; x <= room; x++) {
      const left = labelLeft(x, 180, room);
      expect(left).toBeGreaterThanOrEqual(0);
      expect(left + 180).toBeLessThanOrEqual(room);
      // Where neither side has room, they begin at the edge.
      if (left > 0) expect(left >= x + 5 || left + 180 <= x - 5).toBe(true);
    }
  });
});
