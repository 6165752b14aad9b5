import { describe, expect, it } from "vitest";
import { panned, toPicture, toView, WHOLE, zoomed } from "../../../src/core/geometry/camera";

describe("zoom", () => {
  it("keeps the point under the pointer where it is", () => {
    let camera = WHOLE;
    const seen = () => [toPicture(0.3, camera.x, camera.scale), toPicture(0.8, camera.y, camera.scale)];
    for (const factor of [2, 1.7, 0.8]) {
      camera = zoomed(camera, factor, 0.3, 0.8, 100);
      expect(seen()[0]).toBeCloseTo(0.3);
      expect(seen()[1]).toBeCloseTo(0.8);
    }
    expect(camera.scale).toBeCloseTo(2.72);
  });

  it("never shows what is beside the picture, and ends at its limits", () => {
    const near = zoomed(WHOLE, 1000, 1, 0, 8);
    expect(near).toEqual({ scale: 8, x: 1 - 1 / 8, y: 0 });
    expect(panned(near, -0.5, 0.5)).toEqual(near);
    expect(zoomed(near, 0.001, 0.5, 0.5, 8)).toEqual(WHOLE);
    // Going out from the right edge, the edge stays.
    const out = zoomed(near, 0.25, 0, 0.5, 8);
    expect(out.x + 1 / out.scale).toBeLessThanOrEqual(1);
  });
});

describe("pan", () => {
  it("moves the picture with the pointer", () => {
    const camera = zoomed(WHOLE, 4, 0.5, 0.5, 8);
    const before = toView(0.5, camera.x, camera.scale);
    const after = panned(camera, 0.25, -0.1);
    expect(toView(0.5, after.x, after.scale)).toBeCloseTo(before + 0.25);
    expect(toView(0.5, after.y, after.scale)).toBeCloseTo(before - 0.1);
  });
});
