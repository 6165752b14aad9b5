// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { longTrace, named, press, run } from "../helpers/mount";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  document.body.replaceChildren();
});

describe("keys", () => {
  it("step, jump and play", () => {
    const { root } = run(longTrace());
    const at = () => root()?.dataset.step;
    press(root(), "ArrowRight");
    expect(at()).toBe("1");
    press(root(), "ArrowRight", { shiftKey: true });
    expect(at()).toBe("11");
    press(root(), "ArrowLeft");
    expect(at()).toBe("10");
    press(root(), "End");
    expect(at()).toBe("100");
    press(root(), "Home");
    expect(at()).toBe("0");
    press(root(), " ");
    expect(named(root() as Element, "Pause")).not.toBeNull();
  });

  it("walk the tree, and let go of it", () => {
    const { root, values } = run({ step: 1 });
    press(root(), "ArrowDown");
    expect(values.selected_node).toBe(6);
    press(root(), "ArrowDown");
    expect(values.selected_node).toBe(7);
    press(root(), "ArrowUp");
    expect(values.selected_node).toBe(6);
    press(root(), "Escape");
    expect(values.selected_node).toBeNull();
  });

  it("leave other shortcuts alone", () => {
    const { root } = run();
    const event = new KeyboardEvent("keydown", { key: "ArrowRight", ctrlKey: true, cancelable: true });
    root()?.dispatchEvent(event);
    expect(event.defaultPrevented).toBe(false);
    expect(root()?.dataset.step).toBe("0");
  });
});
