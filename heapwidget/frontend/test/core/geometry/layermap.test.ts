import { describe, expect, it } from "vitest";
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

describe("the map of a layer", () => {
  const layers: Record<string, Layer> = {
    image: layer([1, 28, 28], 0),
    channels: layer([6, 12, 12], 0),
    "channels last": layer([5, 7, 3], 2),
    boxes: layer([32, 24, 24], 0, [32, 4, 4]),
    units: layer([120], 0),
    output: layer([10], 0),
    sequence: layer([8, 20], 0),
    tokens: layer([16, 6], 1),
    video: layer([2, 3, 4, 5], 0),
    plain: layer([30], null),
  };

  it.each(Object.entries(layers))("%s: gives each node a cell of its own, and back", (_, l) => {
    const map = layerMap(l);
    const cells = Array.from({ length: l.count }, (_, i) => map.cellOf(l.first + i));
    expect(new Set(cells).size).toBe(l.count);
    expect(Math.max(...cells)).toBeLessThan(map.tiles * map.tileWidth * map.tileHeight);
    expect(cells.map((cell) => map.nodeAt(cell))).toEqual(cells.map((_, i) => l.first + i));
  });

  it("puts positions where they are in the channel's tile", () => {
    const map = layerMap(layers.channels as Layer);
    expect(map).toMatchObject({ across: 2, down: 3, tileWidth: 12, tileHeight: 12 });
    expect(map.cellOf(100 + 2 * 144 + 3 * 12 + 4)).toBe(2 * 144 + 3 * 12 + 4);
    const last = layerMap(layers["channels last"] as Layer);
    expect(last).toMatchObject({ tiles: 3, tileWidth: 7, tileHeight: 5 });
    expect(last.cellOf(100 + (4 * 7 + 6) * 3 + 1)).toBe(35 + 4 * 7 + 6);
  });

  it("adds up channels that are too many to be told apart", () => {
    const map = layerMap(layer([192, 8, 8], 0));
    expect(map).toMatchObject({ tiles: 1, tileWidth: 8, summed: true });
    expect(map.cellOf(100 + 77 * 64 + 9)).toBe(9);
    expect(map.nodeAt(9)).toBeNull();
  });
});
