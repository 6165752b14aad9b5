import { describe, expect, it } from "vitest";
import { stepAxis } from "../../../src/core/chart/stepaxis";
import { colorIndex, colorMap } from "../../../src/core/colour/colormap";
import { KINDS } from "../../../src/core/trace/kinds";
import { kinds, nounOf, ruleLabel } from "../../../src/core/vocabulary/vocabulary";
import { effect, sharedNoun, targetWorth, wholeNoun } from "../../../src/core/words/targetwords";
import { vocabularyCases } from "../../helpers/golden";
import { sampleTrace } from "../../helpers/sample";

const { places, colours, rules, nouns, targets } = vocabularyCases();

it("the kinds are those of a trace", () => {
  expect(Object.keys(kinds).sort()).toEqual(Object.keys(KINDS).sort());
});

describe("as in Python", () => {
  it.each(places)(
    "of a walk of %d in %d steps, step %d stands in its place",
    (finishEnd, steps, step, place) => {
      expect(stepAxis({ finishEnd, steps }).at(step)).toBeCloseTo(place, 8);
    },
  );

  it.each(colours)("%f on a scale of %d, signed %s, has its colour", (value, scale, signed, colour) => {
    const index = colorIndex(value, scale, signed);
    expect([...colorMap(false, signed).subarray(3 * index, 3 * index + 3)]).toEqual(colour);
  });

  it.each(rules)("the rule %s is called %s", (name, label) => {
    expect(ruleLabel(name)).toBe(label);
  });

  it.each(nouns)("positions of %j are each a %s", (kinds, noun) => {
    expect(nounOf(kinds)).toBe(noun);
  });

  it.each(targets)("%j is told in the same words", (raw, words) => {
    const { target } = sampleTrace({ target: raw });
    const found = [wholeNoun(target), sharedNoun(target), targetWorth(target)];
    expect([...found, effect(target, 1), effect(target, -1)]).toEqual(words);
  });
});
