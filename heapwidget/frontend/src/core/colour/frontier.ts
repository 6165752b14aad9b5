/**
 * Where the relevance that is still in the heap may end: each key is spread evenly over the positions that its node
 * sees. With what has arrived already this is a picture that turns from coarse to fine as the walk goes on.
 *
 * A box of positions costs its corners only: they go into a table of differences, which is summed up along each axis
 * in the end. So a frontier costs as many steps as there are nodes in the heap, and positions in the input.
 */

import { seenFrom } from "../geometry/field";
import type { HeapLike } from "../replay/heap";
import type { Input, InputPart } from "../trace/input";
import { type Layer, layerIndex, type Trace } from "../trace/trace";

/** What the nodes of a layer see along one axis of an input, by their index along the axis that they look from. */
interface Sight {
  /** A node's index along that axis is `floor(index / stride) % size`. */
  readonly stride: number;
  readonly size: number;
  /** Where what is seen begins and ends, in cells of the table, and how many positions it has. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly length: Int32Array;
}

/** The table of differences of one input: one cell more along each axis. */
interface Table {
  readonly part: InputPart;
  readonly strides: readonly number[];
  readonly cells: Float64Array;
}

/** What a node sees of one input: the ends along each axis in cells, and the number of positions. */
interface SeenBox {
  readonly from: Int32Array;
  readonly to: Int32Array;
  area: number;
}

export class Frontier {
  readonly #trace: Trace;
  readonly #tables: readonly Table[];
  /** What each layer's nodes see of each input, along each of its axes; null: everything. */
  readonly #sights: readonly (readonly (readonly Sight[])[] | null)[];
  /** What the node at hand sees of each input: filled anew for each, since there are so many. */
  readonly #boxes: readonly SeenBox[];

  constructor(trace: Trace, input: Input) {
    this.#trace = trace;
    this.#tables = input.map(tableOf);
    this.#boxes = input.map(({ lengths }) => ({
      from: new Int32Array(lengths.length),
      to: new Int32Array(lengths.length),
      area: 0,
    }));
    this.#sights = trace.layers.map(
      (layer) => layer.field && this.#tables.map((table) => sightsOf(layer, table)),
    );
  }

  /** Adds the keys in the heap, spread over what their nodes see, to `into`, a value a position; returns their sum. */
  spread(heap: HeapLike, into: Float32Array | Float64Array): number {
    const { layers } = this.#trace;
    for (const { cells } of this.#tables) cells.fill(0);
    let everywhere = 0;
    let sum = 0;
    for (let cell = 0; cell < heap.size; cell++) {
      const node = heap.nodeAt(cell);
      const number = layerIndex(this.#trace, node);
      const sights = this.#sights[number];
      const key = heap.keyAt(cell);
      sum += key;
      if (!sights || !this.#add(sights, node - (layers[number] as Layer).first, key)) everywhere += key;
    }
    const share = everywhere / into.length;
    for (const table of this.#tables) addUp(table, into, share);
    return sum;
  }

  /** Spreads one key; false: its node sees nothing that is known. */
  #add(sights: readonly (readonly Sight[])[], index: number, key: number): boolean {
    let area = 0;
    for (let i = 0; i < sights.length; i++) {
      const box = this.#boxes[i] as SeenBox;
      look(sights[i] as readonly Sight[], index, box);
      area += box.area;
    }
    if (area === 0) return false;
    const density = key / area;
    for (let i = 0; i < sights.length; i++) {
      const box = this.#boxes[i] as SeenBox;
      if (box.area > 0) addBox((this.#tables[i] as Table).cells, box, density);
    }
    return true;
  }
}

function tableOf(part: InputPart): Table {
  let size = 1;
  const strides = part.lengths.map(() => 0);
  for (let axis = part.lengths.length - 1; axis >= 0; axis--) {
    strides[axis] = size;
    size *= (part.lengths[axis] as number) + 1;
  }
  return { part, strides, cells: new Float64Array(size) };
}

function sightsOf(layer: Layer, { part, strides }: Table): Sight[] {
  return part.lengths.map((length, i) => {
    const entry = layer.field?.[part.firstAxis + i];
    const axis = entry?.axis ?? null;
    const size = axis === null ? 1 : (layer.grid[axis] as number);
    const box = axis === null ? 1 : (layer.box[axis] as number);
    const end = axis === null ? 1 : (layer.shape[axis] as number);
    const spans = Array.from({ length: size }, (_, at) =>
      entry ? seenFrom(entry, [at * box, Math.min((at + 1) * box, end)], length) : ([0, length] as const),
    );
    const stride = strides[i] as number;
    return {
      stride: axis === null ? 1 : layer.grid.slice(axis + 1).reduce((a, b) => a * b, 1),
      size,
      from: Int32Array.from(spans, ([from]) => from * stride),
      to: Int32Array.from(spans, ([, to]) => to * stride),
      length: Int32Array.from(spans, ([from, to]) => to - from),
    };
  });
}

/** What a node sees of an input. */
function look(axes: readonly Sight[], index: number, box: SeenBox): void {
  let area = 1;
  for (let axis = 0; axis < axes.length; axis++) {
    const { stride, size, from, to, length } = axes[axis] as Sight;
    const at = size === 1 ? 0 : Math.floor(index / stride) % size;
    box.from[axis] = from[at] as number;
    box.to[axis] = to[at] as number;
    area *= length[at] as number;
  }
  box.area = area;
}

/** Adds a density to a box: at its first corner, and with changing signs at all the others. */
function addBox(cells: Float64Array, { from, to }: SeenBox, density: number): void {
  for (let corner = 0; corner < 1 << from.length; corner++) {
    let cell = 0;
    let change = density;
    for (let axis = 0; axis < from.length; axis++) {
      const end = (corner >> axis) & 1;
      cell += (end ? to[axis] : from[axis]) as number;
      if (end) change = -change;
    }
    cells[cell] = (cells[cell] as number) + change;
  }
}

/** Sums the differences up along each axis, and adds them and `share` to the positions of the table's input. */
function addUp({ part, strides, cells }: Table, into: Float32Array | Float64Array, share: number): void {
  part.lengths.forEach((length, axis) => {
    const stride = strides[axis] as number;
    const run = stride * (length + 1);
    for (let cell = stride; cell < cells.length; cell++) {
      if (cell % run >= stride) cells[cell] = (cells[cell] as number) + (cells[cell - stride] as number);
    }
  });
  const columns = part.lengths[part.lengths.length - 1] ?? 1;
  for (let row = 0; row < part.count / columns; row++) {
    let cell = 0;
    let rest = row;
    for (let axis = part.lengths.length - 2; axis >= 0; axis--) {
      const length = part.lengths[axis] as number;
      cell += (rest % length) * (strides[axis] as number);
      rest = Math.floor(rest / length);
    }
    const first = part.first + row * columns;
    for (let p = first; p < first + columns; p++)
      into[p] = (into[p] as number) + (cells[cell++] as number) + share;
  }
}
