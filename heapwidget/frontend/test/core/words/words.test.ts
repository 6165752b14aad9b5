import { describe, expect, it } from "vitest";
import { colorIndex, colorMap } from "../../../src/core/colour/colormap";
import { Replay } from "../../../src/core/replay/replay";
import { readTrace } from "../../../src/core/trace/read";
import {
  formatBound,
  formatCount,
  formatDigits,
  formatKey,
  formatShare,
  formatValue,
  ordinal,
} from "../../../src/core/words/format";
import { nodeLabel, shorten } from "../../../src/core/words/labels";
import { curveLabel, narrate, plainText, summary } from "../../../src/core/words/narration";
import { asViews } from "../../helpers/columns";
import { percentCases } from "../../helpers/golden";
import { COLUMNS, collectTrace, HEADER, sampleTrace } from "../../helpers/sample";

const plain = (text: string) => text.replaceAll("\u202f", " ");

describe("numbers", () => {
  it.each([
    [0, "0"],
    [0.05284, "0.0528"],
    [0.8, "0.800"],
    [11.257, "11.3"],
    [1234.5, "1,235"],
    [-0.5, "−0.500"],
    [0.0000123, "1.23e−5"],
    [2.5e7, "2.50e7"],
  ])("%f is written %s", (value, text) => expect(formatKey(value)).toBe(text));

  it.each([
    [11.257, "11.26"],
    [2.31, "2.31"],
    [-9.17, "−9.17"],
    [0.05284, "0.0528"],
  ])("the target %f is written %s", (value, text) => expect(formatValue(value)).toBe(text));

  it.each(percentCases())("a share of %f is told as in Python", (share, text, bound, digits) => {
    expect(plain(formatShare(share))).toBe(text);
    if (bound !== null) expect(plain(formatBound(share))).toBe(bound);
    if (digits !== null) expect(plain(formatDigits(share))).toBe(digits);
  });

  it("tells what is no number", () => {
    expect([Number.NaN, -Number.POSITIVE_INFINITY].map((x) => plain(formatBound(x)))).toEqual([
      "NaN %",
      "−∞ %",
    ]);
  });

  it("counts", () => {
    expect([1, 2, 3, 4, 11, 12, 13, 21, 102, 1011].map(ordinal)).toEqual([
      "1st",
      "2nd",
      "3rd",
      "4th",
      "11th",
      "12th",
      "13th",
      "21st",
      "102nd",
      "1,011th",
    ]);
    expect(formatCount(1980)).toBe("1,980");
  });
});

describe("labels", () => {
  const layer = (label: string, shape: number[], box: number[], channel_axis: number | null) => ({
    label,
    op: "x",
    shape,
    box,
    channel_axis,
    reads: [],
    field: null,
  });
  const label = (of: ReturnType<typeof layer>, index: number) => {
    const layers = [{ ...layer("input", [1], [1], null), kind: "strip" }, of];
    const empty = Object.fromEntries(Object.keys(COLUMNS).map((name) => [name, []]));
    const header = { ...HEADER, layers, start: [], phases: { walk: 0, finish: 0, collect: 0 } };
    const columns = { ...empty, log_offset: [0], contribution: [0] };
    return nodeLabel(readTrace(header, asViews(columns)), 1 + index);
  };

  it.each([
    ["conv2·8 (1,0)", layer("conv2", [16, 8, 8], [1, 1, 1], 0), 8 * 64 + 8],
    ["fc1·118", layer("fc1", [120], [1], 0), 118],
    ["conv2 (1,0)", layer("conv2", [16, 8, 8], [16, 1, 1], 0), 8],
    ["conv2·8", layer("conv2", [16, 8, 8], [1, 8, 8], 0), 8],
    ["conv1 (0–3,4–7)", layer("conv1", [6, 24, 24], [6, 4, 4], 0), 1],
    ["conv2", layer("conv2", [16, 8, 8], [16, 8, 8], 0), 0],
    ["tokens (3)", layer("tokens", [5, 8], [1, 8], 1), 3],
    ["edge (8)", layer("edge", [9], [4], null), 2],
  ])("%s", (text, of, index) => expect(label(of, index)).toBe(text));

  it("calls the positions of an image pixels", () => {
    expect(nodeLabel(sampleTrace(), 4)).toBe("pixel (1,1)");
    const layers = HEADER.layers.map((layer, i) => (i === 0 ? { ...layer, kind: "strip" } : layer));
    expect(nodeLabel(sampleTrace({ layers }), 4)).toBe("input (1,1)");
  });

  it("are shortened by whole words, of which the last and a number are kept longest", () => {
    const within = (n: number) => (text: string) => text.length <= n;
    expect(shorten("layer3.0.conv1·118", within(20))).toBe("layer3.0.conv1·118");
    expect(shorten("layer3.0.conv1·118", within(13))).toBe("…0.conv1·118");
    expect(shorten("layer3.0.conv1·118", within(11))).toBe("…conv1·118");
    const deep = "_blocks.15._project_conv.conv";
    expect([28, 19, 15, 10, 7, 4].map((room) => shorten(deep, within(room)))).toEqual([
      "…15._project_conv.conv",
      "_blocks.15…conv",
      "_blocks.15…conv",
      "…15…conv",
      "…conv",
      "…onv",
    ]);
    expect(shorten("layer3.0.conv1·118", within(6))).toBe("…1·118");
  });
});

