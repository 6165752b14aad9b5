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
