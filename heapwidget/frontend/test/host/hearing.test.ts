import { describe, expect, it, vi } from "vitest";
import { type Front, keepHearing } from "../../src/host/hearing";

/** A host's model, anywidget's on top of it, and what anywidget hands out. */
function models(ready: Promise<void>) {
  const heard: unknown[] = [];
  const sent: unknown[] = [];
  let listener: (message: unknown) => Promise<unknown> = async () => undefined;
  class Host {
    readonly comm = {
      on_msg: (handler: typeof listener) => {
        listener = handler;
      },
      send: (data: unknown) => sent.push(data),
    };
    constructor() {
      this.comm.on_msg((message) => this._handle_comm_msg(message));
    }
    async _handle_comm_msg(message: unknown): Promise<void> {
      heard.push(message);
    }
  }
  class Any extends Host {
    override async _handle_comm_msg(message: unknown): Promise<void> {
      await ready;
      await super._handle_comm_msg(message);
    }
  }
  const behind = new Any();
  const callbacks = new Set<(self: unknown) => void>();
  const attributes = new Map<string, unknown>();
  const front: Front = {
    on: (_, callback) => callbacks.add(callback),
    off: (_, callback) => callbacks.delete(callback),
    set(name, value, options) {
      if (options?.unset) attributes.delete(name);
      else attributes.set(name, value);
      for (const callback of callbacks) callback(behind);
    },
  };
  const say = (message: string) => listener(message).catch(() => undefined);
  return { front, say, heard, sent, left: () => callbacks.size + attributes.size };
}

describe("a model that anywidget has given up", () => {
  it("hears Python again, and asks for what it missed", async () => {
    const { front, say, heard, sent, left } = models(Promise.reject(new Error("too slow")));
    await say("lost");
    expect(heard).toEqual([]);
    const mended = vi.fn();
    await keepHearing(front, mended);
    await say("heard");
    expect(heard).toEqual(["heard"]);
    expect(sent).toEqual([{ method: "request_state" }]);
    expect(mended).toHaveBeenCalledOnce();
    expect(left()).toBe(0);
  });
});

describe("any other model", () => {
  it("is left as it is", async () => {
    const { front, say, heard, sent, left } = models(Promise.resolve());
    const mended = vi.fn();
    await keepHearing(front, mended);
    await say("heard");
    expect(heard.filter((message) => message === "heard")).toHaveLength(1);
    expect(sent).toEqual([]);
    expect(mended).not.toHaveBeenCalled();
    expect(left()).toBe(0);
  });

  it("need not be one of Jupyter's", async () => {
    const callbacks = new Set<(self: unknown) => void>();
    const front: Front = {
      on: (_, callback) => callbacks.add(callback),
      off: (_, callback) => callbacks.delete(callback),
      set() {
        for (const callback of callbacks) callback(undefined);
      },
    };
    const mended = vi.fn();
    await keepHearing(front, mended);
    expect(callbacks.size).toBe(0);
    expect(mended).not.toHaveBeenCalled();
  });
});
