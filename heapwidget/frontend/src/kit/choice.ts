/** One of a few, as buttons side by side: a group of radio buttons for readers and keys. */

import { h } from "./dom";
import { arrowKeys, takeKey } from "./keys";

export interface Option<T extends string> {
  readonly value: T;
  readonly text: string;
  readonly title?: string;
}

export class Choice<T extends string> {
  readonly element: HTMLElement;
  readonly #buttons: ReadonlyMap<T, HTMLButtonElement>;

  constructor(name: string, options: readonly Option<T>[], choose: (value: T) => void, signal: AbortSignal) {
    this.#buttons = new Map(
      options.map(({ value, text, title }) => {
        const button = h("button", { type: "button", class: "hw-size", role: "radio", title }, text);
        button.addEventListener("click", () => choose(value), { signal });
        return [value, button];
      }),
    );
    this.element = h("div", { class: "hw-sizes", role: "radiogroup", "aria-label": name });
    this.element.append(...this.#buttons.values());
    this.element.addEventListener("keydown", (event) => this.#onKey(event, choose), { signal });
  }

  /** Shows which one is chosen; only that one is in the order of tabs. */
  update(chosen: T): void {
    for (const [value, button] of this.#buttons) {
      button.setAttribute("aria-checked", String(value === chosen));
      button.tabIndex = value === chosen ? 0 : -1;
    }
  }

  /** Arrows choose among the options, as in any group of radio buttons; they do not step. */
  #onKey(event: KeyboardEvent, choose: (value: T) => void): void {
    const values = [...this.#buttons.keys()];
    const at = values.findIndex((value) => this.#buttons.get(value) === event.target);
    if (at < 0) return;
    const go = (by: number) => () => {
      const next = values[(at + by + values.length) % values.length] as T;
      choose(next);
      this.#buttons.get(next)?.focus();
    };
    takeKey(
      event,
      arrowKeys((right, down) => go(right + down)),
      true,
    );
  }
}
