// @vitest-environment happy-dom
import { describe, expect, it, vi } from "vitest";
import { arrowKeys, leaveKeys, takeKey } from "../../src/kit/keys";

function pressed(init: KeyboardEventInit & { key: string }, withShift = false) {
  const [outer, inner, act] = [document.createElement("div"), document.createElement("div"), vi.fn()];
  outer.append(inner);
  const further = vi.fn();
  outer.addEventListener("keydown", further);
  inner.addEventListener("keydown", (event) => takeKey(event, { a: act }, withShift));
  const event = new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...init });
  inner.dispatchEvent(event);
  return {
    acted: act.mock.calls.length === 1,
    prevented: event.defaultPrevented,
    further: further.mock.calls.length === 1,
  };
}
const TAKEN = { acted: true, prevented: true, further: false };
const PASSED = { acted: false, prevented: false, further: true };

describe("a key", () => {
  it("that means something here is taken, and goes no further", () => {
    expect(pressed({ key: "a" })).toEqual(TAKEN);
    expect(pressed({ key: "b" })).toEqual(PASSED);
  });

  it.each(["ctrlKey", "metaKey"])("with %s is the browser's", (modifier) => {
    expect(pressed({ key: "a", [modifier]: true }, true)).toEqual(PASSED);
  });

  it("with AltGr is a letter, even where that is told as Ctrl and Alt", () => {
    expect(pressed({ key: "a", ctrlKey: true, altKey: true, modifierAltGraph: true })).toEqual(TAKEN);
  });

  it("with shift passes, unless the place has a meaning for it", () => {
    expect(pressed({ key: "a", shiftKey: true })).toEqual(PASSED);
    expect(pressed({ key: "a", shiftKey: true }, true)).toEqual(TAKEN);
  });

  it("that an element uses itself stays with it, and is not kept from it", () => {
    const [outer, inner, further] = [document.createElement("div"), document.createElement("div"), vi.fn()];
    outer.append(inner);
    outer.addEventListener("keydown", further);
    leaveKeys(inner, (key) => key === "End", new AbortController().signal);
    for (const key of ["End", "Home"]) {
      const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
      inner.dispatchEvent(event);
      expect(event.defaultPrevented).toBe(false);
    }
    expect(further.mock.calls.map(([event]) => event.key)).toEqual(["Home"]);
  });
});

it("arrows go right and down", () => {
  const steps: number[][] = [];
  const keys = arrowKeys(
    (...by) =>
      () =>
        steps.push(by),
  );
  for (const key of ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]) keys[key]?.();
  expect(steps).toEqual([
    [-1, 0],
    [1, 0],
    [0, -1],
    [0, 1],
  ]);
});
