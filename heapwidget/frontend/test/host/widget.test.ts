// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import widget from "../../src/widget";
import { fakeModel } from "../helpers/model";
import { frame, longTrace, named, press, run } from "../helpers/mount";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  document.body.replaceChildren();
});

describe("the widget", () => {
  it("shows the model at its step", () => {
    const { root } = run({ step: 3 });
    expect(root()?.dataset).toMatchObject({ step: "3", steps: "6", lmSuppressShortcuts: "true" });
    expect(root()?.tabIndex).toBe(0);
  });

  it("follows what Python sets", () => {
    const { root, receive } = run();
    receive("step", 2);
    frame();
    expect(root()?.dataset.step).toBe("2");
    receive("panels", ["heap"]);
    frame();
    expect(named(root() as Element, "Input")).toBeNull();
    expect(named(root() as Element, "Heap")).not.toBeNull();
    receive("selected_node", 7);
    frame();
    expect(root()?.querySelector(".hw-selected")?.getAttribute("aria-label")).toContain("hidden·1");
  });

  it("goes on following when Python sends all of its state once more", () => {
    const { root, receiveAgain, receive } = run();
    const before = root();
    receiveAgain({ step: 2 });
    frame();
    expect(root()?.dataset.step).toBe("2");
    receive("step", 4);
    frame();
    expect(root()?.dataset.step).toBe("4");
    expect(root()).toBe(before);
  });

  it("has one clock for two views, and both show the same step", () => {
    const { shown, receive } = run({ interval: 50 }, 2);
    frame();
    receive("playing", true);
    frame();
    const steps = () => shown.map(({ el }) => el.querySelector<HTMLElement>(".heapwidget")?.dataset.step);
    vi.advanceTimersByTime(110);
    frame();
    expect(steps()).toEqual(["2", "2"]);
  });

  it("saves the playhead at most five times a second while it plays, and at once when it stops", () => {
    const { receive, saves, values, root } = run({ interval: 20, ...longTrace() });
    receive("playing", true);
    const before = saves.mock.calls.length;
    vi.advanceTimersByTime(1000);
    expect(saves.mock.calls.length - before).toBeGreaterThanOrEqual(4);
    expect(saves.mock.calls.length - before).toBeLessThanOrEqual(6);
    press(root(), " ");
    expect(values.playing).toBe(false);
    expect(String(values.step)).toBe(root()?.dataset.step);
    expect(values.step).toBeGreaterThan(40);
  });

  it("keeps its pace while its page is behind another", () => {
    vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    const { receive, root } = run({ interval: 100, ...longTrace() });
    receive("playing", true);
    const before = performance.now();
    vi.spyOn(performance, "now").mockReturnValue(before + 1000);
    vi.advanceTimersByTime(100);
    vi.restoreAllMocks();
    frame();
    expect(Number(root()?.dataset.step)).toBeGreaterThanOrEqual(10);
  });

  it("saves the end of a scrub at once", () => {
    const { root, values } = run(longTrace());
    const slider = named(root() as Element, "Step") as HTMLInputElement;
    for (const value of ["10", "20", "30"]) {
      slider.value = value;
      slider.dispatchEvent(new Event("input", { bubbles: true }));
    }
    slider.dispatchEvent(new Event("change", { bubbles: true }));
    expect(values.step).toBe(30);
  });

  it("does not take its own echo for news", () => {
    const { receive, values, root } = run({ interval: 20, ...longTrace() });
    receive("playing", true);
    vi.advanceTimersByTime(310);
    const saved = values.step as number;
    vi.advanceTimersByTime(100);
    // The kernel repeats an older playhead: a fresh value with the same number.
    receive("step", values.step);
    frame();
    expect(Number(root()?.dataset.step)).toBeGreaterThan(saved);
  });

  it("lets the kernel win where it sets several traits at once", () => {
    const { receive, receiveAll, values, root } = run({ interval: 20, ...longTrace() });
    receive("playing", true);
    vi.advanceTimersByTime(310);
    receiveAll({ playing: false, step: 0 });
    frame();
    expect(values).toMatchObject({ playing: false, step: 0 });
    expect(root()?.dataset.step).toBe("0");
  });

  it("loads a trace that comes later", () => {
    const { root, receive } = run();
    receive("_trace", (longTrace() as { _trace: unknown })._trace);
    expect(root()?.dataset.steps).toBe("100");
  });

  it("says why it cannot show a trace, and shows the next one", () => {
    const { el, receive } = run({ _trace: { header: { format: "zip" }, columns: {} } });
    expect(el.querySelector("[role=alert]")?.textContent).toContain("not a heapwidget trace");
    receive("_trace", (longTrace() as { _trace: unknown })._trace);
    expect(el.querySelector("[role=alert]")).toBeNull();
    expect(el.querySelectorAll(".heapwidget").length).toBe(1);
  });

  it("leaves nothing behind", () => {
    const { shown, stop, receive, listening, off } = run({}, 2);
    receive("playing", true);
    for (const { unmount } of shown) unmount();
    stop();
    expect(document.querySelector(".heapwidget")).toBeNull();
    expect(listening()).toBe(0);
    expect(off.mock.calls.every(([, callback]) => typeof callback === "function")).toBe(true);
    vi.advanceTimersByTime(100);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("keeps what it shows where its model is given nonsense, and takes what makes sense again", () => {
    const { root, receive, receiveAll } = run({ step: 3, interval: 50 });
    const nonsense = [null, "x", {}, [3], Number.NaN, Number.POSITIVE_INFINITY, [[null]]];
    for (const value of nonsense) {
      for (const name of ["step", "playing", "interval", "loop", "bookmarks", "link", "panels"] as const)
        receive(name, value);
      receive("selected_node", value === null ? "none" : value);
      frame();
      expect(root()?.dataset.step).toBe("3");
      expect(named(root() as Element, "Heap")).not.toBeNull();
      expect(named(root() as Element, "Play")).not.toBeNull();
      expect(root()?.querySelector(".hw-selected")).toBeNull();
    }
    receiveAll({ step: 2, panels: ["input"], playing: false });
    frame();
    expect(root()?.dataset.step).toBe("2");
    expect(named(root() as Element, "Heap")).toBeNull();
  });

  it("shows the trace again that came after nonsense, at the model's step", () => {
    const { el, values, receive } = run({ step: 3 });
    const trace = values._trace;
    for (const value of [3, "x", null, {}, { header: 1, columns: 2 }]) {
      receive("_trace", value);
      expect(el.querySelector("[role=alert]")).not.toBeNull();
      receive("_trace", structuredClone(trace));
      frame();
      expect(el.querySelector("[role=alert]")).toBeNull();
      expect(el.querySelector<HTMLElement>(".heapwidget")?.dataset.step).toBe("3");
    }
  });

  it("works where a host never initialises", () => {
    const fake = fakeModel({ step: 1 });
    const el = document.createElement("div");
    document.body.append(el);
    const unmount = widget().render({ model: fake.model, el } as unknown as Parameters<
      ReturnType<typeof widget>["render"]
    >[0]);
    expect(el.querySelector<HTMLElement>(".heapwidget")?.dataset.step).toBe("1");
    unmount();
    expect(fake.listening()).toBe(0);
  });
});

describe("what is in the page", () => {
  it("has the names that people and tests look for", () => {
    const { root } = run({ step: 2 });
    const el = root() as Element;
    for (const name of ["First", "Back", "Play", "Forward", "Last", "Step", "Speed", "Help", "Panels"]) {
      expect(named(el, name), name).not.toBeNull();
    }
    expect(el.querySelector("section[aria-label=Heap] [role=tree]")).not.toBeNull();
    expect(el.querySelectorAll("section[aria-label=Heap] [role=treeitem]").length).toBe(1);
    expect(el.querySelector("[role=status]")?.textContent).toContain("Pop hidden·0");
    expect(el.querySelector(".hw-overlay")).toMatchObject({ width: 3, height: 2 });
    expect(el.querySelector(".hw-count")?.textContent).toBe("2 / 6");
  });

  it("shows labels as text, whatever is in them", () => {
    const { el } = run({ step: 1 });
    expect(el.querySelector(".hw-target")?.textContent).toBe("<b>7</b>");
    expect(el.querySelector(".hw-narration b")?.textContent).toBe("out<i>");
    expect(el.querySelector("[role=status] i")).toBeNull();
  });

  it("marks pushed, re-keyed and popped nodes by class and in words", () => {
    const { el, receive } = run({ step: 1 });
    const said = () =>
      [...el.querySelectorAll(".hw-card:not([hidden])")].map((card) => card.getAttribute("aria-label"));
    expect(said().sort()).toEqual([
      "hidden·0, 4.00, pushed",
      "hidden·1, 4.00, pushed",
      "out<i>, 8.00, popped",
    ]);
    receive("step", 2);
    frame();
    expect(said().sort()).toEqual(["hidden·0, 4.00, popped", "hidden·1, 4.00"]);
  });

  it("says calmly that the heap is empty", () => {
    const { el, receive } = run();
    receive("step", 6);
    frame();
    expect(el.querySelector(".hw-calm")?.textContent).toBe(
      "The heap is empty. The 2 pixels that it held are popped.",
    );
    expect(el.querySelector<HTMLElement>(".hw-calm")?.hidden).toBe(false);
  });

  it("shows and hides panels from its menu", () => {
    const { el, values } = run();
    const [input] = el.querySelectorAll<HTMLInputElement>(".hw-sheet input[type=checkbox]");
    input?.click();
    frame();
    expect(values.panels).toEqual(["heap"]);
    expect(named(el, "Input")).toBeNull();
    input?.click();
    frame();
    expect([...el.querySelectorAll("section")].map((s) => s.getAttribute("aria-label"))).toEqual([
      "Input",
      "Heap",
    ]);
  });

  it("opens and closes its help", () => {
    const { el, root } = run();
    const sheet = el.querySelector<HTMLElement>("[role=dialog][aria-label=Help]");
    expect(sheet?.hidden).toBe(true);
    named(el, "Help")?.click();
    expect(sheet?.hidden).toBe(false);
    press(root(), "Escape");
    expect(sheet?.hidden).toBe(true);
  });

  it("keeps quiet while it plays", () => {
    const { el, receive } = run(longTrace());
    expect(el.querySelector("[role=status]")?.getAttribute("aria-live")).toBe("polite");
    receive("playing", true);
    frame();
    expect(el.querySelector("[role=status]")?.getAttribute("aria-live")).toBe("off");
  });

  it("is dark in a dark JupyterLab", () => {
    document.body.setAttribute("data-jp-theme-light", "false");
    const { root } = run();
    expect(root()?.classList.contains("hw-dark")).toBe(true);
    document.body.removeAttribute("data-jp-theme-light");
  });
});
