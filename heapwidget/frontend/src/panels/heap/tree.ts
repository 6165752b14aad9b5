/** The windowed tree: the popped node set aside, the window's upper levels as cards, the lower ones as dots. */

import { sees } from "../../core/geometry/field";
import { cellOf, type Slot, type TreeLayout, treeLayout } from "../../core/geometry/treelayout";
import type { Replay } from "../../core/replay/replay";
import type { ViewState } from "../../core/session/viewstate";
import { type Phase, phaseOf } from "../../core/trace/trace";
import { fitCanvas, h, setAttributes, setHidden, setText } from "../../kit/dom";
import { Frames } from "../../kit/frames";
import type { Stage } from "../../kit/panel";
import { Branches } from "./branches";
import { Card, type CardFace, type CardPlace } from "./card";
import { type DotFace, dotAt, drawDot } from "./dots";
import { glideTime } from "./motion";
import type { Scene } from "./scene";

/** What a card is to show, and where. */
interface Wish {
  readonly face: CardFace;
  readonly place: CardPlace;
  /** Level of the whole heap; null: set aside. */
  readonly level: number | null;
}

export class Tree {
  readonly element: HTMLElement;
  readonly #stage: Stage;
  readonly #branches = new Branches();
  readonly #cards = h("div", { class: "hw-cards" });
  /** What readers, and the keyboard, take for the tree: its items are the cards, in the order of the array. */
  readonly #items = h("div", { class: "hw-items", tabindex: 0, "aria-label": "The heap as a tree" });
  /** The dots, and the patches of all cards: a canvas on every card would be a layer of its own to the browser. */
  readonly #leaves = h("canvas", { class: "hw-leaves", "aria-hidden": "true" });
  readonly #calm = h("div", { class: "hw-calm", hidden: true });
  readonly #frames: Frames;
  /** Sets this view's cards apart from those of other views in the page. */
  readonly #name = Math.random().toString(36).slice(2, 8);
  /** Cards in use, by node. */
  #shown = new Map<number, Card>();
  /** Cards made so far. */
  readonly #pool: Card[] = [];
  #layout: TreeLayout = treeLayout(0, 1);
  /** What the layout was made for. */
  #arranged = "";
  /** Heap cell at the top of the window. */
  #top = 0;
  /** State that the cards show; null: it is to be shown without a way there. */
  #drawn: ViewState | null = null;

  constructor(stage: Stage) {
    this.#stage = stage;
    // What is about to be drawn anyway is not drawn twice.
    const stale = () => stage.session.state !== this.#drawn;
    this.#frames = new Frames((moment) => stale() || this.#stand(moment), stage.signal);
    this.element = h(
      "div",
      { class: "hw-tree" },
      this.#branches.element,
      this.#items,
      this.#cards,
      this.#leaves,
      this.#calm,
    );
  }

  get layout(): TreeLayout {
    return this.#layout;
  }

  /** Where the keyboard is while it walks the tree. */
  get keyTarget(): HTMLElement {
    return this.#items;
  }

