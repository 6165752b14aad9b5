import { describe, expect, it } from "vitest";
import { cellOf, depthOf, levelOf, treeLayout, windowFor } from "../src/core/layout";

describe("layout", () => {
  it("knows levels", () => {
    expect([0, 1, 2, 3, 6, 7].map(levelOf)).toEqual([0, 1, 1, 2, 2, 3]);
    expect([0, 1, 2, 3, 4, 7, 8].map(depthOf)).toEqual([0, 1, 2, 2, 3, 3, 4]);
  });

  it.each([280, 320, 456, 470, 600, 831, 832, 960, 1600])("has no overlaps at %i px", (width) => {
    const layout = treeLayout(width, 5000);
    for (let level = 0; level < 6; level++) {
      const row = layout.slots.filter((slot) => slot.level === level);
      row.forEach((slot, i) => {
        const left = slot.x - slot.size / 2;
        expect(left).toBeGreaterThanOrEqual(0);
        expect(slot.x + slot.size / 2).toBeLessThanOrEqual(width);
        const before = row[i - 1];
        if (before) expect(left).toBeGreaterThan(before.x + before.size / 2);
      });
    }
    const root = layout.slots[0];
    expect(layout.popped.size).toBeLessThan((root?.x ?? 0) - (root?.size ?? 0) / 2);
    expect(layout.popped.size).toBeGreaterThan(40);
  });

  it("shows four levels of cards where there is room, fewer where not", () => {
    const cards = (width: number, size: number) => treeLayout(width, size).cardLevels;
    expect([cards(900, 500), cards(456, 500), cards(280, 500)]).toEqual([4, 3, 2]);
    expect([cards(900, 1), cards(900, 3), cards(900, 4)]).toEqual([1, 2, 3]);
  });

  it("has no rows that the heap never fills", () => {
    expect(treeLayout(900, 5).slots.length).toBe(7);
    expect(treeLayout(900, 1).height).toBeLessThan(treeLayout(900, 500).height);
  });

  it("maps a window to the heap", () => {
    const { slots } = treeLayout(900, 500);
    expect(slots.slice(0, 7).map((slot) => cellOf(slot, 0))).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(slots.slice(0, 7).map((slot) => cellOf(slot, 2))).toEqual([2, 5, 6, 11, 12, 13, 14]);
  });

  it("moves the window only for cells below the cards, so that they become cards", () => {
    expect([0, 6, 14].map((cell) => windowFor(cell, 4))).toEqual([0, 0, 0]);
    for (const cell of [15, 63, 200, 4095]) {
      const root = windowFor(cell, 4);
      const cells = treeLayout(900, 5000)
        .slots.filter((slot) => slot.kind === "card")
        .map((slot) => cellOf(slot, root));
      expect(cells).toContain(cell);
    }
  });
});
