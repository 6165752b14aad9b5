/** The names of a plot's curves beside their swatches, with their values at the cursor. */

import { h, setText } from "../../kit/dom";
import type { Entry } from "./plot";

export class SeriesList {
  readonly element = h("ul", { class: "hw-legend-list" });
  #shown = "";
  #values: readonly HTMLElement[] = [];

  show(entries: readonly Entry[]): void {
    const shown = entries.map(({ id }) => id).join();
    if (shown !== this.#shown) {
      this.#shown = shown;
      this.#values = entries.map(() => h("b"));
      const items = entries.map(({ id, name, hint }, i) =>
        h(
          "li",
          { title: hint },
          h("i", { class: `hw-swatch hw-swatch-${id}`, "aria-hidden": "true" }),
          name,
          this.#values[i] as HTMLElement,
        ),
      );
      this.element.replaceChildren(...items);
    }
    entries.forEach(({ value }, i) => {
      setText(this.#values[i] as HTMLElement, value);
    });
  }
}
