// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Session } from "../../../src/core/session/session";
import { type Lengths, linkWords, placeAt, sharedBy, stepAt } from "../../../src/core/session/timeline";
import type { Change } from "../../../src/core/session/viewstate";
import { readInput } from "../../../src/core/trace/input";
import { frame, named, press, run } from "../../helpers/mount";
import { collectTrace, sampleTrace } from "../../helpers/sample";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  document.body.replaceChildren();
});

const WALK: Lengths = [300, 4, 60];
const SHORT: Lengths = [120, 6, 90];
const COLLECT: Lengths = [0, 0, 80];

describe("a shared timeline", () => {
  const shared = sharedBy([WALK, SHORT, COLLECT]);

  it("has room for the longest of each phase", () => {
    expect(shared).toEqual([300, 6, 90]);
  });

  it("matches the same pop of the same phase; a shorter phase waits at its end", () => {
    const steps = (own: Lengths) =>
      [0, 50, 120, 121, 300, 301, 306, 316, 396].map((at) => stepAt(at, own, shared));
    expect(steps(WALK)).toEqual([0, 50, 120, 121, 300, 301, 304, 314, 364]);
    expect(steps(SHORT)).toEqual([0, 50, 120, 120, 120, 121, 126, 136, 216]);
    expect(steps(COLLECT)).toEqual([0, 0, 0, 0, 0, 0, 0, 10, 80]);
  });

  it.each([WALK, SHORT, COLLECT])("leads from a step of %j to a place, and back to the step", (...own) => {
    for (let step = 0; step <= own[0] + own[1] + own[2]; step++) {
      expect(stepAt(placeAt(step, own, shared), own, shared)).toBe(step);
    }
  });

  it("says who waits, and why", () => {
    expect(linkWords(50, 50, SHORT, shared)).toBe("Linked: both show the same pop of the same phase.");
    expect(linkWords(120, 200, SHORT, shared)).toContain(
      "This one waits: the walk here ended after 120 steps.",
    );
    expect(linkWords(0, 200, COLLECT, shared)).toContain("This one waits: there is no walk here.");
    expect(linkWords(304, 305, WALK, shared)).toContain("the finish here ended after 4 steps.");
  });
});

describe("sessions on one cursor", () => {
  const all: Session[] = [];
  const open = (keys: number | null, state: Change = {}) => {
    const trace = keys === null ? sampleTrace() : collectTrace(Array.from({ length: keys }, (_, i) => i));
    const session = new Session(trace, readInput(null, trace), { shared: { link: "pair" }, ...state });
    all.push(session);
    return session;
  };
  const steps = () => all.map((session) => session.state.cursor.step);
  afterEach(() => {
    for (const session of all.splice(0)) session.destroy();
  });

  it("move together, whoever is moved", () => {
    const [a, b] = [open(null), open(5)];
    expect([a.state.shared.companions, b.state.shared.companions]).toEqual([1, 1]);
    a.seek(2);
    expect(steps()).toEqual([2, 0]);
    a.seek(5);
    expect(steps()).toEqual([5, 1]);
    b.move(3);
    expect(steps()).toEqual([6, 4]);
    b.seek(0);
    expect(steps()).toEqual([0, 0]);
  });

  it("leave those alone that bear another word, or none", () => {
    const [a] = [open(9), open(9, { shared: { link: "other" } }), open(9, { shared: { link: "" } })];
    a.seek(4);
    expect(steps()).toEqual([4, 0, 0]);
    expect(all.map((session) => session.state.shared.companions)).toEqual([0, 0, 0]);
  });

  it("begin where the others are", () => {
    const a = open(9);
    a.seek(4);
    open(9, { cursor: { step: 7 } });
    expect(steps()).toEqual([4, 4]);
  });

  it("have one clock, and nobody is left behind at the end of a phase", () => {
    const [a] = [open(3, { play: { interval: 50 } }), open(null), open(6)];
    a.toggle();
    expect(vi.getTimerCount()).toBe(1);
    expect(all.map((session) => session.state.play.playing)).toEqual([true, true, true]);
    vi.advanceTimersByTime(160);
    expect(steps()).toEqual([0, 3, 0]);
    vi.advanceTimersByTime(150);
    expect(steps()).toEqual([2, 6, 2]);
    vi.advanceTimersByTime(1000);
    expect(steps()).toEqual([3, 6, 6]);
    expect(all.map((session) => session.state.play.playing)).toEqual([false, false, false]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("stop wherever pause is pressed, and play on from there", () => {
    const [a, b] = [open(50), open(80)];
    a.toggle();
    vi.advanceTimersByTime(510);
    b.toggle();
    expect(vi.getTimerCount()).toBe(0);
    expect(steps()).toEqual([5, 5]);
    b.toggle();
    vi.advanceTimersByTime(10_000);
    expect(steps()).toEqual([50, 80]);
    a.toggle();
    expect(steps()).toEqual([0, 0]);
  });

  it("share the speed and begin again together", () => {
    const [a, b] = [open(2, { play: { loop: true } }), open(3)];
    b.update({ play: { interval: 40 } });
    expect(a.state.play.interval).toBe(40);
    a.toggle();
    vi.advanceTimersByTime(130);
    expect(steps()).toEqual([2, 3]);
    vi.advanceTimersByTime(40);
    expect(steps()).toEqual([0, 0]);
    vi.advanceTimersByTime(40);
    expect(steps()).toEqual([1, 1]);
  });

  it("part when one leaves", () => {
    const [a, b] = [open(9), open(20)];
    b.seek(15);
    expect(steps()).toEqual([9, 15]);
    b.update({ shared: { link: "" } });
    expect([a.state.shared.companions, a.state.shared.lengths]).toEqual([0, [0, 0, 9]]);
    expect(a.state.cursor.place).toBe(9);
    a.seek(1);
    expect(steps()).toEqual([1, 15]);
    a.destroy();
    expect(open(9).state.shared.companions).toBe(0);
  });
});

describe("widgets on one cursor", () => {
  it("go on together though each has its own copy of the program, and the kernel hears of both", () => {
    const [a, b] = [run({ link: "w" }), run({ link: "w" })];
    press(a.root(), "ArrowRight");
    frame();
    expect(b.root()?.dataset.step).toBe("1");
    vi.advanceTimersByTime(300);
    expect(b.values.step).toBe(1);
    expect(b.el.querySelector<HTMLElement>(".hw-linked")?.textContent).toContain("the same pop");
    b.receive("step", 4);
    frame();
    expect(a.root()?.dataset.step).toBe("4");
    named(a.el, "Play")?.click();
    frame();
    expect(named(b.el, "Pause")).not.toBeNull();
    for (const { stop } of [a, b]) stop();
  });

  it("are linked and let go from Python", () => {
    const [a, b] = [run(), run()];
    a.receive("link", "later");
    b.receive("link", "later");
    a.receive("step", 3);
    frame();
    expect(b.root()?.dataset.step).toBe("3");
    b.receive("link", "");
    a.receive("step", 1);
    frame();
    expect(b.root()?.dataset.step).toBe("3");
    for (const { stop } of [a, b]) stop();
  });
});
