/** The heap: the popped node set aside, a window of the tree, the array, and the dust that lies under the floor. */

import { ancestorWithin, LEAST_TREE, windowFor } from "../../core/geometry/treelayout";
import type { Replay } from "../../core/replay/replay";
import { phaseOf } from "../../core/trace/trace";
import { panels } from "../../core/vocabulary/vocabulary";
import { formatCount } from "../../core/words/format";
import { beyondWindow, describeCell, emptyMessage } from "../../core/words/heapwords";
import { h, keepFocusOut, listen, setText } from "../../kit/dom";
import type { Panel, Stage, View } from "../../kit/panel";
import { Crumbs } from "./crumbs";
import { DustBar } from "./dustbar";
import { onStripKey, onTreeKey } from "./heapkeys";
import { largestKey, Scene } from "./scene";
import { type Pick, Strip } from "./strip";
import { Tree } from "./tree";

/** Width where nothing can be measured. */
const FALLBACK_WIDTH = 640;

export const heapPanel: Panel = {
  name: "heap",
  title: panels.heap,
  heights: { least: LEAST_TREE, most: 800 },
  create: (root, stage) => new HeapView(root, stage),
};

class HeapView implements View {
  readonly #root: HTMLElement;
  readonly #stage: Stage;
  readonly #poppedWord = h("span", { class: "hw-popped-word" });
  readonly #count = h("span");
  readonly #crumbs: Crumbs;
  readonly #tree: Tree;
  readonly #more = h("div", { class: "hw-more" });
  readonly #strip = new Strip();
  readonly #status = h("div", { class: "hw-slot hw-clip" });
  readonly #dust = new DustBar();
  #width = FALLBACK_WIDTH;
  /** Changes of size seen so far. */
  #measured = 0;
  /** What is shown. */
  #scene: Scene;
  /** The cells under the pointer in the array. */
  #picked: Pick | null = null;

  constructor(root: HTMLElement, stage: Stage) {
    this.#root = root;
    this.#stage = stage;
    this.#scene = new Scene(stage.session);
    this.#tree = new Tree(stage);
    this.#crumbs = new Crumbs((top) => this.#open(top));
    root.append(
      h("div", { class: "hw-head" }, this.#poppedWord, this.#crumbs.element, this.#count),
      this.#tree.element,
      this.#more,
      this.#strip.canvas,
      this.#status,
      this.#dust.element,
    );
    this.#listen(stage);
  }

  update(): void {
    const { session } = this.#stage;
    const { replay } = session;
    const { step, sub } = session.state.cursor;
    this.#scene = new Scene(session);
    const { heap } = this.#scene;
    this.#arrange(replay);
    const profile = this.#strip.measure(heap, this.#width, `${step} ${sub}`);
    const top = this.#top(this.#scene);
    this.#tree.draw(this.#scene, top, largestKey(replay, profile), emptyMessage(replay));
    this.#drawStrip();
    this.#crumbs.show(replay.trace, heap, top, this.#width);
    this.#write(replay, top);
  }

  height(): number {
    return this.#tree.layout.height;
  }

  #listen({ session, signal }: Stage): void {
    const { canvas } = this.#strip;
    const { element, keyTarget } = this.#tree;
    /** What a first click was on: it may move the window, and with it what is under the second. */
    let clicked: number | null = null;
    const pick = (event: MouseEvent) => {
      this.#picked = this.#strip.pick(event.clientX - canvas.getBoundingClientRect().left);
      return this.#picked && this.#scene.heap.nodeAt(this.#picked.cell);
    };
    const at = (event: MouseEvent) =>
      event.currentTarget === canvas ? pick(event) : this.#tree.nodeAt(event, this.#scene);
    const leave = () => {
      this.#picked = null;
      session.hover(null);
    };
    const select = (event: Event) => {
      if ((event as MouseEvent).detail > 1) return;
      clicked = at(event as MouseEvent);
      if (clicked !== null) session.toggleSelected(clicked);
    };
    const hover = (event: MouseEvent) => {
      const hovered = at(event);
      element.style.cursor = hovered === null ? "" : "pointer";
      session.hover(hovered);
    };
    for (const target of [element, canvas]) {
      listen(target, { pointerover: hover, pointermove: hover, pointerleave: leave, click: select }, signal);
      keepFocusOut(target, signal);
    }
    const open = (node: number) => this.#openNode(node);
    listen(element, { dblclick: () => clicked !== null && open(clicked) }, signal);
    listen(keyTarget, { keydown: (event) => onTreeKey(event, session, open) }, signal);
    listen(canvas, { keydown: (event) => onStripKey(event, session) }, signal);
  }

