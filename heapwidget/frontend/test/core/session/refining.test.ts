// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { carriedOver } from "../../../src/core/session/carry";
import { outcome, outlook } from "../../../src/core/session/refining";
import { continues, lengthsOf, movedStep } from "../../../src/core/session/timeline";
import { DEFAULT_STATE } from "../../../src/core/session/viewstate";
import { asViews } from "../../helpers/columns";
import { frame, named, press, run } from "../../helpers/mount";
import { COLUMNS, HEADER, sampleTrace } from "../../helpers/sample";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  document.body.replaceChildren();
});

/** The sample's walk, gone on by one pop: hidden·0, which had been passed on in the finish. */
const LONGER_HEADER = { phases: { walk: 4, finish: 0, collect: 2 } };
const LONGER_COLUMNS = { log_offset: [0, 2, 3, 6, 7, 7, 7] };
const longer = () => ({
  header: { ...HEADER, ...LONGER_HEADER },
  columns: asViews({ ...COLUMNS, ...LONGER_COLUMNS }),
});
const shorter = sampleTrace();
const after = sampleTrace(LONGER_HEADER, LONGER_COLUMNS);

const sheet = (el: Element) => el.querySelector<HTMLElement>("[role=dialog][aria-label=Refine]");
const start = (el: Element) => el.querySelector<HTMLButtonElement>(".hw-start");
const pill = (el: Element) => el.querySelector<HTMLElement>(".hw-pill");
const said = (el: Element) => sheet(el)?.querySelector("[aria-live]")?.textContent;

describe("a step in a longer walk", () => {
  it("is the same pop, the moment where the walk goes on, or as many collected positions", () => {
    const [before, now] = [lengthsOf(shorter), lengthsOf(after)];
    expect(before).toEqual([3, 1, 2]);
    expect([0, 1, 2, 3, 4, 5, 6].map((step) => movedStep(step, before, now))).toEqual([0, 1, 2, 3, 3, 5, 6]);
    expect(movedStep(6, [3, 1, 2], [9, 2, 1])).toBe(12);
  });

  it("is kept with its bookmarks, and only where the walk is the same", () => {
    const marks = { bookmarks: [{ step: 6, label: "end" }] };
    const state = { ...DEFAULT_STATE, cursor: { ...DEFAULT_STATE.cursor, step: 4, sub: 2 }, marks };
    expect(carriedOver(state, shorter, after)).toMatchObject({ cursor: { step: 3, sub: 0 }, marks });
    expect(continues(shorter, after)).toBe(false);
    expect(carriedOver(state, after, shorter)).toEqual({});
    const other = sampleTrace({}, { pop_node: [8, 7, 6, 6, 4, 0] });
    expect(continues(other, shorter)).toBe(false);
  });

  it("is told in words", () => {
    expect(outcome(shorter, after)).toBe("1 more pop: exact, before ≤ 27\u202f%.");
    expect(outcome(after, after)).toBe("No pop was added: the heap is empty.");
    expect(outlook(shorter, { kind: "asked" })).toBe("The walk has 3 pops, error ≤ 27\u202f%.");
    expect(outlook(shorter, { kind: "ready", pending: true, said: "" })).toContain("left in the heap");
    expect(outlook(shorter, { kind: "ready", pending: false, said: "" })).toContain(
      "floor of 0.1\u202f% is left; it goes on with a floor of <0.1\u202f%",
    );
  });
});

