/** The way from the whole heap to the subtree that the tree shows: a button a level. */

import { pathTo } from "../../core/geometry/treelayout";
import type { HeapLike } from "../../core/replay/heap";
import type { Trace } from "../../core/trace/trace";
import { formatCount } from "../../core/words/format";
import { nodeLabel } from "../../core/words/labels";
import { h, setHidden } from "../../kit/dom";

/** Width of a digit and of what parts two crumbs, and what stands beside the crumbs: words, and "whole heap". */
const DIGIT = 7;
const PARTING = 22;
const BESIDE = 240;

export class Crumbs {
  readonly element = h("nav", { class: "hw-crumbs", "aria-label": "Path to the subtree", hidden: true });
  readonly #go: (cell: number) => void;
  #shown = "";

  constructor(go: (cell: number) => void) {
    this.#go = go;
  }

  show(trace: Trace, heap: HeapLike, top: number, width: number): void {
    setHidden(this.element, top === 0);
    if (top === 0) return;
    const path = pathTo(top);
    const crumb = PARTING + DIGIT * formatCount(top).length;
    const most = Math.max(Math.floor((width - BESIDE) / crumb), 2);
    const shown = `${path.map((cell) => heap.nodeAt(cell)).join()} ${most}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    const buttons = path.map((cell, level) => this.#crumb(trace, heap, cell, level === path.length - 1));
    // The middle of a long way is left out.
    const left = Math.max(path.length - most, 0);
    const parts = left > 0 ? [buttons[0], "…", ...buttons.slice(1 + left)] : buttons;
    this.element.replaceChildren(
      ...parts.flatMap((part, i) => (i ? [h("i", { "aria-hidden": "true" }, "›"), part] : [part])).map(node),
    );
  }

  #crumb(trace: Trace, heap: HeapLike, cell: number, last: boolean): HTMLElement {
    const text = cell === 0 ? "whole heap" : formatCount(cell);
    const said = `cell ${formatCount(cell)}: ${nodeLabel(trace, heap.nodeAt(cell))}`;
    if (last) return h("span", { "aria-current": "true", title: said }, text);
    const button = h("button", { type: "button", class: "hw-link", title: said, "data-cell": cell }, text);
    button.addEventListener("click", () => this.#go(cell));
    return button;
  }
}

const node = (part: HTMLElement | string | undefined): Node =>
  part instanceof HTMLElement ? part : h("span", {}, part ?? "");