describe("narration", () => {
  const told = (replay: Replay, step: number) => {
    replay.seek(step);
    return plain(plainText(narrate(replay)));
  };

  it("tells a walk, its finish and what is collected", () => {
    const replay = new Replay(sampleTrace());
    expect([0, 1, 2, 3, 4, 5, 6].map((step) => told(replay, step))).toEqual([
      "Nothing popped yet. The heap holds one node, out<i>, with all of the logit: 8.00.",
      "Pop out<i>: the largest in the heap, 8.00. 2 nodes it draws on enter the heap.",
      "Pop hidden·0: the largest in the heap, 4.00, tied with hidden·1 (the smaller id goes first). " +
        "1 pixel is reached; 13 % of the logit is absorbed.",
      "Pop hidden·1: the largest in the heap, 4.00. 1 node it draws on enters the heap; 2 pixels are reached.",
      "The walk is over after 3 pops. What is left in hidden, 0.500 in all, is passed on at once; 1 pixel is reached. " +
        "Now the 2 pixels form a heap of their own.",
      "Pixel (1,1) has the largest contribution, 4.00.",
      "Pixel (0,0) has the 2nd largest contribution, 3.00. It was the last: the heap is empty.",
    ]);
  });

  it("says which pops made the first positions certain", () => {
    const replay = new Replay(sampleTrace({}, { certain: [0, 1, 2, 2, 2, 2] }));
    expect(told(replay, 2)).toMatch(/The first pixel is certain now: nothing on its way can displace it\.$/);
    expect(told(replay, 3)).toMatch(
      /The first 2 pixels are certain now: nothing on its way can displace them\.$/,
    );
    expect(told(replay, 4)).not.toMatch(/certain/);
    replay.seek(3);
    expect(plain(summary(replay))).toMatch(/error ≤ 27 %, first 2 certain$/);
    expect(plain(curveLabel(replay.trace, 2, 0))).toMatch(/first 1 certain$/);
    expect(plain(curveLabel(replay.trace, 4, 0))).not.toMatch(/certain/);
  });

  it("tells a gradient's pops, smallest first", () => {
    const replay = new Replay(collectTrace([0.5, -2, 0.25], "ascending"));
    expect(told(replay, 0)).toBe(
      "Nothing popped yet. The heap holds 3 input positions; the smallest, input (1) with −2.00, is on top.",
    );
    expect(told(replay, 1)).toBe("Input (1) has the smallest gradient, −2.00.");
    expect(told(replay, 2)).toBe("Input (2) has the 2nd smallest gradient, 0.250.");
  });

  it("tells the parts of a negative target, the largest of which is the lowest", () => {
    const header = {
      target: { label: "7", index: 7, value: -8 },
      collect_order: "ascending",
      method: "relevance",
      conserved: true,
    };
    const replay = new Replay(collectTrace([-5, 1, -4], "descending", header));
    expect([0, 1, 3].map((step) => told(replay, step))).toEqual([
      "Nothing popped yet. The heap holds 3 input positions; the smallest, input (0) with −5.00, is on top.",
      "Input (0) has the smallest contribution, −5.00: the logit is negative, so what lowers it most comes first.",
      "Input (1) has the 3rd smallest contribution, 1.00. It was the last: the heap is empty.",
    ]);
  });

  it("says so where nothing reaches the floor, and where a node comes again", () => {
    const trace = sampleTrace(
      { phases: { walk: 4, finish: 0, collect: 2 } },
      { log_offset: [0, 2, 3, 6, 6, 6, 6], log_node: [6, 7, 0, 4, 5, 6], log_key: [4, 4, 3, 2, 0, 0.5] },
    );
    const replay = new Replay(trace);
    expect(told(replay, 4)).toBe(
      "Pop hidden·0 again: the largest in the heap, 0.500. Nothing it draws on reaches the floor of 0.1 %. " +
        "It was popped before, at step 2; this has reached it since. Now the 2 pixels form a heap of their own.",
    );
  });

  it("names the popped node apart from the others", () => {
    const replay = new Replay(sampleTrace());
    replay.seek(2);
    const kinds = narrate(replay).filter((part) => part.kind);
    expect(kinds).toEqual([
      { text: "hidden·0", kind: "popped" },
      { text: "hidden·1", kind: "node" },
    ]);
  });
});

