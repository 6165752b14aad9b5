/** Where the keyboard is while it walks over the input: arrows go from position to position, as they are drawn. */

import type { Session } from "../../core/session/session";
import { partAt } from "../../core/trace/input";
import { h } from "../../kit/dom";
import { arrowKeys, takeKey } from "../../kit/keys";

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
    this.element.addEventListener("blur", () => session.hover(null), { signal });
  }

  #onKey(event: KeyboardEvent, act: (position: number) => void): void {
    const { state, trace } = this.#session;
    const { hovered, selected } = state.picked;
    const at = [hovered, selected].find((node) => node !== null && node < trace.inputCount) ?? null;
    const go = (columns: number, rows: number) => () =>
      this.#session.hover(at === null ? 0 : this.#neighbour(at, columns, rows));
    const enter = () => {
      if (at !== null) act(at);
    };
    takeKey(event, { ...arrowKeys(go), Enter: enter });
  }

  /** Beyond the end of a part lies the next one; in a single row, up and down lead to its neighbours. */
  #neighbour(position: number, columns: number, rows: number): number {
    const { input, trace } = this.#session;
    const grid = partAt(input, position)?.grid;
    const by = columns + rows * (grid && grid.rows > 1 ? grid.columns : 1);
    const next = position + by;
    return next >= 0 && next < trace.inputCount ? next : position;
  }
}
