/** The layers as small images in columns: where each node is, and what is at a point. */

import { type ColorMap, colorMap } from "../../core/colour/colormap";
import { shownValue } from "../../core/colour/tones";
import {
  type Box,
  type Column,
  foldBar,
  networkColumns,
  nodeAtPoint,
  placeOf,
  type Run,
  skips,
} from "../../core/geometry/layercolumns";
import { layerMap } from "../../core/geometry/layermap";
import { Passed } from "../../core/replay/passed";
import type { Replay } from "../../core/replay/replay";
import { layerIndex, type Trace } from "../../core/trace/trace";
import { h } from "../../kit/dom";
import type { Palette } from "../../kit/theme";
import type { Edge } from "./edges";
import { type Coloring, LayerImage } from "./layerimage";

/** Frames stand out over the maps' edges. */
const MARGIN = 4;
/** Room above the maps for what passes over them. */
const LANE = 12;
/** Columns are easier to hit than they are wide. */
const NEAR = 4;

const NONE: ColorMap = new Uint8Array();

/** What is at a point: a node of an open layer, or a layer of a folded run. */
export type Hit = { readonly node: number | null; readonly layer: number; readonly column: Column };

export class NetMap {
  readonly passed: Passed;
  readonly #trace: Trace;
  readonly #images: readonly LayerImage[];
  /** Magnitude with the strongest colour, a layer. */
  readonly #scales: number[];
  /** Layer, and cell in its map, of the node that each row pops: a seek asks for thousands of them. */
  readonly #layerOf: Uint16Array;
  readonly #cellOf: Uint32Array;
  /** Pops of each layer. */
  readonly #busy: number[];
  /** All maps as they were drawn last: from step to step, few cells change. */
  readonly #picture = h("canvas");
  /** Size and theme of the picture. */
  #pictured = "";
  #columns: readonly Column[] = [];
  /** Index of the column of each layer. */
  #columnOf: readonly number[] = [];
  #width = 1;
  #height = 0;
  #colors: { walk: ColorMap; input: ColorMap } = { walk: NONE, input: NONE };
  /** Step that the images show. */
  #step = -1;
  /** Whether any message passes over a column. */
  #lane = false;

  constructor(trace: Trace, previousPop: Int32Array) {
    this.#trace = trace;
    this.#images = trace.layers.map((layer) => new LayerImage(layerMap(layer)));
    this.#busy = trace.layers.map(() => 0);
    this.#layerOf = new Uint16Array(trace.walkEnd);
    this.#cellOf = new Uint32Array(trace.walkEnd);
    trace.popNode.subarray(0, trace.walkEnd).forEach((node, row) => {
      const layer = layerIndex(trace, node);
      this.#busy[layer] = (this.#busy[layer] as number) + 1;
      this.#layerOf[row] = layer;
      this.#cellOf[row] = (this.#images[layer] as LayerImage).map.cellOf(node);
    });
    this.passed = new Passed(trace, previousPop);
    this.#seek(trace.walkEnd);
    this.#scales = this.#images.map((image, i) => Math.max(image.largest, this.passed.largest[i] ?? 0) || 1);
  }

  get columns(): readonly Column[] {
    return this.#columns;
  }

  /** Height of all, with what stands out. */
  get height(): number {
    return this.#height;
  }

