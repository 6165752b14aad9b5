/** The tree's edges, and the levels below the cards as dots. Elements stay in place; only their looks change. */

import { CARD_HEIGHT, type Slot, type TreeLayout } from "../core/layout";
import { s } from "./dom";

export interface DotFace {
  /** Share of the largest key, 0..1. */
  readonly share: number;
  readonly negative: boolean;
  readonly look: string;
}

export class Dots {
  readonly element = s("svg", { class: "hw-edges", "aria-hidden": "true" });
  /** Edge above each slot, by the slot's index. */
  #edges: (SVGPathElement | undefined)[] = [];
  /** Dot of each slot below the cards. */
  #dots: (SVGCircleElement | undefined)[] = [];
  /** What each dot shows, so that only changes are written. */
  #shown: string[] = [];
  /** Slots filled at the last drawing. */
  #filled = 0;

  /** Makes the elements for a layout. */
  arrange(layout: TreeLayout): void {
    this.element.replaceChildren();
    this.element.setAttribute("width", String(layout.width));
    this.element.setAttribute("height", String(layout.height));
    this.#edges = [];
    this.#dots = [];
    this.#shown = [];
    this.#filled = 0;
    for (const slot of layout.slots) {
      const parent = layout.slots[(slot.index - 1) >> 1];
      if (slot.index > 0 && parent) {
        const edge = s("path", { d: edgePath(parent, slot), class: "hw-edge", display: "none" });
        this.#edges[slot.index] = edge;
        this.element.append(edge);
      }
    }
    for (const slot of layout.slots) {
      if (slot.kind !== "dot") continue;
      const dot = s("circle", {
        cx: slot.x,
        cy: slot.y + slot.size / 2,
        r: slot.size / 2,
        pathLength: 100,
        "data-slot": slot.index,
        display: "none",
      });
      this.#dots[slot.index] = dot;
      this.element.append(dot);
    }
  }

  /** Shows the first `count` slots and hides the others. */
  fill(count: number): void {
    const [low, high] = [Math.min(count, this.#filled), Math.max(count, this.#filled)];
    for (let i = low; i < high; i++) {
      for (const element of [this.#edges[i], this.#dots[i]]) {
        if (i < count) element?.removeAttribute("display");
        else element?.setAttribute("display", "none");
      }
    }
    this.#filled = count;
  }

  show(slot: Slot, face: DotFace): void {
    const radius = ((0.45 + 0.55 * Math.sqrt(face.share)) * slot.size) / 2;
    const what = `hw-dot${face.negative ? " hw-negative" : ""}${face.look}`;
    const said = `${what} ${radius.toFixed(1)}`;
    if (this.#shown[slot.index] === said) return;
    this.#shown[slot.index] = said;
    const dot = this.#dots[slot.index];
    dot?.setAttribute("class", what);
    dot?.setAttribute("r", radius.toFixed(1));
    dot?.style.setProperty("--hw-share", `${(45 + 55 * face.share).toFixed(0)}%`);
  }
}

function edgePath(parent: Slot, child: Slot): string {
  const from = parent.y + (parent.kind === "card" ? CARD_HEIGHT : parent.size / 2);
  const to = child.y + (child.kind === "card" ? 0 : child.size / 2);
  const middle = (from + to) / 2;
  return `M${parent.x} ${from}C${parent.x} ${middle} ${child.x} ${middle} ${child.x} ${to}`;
}
