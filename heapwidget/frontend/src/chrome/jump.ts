/** Goes from pop to pop of one layer, or of the selected node. */

import { poppedLayers } from "../core/session/jump";
import type { Session } from "../core/session/session";
import { rankOf } from "../core/trace/sorted";
import { formatCount } from "../core/words/format";
import { nodeLabel } from "../core/words/labels";
import { button, h, icon, listen } from "../kit/dom";
import type { View } from "../kit/panel";

const BACK = "M9.5 3.5 5 8l4.5 4.5";
const FORWARD = "M6.5 3.5 11 8l-4.5 4.5";
/** The choice of the selected node; layers are chosen by their number. */
const NODE = "node";

export class Jump implements View {
  readonly element: HTMLElement;
  readonly #session: Session;
  readonly #select = h("select", { class: "hw-select", "aria-label": "Pops of" });
  readonly #node = h("option", { value: NODE });
  readonly #back: HTMLButtonElement;
  readonly #forward: HTMLButtonElement;

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    const control = (name: string, shape: string, forward: boolean) => {
      const element = button(name, icon("", shape), { class: "hw-button" });
      listen(element, { click: () => session.jump(forward) }, signal);
      return element;
    };
    this.#back = control("Previous pop", BACK, false);
    this.#forward = control("Next pop", FORWARD, true);
    this.#select.append(this.#node, ...layerOptions(session));
    const choose = () => {
      const { value } = this.#select;
      session.update({ picked: { layer: value === NODE ? null : Number(value) } });
    };
    listen(this.#select, { change: choose }, signal);
    this.element = h(
      "div",
      { class: "hw-jump", role: "group", "aria-label": "Jump" },
      this.#back,
      h("label", {}, h("span", { class: "hw-jump-word" }, "pops of"), this.#select),
      this.#forward,
    );
  }

  update(): void {
    const { state, trace, pops } = this.#session;
    const { step } = state.cursor;
    const { selected, layer } = state.picked;
    const name = selected === null ? "layer, node …" : nodeLabel(trace, selected);
    if (this.#node.textContent !== name) this.#node.textContent = name;
    const value = layer === null ? NODE : String(layer);
    if (this.#select.value !== value) this.#select.value = value;
    const rank = rankOf(pops, step);
    this.#back.disabled = rankOf(pops, step - 1) === 0;
    this.#forward.disabled = rank === pops.length;
    const all = formatCount(pops.length);
    this.#select.title =
      this.#session.target === null
        ? "Choose a layer here, or click a node"
        : `${formatCount(rank)} of ${all} ${pops.length === 1 ? "pop" : "pops"} done`;
    this.#back.title = "Previous pop (N)";
    this.#forward.title = "Next pop (n)";
  }

  /** Goes on or back; where nothing was chosen, asks what is meant. */
  go(forward: boolean): void {
    if (this.#session.target === null) this.#select.focus();
    else this.#session.jump(forward);
  }
}

/** The layers that are popped, from the output to the input. */
const layerOptions = ({ trace }: Session): HTMLElement[] =>
  poppedLayers(trace)
    .map((layer) => h("option", { value: layer }, trace.layers[layer]?.label ?? ""))
    .reverse();
