/** Where the keyboard is while it walks over the input: arrows go from position to position, as they are drawn. */

import type { Session } from "../../core/session/session";
import { partOf } from "../../core/trace/input";
import { h } from "../../kit/dom";

export class Positions {
  readonly element = h("div", {
    class: "hw-items",
    tabindex: 0,
    role: "application",
    "aria-label": "Positions of the input. Arrow keys go from one to the next, Enter goes to its pop.",
  });
  readonly #session: Session;

  /** `act` does what a click on a position does. */
  constructor(session: Session, act: (position: number) => void, signal: AbortSignal) {
    this.#session = session;
    this.element.addEventListener("keydown", (event) => this.#onKey(event, act), { signal });
    this.element.addEventListener("blur", () => session.update({ hovered: null }), { signal });
  }

  #onKey(event: KeyboardEvent, act: (position: number) => void): void {
    const moves: Record<string, readonly [columns: number, rows: number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const move = moves[event.key];
    const modified = event.shiftKey || event.ctrlKey || event.metaKey || event.altKey;
    if ((!move && event.key !== "Enter") || modified) return;
    event.preventDefault();
    event.stopPropagation();
    const { state, trace } = this.#session;
    const at =
      [state.hovered, state.selected].find((node) => node !== null && node < trace.inputCount) ?? null;
    if (!move) {
      if (at !== null) act(at);
    } else this.#session.update({ hovered: at === null ? 0 : this.#neighbour(at, ...move) });
  }

  /** Beyond the end of a part lies the next one; in a single row, up and down lead to its neighbours. */
  #neighbour(position: number, columns: number, rows: number): number {
    const { input, trace } = this.#session;
    const grid = partOf(input, position)?.grid;
    const by = columns + rows * (grid && grid.rows > 1 ? grid.columns : 1);
    const next = position + by;
    return next >= 0 && next < trace.inputCount ? next : position;
  }
}
