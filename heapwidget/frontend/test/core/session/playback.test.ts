import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Playback } from "../../../src/core/session/playback";
import { Session } from "../../../src/core/session/session";
import { readInput } from "../../../src/core/trace/input";
import { collectTrace } from "../../helpers/sample";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const session = (n: number) => {
  const trace = collectTrace(Array.from({ length: n }, (_, i) => i));
  return new Session(trace, readInput(null, trace));
};

describe("playback", () => {
  it("takes one pop an interval, and stops when told that the end is reached", () => {
    const steps: number[] = [];
    const playback = new Playback(100, (n) => steps.push(n) < 3);
    playback.start();
    vi.advanceTimersByTime(250);
    expect(steps).toEqual([1, 1]);
    vi.advanceTimersByTime(1000);
    expect(steps).toEqual([1, 1, 1]);
  });

  it.each([
    [10, [2, 3, 3, 3]],
    [100, [1, 1, 1, 1]],
  ])(
    "keeps its pace on a slow page if play is fast, and leaves no pop out if it is slow: %i ms",
    (interval, wanted) => {
      const steps: number[] = [];
      const playback = new Playback(interval, (n) => {
        // Drawing takes ten milliseconds.
        vi.advanceTimersByTime(10);
        return steps.push(n) < wanted.length;
      });
      playback.start();
      vi.advanceTimersByTime(1000);
      expect(steps).toEqual(wanted);
    },
  );

  it.each([1_000, 60_000])("keeps its pace behind another page, where timers fire every %i ms", (late) => {
    let at = 0;
    const advance = (n: number) => {
      at += n;
      return true;
    };
    const playback = new Playback(100, advance, () => true);
    const before = performance.now();
    playback.start();
    for (let i = 0; i < 5; i++) {
      // The clock goes on while the timer is held back.
      vi.spyOn(performance, "now").mockReturnValue(before + late * (i + 1));
      vi.advanceTimersToNextTimer();
    }
    expect(at).toBe((5 * late) / 100);
  });

  it("does not make up for a night in which the machine slept", () => {
    let at = 0;
    const advance = (n: number) => {
      at += n;
      return true;
    };
    const playback = new Playback(100, advance, () => true);
    const before = performance.now();
    playback.start();
    vi.spyOn(performance, "now").mockReturnValue(before + 8 * 3_600_000);
    vi.advanceTimersToNextTimer();
    expect(at).toBe(650);
  });

  it("takes several pops a tick where the interval is shorter than a tick", () => {
    let at = 0;
    const playback = new Playback(3, (n) => {
      at += n;
      return true;
    });
    playback.start();
    vi.advanceTimersByTime(600);
    expect(at).toBe(200);
    playback.stop();
    vi.advanceTimersByTime(600);
    expect(at).toBe(200);
    expect(playback.running).toBe(false);
  });

  it("changes its speed while it runs", () => {
    let at = 0;
    const playback = new Playback(100, (n) => {
      at += n;
      return true;
    });
    playback.start();
    vi.advanceTimersByTime(200);
    playback.interval = 50;
    vi.advanceTimersByTime(200);
    expect(at).toBe(6);
    expect(vi.getTimerCount()).toBe(1);
  });
});

describe("a session", () => {
  it("has one clock, plays to the end and stops there", () => {
    const one = session(5);
    one.subscribe(() => undefined);
    one.subscribe(() => undefined);
    one.update({ play: { playing: true } });
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(300);
    expect(one.state.cursor.step).toBe(3);
    vi.advanceTimersByTime(1000);
    expect(one.state).toMatchObject({ cursor: { step: 5 }, play: { playing: false } });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("plays again from the beginning", () => {
    const one = session(5);
    one.seek(5);
    one.toggle();
    expect(one.state).toMatchObject({ cursor: { step: 0 }, play: { playing: true } });
  });

  it("keeps the step within the trace, and nodes among those there are", () => {
    const one = session(5);
    one.seek(99);
    expect(one.state.cursor.step).toBe(5);
    one.seek(-3);
    expect(one.state.cursor.step).toBe(0);
    one.update({ picked: { selected: 77 }, play: { interval: -5 } });
    expect(one.state).toMatchObject({ picked: { selected: null }, play: { interval: 100 } });
  });

  it("stops playing when someone seeks", () => {
    const one = session(5);
    one.toggle();
    one.seek(2);
    expect(one.state.play.playing).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("lets the clock run once when someone seeks from within a tick", () => {
    const one = session(50);
    one.subscribe(({ cursor }) => cursor.step === 2 && one.update({ play: { interval: 40 } }));
    one.toggle();
    vi.advanceTimersByTime(200);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(80);
    expect(one.state.cursor.step).toBe(4);
  });

  it("tells nobody of what is no change", () => {
    const one = session(5);
    const heard = vi.fn();
    one.subscribe(heard);
    one.update({ cursor: { step: 0 }, picked: { hovered: null } });
    expect(heard).not.toHaveBeenCalled();
  });
});
