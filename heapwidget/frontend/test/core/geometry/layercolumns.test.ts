import { describe, expect, it } from "vitest";
import {
  foldBar,
  networkColumns,
  nodeAtPoint,
  openLayers,
  placeOf,
  skips,
} from "../../../src/core/geometry/layercolumns";
import { layerMap } from "../../../src/core/geometry/layermap";
import type { Layer } from "../../../src/core/trace/trace";

function layer(shape: number[], channelAxis: number | null, box = shape.map(() => 1), first = 100): Layer {
  const grid = shape.map((n, axis) => Math.ceil(n / (box[axis] ?? 1)));
  const count = grid.reduce((a, b) => a * b, 1);
  return {
    label: "l",
    shape,
    box,
    channelAxis,
    kind: null,
    square: 1,
    names: null,
    field: null,
    cell: null,
    reads: [],
    grid,
    first,
    count,
  };
}

/** As many layers, none of which is ever popped. */
const idle = (layers: readonly unknown[]) => layers.map(() => 0);

describe("the columns of a network", () => {
  const lenet = [
    layer([1, 28, 28], 0),
    layer([6, 24, 24], 0),
    layer([6, 12, 12], 0),
    layer([16, 8, 8], 0),
    layer([16, 4, 4], 0),
    layer([120], 0),
    layer([84], 0),
    layer([10], 0),
  ].map(layerMap);

  it.each([430, 800, 1352])("are all open and within %i pixels", (width) => {
    const columns = networkColumns(lenet, idle(lenet), width, 150, null);
    expect(columns.map((c) => c.layers)).toEqual([[0], [1], [2], [3], [4], [5], [6], [7]]);
    columns.forEach((column, i) => {
      expect(column.x).toBeGreaterThanOrEqual(
        i ? (columns[i - 1]?.x ?? 0) + (columns[i - 1]?.width ?? 0) : 0,
      );
      expect(column.x + column.width).toBeLessThanOrEqual(width + 1);
      expect(column.height).toBeLessThanOrEqual(150.01);
    });
  });

  it("of a deep net are those of its busiest layers", () => {
    const busy = Array.from({ length: 80 }, (_, layer) => (layer % 7 === 3 ? 5 : 0));
    const open = openLayers(busy, 1352, null);
    expect(open.slice(1, -1).every((layer) => busy[layer] === 5)).toBe(true);
    expect(open).toEqual([...new Set(open)].sort((a, b) => a - b));
    expect([open[0], open.at(-1)]).toEqual([0, 79]);
    // Where none is busier than another, they stand at even distances.
    const even = openLayers(idle(busy), 1352, null);
    expect(even.length).toBe(open.length);
    const gaps = even.slice(1).map((layer, i) => layer - (even[i] as number));
    expect(Math.max(...gaps.slice(1, -1)) - Math.min(...gaps.slice(1, -1))).toBeLessThanOrEqual(1);
  });

  it("find a node where it is drawn", () => {
    const columns = networkColumns(lenet, idle(lenet), 900, 150, null);
    const column = columns[3];
    const map = lenet[3];
    if (!column || !map) throw new Error("no column");
    for (const node of [100, 177, 100 + 16 * 64 - 1]) {
      const box = placeOf(column, map, 3, node);
      expect(nodeAtPoint(column, map, box.x + box.width / 2, box.y + box.height / 2)).toBe(node);
    }
    expect(nodeAtPoint(column, map, column.x - 5, column.y)).toBeNull();
  });

  it("of a deep net are folded, and a run opens when it is asked for", () => {
    const deep = Array.from({ length: 80 }, () => layerMap(layer([8, 8, 8], 0)));
    const columns = networkColumns(deep, idle(deep), 1352, 150, null);
    expect(columns.flatMap((c) => c.layers)).toEqual(Array.from({ length: 80 }, (_, i) => i));
    expect(columns[0]?.folded || columns[columns.length - 1]?.folded).toBe(false);
    expect(columns.length).toBeLessThan(30);
    expect(openLayers(idle(deep), 1352, [20, 25])).toEqual([0, 20, 21, 22, 23, 24, 25, 79]);
    const fold = columns.find((c) => c.folded);
    if (!fold) throw new Error("no fold");
    // All that is opened at once stays near its neighbours, also where there is little room.
    expect(openLayers(idle(deep), 432, [20, 25]).length).toBeGreaterThan(4);
    const bars = fold.layers.map((i) => foldBar(fold, i));
    expect(bars.every((bar, i) => i === 0 || bar.y > (bars[i - 1]?.y ?? 0))).toBe(true);
    expect((bars[bars.length - 1]?.y ?? 0) + 1).toBeLessThanOrEqual(fold.y + fold.height);
  });
});

describe("messages that pass over columns", () => {
  const chain = (reads: readonly (readonly number[])[]) =>
    reads.map((r) => ({ ...layer([8, 8, 8], 0), reads: r }));

  it("are there where a layer reads one that stands further away", () => {
    const four = Array.from({ length: 4 }, () => layerMap(layer([8, 8, 8], 0)));
    const columns = networkColumns(four, idle(four), 900, 150, null);
    expect(skips(columns, chain([[], [0], [1], [2]]))).toBe(false);
    expect(skips(columns, chain([[], [0], [1], [2, 0]]))).toBe(true);
  });

  it("are none within a fold or next to it", () => {
    const maps = Array.from({ length: 80 }, () => layerMap(layer([8, 8, 8], 0)));
    const columns = networkColumns(maps, idle(maps), 1352, 150, null);
    const [, fold, open] = columns;
    if (!fold?.folded || !open) throw new Error("no fold");
    const reads = Array.from({ length: 80 }, (_, i) => (i ? [i - 1] : []));
    const last = fold.layers.at(-1) as number;
    reads[last] = [last - 1, fold.layers[0] as number];
    expect(skips(columns, chain(reads))).toBe(false);
    reads[last + 1] = [fold.layers[0] as number];
    expect(skips(columns, chain(reads))).toBe(false);
    reads[last + 2] = [fold.layers[0] as number];
    expect(skips(columns, chain(reads))).toBe(true);
  });
});
