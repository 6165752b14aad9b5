// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { frame, longTrace, named, press, run } from "../helpers/mount";

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
      "hidden·1 · received 4.00 from 1 node · not popped yet · 4.00 in the heap · next pop at step 3 (double click)",
    );
    canvas.dispatchEvent(new MouseEvent("click", at));
    expect(values.selected_node).toBe(7);
    canvas.dispatchEvent(new MouseEvent("dblclick", at));
    frame();
    expect(el.querySelector<HTMLElement>(".heapwidget")?.dataset.step).toBe("3");
    expect(el.querySelector(".hw-panel-network .hw-slot")?.textContent).toBe(
      "hidden·1 · received 4.00 from 1 node · passed on 4.00 to 3 nodes, last at step 3",
    );
  });

  it("is not there, nor in the menu, where only the input is sorted", () => {
    const { el } = run({ ...longTrace(), panels: ["network", "curve"] });
    expect(named(el, "Network")).toBeNull();
    expect([...el.querySelectorAll(".hw-sheet label")].map((label) => label.textContent)).toEqual([
      "Input",
      "Heap",
      "Code",
      "Curve",
    ]);
  });
});

describe("slow motion", () => {
  const shown = (el: Element) => ({
    at: [
      el.querySelector<HTMLElement>(".heapwidget")?.dataset.step,
      el.querySelector(".hw-part")?.textContent,
    ],
    lit: el.querySelector(".hw-lit")?.textContent?.trim(),
    said: el.querySelector("[role=status]")?.textContent,
  });
  const start = (step: number) => {
    const it = run({ step, panels: ["heap", "code"] });
    const size = [...it.el.querySelectorAll<HTMLElement>("[role=radio]")];
    size[1]?.click();
    frame();
    expect(size.map((button) => button.getAttribute("aria-checked"))).toEqual(["false", "true"]);
    return it;
  };

  it("steps through a pop line by line, and on to the next state", () => {
    const { el, root, values } = start(1);
    expect(shown(el).lit).toBeUndefined();
    press(root(), "ArrowRight");
    expect(shown(el)).toEqual({
      at: ["1", " + 1/4"],
      lit: "lastelt = heap.pop()",
      said: "Pop hidden·0. The last cell gives up hidden·1, 4.00.",
    });
    expect(values.step).toBe(1);
    named(el, "Forward")?.click();
    frame();
    expect(shown(el).lit).toBe("heap[0] = lastelt");
    expect(el.querySelector(".hw-variables")?.textContent).toBe(
      "lastelt4.00 hidden·1returnitem4.00 hidden·0",
    );
    expect(
      [...el.querySelectorAll(".hw-card:not([hidden])")].map((card) => [
        card.className,
        card.getAttribute("title"),
      ]),
    ).toEqual(
      expect.arrayContaining([
        ["hw-card hw-moved", "hidden·1"],
        ["hw-card hw-popped", "hidden·0"],
      ]),
    );
    press(root(), "ArrowRight", { shiftKey: true });
    // Two more here, three in the next pop, one for the layer, four in the pop after it.
    expect(shown(el).at).toEqual(["5", ""]);
  });

  it("goes back into the pop before", () => {
    const { el, root } = start(2);
    press(root(), "ArrowLeft");
    expect(shown(el)).toMatchObject({ at: ["1", " + 3/4"], lit: "heap[pos] = newitem" });
    for (let i = 0; i < 3; i++) press(root(), "ArrowLeft");
    expect(shown(el).at).toEqual(["1", ""]);
    for (let i = 0; i < 20; i++) press(root(), "ArrowLeft");
    expect(shown(el).at).toEqual(["0", ""]);
  });

  it("plays sub-steps, and is left by a jump or by the other step size", () => {
    const { el, root, receive } = start(1);
    receive("playing", true);
    vi.advanceTimersByTime(210);
    frame();
    expect(shown(el).at).toEqual(["1", " + 2/4"]);
    receive("playing", false);
    receive("step", 2);
    frame();
    expect(shown(el).at).toEqual(["2", ""]);
    press(root(), "ArrowRight");
    expect(shown(el).at[1]).not.toBe("");
    el.querySelector<HTMLElement>("[role=radio]")?.click();
    frame();
    expect(shown(el).at).toEqual(["2", ""]);
  });
});

it("tells readers the order of the tree, whatever cards are used", () => {
  const { el, receive } = run({ step: 0 });
  for (const step of [1, 2, 3, 4, 5, 1]) {
    receive("step", step);
    frame();
    const owned = el.querySelector("[role=tree]")?.getAttribute("aria-owns")?.split(" ") ?? [];
    const cards = owned.map((id) => document.getElementById(id));
    const levels = cards.map((card) => Number(card?.getAttribute("aria-level") ?? 0));
    expect(levels).toEqual([...levels].sort());
    expect(cards.length).toBe(el.querySelectorAll("[role=treeitem]:not([hidden])").length);
  }
});
