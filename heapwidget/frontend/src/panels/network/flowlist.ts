/** The strongest flows in words: a button each, which lights its flow. */

import type { Flow } from "../../core/replay/flows";
import type { Trace } from "../../core/trace/trace";
import { describeFlow } from "../../core/words/networds";
import { h, setText } from "../../kit/dom";

export class FlowList {
  readonly element = h("div", { class: "hw-flows", hidden: true });
  readonly #said = h("p");
  readonly #list = h("ol");
  readonly #light: (flow: number) => void;
  readonly #select: (node: number) => void;
  #shown = "";

  constructor(light: (flow: number) => void, select: (node: number) => void) {
    this.#light = light;
    this.#select = select;
    this.element.append(this.#said, this.#list);
  }

  show(trace: Trace, flows: readonly Flow[], said: string): void {
    setText(this.#said, said);
    const shown = JSON.stringify(flows);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#list.replaceChildren(...flows.map((flow, i) => h("li", {}, this.#button(trace, flow, i))));
  }

  #button(trace: Trace, flow: Flow, i: number): HTMLElement {
    const { share, way } = describeFlow(trace, flow);
    const button = h("button", { type: "button", class: "hw-flow", title: way }, h("b", {}, share), way);
    for (const [event, lit] of [
      ["pointerenter", i],
      ["pointerleave", -1],
      ["focus", i],
      ["blur", -1],
    ] as const)
      button.addEventListener(event, () => this.#light(lit));
    button.addEventListener("click", () => this.#select(flow.nodes.at(-1) as number));
    return button;
  }
}