  /** Places the columns within a width and a height, which is kept where it is `fixed`, or else just not exceeded. */
  arrange(width: number, highest: number, fixed: boolean, focus: Run | null): void {
    const maps = this.#images.map((image) => image.map);
    const place = (top: number) => {
      const columns = networkColumns(maps, this.#busy, width - 2 * MARGIN, highest - 2 * MARGIN - top, focus);
      const used = Math.ceil(Math.max(...columns.map((c) => c.y + c.height)));
      this.#height = fixed ? highest : used + 2 * MARGIN + top;
      const down = MARGIN + top + Math.floor((this.#height - used - 2 * MARGIN - top) / 2);
      return columns.map((column) => ({ ...column, x: column.x + MARGIN, y: column.y + down }));
    };
    this.#width = width;
    this.#pictured = "";
    this.#columns = place(0);
    this.#lane = skips(this.#columns, this.#trace.layers);
    if (this.#lane) this.#columns = place(LANE);
    this.#columnOf = this.#columns.flatMap((column, i) => column.layers.map(() => i));
  }

  draw(context: CanvasRenderingContext2D, replay: Replay, palette: Palette): void {
    if (this.#step !== replay.step) {
      this.#seek(replay.step);
      this.#fillInput(replay);
      this.#step = replay.step;
    }
    const ratio = globalThis.devicePixelRatio || 1;
    const [width, height] = [Math.round(this.#width * ratio), Math.round(this.#height * ratio)];
    const pictured = `${width} ${height} ${palette.dark}`;
    if (pictured !== this.#pictured) {
      this.#pictured = pictured;
      // A new size empties a canvas, even if it is the old one.
      [this.#picture.width, this.#picture.height] = [width, height];
      this.#colors = {
        walk: colorMap(palette.dark, this.passed.signed),
        input: colorMap(palette.dark, replay.signed),
      };
      for (const image of this.#images) image.forget();
    }
    const picture = this.#picture.getContext("2d");
    if (!picture) return;
    for (const column of this.#columns) {
      const layer = column.layers[0] as number;
      if (!column.folded)
        this.#images[layer]?.draw(picture, column, ratio, this.#coloring(layer, replay, palette));
    }
    context.drawImage(this.#picture, 0, 0, width / ratio, height / ratio);
    for (const column of this.#columns) if (column.folded) this.#drawFold(context, column, palette);
  }

  /** Where a node is drawn; in a fold, the bar of its layer. */
  placeOf(node: number): Box {
    const layer = layerIndex(this.#trace, node);
    const image = this.#images[layer] as LayerImage;
    return placeOf(this.#column(layer), image.map, layer, node);
  }

  /** Where a layer is drawn. */
  placeOfLayer(layer: number): Box {
    const column = this.#column(layer);
    return column.folded ? foldBar(column, layer) : column;
  }

  /** An edge between two nodes; over the columns between them, if there are any. */
  edge(from: number, to: number, share: number): Edge {
    const [a, b] = [from, to].map((node) => this.#columnOf[layerIndex(this.#trace, node)] as number);
    const over = this.#lane && Math.abs((a as number) - (b as number)) > 1 ? MARGIN + LANE / 2 : null;
    return { from: this.placeOf(from), to: this.placeOf(to), share, over };
  }

  hit(x: number, y: number): Hit | null {
    const column = this.#columns.find((c) => x >= c.x - NEAR && x < c.x + c.width + NEAR);
    if (!column) return null;
    const first = column.layers[0] as number;
    if (!column.folded)
      return {
        node: nodeAtPoint(column, (this.#images[first] as LayerImage).map, x, y),
        layer: first,
        column,
      };
    const bar = Math.floor(((y - column.y) / column.height) * column.layers.length);
    const layer = first + Math.min(Math.max(bar, 0), column.layers.length - 1);
    return { node: null, layer, column };
  }

  /** The neighbour of a node in a direction: in its own map, if it is not left, or else in the nearest open one. */
  neighbour(node: number, dx: number, dy: number, leave: boolean): number | null {
    const layer = layerIndex(this.#trace, node);
    const at = this.#columnOf[layer] as number;
    const { map } = this.#images[layer] as LayerImage;
    const column = this.#columns[at] as Column;
    const { x, y, width, height } = this.placeOf(node);
    const [cx, cy] = [x + width / 2, y + height / 2];
    if (!column.folded && !leave)
      for (const far of [0, column.gap]) {
        const near = nodeAtPoint(column, map, cx + dx * (width + far), cy + dy * (height + far));
        if (near !== null) return near;
      }
    if (dx === 0) return null;
    for (let i = at + dx; i >= 0 && i < this.#columns.length; i += dx) {
      const found = this.#edgeNode(this.#columns[i] as Column, dx, cy);
      if (found !== null) return found;
    }
    return null;
  }

  /** The node of an open column nearest to a height, at the side that one comes from. */
  #edgeNode(column: Column, dx: number, y: number): number | null {
    if (column.folded) return null;
    const { map } = this.#images[column.layers[0] as number] as LayerImage;
    const { cell, width, height } = column;
    const top = Math.min(Math.max(y, column.y + cell / 2), column.y + height - cell / 2);
    for (let x = cell / 2; x < width; x += cell / 2) {
      const side = dx > 0 ? column.x + x : column.x + width - x;
      for (const at of [top, top - column.gap - 0.5]) {
        const node = nodeAtPoint(column, map, side, at);
        if (node !== null) return node;
      }
    }
    return null;
  }

  #column(layer: number): Column {
    return this.#columns[this.#columnOf[layer] as number] as Column;
  }

  #seek(step: number): void {
    this.passed.seek(step, (row, change) => {
      this.#images[this.#layerOf[row] as number]?.add(this.#cellOf[row] as number, change);
    });
  }

  #fillInput(replay: Replay): void {
    const { layers, inputs } = this.#trace;
    layers.slice(0, inputs).forEach(({ first, count }, i) => {
      const image = this.#images[i] as LayerImage;
      for (let node = first; node < first + count; node++) image.set(node, shownValue(replay, node) ?? 0);
    });
  }

  #coloring(layer: number, replay: Replay, palette: Palette): Coloring {
    const { walk, input } = this.#colors;
    const ground = palette.map;
    if (layer < this.#trace.inputs)
      return { colors: input, scale: replay.inputScale, signed: replay.signed, ground };
    return { colors: walk, scale: this.#scales[layer] as number, signed: this.passed.signed, ground };
  }

  /** A bar a layer, filled as far as the strongest of its nodes has come. */
  #drawFold(context: CanvasRenderingContext2D, column: Column, palette: Palette): void {
    for (const layer of column.layers) {
      const { x, y, width, height } = foldBar(column, layer);
      context.fillStyle = palette.map;
      context.fillRect(x, y, width, height);
      context.fillStyle = palette.warmSoft;
      const share = Math.min((this.#images[layer]?.largest ?? 0) / (this.#scales[layer] as number), 1);
      context.fillRect(x, y, width * share, height);
    }
  }
}
