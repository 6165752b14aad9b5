import { describe, expect, it } from "vitest";
import { labelLeft } from "../../../src/panels/curve/cursor";

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
