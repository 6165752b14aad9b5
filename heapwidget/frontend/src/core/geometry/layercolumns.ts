/** Where the layers stand: a column each from input to output, runs of a deep net folded into narrow ones. */

import type { Layer } from "../trace/trace";
import type { LayerMap } from "./layermap";

export interface Column {
  /** One layer, or the run of layers that is folded. */
  readonly layers: readonly number[];
  readonly folded: boolean;
  /** Left and upper edge, and size, in pixels. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Size of a cell, and distance of two tiles. */
  readonly cell: number;
  readonly gap: number;
}

/** A run of layers, both ends included. */
export type Run = readonly [from: number, to: number];

const WIDEST = 148;
/** Part of the width that few columns may take, so that edges have room. */
const ROOM_USED = 0.6;
/** Cells in the height of the columns, at least. */
const FEWEST_CELLS = 13;
const FOLD = 18;
/** Height of a layer's bar in a fold, where there is room. */
const BAR = 12;
const TILE_GAP = 3;
/** Room for the edges, and the narrowest column that can be read. */
const SPACE = 18;
const NARROWEST = 36;
/** Where layers are folded anyway, those that are not may be larger, and their names have room. */
const ROOMY = 84;
const TIGHT = 46;
const roomy = (width: number): number => Math.min(Math.max(width / 10, TIGHT), ROOMY);

/**
 * Layers that get a column of their own when all have to fit into `width`; `focus` is the run that was opened. Of
 * those that could, the busiest do, by the number of pops of each layer.
 */
export function openLayers(busy: readonly number[], width: number, focus: Run | null): number[] {
  const count = busy.length;
  if (count * (NARROWEST + SPACE) - SPACE <= width) return busy.map((_, layer) => layer);
  const last = count - 1;
  // Two ends and their folds beside the focus, or a fold between each two.
  if (focus) {
    const left = width - 2 * (NARROWEST + FOLD + 2 * SPACE);
    const room = Math.max(Math.floor(left / (roomy(width) + SPACE)), 1);
    const [from, to] = [Math.max(focus[0], 1), Math.min(focus[1], last - 1)];
    return [0, ...busiest(busy, from, to, room), last];
  }
  const room = Math.floor((width + FOLD + SPACE) / (roomy(width) + FOLD + 2 * SPACE));
  return [0, ...busiest(busy, 1, last - 1, Math.max(room - 2, 0)), last];
}

/** The busiest layer, nearest to the middle, of each of `n` even parts of a run. */
function busiest(busy: readonly number[], from: number, to: number, n: number): number[] {
  const count = Math.min(n, to - from + 1);
  return Array.from({ length: count }, (_, part) => {
    const [low, high] = [part, part + 1].map((p) => from + Math.floor(((to - from + 1) * p) / count));
    const layers = busy.map((_, layer) => layer).slice(low, high);
    const middle = ((low as number) + (high as number) - 1) / 2;
    const rank = (layer: number) => (busy[layer] as number) - Math.abs(layer - middle) / busy.length;
    return layers.reduce((best, layer) => (rank(layer) > rank(best) ? layer : best));
  });
}

export function networkColumns(
  maps: readonly LayerMap[],
  busy: readonly number[],
  width: number,
  highest: number,
  focus: Run | null,
): Column[] {
  const runs = groups(maps.length, openLayers(busy, width, focus));
  const space = (runs.length - 1) * SPACE;
  // The largest limit of width with which all fit.
  let [low, high] = [8, Math.max(WIDEST, highest, (ROOM_USED * width) / runs.length)];
  for (let i = 0; i < 12; i++) {
    const middle = (low + high) / 2;
    const needed = runs.reduce((sum, run) => sum + sizeOf(maps, run, middle, highest).width, space);
    if (needed <= width) low = middle;
    else high = middle;
  }
  const sizes = runs.map((run) => sizeOf(maps, run, low, highest));
  const height = Math.max(...sizes.map((size) => size.height));
  const used = sizes.reduce((sum, size) => sum + size.width, 0);
  const between = runs.length > 1 ? (width - used) / (runs.length - 1) : 0;
  let x = 0;
  return runs.map((layers, i) => {
    const size = sizes[i] as ReturnType<typeof sizeOf>;
    const column = {
      layers,
      folded: layers.length > 1,
      x: Math.round(x),
      y: Math.round((height - size.height) / 2),
      ...size,
    };
    x += size.width + between;
    return column;
  });
}

