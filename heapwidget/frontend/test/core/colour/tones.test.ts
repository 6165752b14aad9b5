import { describe, expect, it } from "vitest";
import { colorIndex, colorMap } from "../../../src/core/colour/colormap";
import { modesOf, naturalMode, Tone, Tones, toneColors } from "../../../src/core/colour/tones";
import { Replay } from "../../../src/core/replay/replay";
import { readInput } from "../../../src/core/trace/input";
import { readTrace } from "../../../src/core/trace/read";
import { asViews } from "../../helpers/columns";
import { traceCases } from "../../helpers/golden";
import { COLUMNS, collectTrace, HEADER, sampleTrace } from "../../helpers/sample";

function at(trace: ReturnType<typeof sampleTrace>, step: number) {
  const replay = new Replay(trace);
  replay.seek(step);
  return { replay, tones: new Tones(replay, readInput(null, trace)) };
}
const golden = (name: string) => {
  const found = traceCases().find(([file]) => file === `trace_${name}.json`)?.[1];
  return readTrace(found?.header, asViews(found?.columns ?? {}));
};

describe("contributions", () => {
  it("are those of the replay, on the scale of the end", () => {
    const { tones } = at(sampleTrace(), 3);
    expect(tones.update("contribution")).toEqual({
      mode: "contribution",
      signed: false,
      scale: 4,
      clipped: false,
    });
    expect([...tones.values]).toEqual([3, 0, 0, 0, 2, 0]);
    expect([...tones.tones]).toEqual([
      Tone.first + colorIndex(3, 4, false),
      0,
      0,
      0,
      Tone.first + colorIndex(2, 4, false),
      0,
    ]);
  });

  it("are the keys in the heap where the input lies in it from the start", () => {
    const trace = golden("five_steps");
    expect(trace.inputInHeap).toBe(true);
    const { replay, tones } = at(trace, 2);
    tones.update("contribution");
    for (let p = 0; p < trace.inputCount; p++) {
      const cell = replay.heap.cellOf(p);
      expect(tones.values[p]).toBe(cell >= 0 ? replay.heap.keyAt(cell) : replay.input[p]);
    }
    expect(tones.values.some((value) => value !== 0)).toBe(true);
  });

  it("are all keys, whatever the step, where nothing walks", () => {
    const { tones } = at(collectTrace([2, -5, 0, 1]), 1);
    expect(tones.update("contribution")).toMatchObject({ signed: true, scale: 5 });
    expect([...tones.values]).toEqual([2, -5, 0, 1]);
    expect(tones.tones[1]).toBe(Tone.first);
    expect(tones.tones[2]).toBe(Tone.none);
  });
});

describe("the frontier", () => {
  it("adds what is in the heap to what has arrived, and loses nothing", () => {
    const { tones } = at(sampleTrace(), 2);
    // Pixel 0 holds 3; the node in the heap holds 4 and sees all six.
    tones.update("frontier");
    expect([...tones.values].map((v) => Number(v.toFixed(4)))).toEqual([
      3.6667, 0.6667, 0.6667, 0.6667, 0.6667, 0.6667,
    ]);
  });

  it("is pale where nothing is known yet, and has the colours of the end in the end", () => {
    const { tones } = at(sampleTrace(), 0);
    expect(tones.update("frontier")).toMatchObject({ scale: (8 * 8) / 6, clipped: false });
    expect(new Set(tones.tones).size).toBe(1);
    const end = at(sampleTrace(), 4).tones;
    expect(end.update("frontier").scale).toBe(4);
    const last = [...end.tones];
    end.update("contribution");
    expect([...end.tones]).toEqual(last);
  });

  it("is negative where all contributions are, and a magnitude where they have both signs", () => {
    const negative = golden("negative");
    const { tones } = at(negative, Math.floor(negative.walkEnd / 2));
    expect(tones.update("frontier").signed).toBe(true);
    expect(Math.max(...tones.values)).toBeLessThanOrEqual(0);
    expect(Math.min(...tones.values)).toBeLessThan(0);
    const signed = golden("signed");
    expect(signed.walkEnd).toBeGreaterThan(0);
    const mixed = at(signed, 1).tones;
    expect(mixed.update("frontier").signed).toBe(false);
    expect(Math.min(...mixed.values)).toBeGreaterThanOrEqual(0);
  });
});

