/** The heap: the popped node set aside, the tree's upper levels as cards, two more as dots, and the array. */

import { covers, fieldRects } from "../core/field";
import { formatCount, formatKey, formatShare, plural } from "../core/format";
import { nodeLabel } from "../core/labels";
import { cellOf, depthOf, levelOf, type Slot, type TreeLayout, treeLayout, windowFor } from "../core/layout";
import { positionNoun, shareOf } from "../core/narration";
import type { Replay } from "../core/replay";
import { type Phase, phaseOf } from "../core/trace";
import { Card, type CardPlace, type CardState } from "./card";
import { h, setText } from "./dom";
import { Dots } from "./dots";
import { glideTime } from "./motion";
import type { Panel, Stage, View } from "./panel";
import { Strip } from "./strip";

const STATES: readonly CardState[] = ["", "pushed", "rekeyed"];

/** Width where nothing can be measured. */
const FALLBACK_WIDTH = 640;

export const heapPanel: Panel = {
  name: "heap",
  title: "Heap",
  create: (root, stage) => new HeapView(root, stage),
};

class HeapView implements View {
  readonly #root: HTMLElement;
  readonly #stage: Stage;
  readonly #popped = h("span", { class: "hw-popped-word" });
  readonly #count = h("span");
  readonly #cards = h("div", { class: "hw-cards", role: "tree", "aria-label": "The heap as a tree" });
  readonly #dots = new Dots();
  readonly #calm = h("div", { class: "hw-calm", hidden: true });
  readonly #tree = h("div", { class: "hw-tree" }, this.#dots.element, this.#cards, this.#calm);
  readonly #more = h("div", { class: "hw-more" });
  readonly #strip = new Strip();
  readonly #status = h("div", { class: "hw-slot hw-clip" });
  /** Cards in use, by node. */
  #shown = new Map<number, Card>();
  /** Cards made so far. */
  readonly #pool: Card[] = [];
  #layout: TreeLayout = treeLayout(0, 1);
  /** Changes of size seen so far. */
  #measured = 0;
  /** Heap cell at the top of the window. */
  #window = 0;
  /** Step that the cards show. */
  #step = -1;
  /** Largest magnitude among the keys shown, the scale of bars and dots. */
  #largest = 1;