  arrange(width: number, largestHeap: number, room: number | null): void {
    const arranged = `${width} ${room}`;
    if (arranged === this.#arranged) return;
    this.#arranged = arranged;
    this.#layout = treeLayout(width, largestHeap, room);
    this.element.style.height = `${this.#layout.height}px`;
    this.#branches.arrange(this.#layout);
    this.#drawn = null;
  }

  /** Node of the card or dot that an event is on. */
  nodeAt(event: MouseEvent, { heap }: Scene): number | null {
    const card = (event.target as Element).closest<HTMLElement>(".hw-card");
    if (card) return Number(card.dataset.node);
    const { left, top } = this.element.getBoundingClientRect();
    const slot = dotAt(this.#layout.slots, event.clientX - left, event.clientY - top);
    const cell = slot ? cellOf(slot, this.#top) : heap.size;
    return cell < heap.size ? heap.nodeAt(cell) : null;
  }

  /** Draws the window below cell `top`; `largest` is the key of the longest bar. */
  draw(scene: Scene, top: number, largest: number, calm: string): void {
    const { state } = this.#stage.session;
    this.#top = top;
    const wishes: Wish[] = [];
    const context = fitCanvas(this.#leaves, this.#layout.width, this.#layout.height);
    let filled = 0;
    for (const slot of this.#layout.slots) {
      const cell = cellOf(slot, top);
      if (cell >= scene.heap.size) continue;
      filled = slot.index + 1;
      if (slot.kind === "card") wishes.push(this.#wish(scene, slot, cell, largest));
      else if (context) drawDot(context, slot, this.#dot(scene, cell, largest), this.#stage.theme.palette);
    }
    this.#branches.fill(filled);
    this.#branches.light(this.#kin(scene));
    if (scene.popped) wishes.push(this.#aside(scene, scene.popped, largest));
    this.#deal(wishes, glideTime(state, this.#drawn));
    if (this.#stand(performance.now())) this.#frames.start();
    this.#order(scene);
    setHidden(this.#calm, scene.heap.size > 0);
    if (scene.heap.size === 0) setText(this.#calm, calm);
    this.#drawn = state;
  }

  /** Slot of the node that is pointed at or selected; -1: none is in the window. */
  #kin({ heap }: Scene): number {
    const { hovered, selected } = this.#stage.session.state.picked;
    const cells = [hovered, selected].map((node) => (node === null ? -1 : heap.cellOf(node)));
    for (const cell of cells.filter((at) => at >= 0)) {
      const slot = this.#layout.slots.find((s) => cellOf(s, this.#top) === cell);
      if (slot) return slot.index;
    }
    return -1;
  }

  #face(scene: Scene, node: number, key: number, largest: number): CardFace {
    const { hovered, selected } = this.#stage.session.state.picked;
    return {
      node,
      key,
      share: Math.abs(key) / largest,
      state: scene.state(node),
      mark: "",
      hot: hovered === node,
      selected: selected === node,
      sees: this.#sees(scene.replay, node),
      layer: false,
    };
  }

  #wish(scene: Scene, slot: Slot, cell: number, largest: number): Wish {
    const face = this.#face(scene, scene.heap.nodeAt(cell), scene.heap.keyAt(cell), largest);
    const place = { x: Math.round(slot.x - slot.size / 2), y: slot.y, width: slot.size };
    const level = Math.floor(Math.log2(cell + 1));
    return { face: { ...face, mark: scene.mark(cell) }, place, level };
  }

  #aside(scene: Scene, popped: { node: number; key: number }, largest: number): Wish {
    const { trace, row } = scene.replay;
    const phase: Phase | null = row < 0 || scene.slow ? null : phaseOf(trace, row);
    const face = this.#face(scene, popped.node, popped.key, largest);
    const { x, y, size } = this.#layout.popped;
    return {
      face: { ...face, state: "popped", sees: false, layer: phase === "finish" },
      place: { x, y, width: size },
      level: null,
    };
  }

  /** Gives each wish a card: the one that shows its node already, or a free one. */
  #deal(wishes: readonly Wish[], glide: number): void {
    const before = this.#shown;
    this.#shown = new Map();
    const waiting: Wish[] = [];
    for (const wish of wishes) {
      const card = before.get(wish.face.node);
      if (!card) waiting.push(wish);
      else {
        before.delete(wish.face.node);
        this.#show(card, wish, glide, false);
      }
    }
    const free = [...before.values(), ...this.#pool.filter((card) => card.element.hidden)];
    for (const wish of waiting) this.#show(free.shift() ?? this.#newCard(), wish, glide, true);
    for (const card of free) card.hide();
  }

  /** Puts all cards where they are at a moment, and their patches on them; false: all have arrived. */
  #stand(moment: number): boolean {
    const cards = [...this.#shown.values()];
    const moving = cards.filter((card) => card.stand(moment)).length > 0;
    this.element.classList.toggle("hw-gliding", moving);
    const context = this.#leaves.getContext("2d");
    if (!context) return moving;
    const { width, cardsHeight } = this.#layout;
    context.clearRect(0, 0, width, cardsHeight);
    for (const card of cards) card.draw(context, this.#stage.theme.palette);
    context.globalAlpha = 1;
    return moving;
  }

  #show(card: Card, { face, place, level }: Wish, glide: number, fresh: boolean): void {
    this.#shown.set(face.node, card);
    card.moveTo(place, glide, fresh);
    card.show(face, this.#stage);
    card.fit(this.#stage);
    card.describe(level);
  }

  #newCard(): Card {
    const card = new Card();
    card.element.id = `hw-${this.#name}-${this.#pool.length}`;
    this.#pool.push(card);
    this.#cards.append(card.element);
    return card;
  }

  /** Cards are used again wherever they stand: readers are told the order of the tree, level by level. */
  #order({ heap }: Scene): void {
    const cards = [...this.#shown.values()]
      .map((card) => ({ id: card.element.id, node: card.node, cell: heap.cellOf(card.node) }))
      .filter(({ cell }) => cell >= 0)
      .sort((a, b) => a.cell - b.cell);
    const active = cards.find(({ node }) => node === this.#stage.session.state.picked.selected)?.id;
    setAttributes(this.#items, {
      role: cards.length ? "tree" : "group",
      "aria-owns": cards.map(({ id }) => id).join(" "),
      "aria-activedescendant": active ?? "",
    });
  }

  /** Whether a node sees the input position under the pointer. */
  #sees(replay: Replay, node: number): boolean {
    const { state, input } = this.#stage.session;
    const at = state.picked.hovered;
    if (at === null || at >= replay.trace.inputCount || node < replay.trace.inputCount) return false;
    return sees(replay.trace, input, node, at);
  }

  #dot(scene: Scene, cell: number, largest: number): DotFace {
    const { hovered, selected } = this.#stage.session.state.picked;
    const [node, key] = [scene.heap.nodeAt(cell), scene.heap.keyAt(cell)];
    return {
      share: Math.abs(key) / largest,
      negative: key < 0,
      state: scene.state(node),
      mark: scene.mark(cell),
      hot: hovered === node || selected === node,
      sees: this.#sees(scene.replay, node),
    };
  }
}