/** Whether any layer reads one that stands further away than in the next column. */
export function skips(columns: readonly Column[], layers: readonly Layer[]): boolean {
  const columnOf = columns.flatMap((column, i) => column.layers.map(() => i));
  return layers.some(({ reads }, layer) =>
    reads.some((read) => (columnOf[layer] as number) - (columnOf[read] as number) > 1),
  );
}

/** Open layers alone, and what lies between them together; a run of one needs no fold. */
function groups(count: number, open: readonly number[]): number[][] {
  const runs: number[][] = [];
  const isOpen = new Set(open);
  for (let layer = 0; layer < count; layer++) {
    const run = runs[runs.length - 1];
    if (isOpen.has(layer) || !run || isOpen.has(run[0] as number)) runs.push([layer]);
    else run.push(layer);
  }
  return runs;
}

function sizeOf(maps: readonly LayerMap[], run: readonly number[], widest: number, height: number) {
  if (run.length > 1) return { width: FOLD, height: Math.min(height, BAR * run.length), cell: 0, gap: 0 };
  const map = maps[run[0] as number] as LayerMap;
  const [columns, rows] = [map.across * map.tileWidth, map.down * map.tileHeight];
  const gap = map.tiles > 1 ? Math.min(TILE_GAP, widest / (4 * map.across)) : 0;
  const cell = Math.min(
    (widest - gap * (map.across - 1)) / columns,
    (height - gap * (map.down - 1)) / rows,
    height / FEWEST_CELLS,
  );
  return {
    width: columns * cell + gap * (map.across - 1),
    height: rows * cell + gap * (map.down - 1),
    cell,
    gap,
  };
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Where a node is drawn: its cell, or the bar of its layer in a fold. */
export function placeOf(column: Column, map: LayerMap, layer: number, node: number): Box {
  const { x, y, cell, gap } = column;
  if (column.folded) return foldBar(column, layer);
  const index = map.cellOf(node);
  const area = map.tileWidth * map.tileHeight;
  const tile = Math.floor(index / area);
  const within = index % area;
  return {
    x: x + (tile % map.across) * (map.tileWidth * cell + gap) + (within % map.tileWidth) * cell,
    y:
      y +
      Math.floor(tile / map.across) * (map.tileHeight * cell + gap) +
      Math.floor(within / map.tileWidth) * cell,
    width: cell,
    height: cell,
  };
}

/** The bar of a layer in a folded column: the first on top. */
export function foldBar(column: Column, layer: number): Box {
  const pitch = column.height / column.layers.length;
  const y = column.y + (layer - (column.layers[0] as number)) * pitch;
  return { x: column.x, y, width: column.width, height: Math.max(pitch - 2, 1) };
}

/** Node of an open column at a point. */
export function nodeAtPoint(column: Column, map: LayerMap, x: number, y: number): number | null {
  const { cell, gap } = column;
  const [pitchX, pitchY] = [map.tileWidth * cell + gap, map.tileHeight * cell + gap];
  const [across, down] = [Math.floor((x - column.x) / pitchX), Math.floor((y - column.y) / pitchY)];
  if (across < 0 || down < 0 || across >= map.across || down >= map.down) return null;
  const i = Math.floor((x - column.x - across * pitchX) / cell);
  const j = Math.floor((y - column.y - down * pitchY) / cell);
  const tile = down * map.across + across;
  if (i >= map.tileWidth || j >= map.tileHeight || tile >= map.tiles) return null;
  return map.nodeAt((tile * map.tileHeight + j) * map.tileWidth + i);
}
