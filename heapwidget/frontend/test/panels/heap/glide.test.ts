import { expect, it } from "vitest";
import { Glide } from "../../../src/panels/heap/glide";

const [here, there] = [
  { x: 0, y: 100 },
  { x: 50, y: 20 },
];

it("goes from one place to another, and stays there", () => {
  const glide = new Glide(here);
  glide.to(here, there, 200, 1000);
  expect(glide.pose).toEqual(here);
  let last = 0;
  for (let moment = 1010; moment < 1200; moment += 10) {
    expect(glide.at(moment)).toBe(true);
    const { x, y } = glide.pose;
    expect(x).toBeGreaterThan(last);
    // Straight on.
    expect((100 - y) / 80).toBeCloseTo(x / 50, 9);
    last = x;
  }
  expect(glide.at(1200)).toBe(false);
  expect(glide.pose).toEqual(there);
  expect(glide.at(1210)).toBe(false);
  expect(glide.pose).toEqual(there);
});

it("is there at once where no time is given", () => {
  const glide = new Glide(here);
  glide.to(here, there, 0, 1000);
  expect(glide.pose).toEqual(there);
});

it("never runs ahead of a frame that was begun before it set out", () => {
  const glide = new Glide(here);
  glide.to(here, there, 200, 1000);
  expect(glide.at(990)).toBe(true);
  expect(glide.pose).toEqual(here);
});
