/** A thin bar under the heap: how much of what is on its way lies in it, and how much is dust under the floor. */

import type { Trace } from "../../core/trace/trace";
import { dustAt } from "../../core/words/heapwords";
import { h, setText } from "../../kit/dom";

export class DustBar {
  readonly element: HTMLElement;
  readonly #dust = h("div", { class: "hw-dust-part" });
  readonly #heapText = h("span");
  readonly #dustText = h("span", { class: "hw-dust-text" });

  constructor() {
    this.element = h(
      "div",
      { class: "hw-dust" },
      h("div", { class: "hw-dust-bar", "aria-hidden": "true" }, this.#dust),
      h("div", { class: "hw-dust-words" }, this.#heapText, this.#dustText),
    );
  }

  show(trace: Trace, step: number): void {
    const dust = dustAt(trace, step);
    // Its place is kept, so that nothing jumps where the walk ends.
    this.element.classList.toggle("hw-away", !dust);
    if (!dust) return;
    this.#dust.style.width = `${(100 * dust.part).toFixed(2)}%`;
    setText(this.#heapText, dust.heap);
    setText(this.#dustText, dust.dust);
    if (this.element.title !== dust.explanation) this.element.title = dust.explanation;
  }
}
