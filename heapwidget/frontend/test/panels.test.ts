// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { frame, longTrace, named, press, run } from "./mount";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  document.body.replaceChildren();
});

describe("the curve", () => {
  it("seeks on the curve, by pointer and by keys", () => {
    const { el, values } = run({ ...longTrace(), panels: ["curve"] });
    const curve = named(el, "Seek") as HTMLElement;
    curve.getBoundingClientRect = () => ({ left: 10, top: 0, width: 200, height: 84 }) as DOMRect;
    const point = (type: string, clientX: number) =>
      curve.dispatchEvent(
        new PointerEvent(type, { clientX, button: 0, buttons: 1, pointerId: 1, bubbles: true }),
      );
    point("pointerdown", 110);
    point("pointermove", 150);
    frame();
    expect(curve.getAttribute("aria-valuenow")).toBe("70");
    point("pointerup", 150);
    expect(values.step).toBe(70);
    press(curve, "PageDown");
    expect(curve.getAttribute("aria-valuenow")).toBe("65");
    press(curve, "ArrowRight");
    expect(curve.getAttribute("aria-valuetext")).toBe("66: 35.0 · 66th of 100");
  });
});

describe("the network", () => {
  const canvasOf = (el: Element) => {
    const canvas = el.querySelector<HTMLElement>(".hw-network") as HTMLElement;
    canvas.getBoundingClientRect = () => ({ left: 0, top: 0 }) as DOMRect;
    return canvas;
  };

  it("names the layers, and their shapes", () => {
    const { el } = run({ panels: ["network"] });
    expect(named(el, "Network")).not.toBeNull();
    expect([...el.querySelectorAll(".hw-layer")].map((name) => name.textContent)).toEqual([
      "input1×2×3",
      "hidden2",
      "out<i>1",
    ]);
  });

  it("shares the hovered and the selected node with the other panels", () => {
    const { el, values } = run({ panels: ["heap", "network"], step: 1 });
    const canvas = canvasOf(el);
    // The second of the two hidden units, in the middle column.
    const at = { clientX: 329, clientY: 17.5, bubbles: true };
    canvas.dispatchEvent(new PointerEvent("pointermove", at));
    frame();
    expect(el.querySelector(".hw-card.hw-hot")?.getAttribute("aria-label")).toContain("hidden·1");
    expect(el.querySelector(".hw-panel-network .hw-slot")?.textContent).toBe(
      "hidden·1 · not popped yet · 4.00 in the heap · next pop at step 3 (double click)",
    );
    canvas.dispatchEvent(new MouseEvent("click", at));
    expect(values.selected_node).toBe(7);
    canvas.dispatchEvent(new MouseEvent("dblclick", at));
    frame();
    expect(el.querySelector<HTMLElement>(".heapwidget")?.dataset.step).toBe("3");
    expect(el.querySelector(".hw-panel-network .hw-slot")?.textContent).toBe(
      "hidden·1 · passed on 4.00, last at step 3",
    );
  });

  it("is not there, nor in the menu, where only the input is sorted", () => {
    const { el } = run({ ...longTrace(), panels: ["network", "curve"] });
    expect(named(el, "Network")).toBeNull();
    expect([...el.querySelectorAll(".hw-sheet label")].map((label) => label.textContent)).toEqual([
      "Input",
      "Heap",
      "Curve",
    ]);
  });
});
