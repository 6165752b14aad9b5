/** The lines of the tree from each node to its children. Elements stay in place; only their looks change. */

import { CARD_HEIGHT, type Slot, type TreeLayout } from "../../core/geometry/treelayout";
import { s } from "../../kit/dom";

export class Branches {
  readonly element = s("svg", { class: "hw-edges", "aria-hidden": "true" });
  /** Edge above each slot, by the slot's index. */
  #edges: (SVGPathElement | undefined)[] = [];
  /** Slots filled at the last drawing. */
  #filled = 0;
  /** Slots whose edges are lit. */
  #lit: readonly number[] = [];

  /** Makes the elements for a layout. */
  arrange({ width, height, slots }: TreeLayout): void {
    this.element.setAttribute("width", String(width));
    this.element.setAttribute("height", String(height));
    this.#filled = 0;
    this.#lit = [];
    this.#edges = slots.map((slot) => {
      const parent = slots[(slot.index - 1) >> 1];
      if (slot.index === 0 || !parent) return undefined;
      return s("path", { d: edgePath(parent, slot), class: "hw-edge", display: "none" });
    });
    this.element.replaceChildren(...this.#edges.filter((edge) => edge !== undefined));
  }

  /** Shows the edges of the first `count` slots and hides the others. */
  fill(count: number): void {
    const [low, high] = [Math.min(count, this.#filled), Math.max(count, this.#filled)];
    for (const edge of this.#edges.slice(low, high)) {
      if (count > this.#filled) edge?.removeAttribute("display");
      else edge?.setAttribute("display", "none");
    }
    this.#filled = count;
  }

  /** Lights the way from the top to a slot, and on to its children; -1: nothing. */
  light(slot: number): void {
    const lit: number[] = [];
    for (let at = slot; at > 0; at = (at - 1) >> 1) lit.push(at);
    if (slot >= 0) lit.push(...[2 * slot + 1, 2 * slot + 2].filter((child) => child < this.#filled));
    if (lit.join() === this.#lit.join()) return;
    for (const at of this.#lit) this.#edges[at]?.classList.remove("hw-lit-edge");
    for (const at of lit) this.#edges[at]?.classList.add("hw-lit-edge");
    this.#lit = lit;
  }
}

function edgePath(parent: Slot, child: Slot): string {
  const from = parent.y + (parent.kind === "card" ? CARD_HEIGHT : parent.size / 2);
  const to = child.y + (child.kind === "card" ? 0 : child.size / 2);
  const middle = (from + to) / 2;
  return `M${parent.x} ${from}C${parent.x} ${middle} ${child.x} ${middle} ${child.x} ${to}`;
}
