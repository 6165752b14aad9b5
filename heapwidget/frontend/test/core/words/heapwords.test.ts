import { describe, expect, it } from "vitest";
import { Replay } from "../../../src/core/replay/replay";
import { beyondWindow, describeCell, dustAt, subtree } from "../../../src/core/words/heapwords";
import { collectTrace, sampleTrace } from "../../helpers/sample";

describe("what lies beyond the window", () => {
  it("is counted in the subtree that is shown", () => {
    for (const [size, top] of [
      [1, 0],
      [20, 0],
      [20, 1],
      [20, 2],
      [1000, 5],
      [12, 11],
    ] as const) {
      const cells = Array.from({ length: size }, (_, i) => i).filter((cell) => {
        let at = cell;
        while (at > top) at = (at - 1) >> 1;
        return at === top;
      });
      expect(subtree(size, top).cells).toBe(cells.length);
    }
    expect(beyondWindow(20, 0, 4)).toBe("… 5 more, 1 level deeper");
    expect(beyondWindow(20, 1, 4)).toBe("");
    expect(beyondWindow(20, 1, 2)).toBe("… 9 more, 2 levels deeper");
    expect(beyondWindow(20, 2, 4)).toBe("");
  });
});

describe("the words about a cell", () => {
  it("tell its key, place, kin and next pop", () => {
    const replay = new Replay(collectTrace([0.5, -1, 2, 1]));
    expect(describeCell(replay, replay.heap, 0)).toBe(
      "input (2): 2.00 · cell 0, level 1 · next popped at step 1 · on top · above input (3) and input (0)",
    );
    replay.seek(1);
    expect(replay.heap.nodeAt(2)).toBe(0);
    expect(describeCell(replay, replay.heap, 2)).toBe(
      "input (0): 0.500 · cell 2, level 2 · next popped at step 3 · below input (3)",
    );
  });
});

describe("the dust", () => {
  it("is a part of what is still on its way", () => {
    const dust = dustAt(sampleTrace(), 3);
    // 5 of 8 are explained, 1 is absorbed; of the other 2, 0.4 lie under the floor.
    expect(dust?.part).toBeCloseTo(0.2);
    expect(dust).toMatchObject({
      heap: "in the heap: 20\u202f% of the logit",
      dust: "dust under the floor: 5\u202f%, too small to enter",
    });
    expect(dustAt(sampleTrace(), 0)).toMatchObject({ part: 0, dust: "no dust under the floor" });
  });

  it("is not told of after the walk, nor where nothing is conserved", () => {
    expect(dustAt(sampleTrace(), 4)).toBeNull();
    expect(dustAt(collectTrace([1, 2]), 1)).toBeNull();
  });
});
