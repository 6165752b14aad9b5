/** The heap in slow motion: each comparison and each write of heapq's routines is a step of its own. */

import type { HeapFrame, HeapLike } from "../replay/heap";
import type { Order } from "../replay/order";
import { type CodeLine, codeLine } from "./routines";

export interface Item {
  readonly node: number;
  readonly rank: number;
  readonly key: number;
}

/** What a sub-step did, for the sentence about it. */
export type Deed =
  | {
      readonly kind: "takeLast" | "replaceTop" | "append" | "setKey";
      readonly item: Item;
      readonly cell: number;
    }
  | { readonly kind: "ask"; readonly item: Item; readonly old: Item; readonly yes: boolean }
  | { readonly kind: "children"; readonly left: Item; readonly right: Item; readonly rightWins: boolean }
  | {
      readonly kind: "childUp" | "parentDown";
      readonly item: Item;
      readonly cell: number;
      readonly hole: number;
    }
  | { readonly kind: "parent"; readonly item: Item; readonly parent: Item; readonly rises: boolean }
  | { readonly kind: "atLeaf" | "place"; readonly item: Item; readonly cell: number };

export type Variables = Readonly<Record<string, number | boolean | Item>>;

interface Write {
  readonly cell: number;
  readonly item: Item;
  readonly old: Item;
}

export interface SubStep {
  readonly at: CodeLine;
  readonly deed: Deed;
  /** Cells compared. */
  readonly compared: readonly number[];
  /** Cell whose item is lifted out, and the item; -1: none is. */
  readonly hole: number;
  readonly held: Item | null;
  /** Cell written; -1: none. */
  readonly moved: number;
  /** All of the routine's own variables but the heap, once the line has run. */
  readonly variables: Variables;
  readonly write: Write | null;
  readonly size: readonly [before: number, after: number];
}

const AT = {
  append: codeLine("heappush", "heap.append"),
  takeLast: codeLine("heappop", "lastelt ="),
  replaceTop: codeLine("heappop", "heap[0] ="),
  ask: codeLine("rekey", "rises ="),
  setKey: codeLine("rekey", "heap[pos] ="),
  children: codeLine("_siftup", "if rightpos"),
  childUp: codeLine("_siftup", "heap[pos] = heap"),
  atLeaf: codeLine("_siftup", "heap[pos] = newitem"),
  parent: codeLine("_siftdown", "if newitem"),
  parentDown: codeLine("_siftdown", "heap[pos] = parent"),
  place: codeLine("_siftdown", "heap[pos] = newitem"),
} as const;

const less = (a: Item, b: Item): boolean => a.rank < b.rank || (a.rank === b.rank && a.node < b.node);

/** Spare cells for what is pushed. */
const SPARE = 64;

export class SlowHeap implements HeapLike {
  #size: number;
  #nodes: Uint32Array;
  #keys: Float64Array;
  readonly #order: Order;
  /** Cell that is shown with another item than the array holds there. */
  #hole = -1;
  #held: Item | null = null;

  constructor(frame: HeapFrame, order: Order) {
    this.#size = frame.nodes.length;
    this.#nodes = new Uint32Array(this.#size + SPARE);
    this.#keys = new Float64Array(this.#size + SPARE);
    this.#nodes.set(frame.nodes);
    this.#keys.set(frame.keys);
    this.#order = order;
  }

  get size(): number {
    return this.#size;
  }

