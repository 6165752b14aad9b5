/** A widget in a page, and what one does to it; the clock is the test's own. */

import { vi } from "vitest";
import widget from "../../src/widget";
import { fakeModel } from "./model";

/** A widget as anywidget runs it: one closure a model, any number of views. */
export function run(traits = {}, views = 1) {
  const fake = fakeModel(traits);
  const { initialize, render } = widget();
  const props = { model: fake.model } as unknown as Parameters<typeof initialize>[0];
  const stop = initialize(props);
  const shown = Array.from({ length: views }, () => {
    const el = document.createElement("div");
    document.body.append(el);
    return { el, unmount: render({ ...props, el }) };
  });
  const [first] = shown;
  if (!first) throw new Error("no view");
  return {
    ...fake,
    stop,
    shown,
    el: first.el,
    root: () => first.el.querySelector<HTMLElement>(".heapwidget"),
  };
}

export const frame = () => vi.advanceTimersByTime(20);
export const press = (root: HTMLElement | null, key: string, more = {}) => {
  root?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
  frame();
};
export const named = (el: Element, name: string) => el.querySelector<HTMLElement>(`[aria-label="${name}"]`);

/** A hundred positions to collect. */
export function longTrace() {
  const n = 100;
  const nodes = Uint32Array.from({ length: n }, (_, i) => i);
  const zeros = new Float32Array(n);
  const view = (array: Uint32Array | Float32Array) => new DataView(array.buffer);
  const header = {
    format: "heapwidget-trace",
    version: 1,
    method: "gradient",
    rule: null,
    order: "descending",
    conserved: false,
    target: { label: "y", index: null, value: 1 },
    floor: null,
    phases: { walk: 0, finish: 0, collect: n },
    start: [],
    layers: [
      {
        label: "input",
        op: "input",
        shape: [n],
        box: [1],
        channel_axis: null,
        reads: [],
        kind: "strip",
        field: null,
      },
    ],
    ledger: { target: 1, explained: 0, residual: 0, absorbed: [] },
  };
  const columns = {
    pop_node: view(nodes),
    pop_mass: view(Float32Array.from(nodes, (i) => n - i)),
    explained: view(zeros),
    absorbed: view(zeros),
    dust: view(zeros),
    bound: view(zeros),
    certain: view(zeros),
    log_offset: view(new Uint32Array(n + 1)),
    log_node: view(new Uint32Array(0)),
    log_key: view(new Float32Array(0)),
    contribution: view(zeros),
  };
  return { _trace: { header, columns }, _input: null };
}