describe("refining", () => {
  it("asks whether Python is there, and waits for the answer before it can be asked for more", () => {
    const { el, sent, say } = run();
    expect(sent.mock.calls).toEqual([[{ type: "hello" }]]);
    expect(start(el)?.disabled).toBe(true);
    expect(said(el)).toBe("Looking for Python …");
    say({ type: "ready", pending: true, said: "" });
    frame();
    expect(start(el)?.disabled).toBe(false);
  });

  it("sends a small message, shows progress, and goes on with the longer walk where it was", () => {
    const { el, root, sent, say, receiveAll, values } = run({ step: 4 });
    say({ type: "ready", pending: true, said: "" });
    pill(el)?.click();
    frame();
    expect(sheet(el)?.hidden).toBe(false);
    start(el)?.click();
    frame();
    expect(sent.mock.calls.at(-1)).toEqual([{ type: "refine", pops: 1000 }]);
    say({ type: "running", done: 430, of: 1000 });
    frame();
    expect(pill(el)?.textContent).toBe("Refining 43 %");
    expect(pill(el)?.getAttribute("aria-label")).toBe("Refining 43 %");
    expect(said(el)).toBe("430 of 1,000 pops");
    expect(sheet(el)?.querySelector("progress")).toMatchObject({ value: 430, max: 1000, hidden: false });
    expect(start(el)?.disabled).toBe(true);
    receiveAll({ _trace: longer(), n_steps: 6, step: 3 });
    say({ type: "ready", pending: false, said: "" });
    frame();
    expect(root()?.dataset).toMatchObject({ step: "3", steps: "6" });
    expect(sheet(el)?.hidden).toBe(false);
    expect(said(el)).toBe("1 more pop: exact, before ≤ 27\u202f%.");
    expect(start(el)?.disabled).toBe(false);
    expect(values.step).toBe(3);
  });

  it("keeps what was done in the meantime, not what the kernel still thought", () => {
    const { root, receiveAll, values } = run({ step: 1 });
    press(root(), "End");
    press(root(), "b");
    receiveAll({ step: 1, bookmarks: [], n_steps: 6, _trace: longer() });
    frame();
    expect(root()?.dataset.step).toBe("6");
    expect(values).toMatchObject({ step: 6, bookmarks: [{ step: 6, label: "pixel (0,0)" }] });
  });

  it("keeps the focus, and two views in step", () => {
    const { shown, root, receive } = run({ step: 2 }, 2);
    root()?.focus();
    receive("_trace", longer());
    frame();
    expect(document.activeElement).toBe(root());
    const steps = () => shown.map(({ el }) => el.querySelector<HTMLElement>(".heapwidget")?.dataset.step);
    expect(steps()).toEqual(["2", "2"]);
    press(root(), "ArrowRight");
    expect(steps()).toEqual(["3", "3"]);
  });

  it("shows errors as the sentence that Python sent", () => {
    const { el, say } = run();
    say({ type: "ready", pending: false, said: "max_pops must be at least 1, not 0" });
    frame();
    expect(said(el)).toBe("max_pops must be at least 1, not 0");
    expect(start(el)?.disabled).toBe(false);
  });

  it("says why it cannot be: no walk at hand, no answer, a line that is cut", () => {
    const { el, say, sent } = run();
    say({ type: "impossible", reason: "There is no walk." });
    frame();
    expect(said(el)).toBe("There is no walk.");
    expect(pill(el)?.title).toBe("There is no walk.");
    pill(el)?.click();
    vi.advanceTimersByTime(5000);
    expect(said(el)).toContain("Python does not answer");
    expect(start(el)?.disabled).toBe(true);
    say({ type: "ready", pending: true, said: "" });
    frame();
    expect(start(el)?.disabled).toBe(false);
    sent.mockImplementation(() => {
      throw new Error("Cannot send");
    });
    start(el)?.click();
    frame();
    expect(said(el)).toContain("Python does not answer");
  });

  it("does not take Python for gone while it is at work", () => {
    const { el, say } = run();
    say({ type: "ready", pending: true, said: "" });
    start(el)?.click();
    say({ type: "running", done: 500, of: 1000 });
    pill(el)?.click();
    vi.advanceTimersByTime(10_000);
    expect(said(el)).toBe("500 of 1,000 pops");
    vi.advanceTimersByTime(30_000);
    expect(said(el)).toContain("Python does not answer");
  });

  it("is offered for walks alone", () => {
    const { el, sent } = run({
      _trace: { header: { ...HEADER, method: "article" }, columns: asViews(COLUMNS) },
    });
    expect(named(el, "Refine")).toBeNull();
    expect(sent).not.toHaveBeenCalled();
  });
});