  #open(top: number): void {
    this.#stage.session.update({ screen: { top }, picked: { selected: null } });
  }

  #openNode(node: number): void {
    const cell = this.#scene.heap.cellOf(node);
    if (cell >= 0) this.#stage.session.update({ screen: { top: cell }, picked: { selected: node } });
  }

  /** Cell at the top of the window: where it was opened, moved only to bring into sight what must be. */
  #top({ heap, slow, cells }: Scene): number {
    const { picked, play, cursor, screen } = this.#stage.session.state;
    const { selected } = picked;
    const opened = ancestorWithin(screen.top, heap.size);
    const still = selected === null || play.playing || cursor.scrubbing;
    const cell = slow ? (cells.at(-1) ?? -1) : still ? -1 : heap.cellOf(selected);
    return cell < 0 ? opened : windowFor(cell, this.#tree.layout.cardLevels, opened);
  }

  #arrange(replay: Replay): void {
    const { changes } = this.#stage.sizes;
    if (changes === this.#measured) return;
    this.#measured = changes;
    this.#width = Math.floor(this.#root.clientWidth) || FALLBACK_WIDTH;
    const { heights } = this.#stage.session.state.screen;
    this.#tree.arrange(this.#width, replay.largestHeap, heights.heap ?? null);
  }

  #drawStrip(): void {
    const { heap, touch, touched, slow, cells } = this.#scene;
    const { hovered, selected } = this.#stage.session.state.picked;
    const cell = (node: number | null) => (node === null ? -1 : heap.cellOf(node));
    const [hot, other] = slow ? cells.slice(-2) : [cell(hovered), cell(selected)];
    const marks = { touch, touched, hot: hot ?? -1, selected: other ?? -1 };
    this.#strip.draw(heap, this.#width, marks, this.#stage.theme.palette);
    const now = Math.max(other ?? -1, 0);
    const values = {
      "aria-valuemax": String(Math.max(heap.size - 1, 0)),
      "aria-valuenow": String(now),
      "aria-valuetext": heap.size > 0 ? describeCell(this.#scene.replay, heap, now) : "the heap is empty",
    };
    for (const [name, value] of Object.entries(values)) this.#strip.canvas.setAttribute(name, value);
  }

  #write(replay: Replay, top: number): void {
    const { trace, row } = replay;
    const { heap, slow, popped } = this.#scene;
    const whole = !slow && row >= 0 && phaseOf(trace, row) === "finish";
    setText(this.#poppedWord, whole ? "passed on" : popped ? "popped" : "");
    setText(this.#count, `heap of ${formatCount(heap.size)}`);
    setText(this.#more, heap.size > 0 ? beyondWindow(heap.size, top, this.#tree.layout.levels) : "");
    const status = this.#describe(replay);
    setText(this.#status, status);
    this.#status.title = status;
    this.#dust.show(trace, replay.step);
  }

  #describe(replay: Replay): string {
    const { heap } = this.#scene;
    if (heap.size === 0) return "";
    const { hovered, selected } = this.#stage.session.state.picked;
    const node = [hovered, selected].find((n): n is number => n !== null && heap.cellOf(n) >= 0);
    if (node === undefined)
      return "the same heap as an array · ticks: levels of the tree · click: show in the tree";
    const picked = this.#picked;
    const among =
      picked && picked.to > picked.from && heap.nodeAt(picked.cell) === node
        ? `largest of cells ${formatCount(picked.from)}–${formatCount(picked.to)} · `
        : "";
    return among + describeCell(replay, heap, heap.cellOf(node));
  }
}