  constructor(root: HTMLElement, stage: Stage) {
    this.#root = root;
    this.#stage = stage;
    const head = h("div", { class: "hw-head" }, this.#popped, this.#count);
    root.append(head, this.#tree, this.#more, this.#strip.canvas, this.#status);
    const { session, signal } = stage;
    const point = (e: Event) => session.update({ hovered: this.#nodeAt(e) });
    const leave = () => session.update({ hovered: null });
    const select = (e: Event) => {
      const node = this.#nodeAt(e);
      if (node !== null) session.update({ selected: session.state.selected === node ? null : node });
    };
    for (const [element, over] of [
      [this.#tree, "pointerover"],
      [this.#strip.canvas, "pointermove"],
    ] as const) {
      element.addEventListener(over, point, { signal });
      element.addEventListener("pointerleave", leave, { signal });
      element.addEventListener("click", select, { signal });
    }
  }

  update(): void {
    const { session } = this.#stage;
    const { replay } = session;
    this.#arrange(replay);
    const { selected, playing, scrubbing } = session.state;
    const cell = selected === null ? -1 : replay.heap.cellOf(selected);
    this.#window = cell < 0 || playing || scrubbing ? 0 : windowFor(cell, this.#layout.cardLevels);
    this.#largest = largestKey(replay);
    this.#drawTree(replay);
    this.#drawStrip(replay);
    this.#write(replay);
    this.#step = replay.step;
  }

  destroy(): void {
    this.#root.replaceChildren();
  }

  #arrange(replay: Replay): void {
    const { changes } = this.#stage.sizes;
    if (changes === this.#measured) return;
    this.#measured = changes;
    const width = Math.floor(this.#root.clientWidth) || FALLBACK_WIDTH;
    if (width === this.#layout.width) return;
    this.#layout = treeLayout(width, replay.largestHeap);
    this.#tree.style.height = `${this.#layout.height}px`;
    this.#dots.arrange(this.#layout);
    this.#step = -1;
  }

  #nodeAt(event: Event): number | null {
    const { heap } = this.#stage.session.replay;
    const target = event.target as Element;
    if (target === this.#strip.canvas) {
      const cell = this.#strip.cellAt((event as MouseEvent).clientX - target.getBoundingClientRect().left);
      return cell === null ? null : heap.nodeAt(cell);
    }
    const card = target.closest<HTMLElement>(".hw-card");
    if (card) return Number(card.dataset.node);
    const slot = this.#layout.slots[Number(target.getAttribute("data-slot") ?? -1)];
    const cell = slot ? cellOf(slot, this.#window) : heap.size;
    return cell < heap.size ? heap.nodeAt(cell) : null;
  }

  /** Whether a node sees the input position under the pointer. */
  #sees(replay: Replay, node: number): boolean {
    const { state, input } = this.#stage.session;
    const at = state.hovered;
    if (at === null || at >= replay.trace.inputCount || node < replay.trace.inputCount) return false;
    const { columns } = input.grid;
    return covers(fieldRects(replay.trace, node, input.grid), at % columns, Math.floor(at / columns));
  }

  #drawTree(replay: Replay): void {
    const { heap, trace, row } = replay;
    const { state } = this.#stage.session;
    const glide = glideTime(state, this.#step);
    const before = this.#shown;
    this.#shown = new Map();
    const waiting: [node: number, key: number, place: CardPlace, level: number | null][] = [];
    const phase: Phase | null = row < 0 ? null : phaseOf(trace, row);
    const popped = row < 0 ? -1 : (trace.popNode[row] as number);
    const show = (
      card: Card,
      node: number,
      key: number,
      place: CardPlace,
      level: number | null,
      fresh: boolean,
    ) => {
      this.#shown.set(node, card);
      card.moveTo(place, glide, fresh);
      card.show(
        {
          node,
          key,
          share: Math.abs(key) / this.#largest,
          state: level === null ? "popped" : (STATES[replay.touch[node] ?? 0] ?? ""),
          hot: state.hovered === node,
          selected: state.selected === node,
          sees: level !== null && this.#sees(replay, node),
          layer: level === null && phase === "finish",
        },
        this.#stage,
      );
      card.fit(this.#stage);
      card.describe(level);
    };
    const claim = (node: number, key: number, place: CardPlace, level: number | null) => {
      const card = before.get(node);
      if (!card) waiting.push([node, key, place, level]);
      else {
        before.delete(node);
        show(card, node, key, place, level, false);
      }
    };
    let filled = 0;
    for (const slot of this.#layout.slots) {
      const cell = cellOf(slot, this.#window);
      if (cell >= heap.size) continue;
      filled = slot.index + 1;
      const node = heap.nodeAt(cell);
      const key = heap.keyAt(cell);
      if (slot.kind === "card")
        claim(node, key, { x: slot.x - slot.size / 2, y: slot.y, width: slot.size }, slot.level);
      else this.#drawDot(replay, slot, node, key);
    }
    this.#dots.fill(filled);
    if (popped >= 0) {
      const { x, y, size } = this.#layout.popped;
      claim(popped, trace.popMass[row] as number, { x, y, width: size }, null);
    }
    const free = [...before.values(), ...this.#pool.filter((card) => card.element.hidden)];
    for (const [node, key, place, level] of waiting)
      show(free.shift() ?? this.#newCard(), node, key, place, level, true);
    for (const card of free) card.hide();
  }

  #newCard(): Card {
    const card = new Card();
    this.#pool.push(card);
    this.#cards.append(card.element);
    return card;
  }

  #drawDot(replay: Replay, slot: Slot, node: number, key: number): void {
    const { hovered, selected } = this.#stage.session.state;
    const touch = STATES[replay.touch[node] ?? 0];
    const look =
      (touch ? ` hw-${touch}` : "") +
      (hovered === node || selected === node ? " hw-hot" : "") +
      (this.#sees(replay, node) ? " hw-sees" : "");
    this.#dots.show(slot, { share: Math.abs(key) / this.#largest, negative: key < 0, look });
  }

  #drawStrip(replay: Replay): void {
    const { heap } = replay;
    const { hovered, selected } = this.#stage.session.state;
    const cell = (node: number | null) => (node === null ? -1 : heap.cellOf(node));
    const marks = { touch: replay.touch, hot: cell(hovered), selected: cell(selected) };
    const { palette } = this.#stage.theme;
    this.#strip.draw(heap, this.#layout.width, marks, palette);
  }

  #write(replay: Replay): void {
    const { trace, heap, row, step } = replay;
    const phase = row < 0 ? null : phaseOf(trace, row);
    setText(this.#popped, phase === null ? "" : phase === "finish" ? "passed on" : "popped");
    setText(this.#count, `heap of ${formatCount(heap.size)}`);
    this.#calm.hidden = heap.size > 0;
    if (heap.size === 0) setText(this.#calm, emptyMessage(replay));

    const below: string[] = [];
    const shown = depthOf(this.#layout.slots.length);
    if (this.#window > 0) {
      const top = nodeLabel(trace, heap.nodeAt(this.#window));
      below.push(`level ${levelOf(this.#window) + 1} and deeper, under ${top} · Esc for the whole heap`);
    } else if (heap.size > this.#layout.slots.length) {
      const deeper = depthOf(heap.size) - shown;
      below.push(
        `… ${formatCount(heap.size - this.#layout.slots.length)} more, ${plural(deeper, "level")} deeper`,
      );
    }
    const dust = row < 0 ? 0 : shareOf(trace, trace.dust[row] as number);
    if (trace.conserved && step <= trace.walkEnd && dust > 0)
      below.push(`under the floor: ${formatShare(dust)}`);
    setText(this.#more, below.join(" · "));
    setText(this.#status, this.#describe(replay));
  }

  #describe(replay: Replay): string {
    const { trace, heap } = replay;
    const { state } = this.#stage.session;
    const node = [state.hovered, state.selected].find((n): n is number => n !== null && heap.cellOf(n) >= 0);
    if (node === undefined)
      return heap.size > 0 ? "the same heap as an array; a tick where a level of the tree begins" : "";
    const cell = heap.cellOf(node);
    const parent = cell === 0 ? "on top" : `below ${nodeLabel(trace, heap.nodeAt((cell - 1) >> 1))}`;
    return `cell ${formatCount(cell)} · ${nodeLabel(trace, node)} · ${formatKey(heap.keyAt(cell))} · ${parent}`;
  }
}

function largestKey({ heap, trace, row }: Replay): number {
  let largest = row < 0 || phaseOf(trace, row) === "finish" ? 0 : Math.abs(trace.popMass[row] as number);
  for (let cell = 0; cell < heap.size; cell++) largest = Math.max(largest, Math.abs(heap.keyAt(cell)));
  return largest || Math.abs(trace.popMass[row] ?? 1) || 1;
}

function emptyMessage({ trace, step }: Replay): string {
  if (step > trace.walkEnd && step < trace.finishEnd)
    return "The heap is empty. What is left in the network is passed on a whole layer at a time.";
  if (step === trace.steps && trace.finishEnd < trace.steps) {
    return `The heap is empty. The ${plural(trace.steps - trace.finishEnd, positionNoun(trace))} that it held are popped.`;
  }
  return "The heap is empty.";
}
