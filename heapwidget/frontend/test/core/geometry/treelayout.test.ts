import { describe, expect, it } from "vitest";
import {
  ancestorWithin,
  cellOf,
  depthOf,
  levelOf,
  pathTo,
  treeLayout,
  windowFor,
} from "../../../src/core/geometry/treelayout";

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

  it("stays where it was opened as long as the cell is a card there", () => {
    // Cell 5's cards on four levels: 5, 11 and 12, 23 to 26, 47 to 54.
    expect([5, 12, 50].map((cell) => windowFor(cell, 4, 5))).toEqual([5, 5, 5]);
    expect([0, 6, 14].map((cell) => windowFor(cell, 4, 5))).toEqual([0, 0, 0]);
    expect(windowFor(96, 4, 5)).toBe(11);
  });

  it("shows the nearest ancestor of a place that the heap no longer has", () => {
    expect([
      ancestorWithin(50, 51),
      ancestorWithin(50, 50),
      ancestorWithin(50, 20),
      ancestorWithin(50, 0),
    ]).toEqual([50, 24, 11, 0]);
  });

  it("leads from the root to a cell by parents", () => {
    expect(pathTo(0)).toEqual([0]);
    expect(pathTo(11)).toEqual([0, 2, 5, 11]);
    expect(pathTo(27_955).length).toBe(15);
  });

  it.each([54, 200, 320, 420, 700])("fills a height of %i pixels and no more", (room) => {
    const layout = treeLayout(900, 50_000, room);
    expect(layout.height).toBeLessThanOrEqual(room);
    const rows = [...new Set(layout.slots.map((slot) => slot.y))];
    expect(rows).toEqual([...rows].sort((a, b) => a - b));
    expect(layout.slots.length).toBe(2 ** layout.levels - 1);
    const last = layout.slots.at(-1);
    expect((last?.y ?? 0) + (last?.kind === "card" ? 54 : (last?.size ?? 0))).toBeLessThanOrEqual(
      layout.height,
    );
  });

  it("has more levels the more room there is", () => {
    const levels = [54, 130, 320, 420, 700].map((room) => treeLayout(900, 50_000, room).levels);
    expect(levels).toEqual([...levels].sort((a, b) => a - b));
    expect(levels[0]).toBe(1);
    expect(levels.at(-1)).toBeGreaterThan(treeLayout(900, 50_000).levels);
  });
});
