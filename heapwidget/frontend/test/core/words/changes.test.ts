/** Words for a change from a baseline: what its parts do, and what they are shares of. */

import { describe, expect, it } from "vitest";
import { Replay } from "../../../src/core/replay/replay";
import { narrate, plainText, summary } from "../../../src/core/words/narration";
import { collectTrace, sampleTrace } from "../../helpers/sample";

const plain = (text: string): string => text.replaceAll("\u202f", " ");

describe("a change from a baseline", () => {
  const told = (replay: Replay, step: number) => {
    replay.seek(step);
    return plain(plainText(narrate(replay)));
  };

  it("tells what the parts of a change do", () => {
    const target = {
      label: "7 rather than 2",
      index: 7,
      kind: "margin",
      value: 3,
      baseline: "0",
      at_baseline: 5,
    };
    const header = { target, method: "relevance", conserved: true };
    const replay = new Replay(collectTrace([-5, 1, 0.5, -4], "descending", header));
    expect([1, 2, 3, 4].map((step) => told(replay, step))).toEqual([
      "Input (1) has the largest contribution, 1.00; it speaks for 7 rather than 2.",
      "Input (2) has the 2nd largest contribution, 0.500.",
      "Input (3) has the 3rd largest contribution, −4.00; from here on it speaks against 7 rather than 2.",
      "Input (0) has the 4th largest contribution, −5.00. It was the last: the heap is empty.",
    ]);
    const loss = {
      target: { ...target, label: "f(output)", index: null, kind: "loss" },
      collect_order: "ascending",
    };
    expect(told(new Replay(collectTrace([-5, 1], "descending", { ...header, ...loss })), 1)).toBe(
      "Input (0) has the smallest contribution, −5.00: " +
        "the change is negative, so what lowers it most comes first; it lowers the loss.",
    );
  });

  it("tells all of a change as a mass where its parts cancel", () => {
    const target = {
      label: "7 rather than 2",
      index: 7,
      kind: "margin",
      value: 3,
      baseline: "0",
      at_baseline: 1,
    };
    expect(told(new Replay(sampleTrace({ target })), 0)).toBe(
      "Nothing popped yet. The heap holds one node, out<i>, with all of the change: 8.00 in mass.",
    );
    const all = { target: { ...target, value: 9 } };
    expect(told(new Replay(sampleTrace(all)), 0)).toMatch(/with all of the change: 8.00\.$/);
    expect(told(new Replay(sampleTrace(all)), 2)).toMatch(/13 % of the change is absorbed\.$/);
  });

  it("counts the parts of a change", () => {
    const target = {
      label: "7 rather than 2",
      index: 7,
      kind: "margin",
      value: 6,
      baseline: "0",
      at_baseline: -2,
    };
    const replay = new Replay(sampleTrace({ target }));
    replay.seek(2);
    expect(plain(summary(replay))).toBe(
      "margin 6, 8 more than at baseline 0 (−2) · relevance, z⁺ · 38 % on pixels, 13 % absorbed, error ≤ 50 %",
    );
  });
});
