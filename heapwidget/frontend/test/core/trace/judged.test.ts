// @vitest-environment happy-dom

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Replay } from "../../../src/core/replay/replay";
import { TraceError } from "../../../src/core/trace/error";
import { readTrace } from "../../../src/core/trace/read";
import { type JudgedCase, judgedCases } from "../../helpers/golden";
import { run } from "../../helpers/mount";

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  document.body.replaceChildren();
});

const LIST = judgedCases();

function rawOf({ header, columns }: JudgedCase): { header: unknown; columns: Record<string, DataView> } {
  const bytes = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const views = Object.entries(columns).map(([name, hex]) => [name, new DataView(bytes(hex).buffer)]);
  return { header: JSON.parse(header), columns: Object.fromEntries(views) };
}

/** What is said against a case; null: it is sound. */
function verdict(of: JudgedCase): string | null {
  try {
    const raw = rawOf(of);
    const trace = readTrace(raw.header, raw.columns);
    new Replay(trace).seek(trace.steps);
    return null;
  } catch (error) {
    if (error instanceof TraceError || error instanceof SyntaxError) return error.message;
    throw error;
  }
}

describe("a trace is judged as Python judges it", () => {
  it.each(LIST)("%s", (_, of) => {
    const said = verdict(of);
    expect(said === null, said ?? "sound").toBe(of.sound);
  });

  it.each(LIST.filter(([, { sound }]) => sound))("and a sound one is shown: %s", (_, of) => {
    const { el } = run({
      _trace: rawOf(of),
      _input: null,
      panels: ["input", "heap", "network", "curve", "code"],
    });
    expect(el.querySelector("[role=alert]")).toBeNull();
    expect(el.querySelector("[data-steps]")).not.toBeNull();
  });
});