  /** The array as Python has it at this moment: what is lifted out stands twice, or not at all. */
  get array(): number[] {
    return [...this.#nodes.subarray(0, this.#size)];
  }

  nodeAt(cell: number): number {
    return cell === this.#hole && this.#held ? this.#held.node : (this.#nodes[cell] as number);
  }

  keyAt(cell: number): number {
    return cell === this.#hole && this.#held ? this.#held.key : (this.#keys[cell] as number);
  }

  cellOf(node: number): number {
    if (this.#held?.node === node && this.#hole >= 0) return this.#hole;
    const cell = this.#nodes.indexOf(node);
    return cell < this.#size ? cell : -1;
  }

  item(node: number, key: number): Item {
    return { node, rank: this.#order(node, key), key: key + 0 };
  }

  /** Shows what holds after a sub-step. */
  redo(step: SubStep): void {
    if (step.write) this.#set(step.write.cell, step.write.item);
    this.#size = step.size[1];
    [this.#hole, this.#held] = [step.hole, step.held];
  }

  /** Takes a sub-step back; `before` is the one that is shown then. */
  undo(step: SubStep, before: SubStep | undefined): void {
    if (step.write) this.#set(step.write.cell, step.write.old);
    this.#size = step.size[0];
    [this.#hole, this.#held] = [before?.hole ?? -1, before?.held ?? null];
  }

  *push(item: Item): Generator<SubStep> {
    const cell = this.#size;
    yield this.#do("append", { kind: "append", item, cell }, { item }, { write: [cell, item], grow: 1 });
    yield* this.#siftDown(0, cell);
  }

  *pop(): Generator<SubStep> {
    const last = this.#at(this.#size - 1);
    const cell = this.#size - 1;
    const deed: Deed = { kind: "takeLast", item: last, cell };
    yield this.#do("takeLast", deed, { lastelt: last }, { grow: -1 });
    if (this.#size === 0) return;
    const returnitem = this.#at(0);
    yield this.#do(
      "replaceTop",
      { kind: "replaceTop", item: last, cell: 0 },
      { lastelt: last, returnitem },
      { write: [0, last] },
    );
    yield* this.#siftUp(0);
  }

  *rekey(item: Item): Generator<SubStep> {
    const pos = this.cellOf(item.node);
    const old = this.#at(pos);
    const rises = less(item, old);
    const variables = { pos, item, rises };
    yield this.#do("ask", { kind: "ask", item, old, yes: rises }, variables, { compared: [pos] });
    yield this.#do("setKey", { kind: "setKey", item, cell: pos }, variables, { write: [pos, item] });
    yield* rises ? this.#siftDown(0, pos) : this.#siftUp(pos);
  }

  *#siftDown(startpos: number, from: number): Generator<SubStep> {
    const newitem = this.#at(from);
    let pos = from;
    // What the loop sets is there from its first round on, and stays.
    let inLoop = {};
    while (pos > startpos) {
      const parentpos = (pos - 1) >> 1;
      const parent = this.#at(parentpos);
      const rises = less(newitem, parent);
      inLoop = { parentpos, parent };
      const variables = { startpos, pos, newitem, ...inLoop };
      const lifted = { hole: pos, held: newitem };
      const deed: Deed = { kind: "parent", item: newitem, parent, rises };
      yield this.#do("parent", deed, variables, { compared: [pos, parentpos], ...lifted });
      if (!rises) break;
      yield this.#do(
        "parentDown",
        { kind: "parentDown", item: parent, cell: pos, hole: parentpos },
        variables,
        { write: [pos, parent], hole: parentpos, held: newitem },
      );
      pos = parentpos;
    }
    const deed: Deed = { kind: "place", item: newitem, cell: pos };
    yield this.#do("place", deed, { startpos, pos, newitem, ...inLoop }, { write: [pos, newitem] });
  }

  *#siftUp(startpos: number): Generator<SubStep> {
    const newitem = this.#at(startpos);
    const endpos = this.#size;
    const fixed = { endpos, startpos, newitem };
    let pos = startpos;
    let childpos = 2 * pos + 1;
    let inLoop = {};
    while (childpos < endpos) {
      const rightpos = childpos + 1;
      inLoop = { rightpos };
      if (rightpos < endpos) {
        const [left, right] = [this.#at(childpos), this.#at(rightpos)];
        const rightWins = !less(left, right);
        yield this.#do(
          "children",
          { kind: "children", left, right, rightWins },
          { ...fixed, pos, childpos, rightpos },
          { compared: [childpos, rightpos], hole: pos, held: newitem },
        );
        if (rightWins) childpos = rightpos;
      }
      const child = this.#at(childpos);
      yield this.#do(
        "childUp",
        { kind: "childUp", item: child, cell: pos, hole: childpos },
        { ...fixed, pos, childpos, rightpos },
        { write: [pos, child], hole: childpos, held: newitem },
      );
      pos = childpos;
      childpos = 2 * pos + 1;
    }
    const deed: Deed = { kind: "atLeaf", item: newitem, cell: pos };
    yield this.#do("atLeaf", deed, { ...fixed, pos, childpos, ...inLoop }, { write: [pos, newitem] });
    yield* this.#siftDown(startpos, pos);
  }

  #at(cell: number): Item {
    return this.item(this.#nodes[cell] as number, this.#keys[cell] as number);
  }

  #do(
    at: keyof typeof AT,
    deed: Deed,
    variables: SubStep["variables"],
    what: {
      readonly write?: readonly [cell: number, item: Item];
      readonly grow?: number;
      readonly compared?: readonly number[];
      readonly hole?: number;
      readonly held?: Item;
    },
  ): SubStep {
    const [cell, item] = what.write ?? [-1, null];
    const step: SubStep = {
      at: AT[at],
      deed,
      variables,
      compared: what.compared ?? [],
      hole: what.hole ?? -1,
      held: what.held ?? null,
      moved: cell,
      write: item ? { cell, item, old: this.#at(cell) } : null,
      size: [this.#size, this.#size + (what.grow ?? 0)],
    };
    this.redo(step);
    return step;
  }

  #set(cell: number, item: Item): void {
    if (cell >= this.#nodes.length) this.#grow(2 * cell);
    this.#nodes[cell] = item.node;
    this.#keys[cell] = item.key;
  }

  #grow(capacity: number): void {
    const [nodes, keys] = [new Uint32Array(capacity), new Float64Array(capacity)];
    nodes.set(this.#nodes);
    keys.set(this.#keys);
    [this.#nodes, this.#keys] = [nodes, keys];
  }
}
