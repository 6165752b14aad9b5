/** An anywidget model without a kernel. */

import type { AnyModel } from "@anywidget/types";
import { vi } from "vitest";
import type { Traits } from "../../src/host/anywidget";
import { asViews } from "./columns";
import { COLUMNS, HEADER, PIXELS } from "./sample";

type Callback = (content?: unknown) => void;

export function fakeModel(traits: Partial<Traits> = {}) {
  const values: Record<string, unknown> = {
    _trace: { header: HEADER, columns: asViews(COLUMNS) },
    _input: PIXELS,
    step: 0,
    n_steps: 6,
    playing: false,
    interval: 100,
    loop: false,
    bookmarks: [],
    link: "",
    selected_node: null,
    panels: ["input", "heap"],
    ...traits,
  };
  const listeners = new Map<string, Set<Callback>>();
  const fire = (name: string) => {
    for (const callback of [...(listeners.get(`change:${name}`) ?? [])]) callback();
  };
  const fireAll = (names: readonly string[]) => {
    for (const name of names) fire(name);
    for (const callback of [...(listeners.get("change") ?? [])]) callback();
  };
  const model = {
    get: (name: string) => values[name],
    set: (name: string, value: unknown) => {
      if (values[name] === value) return;
      values[name] = value;
      fireAll([name]);
    },
    on: (event: string, callback: Callback) => {
      listeners.set(event, (listeners.get(event) ?? new Set()).add(callback));
    },
    off: vi.fn((event: string, callback: Callback) => {
      listeners.get(event)?.delete(callback);
    }),
    save_changes: vi.fn(),
    send: vi.fn(),
  };
  return {
    model: model as unknown as AnyModel<Traits>,
    values,
    saves: model.save_changes,
    off: model.off,
    /** What the kernel sends. */
    receive: (name: keyof Traits, value: unknown) => model.set(name, value),
    /** Several traits in one message: all are set before the first event. */
    receiveAll: (traits: Partial<Traits>) => {
      Object.assign(values, traits);
      fireAll(Object.keys(traits));
    },
    /** The same with a copy of the trace, whose equal makes no event. */
    receiveAgain: (traits: Partial<Traits>) => {
      Object.assign(values, { _trace: { ...(values._trace as object) } }, traits);
      fireAll(Object.keys(traits));
    },
    /** A message of the kernel's own. */
    say: (content: unknown) => {
      for (const callback of [...(listeners.get("msg:custom") ?? [])]) callback(content);
    },
    sent: model.send,
    listening: () => [...listeners.values()].reduce((n, set) => n + set.size, 0),
  };
}
