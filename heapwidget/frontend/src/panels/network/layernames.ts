/** The names under the columns of the network, in two lines; a fold's name is the button that opens it. */

import type { Column, Run } from "../../core/geometry/layercolumns";
import type { Layer } from "../../core/trace/trace";
import { twoLines } from "../../core/words/labels";
import { h } from "../../kit/dom";
import type { Theme } from "../../kit/theme";

/** Distance of two names. */
const SPACE = 8;

/** Half the width of a fold's name. */
const FOLD_NAME = 13;

const middle = (column: Column): number => column.x + column.width / 2;

/** Where the room of one name ends and that of the next begins: folds need little. */
function boundary(a: Column, b: Column): number {
  if (a.folded) return middle(a) + FOLD_NAME;
  return b.folded ? middle(b) - FOLD_NAME : (middle(a) + middle(b)) / 2;
}

export class LayerNames {
  readonly element = h("div", { class: "hw-layers" });
  readonly #layers: readonly Layer[];
  readonly #open: (run: Run) => void;

  constructor(layers: readonly Layer[], open: (run: Run) => void) {
    this.#layers = layers;
    this.#open = open;
  }

  arrange(columns: readonly Column[], width: number, theme: Theme): void {
    const names = columns.map((column, i) => {
      const [before, after] = [columns[i - 1], columns[i + 1]];
      // The first and the last may reach to the edge, the others as far on both sides.
      const left = before ? boundary(before, column) : 0;
      const right = after ? boundary(column, after) : width;
      const half = Math.min(middle(column) - left, right - middle(column));
      const [from, to] = !before
        ? [0, Math.max(right, middle(column) + half)]
        : !after
          ? [left, width]
          : [middle(column) - half, middle(column) + half];
      const name = column.folded ? this.#fold(column) : this.#name(column, to - from - SPACE, theme);
      name.classList.add(!before ? "hw-first" : !after ? "hw-last" : "hw-between");
      name.style.left = `${from}px`;
      name.style.width = `${to - from}px`;
      return name;
    });
    this.element.replaceChildren(...names);
  }

  /** The layer's name over its shape; a name that is too long takes both lines. */
  #name(column: Column, room: number, theme: Theme): HTMLElement {
    const layer = this.#layers[column.layers[0] as number] as Layer;
    const shape = layer.shape.join("×");
    const width = (text: string) => theme.textWidth(text);
    const [first, second] =
      width(layer.label) <= room
        ? [layer.label, width(shape) <= room ? shape : ""]
        : twoLines(layer.label, width, room);
    return h(
      "span",
      { class: "hw-layer", title: `${layer.label} ${shape}` },
      h("b", {}, first),
      h(second === shape ? "span" : "b", {}, second),
    );
  }

  #fold({ layers }: Column): HTMLElement {
    const run = [layers[0] as number, layers[layers.length - 1] as number] as const;
    const said = `Unfold ${layers.length} layers: ${this.#layers[run[0]]?.label} to ${this.#layers[run[1]]?.label}`;
    const button = h(
      "button",
      { type: "button", class: "hw-layer hw-link", "aria-label": said, title: said },
      `+${layers.length}`,
    );
    button.addEventListener("click", () => this.#open(run));
    return button;
  }
}
