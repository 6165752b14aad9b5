import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Heap } from "../../../src/core/replay/heap";
import { largestFirst, smallestFirst } from "../../../src/core/replay/order";
import { Replay } from "../../../src/core/replay/replay";
import { ROUTINES } from "../../../src/core/slow/routines";
import { SlowHeap, type SubStep } from "../../../src/core/slow/slowheap";
import { SlowPop, type SlowStep } from "../../../src/core/slow/slowpop";
import { readTrace } from "../../../src/core/trace/read";
import { formatApart } from "../../../src/core/words/format";
import { plainText } from "../../../src/core/words/narration";
import { narrateSubStep } from "../../../src/core/words/slowwords";
import { asViews } from "../../helpers/columns";
import { read, traceCases } from "../../helpers/golden";
import { sampleTrace } from "../../helpers/sample";

type Shown = number | boolean | { readonly node: number };
type Event = readonly [
  routine: string,
  line: number,
  kind: "compare" | "write",
  array: readonly number[],
  variables: Readonly<Record<string, Shown>>,
];
type Op = readonly ["push" | "rekey" | "pop", number, number];

interface Golden {
  readonly routines: Readonly<Record<string, readonly string[]>>;
  readonly cases: readonly { readonly ops: readonly Op[]; readonly events: readonly (readonly Event[])[] }[];
  /** A number for each of a thousand sequences. */
  readonly digests: readonly number[];
}

const golden = read("substeps.json") as Golden;
const KINDS = ["push", "push", "rekey", "pop"] as const;
const empty = { nodes: new Uint32Array(), keys: new Float64Array() };

function run(heap: SlowHeap, [kind, key, node]: Op): Generator<SubStep> {
  if (kind === "pop") return heap.pop();
  return kind === "push" ? heap.push(heap.item(node, key)) : heap.rekey(heap.item(node, key));
}

/** What an operation does, as Python recorded it. */
function eventsOf(heap: SlowHeap, op: Op): Event[] {
  const events: Event[] = [];
  for (const { at, write, size, variables } of run(heap, op)) {
    const kind = write || size[0] !== size[1] ? "write" : "compare";
    const shown = Object.entries(variables)
      .map(([name, value]) => [name, typeof value === "object" ? { node: value.node } : value] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    events.push([at.routine, at.line, kind, heap.array, Object.fromEntries(shown)]);
  }
  return events;
}

/** The events of a random sequence, drawn with the same numbers as in Python. */
function randomEvents(seed: number, length: number): Event[][] {
  let state = seed + 1;
  const draw = () => {
    state = (state * 48271) % 2147483647;
    return Math.floor(state / 8);
  };
  const heap = new SlowHeap(empty, smallestFirst);
  let held: number[] = [];
  return Array.from({ length }, (_, node) => {
    const kind = KINDS[draw() % 4];
    const rank = (draw() % 9) / 8;
    if (kind === "push" || held.length === 0) {
      held.push(node);
      return eventsOf(heap, ["push", rank, node]);
    }
    if (kind === "rekey") return eventsOf(heap, ["rekey", rank, held[draw() % held.length] as number]);
    const top = heap.nodeAt(0);
    held = held.filter((other) => other !== top);
    return eventsOf(heap, ["pop", 0, 0]);
  });
}

it("shows the code that was recorded", () => {
  expect(ROUTINES).toEqual(golden.routines);
});

it.each(golden.cases.map((c, i) => [i, c] as const))(
  "case %i: each sub-step compares or writes as CPython does, on the same line, with the same variables and array",
  (i, { ops, events }) => {
    const heap = new SlowHeap(empty, smallestFirst);
    expect(ops.map((op) => eventsOf(heap, op))).toEqual(events);
    expect(randomEvents(i, ops.length)).toEqual(events);
  },
);

it("does so in a thousand random sequences", () => {
  expect(golden.digests.length).toBe(1000);
  const found = golden.digests.map((_, seed) => crc32(JSON.stringify(randomEvents(seed, 40))));
  expect(found).toEqual(golden.digests);
});

describe.each(traceCases())("%s", (_, file) => {
  const trace = readTrace(file.header, asViews(file.columns));
  const replay = new Replay(trace);
  const next = new Replay(trace);

  it("leads from each state to the next, forwards and backwards", () => {
    for (let step = 0; step < Math.min(trace.steps, 60); step++) {
      if (step + 1 === trace.finishEnd || (step >= trace.walkEnd && step < trace.finishEnd)) continue;
      replay.seek(step);
      next.seek(step + 1);
      const pop = new SlowPop(replay);
      const before = pop.heap.array;
      expect(before).toEqual(contents(replay.heap));
      const arrays = pop.steps.map((_, i) => {
        pop.seek(i + 1);
        return pop.heap.array;
      });
      expect(pop.heap.array).toEqual(contents(next.heap));
      for (let i = pop.steps.length - 1; i > 0; i--) {
        pop.seek(i);
        expect(pop.heap.array).toEqual(arrays[i - 1]);
        const shown = Array.from({ length: pop.heap.size }, (_, cell) => pop.heap.nodeAt(cell));
        expect(new Set(shown).size).toBe(shown.length);
      }
      pop.seek(0);
      expect(pop.heap.array).toEqual(before);
    }
  });
});

const contents = (heap: Heap) => Array.from({ length: heap.size }, (_, cell) => heap.nodeAt(cell));

it("agrees with the fast heap on a thousand random sequences", () => {
  let seed = 1;
  const random = () => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  };
  for (let run = 0; run < 1000; run++) {
    const order = run % 2 === 0 ? smallestFirst : largestFirst;
    const fast = new Heap(40, order);
    const slow = new SlowHeap(empty, order);
    for (let node = 0; node < 40; node++) {
      const key = Math.floor(random() * 9) / 8;
      const choice = random();
      const all = (steps: Generator<SubStep>) => [...steps].length;
      if (choice < 0.5 || fast.size === 0) {
        fast.push(node, key);
        all(slow.push(slow.item(node, key)));
      } else if (choice < 0.75) {
        const old = fast.nodeAt(Math.floor(random() * fast.size));
        fast.rekey(old, key);
        all(slow.rekey(slow.item(old, key)));
      } else {
        fast.pop();
        all(slow.pop());
      }
      expect(slow.array.join()).toBe(contents(fast).join());
    }
  }
});

