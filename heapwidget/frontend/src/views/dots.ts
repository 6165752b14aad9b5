/** The tree's edges, and the levels below the cards as dots. Elements stay in place; only their looks change. */

import { CARD_HEIGHT, type Slot, type TreeLayout } from "../core/layout";
import { badge, type CardMark, type CardState } from "./card";
import { s } from "./dom";

export interface DotFace {
  /** Share of the largest key, 0..1. */
  readonly share: number;
  readonly negative: boolean;
  readonly state: CardState;
  readonly mark: CardMark;
  readonly hot: boolean;
  readonly sees: boolean;
}

/** Edge of the badge beside a dot. */
const BADGE = 10;

export class Dots {
  readonly element = s("svg", { class: "hw-edges", "aria-hidden": "true" });
  /** Edge above each slot, by the slot's index. */
  #edges: (SVGPathElement | undefined)[] = [];
  /** Dot of each slot below the cards. */
  #dots: (SVGCircleElement | undefined)[] = [];
  /** Badges of dots that had one once, by slot. */
  #badges: (SVGSVGElement | undefined)[] = [];
  /** What each dot shows, so that only changes are written. */
  #shown: string[] = [];
  /** Slots filled at the last drawing. */
  #filled = 0;
  /** Slots whose edges are lit. */
  #lit: readonly number[] = [];

  /** Makes the elements for a layout. */
  arrange(layout: TreeLayout): void {
    this.element.replaceChildren();
    this.element.setAttribute("width", String(layout.width));
    this.element.setAttribute("height", String(layout.height));
    this.#edges = [];
    this.#dots = [];
    this.#badges = [];
    this.#shown = [];
    this.#filled = 0;
    this.#lit = [];
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
      if (i < count) continue;
      this.#badges[i]?.remove();
      this.#shown[i] = "";
    }
    this.#filled = count;
  }

  /** Lights the way from the top to a slot, and on to its children; -1: nothing. */
  light(slot: number, filled: number): void {
    const lit: number[] = [];
    for (let at = slot; at > 0; at = (at - 1) >> 1) lit.push(at);
    if (slot >= 0) lit.push(...[2 * slot + 1, 2 * slot + 2].filter((child) => child < filled));
    if (lit.join() === this.#lit.join()) return;
    for (const at of this.#lit) this.#edges[at]?.classList.remove("hw-lit-edge");
    for (const at of lit) this.#edges[at]?.classList.add("hw-lit-edge");
    this.#lit = lit;
  }

  show(slot: Slot, face: DotFace): void {
    const radius = ((0.45 + 0.55 * Math.sqrt(face.share)) * slot.size) / 2;
    const looks = [
      "hw-dot",
      face.negative ? "hw-negative" : "",
      face.state || face.mark ? `hw-${face.state || face.mark}` : "",
      face.hot ? "hw-hot" : "",
      face.sees ? "hw-sees" : "",
    ];
    const what = looks.filter((look) => look !== "").join(" ");
    const said = `${what} ${radius.toFixed(1)}`;
    if (this.#shown[slot.index] === said) return;
    this.#shown[slot.index] = said;
    const dot = this.#dots[slot.index];
    dot?.setAttribute("class", what);
    dot?.setAttribute("r", radius.toFixed(1));
    dot?.style.setProperty("--hw-share", `${(45 + 55 * face.share).toFixed(0)}%`);
    this.#mark(slot, face.state);
  }

  /** The same badge as on cards, smaller. */
  #mark(slot: Slot, state: CardState): void {
    this.#badges[slot.index]?.remove();
    this.#badges[slot.index] = undefined;
    if (state === "") return;
    const mark = badge(state);
    mark.classList.add(`hw-${state}`);
    const [x, y] = [slot.x + slot.size / 2 - 4, slot.y - BADGE + 4];
    for (const [name, value] of Object.entries({ x, y, width: BADGE, height: BADGE }))
      mark.setAttribute(name, String(value));
    this.#badges[slot.index] = mark;
    this.element.append(mark);
  }
}

function edgePath(parent: Slot, child: Slot): string {
  const from = parent.y + (parent.kind === "card" ? CARD_HEIGHT : parent.size / 2);
  const to = child.y + (child.kind === "card" ? 0 : child.size / 2);
  const middle = (from + to) / 2;
  return `M${parent.x} ${from}C${parent.x} ${middle} ${child.x} ${middle} ${child.x} ${to}`;
}