describe("the title line", () => {
  const titles = (replay: Replay, steps: number[]) =>
    steps.map((step) => {
      replay.seek(step);
      return plain(summary(replay));
    });

  it("counts the target's parts", () => {
    expect(titles(new Replay(sampleTrace()), [0, 2, 3, 4])).toEqual([
      "logit 8 · relevance, z⁺ · 0 % on pixels",
      "logit 8 · relevance, z⁺ · 38 % on pixels, 13 % absorbed, error ≤ 50 %",
      "logit 8 · relevance, z⁺ · 63 % on pixels, 13 % absorbed, error ≤ 27 %",
      "logit 8 · relevance, z⁺ · 88 % on pixels, 13 % absorbed, exact",
    ]);
  });

  it("certifies nothing where nothing walked", () => {
    const header = { method: "integrated_gradients", rule: null, phases: { walk: 0, finish: 0, collect: 2 } };
    const short = Object.fromEntries(
      Object.entries(COLUMNS).map(([name, values]) => [name, values.slice(4)]),
    );
    const columns = {
      ...short,
      log_offset: [0, 0, 0],
      log_node: [],
      log_key: [],
      contribution: COLUMNS.contribution,
    };
    expect(titles(new Replay(sampleTrace(header, columns as Record<string, number[]>)), [1])).toEqual([
      "logit 8 · integrated gradients · 88 % on pixels, 13 % absorbed",
    ]);
  });

  it("takes the parts of a negative target as its parts", () => {
    const negative = { target: { label: "7", index: 7, value: -8 } };
    const columns = { explained: [0, -3, -5, -7, -7, -7], absorbed: [0, 0, 0, 0, 0, 0] };
    expect(titles(new Replay(sampleTrace(negative, columns)), [4])).toEqual([
      "logit −8 · relevance, z⁺ · 88 % on pixels, exact",
    ]);
  });

  it("says what the scores lie below", () => {
    const ended = { target: { label: "7", index: 7, value: 8, below: "log_softmax" } };
    expect(titles(new Replay(sampleTrace(ended)), [0])).toEqual([
      "logit 8 below its log softmax · relevance, z⁺ · 0 % on pixels",
    ]);
  });

  it("claims no shares where none are conserved", () => {
    expect(titles(new Replay(collectTrace([1, 2], "ascending")), [1])).toEqual([
      "output 1 · gradient of the output, smallest first, keys are not shares",
    ]);
  });
});

describe("colour maps", () => {
  it("run from one end to the other, and are neutral in the middle where signed", () => {
    expect([colorIndex(0, 2, false), colorIndex(2, 2, false), colorIndex(9, 2, false)]).toEqual([
      0, 255, 255,
    ]);
    expect([colorIndex(-2, 2, true), colorIndex(2, 2, true)]).toEqual([0, 255]);
    const map = colorMap(false, true);
    expect(Math.abs((map[3 * 128] ?? 0) - (map[3 * 128 + 2] ?? 0))).toBeLessThan(16);
    expect([...colorMap(false, false).subarray(0, 3)]).toEqual([0xff, 0xed, 0xa0]);
  });
});