/** A trace of one row that pops the output and logs these keys. */
const oneRow = (keys: number[], nodes = [6, 7]) => ({
  pop_node: [8],
  pop_mass: [8],
  explained: [0],
  absorbed: [0],
  dust: [0],
  bound: [8],
  certain: [0],
  log_offset: [0, keys.length],
  log_node: nodes,
  log_key: keys,
});

describe("the sentences", () => {
  const said = (step: number) => {
    const replay = new Replay(sampleTrace());
    replay.seek(step);
    const pop = new SlowPop(replay);
    return pop.steps.map((sub) => plainText(narrateSubStep(replay.trace, pop, sub)));
  };

  it("tell what is compared and what moves", () => {
    expect(said(0)).toEqual([
      "Pop out<i>. The last cell gives up out<i>, 8.00.",
      "Push hidden·0 (1 of 2). It enters at the end, in cell 0, with 4.00.",
      "Push hidden·0 (1 of 2). hidden·0 is put on top.",
      "Push hidden·1 (2 of 2). It enters at the end, in cell 1, with 4.00.",
      "Push hidden·1 (2 of 2). Against its parent hidden·0: 4.00 both, the larger id: it stays below.",
      "Push hidden·1 (2 of 2). hidden·1 is put into cell 1.",
    ]);
    expect(said(1)).toEqual([
      "Pop hidden·0. The last cell gives up hidden·1, 4.00.",
      "Pop hidden·0. hidden·1 takes the place of the popped node on top.",
      "Pop hidden·0. There is no child: hidden·1 is put on top, and may rise from there.",
      "Pop hidden·0. hidden·1 is put on top.",
    ]);
  });

  it("tell keys apart that look the same in three digits, and ids where keys are the same", () => {
    expect(formatApart(0.04171, 0.04174)).toEqual(["0.04171", "0.04174"]);
    expect(formatApart(-2.5, 3)).toEqual(["\u22122.50", "3.00"]);
    const near = (a: number, b: number) => {
      const trace = sampleTrace({ phases: { walk: 1, finish: 0, collect: 0 } }, oneRow([a, b]));
      const pop = new SlowPop(new Replay(trace));
      return pop.steps.map((sub) => plainText(narrateSubStep(trace, pop, sub)));
    };
    expect(near(4, 4.00001)[4]).toContain(
      "Against its parent hidden·0: 4.00001 > 4.00000: the parent is to move down.",
    );
    expect(near(4, 4)[4]).toContain("4.00 both, the larger id: it stays below.");
  });

  it("tell what a new key leads to", () => {
    const rekeyed = (key: number) => {
      const start = [
        [7, 5],
        [8, 8],
        [6, 4],
      ];
      const trace = sampleTrace({ start, phases: { walk: 1, finish: 0, collect: 0 } }, oneRow([key], [6]));
      const pop = new SlowPop(new Replay(trace));
      const ask = pop.steps.find((sub) => sub.deed.kind === "ask") as SlowStep;
      return plainText(narrateSubStep(trace, pop, ask));
    };
    expect(rekeyed(4.5)).toBe("Re-key hidden·0. New key and old: 4.50 > 4.00: it may rise.");
    expect(rekeyed(3)).toBe(
      "Re-key hidden·0. New key and old: 3.00 < 4.00: it goes down to a leaf, and may rise from there.",
    );
    expect(rekeyed(4)).toBe(
      "Re-key hidden·0. The new key is the old one, 4.00: it goes down to a leaf, and may rise from there.",
    );
  });

  it("has none where a whole layer is passed on", () => {
    expect(said(3)).toEqual([]);
  });
});
