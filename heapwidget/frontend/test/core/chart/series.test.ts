import { describe, expect, it } from "vitest";
import { chartOf, settlingSteps } from "../../../src/core/chart/series";
import { curveLabel } from "../../../src/core/words/narration";
import { collectTrace, sampleTrace } from "../../helpers/sample";

const at = (chart: ReturnType<typeof chartOf>, id: string, step: number) =>
  chart.series.find((s) => s.id === id)?.at(step);

describe("the chart of a walk", () => {
  const chart = chartOf(sampleTrace());

  it("stacks what is explained, absorbed, in the heap and under the floor", () => {
    expect(chart).toMatchObject({ kind: "stack", low: 0, high: 1 });
    expect(chart.series.map((s) => s.id)).toEqual([
      "dust",
      "heap",
      "absorbed",
      "explained",
      "popped",
      "bound",
    ]);
    expect(at(chart, "explained", 0)).toBe(0);
    expect(at(chart, "explained", 3)).toBe(5 / 8);
    expect(at(chart, "absorbed", 3)).toBe(6 / 8);
    expect(at(chart, "heap", 3)).toBeCloseTo(1 - 0.4 / 8);
    expect(at(chart, "bound", 3)).toBeCloseTo(2.1 / 8);
  });

  it("adds up what is popped in the collect phase", () => {
    expect([3, 4, 5, 6].map((step) => at(chart, "popped", step))).toEqual([0, 0, 4 / 8, 7 / 8]);
  });

  it("draws lines where a share is negative", () => {
    const signed = chartOf(sampleTrace({}, { absorbed: [0, -2, -2, -2, -2, -2] }));
    expect(signed.kind).toBe("lines");
    expect(signed.low).toBe(-2 / 8);
    // What is on its way is all that is neither explained nor absorbed.
    expect(at(signed, "heap", 3)).toBe(1 - 5 / 8 + 2 / 8);
  });

  it("marks the steps of the walk after which more of the first positions are certain", () => {
    expect(settlingSteps(sampleTrace())).toEqual([]);
    expect(settlingSteps(sampleTrace({}, { certain: [0, 1, 1, 2, 2, 2] }))).toEqual([2]);
    expect(settlingSteps(sampleTrace({}, { certain: [1, 1, 2, 2, 2, 2] }))).toEqual([1, 3]);
  });

  it("counts shares of a negative target as positive", () => {
    const target = { label: "y", index: 0, value: -8 };
    const negative = (values: number[]) => values.map((v) => -v);
    const trace = sampleTrace(
      { target },
      {
        explained: negative([0, 3, 5, 7, 7, 7]),
        absorbed: negative([0, 1, 1, 1, 1, 1]),
        // A mass.
        dust: [0, 0, 0.4, 0, 0, 0],
      },
    );
    expect(chartOf(trace).kind).toBe("stack");
    expect(at(chartOf(trace), "explained", 3)).toBe(5 / 8);
    expect(
      chartOf(trace)
        .series.find(({ id }) => id === "dust")
        ?.own?.(3),
    ).toBeCloseTo(0.4 / 8);
  });
});

it("shows the keys in pop order where nothing is conserved", () => {
  const chart = chartOf(collectTrace([0.5, -1, 2]));
  expect(chart).toMatchObject({ kind: "keys", low: -1, high: 2 });
  expect([1, 2, 3].map((step) => at(chart, "keys", step))).toEqual([2, 0.5, -1]);
});

describe("the words at the cursor", () => {
  it("tell what is on the input and what is certified", () => {
    expect(curveLabel(sampleTrace(), 3, 0)).toBe("63\u202f% on pixels · error ≤ 27\u202f%");
    expect(curveLabel(sampleTrace(), 0, 0)).toBe("0\u202f% on pixels");
  });

  it("count what is popped", () => {
    expect(curveLabel(sampleTrace(), 6, 7 / 8)).toBe("88\u202f% in 2 pixels");
    expect(curveLabel(collectTrace([0.5, -1, 2]), 2, 0)).toBe("0.500 · 2nd of 3");
  });
});
