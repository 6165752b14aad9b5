import { expect, it } from "vitest";
import { twoLines } from "../../../src/core/words/labels";

it("breaks a long name where most of it is seen", () => {
  const lines = (label: string, room: number) => twoLines(label, (text) => text.length, room);
  expect(lines("_blocks.12._depthwise_conv.conv", 18)).toEqual(["_blocks.12", "_depthwise_conv.conv"]);
  expect(lines("_blocks.12._depthwise_conv.conv", 11)).toEqual(["_blocks.12", "…conv"]);
  expect(lines("layer1.0.conv1", 9)).toEqual(["layer1.0", "conv1"]);
  expect(lines("e.layers.0.self_attn.linear1", 9)).toEqual(["…elf_attn", "linear1"]);
  expect(lines("e.layers.0.add1", 8)).toEqual(["e.layers", "0.add1"]);
  expect(lines("encoder.layers.0.add1", 5)).toEqual(["…0", "add1"]);
  expect(lines("a_name_that_is_too_long.conv", 9)).toEqual(["…too_long", "conv"]);
  expect(lines("plain", 9)).toEqual(["plain", ""]);
});
