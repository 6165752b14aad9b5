import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readTrace } from "../../../src/core/trace/read";
import { layerIndex } from "../../../src/core/trace/trace";
import { asViews } from "../../helpers/columns";
import { stillTrace } from "../../helpers/inputs";
import { COLUMNS, HEADER, sampleTrace } from "../../helpers/sample";

describe("reading a trace", () => {
  it("reads views that begin anywhere in their buffer", () => {
    const trace = sampleTrace();
    expect([...trace.popNode]).toEqual(COLUMNS.pop_node);
    expect([...trace.logKey]).toEqual(COLUMNS.log_key);
    expect(trace).toMatchObject({ walkEnd: 3, finishEnd: 4, steps: 6, inputCount: 6, nodeCount: 9 });
  });

  it.each([
    ["foreign", { format: "zip" }, {}, /not a heapwidget trace/],
    ["of another version", { version: 3 }, {}, /version 3/],
    ["with a short column", {}, { bound: [1] }, /Column bound has 1 values, not 6/],
    ["with a node beyond the last", {}, { log_node: [6, 7, 0, 4, 5, 6, 9] }, /log_node: node 9 at 6/],
    ["with offsets that fall", {}, { log_offset: [0, 2, 1, 6, 7, 7, 7] }, /log_offset falls at row 2/],
    ["with a log that is not covered", {}, { log_offset: [0, 2, 3, 6, 6, 6, 6] }, /does not cover/],
    ["that collects what is no input", {}, { pop_node: [8, 6, 7, 6, 6, 0] }, /collect/],
    ["without layers", { layers: [] }, {}, /no layers/],
    ["whose target is no number", { target: { label: "7", value: null } }, {}, /target/],
  ])("refuses a trace %s", (_, header, columns, message) => {
    expect(() => sampleTrace(header, columns as Record<string, number[]>)).toThrow(message);
  });

  it("refuses a trace that misses a column, or that is nothing", () => {
    const { dust: _, ...rest } = asViews(COLUMNS);
    expect(() => readTrace(HEADER, rest)).toThrow("Column dust is missing.");
    expect(() => readTrace(undefined, undefined)).toThrow("The header is missing.");
  });

  it("counts the nodes of several inputs", () => {
    const layers = [{ shape: [1, 2, 3], channelAxis: 0 }, { shape: [2] }, { shape: [1] }];
    const trace = stillTrace(layers, { inputs: 2 });
    expect([trace.inputs, trace.inputCount]).toEqual([2, 8]);
    expect(() => sampleTrace({ inputs: 4 })).toThrow("4 inputs among 3 layers");
    expect(() => sampleTrace({ inputs: 0 })).toThrow("0 inputs among 3 layers");
  });

  it("finds the layer of a node", () => {
    const trace = sampleTrace();
    expect([0, 5, 6, 7, 8].map((node) => layerIndex(trace, node))).toEqual([0, 0, 1, 1, 2]);
  });
});

it("has one reader: no other file knows the header's keys or the columns' names", () => {
  const root = join(import.meta.dirname, "../../../src");
  const KEYS = /channel_axis|collect_order|input_in_heap|pop_node|pop_mass|log_(offset|node|key)/;
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
  const knowing = files.filter((name) => KEYS.test(readFileSync(join(root, name), "utf8")));
  expect(knowing.sort()).toEqual(
    ["columncheck", "header", "headercheck", "read"].map((name) => join("core", "trace", `${name}.ts`)),
  );
});
