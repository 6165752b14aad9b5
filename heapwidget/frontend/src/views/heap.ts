/** The heap: the popped node set aside, the tree's upper levels as cards, two more as dots, and the array. */

import { covers, fieldRects } from "../core/field";
import { formatCount, formatKey, formatShare, plural } from "../core/format";
import { nodeLabel } from "../core/labels";
import { cellOf, depthOf, levelOf, type Slot, type TreeLayout, treeLayout, windowFor } from "../core/layout";
import { shareOf } from "../core/narration";
import type { Replay } from "../core/replay";
import { type Phase, phaseOf } from "../core/trace";
import { Card, type CardMark, type CardPlace } from "./card";
import { h, setText } from "./dom";
import { Dots } from "./dots";
import { glideTime, type Shown } from "./motion";
import type { Panel, Stage, View } from "./panel";
import { emptyMessage, largestKey, Scene } from "./scene";
import { Strip } from "./strip";

const NOWHERE: Shown = { step: -1, sub: 0 };

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
  readonly #poppedWord = h("span", { class: "hw-popped-word" });
  readonly #count = h("span");
  readonly #cards = h("div", { class: "hw-cards", role: "tree", "aria-label": "The heap as a tree" });
  readonly #dots = new Dots();
  readonly #calm = h("div", { class: "hw-calm", hidden: true });
  readonly #tree = h("div", { class: "hw-tree" }, this.#dots.element, this.#cards, this.#calm);
  readonly #more = h("div", { class: "hw-more" });
  readonly #strip = new Strip();
  readonly #status = h("div", { class: "hw-slot hw-clip" });
  /** Sets this view's cards apart from those of other views in the page. */
  readonly #name = Math.random().toString(36).slice(2, 8);
  /** Cards in use, by node. */
  #shown = new Map<number, Card>();
  /** Cards made so far. */
  readonly #pool: Card[] = [];
  #layout: TreeLayout = treeLayout(0, 1);
  /** Changes of size seen so far. */
  #measured = 0;
  /** Heap cell at the top of the window. */
  #window = 0;
  /** Moment that the cards show. */
  #shownAt: Shown = NOWHERE;
  /** What is shown. */
  #scene: Scene;
  /** Largest magnitude among the keys shown, the scale of bars and dots. */
  #largest = 1;

  constructor(root: HTMLElement, stage: Stage) {
    this.#root = root;
    this.#stage = stage;
    this.#scene = new Scene(stage.session);
    const head = h("div", { class: "hw-head" }, this.#poppedWord, this.#count);
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
    this.#scene = new Scene(session);
    this.#arrange(replay);
    const cell = this.#focus(this.#scene);
    this.#window = cell < 0 ? 0 : windowFor(cell, this.#layout.cardLevels);
    this.#largest = largestKey(replay, this.#scene.heap);
    this.#drawTree(replay);
    this.#drawStrip();
    this.#write(replay);
    this.#shownAt = session.state;
  }

  destroy(): void {
    this.#root.replaceChildren();
  }

  /** Cell that must be among the cards; -1: none. */
  #focus(scene: Scene): number {
    const { selected, playing, scrubbing } = this.#stage.session.state;
    if (scene.slow) return scene.cells.at(-1) ?? -1;
    return selected === null || playing || scrubbing ? -1 : scene.heap.cellOf(selected);
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
    this.#shownAt = NOWHERE;
  }

  #nodeAt(event: Event): number | null {
    const { heap } = this.#scene;
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
    const { trace, row } = replay;
    const { heap } = this.#scene;
    const { state } = this.#stage.session;
    const glide = glideTime(state, this.#shownAt);
    const before = this.#shown;
    this.#shown = new Map();
    const waiting: [node: number, key: number, place: CardPlace, level: number | null, mark: CardMark][] = [];
    const phase: Phase | null = row < 0 || this.#scene.slow ? null : phaseOf(trace, row);
    const { popped } = this.#scene;
    const show = (
      card: Card,
      node: number,
      key: number,
      place: CardPlace,
      level: number | null,
      mark: CardMark,
      fresh: boolean,
    ) => {
      this.#shown.set(node, card);
      card.moveTo(place, glide, fresh);
      card.show(
        {
          node,
          key,
          share: Math.abs(key) / this.#largest,
          state: level === null ? "popped" : this.#scene.state(node),
          mark,
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
    const claim = (node: number, key: number, place: CardPlace, level: number | null, mark: CardMark) => {
      const card = before.get(node);
      if (!card) waiting.push([node, key, place, level, mark]);
      else {
        before.delete(node);
        show(card, node, key, place, level, mark, false);
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
        claim(
          node,
          key,
          { x: slot.x - slot.size / 2, y: slot.y, width: slot.size },
          slot.level,
          this.#scene.mark(cell),
        );
      else this.#drawDot(replay, slot, node, key, this.#scene.mark(cell));
    }
    this.#dots.fill(filled);
    if (popped) {
      const { x, y, size } = this.#layout.popped;
      claim(popped.node, popped.key, { x, y, width: size }, null, "");
    }
    const free = [...before.values(), ...this.#pool.filter((card) => card.element.hidden)];
    for (const [node, key, place, level, mark] of waiting)
      show(free.shift() ?? this.#newCard(), node, key, place, level, mark, true);
    for (const card of free) card.hide();
    this.#order();
  }

  /** Cards are used again wherever they stand: readers are told the order of the tree, level by level. */
  #order(): void {
    const ids = [...this.#shown.values()]
      .map((card) => ({ id: card.element.id, cell: this.#scene.heap.cellOf(card.node) }))
      .sort((a, b) => a.cell - b.cell)
      .map(({ id }) => id)
      .join(" ");
    if (this.#cards.getAttribute("aria-owns") !== ids) this.#cards.setAttribute("aria-owns", ids);
  }

  #newCard(): Card {
    const card = new Card();
    card.element.id = `hw-${this.#name}-${this.#pool.length}`;
    this.#pool.push(card);
    this.#cards.append(card.element);
    return card;
  }

  #drawDot(replay: Replay, slot: Slot, node: number, key: number, mark: CardMark): void {
    const { hovered, selected } = this.#stage.session.state;
    const touch = this.#scene.state(node) || mark;
    const look =
      (touch ? ` hw-${touch}` : "") +
      (hovered === node || selected === node ? " hw-hot" : "") +
      (this.#sees(replay, node) ? " hw-sees" : "");
    this.#dots.show(slot, { share: Math.abs(key) / this.#largest, negative: key < 0, look });
  }

  #drawStrip(): void {
    const { heap } = this.#scene;
    const { hovered, selected } = this.#stage.session.state;
    const cell = (node: number | null) => (node === null ? -1 : heap.cellOf(node));
    const { touch, slow, cells } = this.#scene;
    const [hot, other] = slow ? cells.slice(-2) : [cell(hovered), cell(selected)];
    const marks = { touch, hot: hot ?? -1, selected: other ?? -1 };
    const { palette } = this.#stage.theme;
    this.#strip.draw(heap, this.#layout.width, marks, palette);
  }

  #write(replay: Replay): void {
    const { trace, row, step } = replay;
    const { heap } = this.#scene;
    const whole = !this.#scene.slow && row >= 0 && phaseOf(trace, row) === "finish";
    setText(this.#poppedWord, whole ? "passed on" : this.#scene.popped ? "popped" : "");
    setText(this.#count, `heap of ${formatCount(heap.size)}`);
    this.#calm.hidden = heap.size > 0;
    if (heap.size === 0) setText(this.#calm, emptyMessage(replay));

    const below: string[] = [];
    const shown = depthOf(this.#layout.slots.length);
    if (this.#window > 0) {
      const top = nodeLabel(trace, heap.nodeAt(this.#window));
      const back = this.#scene.slow ? "" : " · Esc for the whole heap";
      below.push(`level ${levelOf(this.#window) + 1} and deeper, under ${top}${back}`);
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
    const { trace } = replay;
    const { heap } = this.#scene;
    const { state } = this.#stage.session;
    const node = [state.hovered, state.selected].find((n): n is number => n !== null && heap.cellOf(n) >= 0);
    if (node === undefined)
      return heap.size > 0 ? "the same heap as an array; a tick where a level of the tree begins" : "";
    const cell = heap.cellOf(node);
    const parent = cell === 0 ? "on top" : `below ${nodeLabel(trace, heap.nodeAt((cell - 1) >> 1))}`;
    return `cell ${formatCount(cell)} · ${nodeLabel(trace, node)} · ${formatKey(heap.keyAt(cell))} · ${parent}`;
  }
}
