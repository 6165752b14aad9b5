// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readBookmarks } from "../../src/core/session/bookmarks";
import { frame, longTrace, named, press, run } from "../helpers/mount";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  document.body.replaceChildren();
});

describe("jumps", () => {
  const select = (el: Element) => named(el, "Pops of") as HTMLSelectElement;
  const at = (el: HTMLElement) => Number(el.querySelector<HTMLElement>(".heapwidget")?.dataset.step);

  it("go from pop to pop of a chosen layer, by button and by key", () => {
    const { el, root } = run();
    expect([...select(el).options].map((option) => option.textContent)).toEqual([
      "layer, node …",
      "out<i>",
      "hidden",
      "input",
    ]);
    select(el).value = "1";
    select(el).dispatchEvent(new Event("change", { bubbles: true }));
    frame();
    expect(named(el, "Previous pop")).toMatchObject({ disabled: true });
    named(el, "Next pop")?.click();
    frame();
    expect(at(el)).toBe(2);
    press(root(), "n");
    press(root(), "n");
    expect(at(el)).toBe(4);
    expect(named(el, "Next pop")).toMatchObject({ disabled: true });
    expect(select(el).title).toBe("3 of 3 pops done");
    press(root(), "n");
    expect(at(el)).toBe(4);
    press(root(), "N");
    expect(at(el)).toBe(3);
  });

  it("go to the selected node as soon as one is selected", () => {
    const { el, root, receive } = run();
    select(el).value = "0";
    select(el).dispatchEvent(new Event("change", { bubbles: true }));
    receive("selected_node", 7);
    frame();
    expect(select(el).selectedOptions[0]?.textContent).toBe("hidden·1");
    press(root(), "n");
    expect(at(el)).toBe(3);
    press(root(), "Escape");
    expect(select(el).selectedOptions[0]?.textContent).toBe("layer, node …");
  });

  it("ask what is meant where nothing was chosen", () => {
    const { el, root } = run();
    press(root(), "n");
    expect(document.activeElement).toBe(select(el));
    expect(at(el)).toBe(0);
  });
});

describe("loop", () => {
  it("begins again after the last state was shown as long as any other", () => {
    const { el, values, receive } = run({ step: 5, interval: 50 });
    named(el, "Loop")?.click();
    frame();
    expect(named(el, "Loop")?.getAttribute("aria-pressed")).toBe("true");
    expect(values.loop).toBe(true);
    receive("playing", true);
    const at = () => Number(el.querySelector<HTMLElement>(".heapwidget")?.dataset.step);
    const seen = [60, 50, 50].map((time) => {
      vi.advanceTimersByTime(time);
      return at();
    });
    expect(seen).toEqual([6, 0, 1]);
    expect(values.playing).toBe(true);
    named(el, "Loop")?.click();
    vi.advanceTimersByTime(1000);
    expect(values).toMatchObject({ playing: false, step: 6, loop: false });
  });

  it("begins again in slow motion too", () => {
    const { el, receive, values } = run({ step: 5, interval: 50, loop: true });
    [...el.querySelectorAll<HTMLElement>("[role=radio]")].at(-1)?.click();
    receive("playing", true);
    vi.advanceTimersByTime(2000);
    expect(values.playing).toBe(true);
    expect(el.querySelector<HTMLElement>(".heapwidget")?.dataset.step).not.toBe("6");
  });
});

describe("bookmarks", () => {
  const flags = (el: Element) =>
    [...el.querySelectorAll<HTMLElement>(".hw-flag")].map((flag) => flag.getAttribute("aria-label"));
  const label = (el: Element) => named(el, "Bookmark label") as HTMLInputElement;

  it("are read with care", () => {
    expect(
      readBookmarks([{ step: 3, label: "b" }, { step: 1 }, { step: 9 }, { step: 1.5 }, null, 4, "x"], 6),
    ).toEqual([
      { step: 1, label: "" },
      { step: 3, label: "b" },
    ]);
    expect(readBookmarks({ 3: "b" }, 6)).toEqual([]);
  });

  it("are set and removed at the step, and go to the kernel", () => {
    const { el, root, values } = run({ step: 2 });
    press(root(), "b");
    expect(values.bookmarks).toEqual([{ step: 2, label: "hidden·0" }]);
    expect(flags(el)).toEqual(["Bookmark at 2: hidden·0"]);
    expect(named(el, "Bookmark")?.getAttribute("aria-pressed")).toBe("true");
    press(root(), "ArrowRight");
    expect(named(el, "Bookmark")?.getAttribute("aria-pressed")).toBe("false");
    press(root(), "ArrowLeft");
    named(el, "Bookmark")?.click();
    frame();
    expect(values.bookmarks).toEqual([]);
    expect(flags(el)).toEqual([]);
  });

  it("are named after what was popped until they get a name", () => {
    const { el, root, values } = run({ step: 4 });
    press(root(), "b");
    press(root(), "Home");
    press(root(), "b");
    expect(values.bookmarks).toEqual([
      { step: 0, label: "start" },
      { step: 4, label: "hidden" },
    ]);
    label(el).value = "from here <b>on</b>";
    label(el).dispatchEvent(new Event("change", { bubbles: true }));
    frame();
    expect(values.bookmarks).toContainEqual({ step: 0, label: "from here <b>on</b>" });
    expect(flags(el)[0]).toBe("Bookmark at 0: from here <b>on</b>");
  });

  it("are gone to by click and by bracket", () => {
    const bookmarks = [
      { step: 1, label: "one" },
      { step: 5, label: "five" },
    ];
    const { el, root } = run({ bookmarks });
    const at = () => root()?.dataset.step;
    el.querySelector<HTMLElement>(".hw-flag:last-child")?.click();
    frame();
    expect(at()).toBe("5");
    expect(label(el).value).toBe("five");
    expect(el.querySelector(".hw-here")?.getAttribute("aria-label")).toBe("Bookmark at 5: five");
    press(root(), "[");
    expect(at()).toBe("1");
    press(root(), "[");
    expect(at()).toBe("1");
    press(root(), "]");
    expect(at()).toBe("5");
    press(root(), "ArrowLeft");
    expect(el.querySelector<HTMLElement>(".hw-bookmark")?.hidden).toBe(true);
  });

  it("follow what Python sets, and are not sent back", () => {
    const { el, receive, saves } = run(longTrace());
    receive("bookmarks", [{ step: 40, label: "forty" }]);
    frame();
    expect(flags(el)).toEqual(["Bookmark at 40: forty"]);
    expect(saves).not.toHaveBeenCalled();
  });

  it("keep the letters that are typed into a label from being taken for keys", () => {
    const { el, root, values } = run({ bookmarks: [{ step: 0, label: "a" }] });
    for (const key of ["b", "n", " ", "Home"]) {
      label(el).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    }
    expect(values.bookmarks).toEqual([{ step: 0, label: "a" }]);
    expect(root()?.dataset.step).toBe("0");
  });
});
