/** Ties a session to an anywidget model. Nothing else reads or writes the model. */

import type { AnyModel } from "@anywidget/types";
import { mountFailure } from "../chrome/failure";
import { type Memory, mountViewer } from "../chrome/viewer";
import type { Bookmark } from "../core/session/bookmarks";
import { carriedOver } from "../core/session/carry";
import { givenState, KEPT_FIELDS, type KeptField, keptValue } from "../core/session/given";
import { hasWalk, type Refining } from "../core/session/refining";
import { Session } from "../core/session/session";
import type { Change, ViewState } from "../core/session/viewstate";
import { readInput } from "../core/trace/input";
import { readTrace } from "../core/trace/read";
import { type Front, keepHearing } from "./hearing";
import { KernelLine, type Line } from "./kernel";

export interface Traits {
  _trace: unknown;
  _input: unknown;
  step: number;
  n_steps: number;
  playing: boolean;
  interval: number;
  loop: boolean;
  bookmarks: readonly Bookmark[];
  link: string;
  selected_node: number | null;
  panels: string[];
}

/** The playhead goes to the kernel no more often than this, in milliseconds. */
const SAVE_EVERY = 200;

/** The one session of a model, and those who show it. */
export class ModelHost {
  readonly #model: AnyModel<Traits>;
  /** The session, or why there is none. */
  #session: Session | { error: unknown } | null = null;
  /** The trait that the session was made from. */
  #raw: unknown;
  /** Functions that show the session anew when the trace changed. */
  readonly #remounts = new Set<() => void>();
  /** Takes this host off the model and stops the clock. */
  readonly #controller = new AbortController();
  /** Waits until the playhead may be saved again. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When it was last saved. */
  #savedAt = Number.NEGATIVE_INFINITY;
  /** Values of the model that the session has seen: only others are news, and only they are not overwritten. */
  readonly #known = new Map<KeptField, unknown>();
  /** The line to Python, and what was heard on it last. */
  readonly #kernel: KernelLine;
  #refining: Refining = { kind: "asked" };

  constructor(model: AnyModel<Traits>) {
    this.#model = model;
    this.#kernel = new KernelLine(model as unknown as Line, (refining) => this.#fromKernel(refining));
    this.#load();
    this.#listen("change:_trace", () => this.#reload());
    this.#listen("change:_input", () => this.#reload());
    this.#listen("change", () => this.#adopt());
    for (const field of KEPT_FIELDS) this.#listen(`change:${field}`, () => this.#fromModel());
    void keepHearing(model as unknown as Front, () => this.#kernel.hello());
  }

  /** Shows the model in an element until the returned function is called. */
  render(element: HTMLElement): () => void {
    let unmount = this.#mount(element);
    const remount = () => {
      unmount = this.#mount(element, unmount());
    };
    this.#remounts.add(remount);
    return () => {
      this.#remounts.delete(remount);
      unmount();
      // What nobody sees does not play on.
      if (this.#remounts.size === 0 && this.#session instanceof Session)
        this.#session.update({ play: { playing: false } });
    };
  }

  destroy(): void {
    this.#controller.abort();
    this.#kernel.destroy();
    clearTimeout(this.#timer);
    if (this.#session instanceof Session) this.#session.destroy();
  }

  #mount(element: HTMLElement, memory: Memory = { sheet: "", focused: false }): () => Memory {
    if (this.#session instanceof Session) return mountViewer(element, this.#session, memory);
    const unmount = mountFailure(element, this.#session?.error ?? "");
    return () => {
      unmount();
      return memory;
    };
  }

  #listen(event: "change" | `change:${string}`, callback: () => void): void {
    this.#model.on(event, callback);
    this.#controller.signal.addEventListener("abort", () => this.#model.off(event, callback));
  }

  #load(): void {
    this.#known.clear();
    this.#raw = this.#model.get("_trace");
    try {
      const raw = (this.#raw ?? {}) as { header?: unknown; columns?: unknown };
      const trace = readTrace(raw.header, raw.columns);
      const input = readInput(this.#model.get("_input"), trace);
      const around = { kernel: this.#kernel, isHidden: () => document.hidden };
      const session = new Session(trace, input, this.#news(), around);
      session.update({ python: { refining: this.#refining } });
      session.subscribe((state, previous) => this.#toModel(state, previous));
      this.#session = session;
      if (hasWalk(trace) && this.#refining.kind === "asked") this.#kernel.hello();
    } catch (error) {
      this.#session = { error };
    }
  }

  #reload(): void {
    const before = this.#session;
    if (before instanceof Session) before.destroy();
    this.#load();
    const after = this.#session;
    if (before instanceof Session && after instanceof Session) {
      after.update(carriedOver(before.state, before.trace, after.trace));
      this.#save(after.state);
    }
    for (const remount of [...this.#remounts]) remount();
  }

  /** A last word on refining stays until there is another. */
  #fromKernel(refining: Refining): void {
    const before = this.#session instanceof Session ? this.#session.state.python.refining : null;
    const said = before?.kind === "ready" ? before.said : "";
    this.#refining = refining.kind === "ready" && refining.said === "" ? { ...refining, said } : refining;
    if (this.#session instanceof Session) this.#session.update({ python: { refining: this.#refining } });
  }

  /** A trace that is sent once more, as with all of the state, is another object, and no news. */
  #adopt(): void {
    const raw = this.#model.get("_trace");
    if (raw === this.#raw) return;
    this.#raw = raw;
    this.#fromModel();
  }

  #fromModel(): void {
    // What comes with another trace is read with it.
    if (this.#model.get("_trace") !== this.#raw) return;
    // All at once: a kernel may set several traits in one message, and each has its own event.
    const news = this.#news();
    if (this.#session instanceof Session) this.#session.update(news);
  }

  /** Fields that the model gave new values, of the right kind. */
  #news(): Change {
    const news: Partial<Record<KeptField, unknown>> = {};
    for (const field of KEPT_FIELDS) {
      const value = this.#model.get(field);
      if (value === undefined || (this.#known.has(field) && same(this.#known.get(field), value))) continue;
      this.#known.set(field, value);
      news[field] = value;
    }
    return givenState(news);
  }

  /** Play, pause, clicks and the end of a scrub are saved at once, a moving playhead from time to time. */
  #toModel(state: ViewState, previous: ViewState): void {
    const isNew = (field: KeptField) => keptValue(state, field) !== keptValue(previous, field);
    const released = previous.cursor.scrubbing && !state.cursor.scrubbing;
    const settled = released || KEPT_FIELDS.some((field) => field !== "step" && isNew(field));
    const moved = isNew("step");
    const due = this.#savedAt + SAVE_EVERY - Date.now();
    if (settled || (moved && due <= 0)) this.#save(state);
    else if (moved && this.#timer === undefined) {
      this.#timer = setTimeout(() => {
        if (this.#session instanceof Session) this.#save(this.#session.state);
      }, due);
    }
  }

  #save(state: ViewState): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    let changed = false;
    for (const field of KEPT_FIELDS) {
      const value = keptValue(state, field);
      if (same(this.#known.get(field), value)) continue;
      this.#known.set(field, value);
      this.#model.set(field, value as never);
      changed = true;
    }
    if (!changed) return;
    this.#savedAt = Date.now();
    this.#model.save_changes();
  }
}

/** Equal as the kernel sees it: as JSON. */
const same = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);
