import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ROUTINES } from "../src/core/code";
import { Heap } from "../src/core/heap";
import { plainText } from "../src/core/narration";
import { Replay } from "../src/core/replay";
import { SlowHeap, type SubStep } from "../src/core/slowheap";
import { narrateSubStep } from "../src/core/slowwords";
import { SlowPop } from "../src/core/substeps";
import { readTrace } from "../src/core/trace";
import { asViews } from "./columns";
import { traceCases } from "./golden";
import { sampleTrace } from "./sample";

type Event = readonly [routine: string, line: number, kind: "compare" | "write", array: readonly number[]];

interface Golden {
  readonly routines: Readonly<Record<string, readonly string[]>>;
  readonly cases: readonly {
    readonly ops: readonly (readonly ["push" | "rekey" | "pop", number, number])[];
    readonly events: readonly (readonly Event[])[];
  }[];
}

const path = fileURLToPath(new URL("../../../tests/golden/substeps.json", import.meta.url));
const golden = JSON.parse(readFileSync(path, "utf8")) as Golden;
const empty = { nodes: new Uint32Array(), ranks: new Float64Array() };

function run(heap: SlowHeap, [kind, key, node]: Golden["cases"][number]["ops"][number]): Generator<SubStep> {
  if (kind === "pop") return heap.pop();
  return kind === "push" ? heap.push(heap.item(node, key)) : heap.rekey(heap.item(node, key));
}

it("shows the code that was recorded", () => {
  expect(ROUTINES).toEqual(golden.routines);
});

it.each(golden.cases.map((c, i) => [i, c] as const))(
  "case %i: each sub-step compares or writes as CPython does, on the same line, and leaves the same array",
  (_, { ops, events }) => {
    const heap = new SlowHeap(empty, true);
    ops.forEach((op, i) => {
      const found: Event[] = [];
      for (const { at, write, size } of run(heap, op)) {
        const kind = write || size[0] !== size[1] ? "write" : "compare";
        found.push([at.routine, at.line, kind, heap.array]);
      }
      expect(found).toEqual(events[i]);
    });
  },
);

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
    const fast = new Heap(40, run % 2 === 0);
    const slow = new SlowHeap(empty, run % 2 === 0);
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
      expect(slow.array).toEqual(contents(fast));
    }
  }
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

  it("has none where a whole layer is passed on", () => {
    expect(said(3)).toEqual([]);
  });
});
