import { describe, expect, it } from "vitest";
import { strongestFlows } from "../../../src/core/replay/flows";
import { Messages, TARGET } from "../../../src/core/replay/messages";
import { Replay } from "../../../src/core/replay/replay";
import { readTrace } from "../../../src/core/trace/read";
import { asViews } from "../../helpers/columns";
import { flowCases, traceCases } from "../../helpers/golden";
import { collectTrace, sampleTrace } from "../../helpers/sample";

const golden = new Map(
  traceCases().map(([name, { header, columns }]) => [
    name.replace(".json", ""),
    readTrace(header, asViews(columns)),
  ]),
);

describe("the messages of a walk", () => {
  it("are the changes of the keys", () => {
    const messages = new Messages(sampleTrace());
    expect([...messages.amount]).toEqual([4, 4, 3, 2, 0, 0.5]);
    expect([...messages.row]).toEqual([0, 0, 1, 2, 2, 2]);
    expect(messages.signed).toBe(false);
    expect([...messages.received(7, 3)]).toEqual([[8, 4]]);
    expect([...messages.received(7, 0)]).toEqual([]);
    expect([...messages.received(8, 3)]).toEqual([[TARGET, 8]]);
    expect([...messages.sent([0])]).toEqual([
      [6, 4],
      [7, 4],
    ]);
  });

  it.each([...golden])("%s: a node passes on what it got until then", (_, trace) => {
    const messages = new Messages(trace);
    if (!trace.conserved || trace.walkEnd === 0) return;
    const passed = new Map<number, { mass: number; row: number }>();
    for (let row = 0; row < trace.walkEnd; row++) {
      const node = trace.popNode[row] as number;
      passed.set(node, { mass: (passed.get(node)?.mass ?? 0) + (trace.popMass[row] as number), row });
    }
    for (const [node, { mass, row }] of passed) {
      const sum = [...messages.received(node, row).values()].reduce((a, b) => a + b, 0);
      expect(sum).toBeCloseTo(mass, 5);
    }
  });

  it("know a walk with signs", () => {
    expect(new Messages(golden.get("trace_signed") ?? sampleTrace()).signed).toBe(true);
    expect(new Messages(golden.get("trace_negative") ?? sampleTrace()).signed).toBe(false);
  });
});

describe("the strongest flows", () => {
  const cases = Object.entries(flowCases()).flatMap(([name, steps]) =>
    Object.entries(steps).map(([step, expected]) => [name, Number(step), expected] as const),
  );

  it.each(cases)("of %s after %i rows are those of the slow twin", (name, step, { count, flows }) => {
    const trace = golden.get(name);
    if (!trace) throw new Error("no trace");
    const messages = new Messages(trace);
    for (const k of [1, 3, flows.length || 1]) {
      const found = strongestFlows(messages, step, k);
      expect(found.length).toBe(Math.min(k, flows.length));
      found.forEach(({ relevance }, i) => {
        expect(relevance).toBeCloseTo(flows[i]?.[1] ?? Number.NaN, 6);
      });
      // Flows of one strength may change places.
      const ways = new Map(flows.map(([nodes, relevance]) => [nodes.join(), relevance]));
      for (const { nodes, relevance } of found)
        if (ways.has(nodes.join())) expect(relevance).toBeCloseTo(ways.get(nodes.join()) as number, 6);
      expect(found[0]?.nodes).toEqual(flows[0]?.[0]);
    }
    expect(strongestFlows(messages, step, count + 50).length).toBe(count);
  });

  it("that end in a position add up to what it has received", () => {
    const trace = golden.get("trace_units");
    if (!trace) throw new Error("no trace");
    const replay = new Replay(trace);
    for (const step of [5, 12, trace.walkEnd]) {
      replay.seek(step);
      const sums = new Float64Array(trace.inputCount);
      for (const { nodes, relevance } of strongestFlows(new Messages(trace), step, 10_000)) {
        const end = nodes.at(-1) as number;
        sums[end] = (sums[end] as number) + relevance;
      }
      sums.forEach((sum, node) => {
        expect(sum).toBeCloseTo(replay.input[node] as number, 5);
      });
    }
  });

  it("are not told where shares have signs, or nothing is conserved", () => {
    const signed = golden.get("trace_signed");
    const steps = golden.get("trace_five_steps");
    for (const trace of [signed, steps, collectTrace([1, 2])]) {
      if (!trace) throw new Error("no trace");
      expect(strongestFlows(new Messages(trace), trace.steps, 5)).toEqual([]);
    }
  });
});