describe("popped positions", () => {
  it("are coloured by rank, the first the strongest", () => {
    const { replay, tones } = at(sampleTrace(), 5);
    expect(tones.update("popped")).toEqual({ mode: "popped", signed: false, scale: 2, clipped: false });
    expect([...tones.tones]).toEqual([0, 0, 0, 0, Tone.first + 255, 0]);
    replay.seek(6);
    tones.update("popped");
    expect([...tones.tones]).toEqual([Tone.first + 128, 0, 0, 0, Tone.first + 255, 0]);
    expect([...tones.values]).toEqual([3, 0, 0, 0, 4, 0]);
  });

  it("keep what was popped with nothing apart", () => {
    const { tones } = at(collectTrace([2, 0, -1]), 3);
    tones.update("popped");
    expect([...tones.tones]).toEqual([Tone.first + 255, Tone.idle, Tone.first + 85]);
  });

  it("are ranked as the walk pops them where the input is in its heap", () => {
    const trace = golden("five_steps");
    const { tones } = at(trace, trace.steps);
    const order = [...trace.popNode].filter((node) => node < trace.inputCount);
    expect(order.length).toBe(trace.inputCount);
    expect(order.map((node) => tones.ranks.rank[node])).toEqual(order.map((_, i) => i + 1));
    expect(order.every((node) => trace.popNode[tones.ranks.row[node] as number] === node)).toBe(true);
    const [first] = order as [number];
    const row = tones.ranks.row[first] as number;
    expect([tones.ranks.has(first, row), tones.ranks.has(first, row + 1)]).toEqual([false, true]);
  });
});

describe("modes", () => {
  it("go with the phases", () => {
    const trace = sampleTrace();
    expect([0, 3, 4, 5].map((step) => naturalMode(at(trace, step).replay))).toEqual([
      "contribution",
      "contribution",
      "contribution",
      "popped",
    ]);
    expect(naturalMode(at(collectTrace([1, 2]), 0).replay)).toBe("popped");
    expect(naturalMode(at(golden("five_steps"), 0).replay)).toBe("popped");
  });

  it("have a frontier only where relevance is moved", () => {
    expect(modesOf(at(sampleTrace(), 0).replay)).toEqual(["contribution", "frontier", "popped"]);
    expect(modesOf(at(collectTrace([1]), 0).replay)).toEqual(["contribution", "popped"]);
    expect(modesOf(at(golden("five_steps"), 0).replay)).toEqual(["contribution", "popped"]);
  });

  it("know where a position stands", () => {
    const { tones } = at(sampleTrace(), 3);
    expect([0, 1, 4].map((p) => tones.contribution(p))).toEqual([3, 0, 2]);
    expect([0, 1, 4].map((p) => tones.finalKey(p))).toEqual([3, null, 4]);
    expect(HEADER.phases.collect).toBe(COLUMNS.pop_node?.length === 6 ? 2 : 0);
  });
});

describe("the colours of tones", () => {
  const legend = { mode: "contribution", signed: true, scale: 1, clipped: false } as const;

  it("are those of the map, opaque on paper", () => {
    const [map, colors] = [colorMap(false, true), toneColors(legend, false, false)];
    for (const index of [0, 127, 255])
      expect([...colors.subarray(4 * (Tone.first + index), 4 * (Tone.first + index) + 4)]).toEqual([
        ...map.subarray(3 * index, 3 * index + 3),
        255,
      ]);
    expect(colors[3]).toBe(0);
  });

  it("leave a photograph visible where they are pale", () => {
    const colors = toneColors(legend, true, true);
    const opacity = (index: number) => colors[4 * (Tone.first + index) + 3] as number;
    expect(opacity(127)).toBeLessThan(20);
    expect([opacity(0), opacity(255)]).toEqual([230, 230]);
    expect(toneColors({ ...legend, signed: false }, true, true)[4 * Tone.first + 3]).toBe(13);
  });
});
