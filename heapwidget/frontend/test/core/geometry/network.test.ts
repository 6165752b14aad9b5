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
import { Passed } from "../../../src/core/replay/passed";
import { Replay } from "../../../src/core/replay/replay";
import { type Layer, readTrace } from "../../../src/core/trace/trace";
import { twoLines } from "../../../src/core/words/labels";
import { asViews } from "../../helpers/columns";
import { traceCases } from "../../helpers/golden";

function layer(shape: number[], channelAxis: number | null, box = shape.map(() => 1), first = 100): Layer {
  const grid = shape.map((n, axis) => Math.ceil(n / (box[axis] ?? 1)));
  const count = grid.reduce((a, b) => a * b, 1);
  return {
    label: "l",
    shape,
    box,
    channelAxis,
    kind: null,
    names: null,
    field: null,
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

it("breaks a long name where most of it is seen", () => {
  const lines = (label: string, room: number) => twoLines(label, (text) => text.length, room);
  expect(lines("_blocks.12._depthwise_conv.conv", 18)).toEqual(["_blocks.12", "_depthwise_conv.conv"]);
  expect(lines("_blocks.12._depthwise_conv.conv", 11)).toEqual(["_blocks.12", "…conv"]);
  expect(lines("layer1.0.conv1", 9)).toEqual(["layer1.0", "conv1"]);
  expect(lines("e.layers.0.self_attn.linear1", 9)).toEqual(["…elf_attn", "linear1"]);
  expect(lines("e.layers.0.add1", 8)).toEqual(["e.layers", "0.add1"]);
  expect(lines("encoder.layers.0.add1", 5)).toEqual(["…0", "add1"]);
  expect(lines("a_name_that_is_too_long.conv", 9)).toEqual(["…too_long", "conv"]);
  expect(lines("plain", 9)).toEqual(["plain", ""]);
});

describe.each(traceCases())("what was passed on: %s", (_, golden) => {
  const trace = readTrace(golden.header, asViews(golden.columns));
  const replay = new Replay(trace);

  it("is the sum of a node's pops, whatever way it was reached", () => {
    const passed = new Passed(trace, replay.previousPop);
    const followed = new Float64Array(trace.nodeCount);
    for (const step of [0, trace.steps, 3, 9, 5, trace.walkEnd, 1, 0]) {
      passed.seek(step, (row, by) => {
        const node = trace.popNode[row] as number;
        followed[node] = (followed[node] as number) + by;
      });
      const expected = new Float64Array(trace.nodeCount);
      for (let row = 0; row < Math.min(step, trace.walkEnd); row++) {
        const node = trace.popNode[row] as number;
        expected[node] = Math.fround((expected[node] as number) + (trace.popMass[row] as number));
      }
      expect([...passed.mass]).toEqual([...expected]);
      followed.forEach((value, node) => {
        expect(value).toBeCloseTo(expected[node] as number, 6);
      });
    }
  });
});
