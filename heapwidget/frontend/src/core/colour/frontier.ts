/**
 * Where the relevance that is still in the heap lies: each key is spread evenly over its node's cell, the part of the
 * inputs that it lies over by proportion. With what has arrived already this is a picture that turns from coarse to fine
 * as the walk goes on.
 *
 * Layers that divide an input into the same parts share a grid of them. A box of parts costs its corners only: they go
 * into a table of differences, which is summed up along each axis in the end, and laid over the positions. So a frontier
 * costs as many steps as there are nodes in the heap, and positions in the input for each size of layer.
 */

import { laidOver, lieOver, type Parts, partsOf } from "../geometry/cell";
import { seesNothing } from "../geometry/field";
import type { HeapLike } from "../replay/heap";
import type { Input, InputPart } from "../trace/input";
import { type Digit, type Layer, layerIndex, product, type Trace } from "../trace/trace";

/** The parts that some layers divide an input into, with a table of differences: one cell more along each axis. */
interface Table {
  readonly part: InputPart;
  readonly parts: readonly number[];
  readonly strides: readonly number[];
  readonly cells: Float64Array;
  used: boolean;
}

/** How the nodes of a layer lie over one input. */
interface Lying {
  readonly table: Table;
  readonly digits: readonly (readonly Digit[])[];
  /** Positions of the input to one part. */
  readonly positions: number;
  /** Where the node at hand lies along each axis: filled anew for each, since there are so many. */
  readonly box: readonly Parts[];
}

export class Frontier {
  readonly #trace: Trace;
  readonly #tables = new Map<string, Table>();
  /** How each layer's nodes lie over the inputs that they see. */
  readonly #lying: readonly (readonly Lying[])[];

  constructor(trace: Trace, input: Input) {
    this.#trace = trace;
    this.#lying = trace.layers.map((layer, number) =>
      input
        .filter((part) => number >= trace.inputs || part.layer === layer)
        .filter((part) => !seesNothing(layer, part))
        .map((part) => this.#lyingOf(layer, part)),
    );
  }

  /** Adds the keys in the heap, spread over their nodes' cells, to `into`, a value a position; returns their sum. */
  spread(heap: HeapLike, into: Float32Array | Float64Array): number {
    const { layers } = this.#trace;
    let everywhere = 0;
    let sum = 0;
    for (let cell = 0; cell < heap.size; cell++) {
      const node = heap.nodeAt(cell);
      const number = layerIndex(this.#trace, node);
      const layer = layers[number] as Layer;
      const key = heap.keyAt(cell);
      sum += key;
      if (!add(this.#lying[number] as readonly Lying[], layer, node - layer.first, key)) everywhere += key;
    }
    const share = everywhere / into.length;
    if (share !== 0) for (let position = 0; position < into.length; position++) addTo(into, position, share);
    for (const table of this.#tables.values()) addUp(table, into);
    return sum;
  }

  #lyingOf(layer: Layer, part: InputPart): Lying {
    const own = layer === part.layer ? ownDigits(layer) : null;
    const digits = part.lengths.map((_, axis) => (own ?? layer.cell?.slice(part.firstAxis))?.[axis] ?? []);
    const parts = digits.map(partsOf);
    return {
      table: this.#tableOf(part, parts),
      digits,
      positions: part.count / product(parts),
      box: parts.map(() => ({ from: 0, to: 0 })),
    };
  }

  #tableOf(part: InputPart, parts: readonly number[]): Table {
    const name = `${part.first} ${parts.join()}`;
    const known = this.#tables.get(name);
    if (known) return known;
    const strides = parts.map((_, axis) => product(parts.slice(axis + 1).map((n) => n + 1)));
    const cells = new Float64Array(product(parts.map((n) => n + 1)));
    const table = { part, parts, strides, cells, used: false };
    this.#tables.set(name, table);
    return table;
  }
}

/** A position of an input lies where it is. */
const ownDigits = ({ shape, channelAxis }: Layer): Digit[][] =>
  shape
    .map((size, axis) => [{ axis, start: 0, stop: size, stride: 1, size }])
    .filter((_, axis) => axis !== channelAxis);

/** Spreads one key; false: its node sees none of the inputs. */
function add(lying: readonly Lying[], layer: Layer, index: number, key: number): boolean {
  let positions = 0;
  for (const { digits, box, positions: each } of lying) {
    let count = each;
    for (let axis = 0; axis < digits.length; axis++) {
      const parts = box[axis] as Parts;
      lieOver(layer, index, digits[axis] as readonly Digit[], parts);
      count *= parts.to - parts.from;
    }
    positions += count;
  }
  if (positions === 0) return false;
  // Each part takes as much as it has positions.
  for (const { table, box, positions: each } of lying) addBox(table, box, (key * each) / positions);
  return true;
}

/** Adds a density to a box: at its first corner, and with changing signs at all the others. */
function addBox(table: Table, box: readonly Parts[], density: number): void {
  table.used = true;
  for (let corner = 0; corner < 1 << box.length; corner++) {
    let cell = 0;
    let change = density;
    for (let axis = 0; axis < box.length; axis++) {
      const end = (corner >> axis) & 1;
      const { from, to } = box[axis] as Parts;
      cell += (end ? to : from) * (table.strides[axis] as number);
      if (end) change = -change;
    }
    addTo(table.cells, cell, change);
  }
}

function addTo(values: Float32Array | Float64Array, at: number, by: number): void {
  values[at] = (values[at] as number) + by;
}

/** Sums the differences up along each axis, lays the parts over the positions of the input, and empties the table. */
function addUp(table: Table, into: Float32Array | Float64Array): void {
  if (!table.used) return;
  const { part, parts, strides, cells } = table;
  parts.forEach((count, axis) => {
    const stride = strides[axis] as number;
    const run = stride * (count + 1);
    for (let cell = stride; cell < cells.length; cell++)
      if (cell % run >= stride) addTo(cells, cell, cells[cell - stride] as number);
  });
  const values = laidOver(inside(table), parts, part.lengths);
  for (let position = 0; position < part.count; position++)
    addTo(into, part.first + position, values[position] as number);
  cells.fill(0);
  table.used = false;
}

/** A table without the cells behind the last part of each axis. */
function inside({ parts, strides, cells }: Table): Float64Array {
  const found = new Float64Array(product(parts));
  for (let at = 0; at < found.length; at++) {
    let cell = 0;
    let rest = at;
    for (let axis = parts.length - 1; axis >= 0; axis--) {
      const count = parts[axis] as number;
      cell += (rest % count) * (strides[axis] as number);
      rest = Math.floor(rest / count);
    }
    found[at] = cells[cell] as number;
  }
  return found;
}
