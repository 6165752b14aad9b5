// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { nodeLabel } from "../../../src/core/words/labels";
import { positionNoun } from "../../../src/core/words/narration";
import { asViews } from "../../helpers/columns";
import { layerOf, stillTrace, valuesPart } from "../../helpers/inputs";
import { frame, named, run } from "../../helpers/mount";
import { COLUMNS, HEADER } from "../../helpers/sample";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  document.body.replaceChildren();
});

const NAMES = ["age", "<b>height</b>", "mean radius", "d", "e", "f"];

/** The sample's pops over six positions of another kind. */
function traits(kind: string, names: readonly string[] | null, values = [1, 2, 3, -4, 5, 0.5]) {
  const input = layerOf({ shape: [6], more: { kind, label: "input", ...(names ? { names } : {}) } });
  const layers = [{ ...input, field: [[0, 1, 1, 0]] }, ...HEADER.layers.slice(1)];
  return {
    _trace: { header: { ...HEADER, layers }, columns: asViews(COLUMNS) },
    _input: { parts: [valuesPart(kind, values)] },
    panels: ["input", "heap"],
  };
}

describe("a table", () => {
  const rows = (el: Element) =>
    [...el.querySelectorAll<HTMLElement>(".hw-feature:not([hidden])")].map((row) => ({
      rank: row.querySelector(".hw-rank")?.textContent,
      name: row.querySelector(".hw-feature-name")?.textContent,
      value: row.querySelector(".hw-feature-value")?.textContent,
      bar: row.querySelector<HTMLElement>("i:not([hidden])")?.style.width ?? null,
    }));

  it("has a row a feature, the largest first, and shows names as text", () => {
    const { el, receive } = run({ ...traits("bars", NAMES), step: 3 });
    // Contributions so far are 3 and 2; in the end pixel 4 has the most.
    expect(rows(el).map(({ name }) => name)).toEqual(["e", "age", "<b>height</b>", "mean radius", "d", "f"]);
    expect(el.querySelector(".hw-feature b")).toBeNull();
    expect(rows(el)[1]).toMatchObject({ rank: "", value: "1.00", bar: "75%" });
    expect(rows(el)[3]).toMatchObject({ value: "3.00", bar: null });
    receive("step", 6);
    frame();
    expect(rows(el).map(({ rank }) => rank)).toEqual(["1", "2", "", "", "", ""]);
    const items = el.querySelectorAll("[role=list] > * > [role=listitem]");
    expect(items[0]?.getAttribute("aria-label")).toBe("e: value 5.00, 4.00, popped");
  });

  it("can be shown in its own order", () => {
    const { el } = run({ ...traits("bars", NAMES), step: 3 });
    const group = named(el, "Order of the features");
    expect(group?.getAttribute("role")).toBe("radiogroup");
    [...(group?.querySelectorAll<HTMLElement>("[role=radio]") ?? [])][1]?.click();
    frame();
    expect(rows(el).map(({ name }) => name)).toEqual(NAMES);
  });

  it("counts features that have no names", () => {
    const { el } = run(traits("bars", null));
    expect(rows(el).map(({ name }) => name)).toContain("3");
    expect(el.querySelector(".hw-panel-input .hw-slot")?.textContent).toBe("0 of 6 features reached");
  });

  it("draws only the rows in sight", () => {
    const count = 5000;
    const { el } = run({
      _trace: {
        header: {
          ...HEADER,
          conserved: false,
          phases: { walk: 0, finish: 0, collect: 0 },
          start: [],
          layers: [layerOf({ shape: [count], more: { kind: "bars", label: "input" } })],
        },
        columns: asViews({
          ...Object.fromEntries(Object.keys(COLUMNS).map((name) => [name, []])),
          log_offset: [0],
          contribution: Array.from({ length: count }, () => 0),
        }),
      },
      _input: {
        parts: [
          valuesPart(
            "bars",
            Array.from({ length: count }, (_, i) => i),
          ),
        ],
      },
    });
    expect(rows(el).length).toBeLessThan(30);
    const scroller = el.querySelector(".hw-features") as HTMLElement;
    expect(scroller.tabIndex).toBe(0);
    scroller.scrollTop = 19 * 4000;
    scroller.dispatchEvent(new Event("scroll"));
    expect(rows(el)[0]?.name).toBe("4000");
  });
});

describe("words", () => {
  it("are text, shaded, and marked as popped", () => {
    const { el, receive } = run({ ...traits("tokens", ["The", "<i>cat</i>", "", "d", "e", "f"]), step: 3 });
    const words = [...el.querySelectorAll<HTMLElement>(".hw-word")];
    expect(words.map((word) => word.textContent)).toEqual(["The", "<i>cat</i>", "∅", "d", "e", "f"]);
    expect(words.map((word) => word.style.backgroundColor !== "")).toEqual([
      true,
      false,
      false,
      false,
      true,
      false,
    ]);
    expect(words.some((word) => word.classList.contains("hw-popped"))).toBe(false);
    receive("step", 5);
    frame();
    expect(words[4]?.classList.contains("hw-popped")).toBe(true);
    expect(words[4]?.getAttribute("aria-label")).toBe("token 4 ‘e’, popped");
  });

  it("are linked with the other panels", () => {
    const { el, values } = run({ ...traits("tokens", NAMES), step: 3 });
    const words = [...el.querySelectorAll<HTMLElement>(".hw-word")];
    words[1]?.dispatchEvent(new PointerEvent("pointermove", { bubbles: true }));
    frame();
    expect(words[1]?.classList.contains("hw-hot")).toBe(true);
    expect(el.querySelector(".hw-panel-input .hw-slot")?.textContent).toBe("token 1 ‘<b>height</b>’ · 2.00");
    words[1]?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    expect(values.selected_node).toBe(1);
    expect(words[1]?.classList.contains("hw-seen-last")).toBe(true);
  });
});

describe("several inputs", () => {
  const layers = [
    { shape: [1, 2, 3], channelAxis: 0, more: { kind: "image", label: "left" } },
    { shape: [2], more: { kind: "bars", label: "table", names: ["a", "<b>"] } },
    { shape: [2], more: { kind: "tokens", label: "text", names: ["x", "y"] } },
  ];

  it("are named before their positions, each under its name", () => {
    const trace = stillTrace([...layers, { shape: [1], field: null }], { inputs: 3, start: [[10, 1]] });
    expect([1, 6, 7, 9].map((node) => nodeLabel(trace, node))).toEqual([
      "left (0,1)",
      "table a",
      "table <b>",
      "text token 1 ‘y’",
    ]);
    expect(positionNoun(trace)).toBe("input position");
  });

  it.each([
    ["image", "pixel"],
    ["bars", "feature"],
    ["tokens", "token"],
    ["line", "input position"],
  ])("of kind %s are counted in %ss", (kind, noun) => {
    const named = kind === "bars" || kind === "tokens";
    const more = { kind, ...(named ? { names: ["a", "b"] } : {}) };
    const layer = kind === "image" ? { shape: [1, 1, 2], channelAxis: 0, more } : { shape: [2], more };
    expect(positionNoun(stillTrace([layer, layer], { inputs: 2 }))).toBe(noun);
  });
});
