import { describe, expect, it } from "vitest";
import { area, fractionAt, scoreLabel, stepAtFraction, valueAt } from "../../../src/core/chart/scores";
import { sampleTrace } from "../../helpers/sample";

const HEADER = {
  kind: "probability",
  fractions: [0, 0.5, 1],
  deletion: [1, 0.2, 0],
  insertion: [0, 0.75, 1],
  random: { deletion: [1, 0.5, 0], insertion: [0, 0.5, 1] },
};

describe("the score's curves", () => {
  it("are read, with and without random orders", () => {
    expect(sampleTrace().scores).toBeNull();
    expect(sampleTrace({ scores: null }).scores).toBeNull();
    expect(sampleTrace({ scores: HEADER }).scores).toEqual({ ...HEADER, absolute: false });
    expect(sampleTrace({ scores: { ...HEADER, random: null } }).scores?.random).toBeNull();
  });

  it.each([
    [{ ...HEADER, fractions: [0] }],
    [{ ...HEADER, deletion: [1, 2] }],
    [{ ...HEADER, insertion: [1, "x", 2] }],
    [{ ...HEADER, random: { deletion: [1, 2, 3] } }],
  ])("are refused where they are not as long as they must be", (scores) => {
    expect(() => sampleTrace({ scores })).toThrow("The header's scores is not what a trace has there.");
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
    const { scores } = sampleTrace({ scores: HEADER });
    expect(scores && scoreLabel(trace, scores, 5)).toBe("1 pixel: 73\u202f% without, 25\u202f% alone");
    const { scores: bare } = sampleTrace({ scores: { ...HEADER, absolute: true } });
    expect(bare && scoreLabel(trace, bare, 5)).toBe("1 pixel: 0.733 without, 0.250 alone");
  });
});
