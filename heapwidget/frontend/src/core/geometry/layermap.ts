/** How the nodes of a layer are laid out as a small image: a tile a channel, cells for what has no positions. */
import type { Layer } from "../trace/trace";

export interface LayerMap {
  /** Tiles beside and under one another, and cells in each. */
  readonly across: number;
  readonly down: number;
  readonly tiles: number;
  readonly tileWidth: number;
  readonly tileHeight: number;
  /** Whether a cell stands for all channels of its position. */
  readonly summed: boolean;
  /** Cell of each node of the layer, counted tile by tile. */
  readonly cellOf: (node: number) => number;
  /** Node of a cell; null where several share it, or none. */
  readonly nodeAt: (cell: number) => number | null;
}

/** More tiles than this could not be told apart; more cells would not be seen. */
const MOST_TILES = 64;
const MOST_CELLS = 65_536;
/** Units without positions stand in one column up to this many. */
const ONE_COLUMN = 16;
/** Width of the whole by its height, where it can be chosen. */
const ASPECT = 0.8;

export function layerMap(layer: Layer): LayerMap {
  const { grid, channelAxis, first, count } = layer;
  const sizes = grid.filter((_, axis) => axis !== channelAxis);
  const positions = sizes.reduce((a, b) => a * b, 1);
  const channels = count / positions;
  const many = sizes.filter((n) => n > 1).length;
  if (many === 0 || (many === 1 && channels === 1)) return cells(first, count);
  const width = sizes[sizes.length - 1] as number;
  const inner = grid.slice((channelAxis ?? 0) + 1).reduce((a, b) => a * b, 1);
  const channelOf = (index: number) => (channelAxis === null ? 0 : Math.floor(index / inner) % channels);
  const positionOf = (index: number) =>
    channelAxis === null ? index : Math.floor(index / (inner * channels)) * inner + (index % inner);
  const nodeOf = (channel: number, position: number) =>
    channelAxis === null
      ? first + position
      : first + Math.floor(position / inner) * inner * channels + channel * inner + (position % inner);
  if (many === 1) {
    // One axis of positions: a matrix of channels by positions.
    const length = Math.max(...sizes);
    return {
      ...ONE_TILE,
      tileWidth: length,
      tileHeight: channels,
      cellOf: (node) => channelOf(node - first) * length + positionOf(node - first),
      nodeAt: (cell) => nodeOf(Math.floor(cell / length), cell % length),
    };
  }
  const height = positions / width;
  const summed = channels > MOST_TILES || count > MOST_CELLS;
  const tiles = summed ? 1 : channels;
  const across = bestAcross(tiles, width, height);
  return {
    across,
    down: Math.ceil(tiles / across),
    tiles,
    tileWidth: width,
    tileHeight: height,
    summed: summed && channels > 1,
    cellOf: (node) => {
      const index = node - first;
      return (summed ? 0 : channelOf(index) * positions) + positionOf(index);
    },
    nodeAt: (cell) =>
      summed && channels > 1 ? null : nodeOf(Math.floor(cell / positions), cell % positions),
  };
}

const ONE_TILE = { across: 1, down: 1, tiles: 1, summed: false };

/** Units in reading order. */
function cells(first: number, count: number): LayerMap {
  const across = count <= ONE_COLUMN ? 1 : bestAcross(count, 1, 1);
  return {
    ...ONE_TILE,
    tileWidth: across,
    tileHeight: Math.ceil(count / across),
    cellOf: (node) => node - first,
    nodeAt: (cell) => (cell < count ? first + cell : null),
  };
}

/** Tiles a row that come near the wished shape and leave few places empty. */
function bestAcross(tiles: number, width: number, height: number): number {
  // Of very many any row is nearly full.
  if (tiles > MOST_CELLS) return Math.ceil(Math.sqrt((tiles * ASPECT * height) / width));
  let best = 1;
  let least = Number.POSITIVE_INFINITY;
  for (let across = 1; across <= tiles; across++) {
    const down = Math.ceil(tiles / across);
    const shape = Math.abs(Math.log((across * width) / (down * height) / ASPECT));
    const cost = shape + (2 * (across * down - tiles)) / tiles;
    if (cost < least - 1e-9) [best, least] = [across, cost];
  }
  return best;
}
