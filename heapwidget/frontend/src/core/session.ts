/** The one state of a viewer: a trace, a cursor in it, and what is pointed at. All views of a model share it. */

import { type Bookmark, readBookmarks } from "./bookmarks";
import type { HeapLike } from "./heap";
import type { Input } from "./input";
import { nextPop, popSteps, type Target } from "./jump";
import { Playback } from "./playback";
import { Replay } from "./replay";
import { SlowPop, type SlowStep } from "./substeps";
import type { Mode } from "./tones";
import type { Trace } from "./trace";

export interface ViewState {
  /** Pops done, 0..steps. */
  readonly step: number;
  readonly playing: boolean;
  /** Milliseconds a pop. */
  readonly interval: number;
  /** Whether play begins again after the last pop. */
  readonly loop: boolean;
  /** By step. */
  readonly bookmarks: readonly Bookmark[];
  /** The layer whose pops are jumped to; null: the selected node is. */
  readonly layer: number | null;
  readonly selected: number | null;
  /** Node under the pointer. */
  readonly hovered: number | null;
  readonly panels: readonly string[];
  /** Width of the input's column in percent; null: what suits the page. */
  readonly split: number | null;
  /** Heights that were given to panels, in pixels, by name. */
  readonly heights: Readonly<Record<string, number>>;
  /** Cell of the heap at the top of the tree's window; 0: the whole heap. */
  readonly top: number;
  /** Whether the slider is held. */
  readonly scrubbing: boolean;
  /** Whether a step is one comparison or move inside the heap, not a whole pop. */
  readonly slow: boolean;
  /** What the input is coloured by; null: what suits the phase. */
  readonly overlay: Mode | null;
  /** Opacity of these colours, 0 to 1. */
  readonly opacity: number;
  /** Sub-steps done of the pop that follows `step`; 0: the state after `step` pops. */
  readonly sub: number;
}

/** A moment within a pop. */
export interface SlowMoment {
  readonly pop: SlowPop;
  /** The sub-step that was done last. */
  readonly last: SlowStep;
}

export type Listener = (state: ViewState, previous: ViewState) => void;

export const DEFAULT_STATE: ViewState = {
  step: 0,
  playing: false,
  interval: 100,
  loop: false,
  bookmarks: [],
  layer: null,
  selected: null,
  hovered: null,
  panels: ["input", "heap"],
  split: null,
  heights: {},
  top: 0,
  scrubbing: false,
  slow: false,
  overlay: null,
  opacity: 1,
  sub: 0,
};

/** Milliseconds of preparation at a time, and between: frames must not be missed. */
const SLICE = 10;
const PAUSE = 6;

const NO_POPS = new Uint32Array();

export class Session {
  readonly trace: Trace;
  readonly input: Input;
  /** Current state; replaced, never changed. */
  #state: ViewState;
  /** The replay, moved to the state's step when asked for. */
  readonly #replay: Replay;
  /** Those who are told of changes. */
  readonly #listeners = new Set<Listener>();
  /** The one clock. */
  readonly #playback: Playback;
  /** Prepares the replay of a long trace while nothing else is done. */
  #preparing: ReturnType<typeof setTimeout> | undefined;
  /** Why the trace cannot be replayed. */
  #error: unknown = null;
  /** The pop last looked at in slow motion, and the state it starts from. */
  #slowPop: { step: number; pop: SlowPop } | null = null;
  /** The pops that are jumped to. */
  #pops: { target: Target; steps: Uint32Array } | null = null;

  constructor(trace: Trace, input: Input, initial: Partial<ViewState> = {}) {
    this.trace = trace;
    this.input = input;
    this.#replay = new Replay(trace);
    this.#state = DEFAULT_STATE;
    this.#playback = new Playback(this.#state.interval, (n) => this.#advance(n));
    this.update(initial);
    this.#prepare();
  }

  get state(): ViewState {
    return this.#state;
  }

  get steps(): number {
    return this.trace.steps;
  }

  /** The replay at the current step; throws what is wrong with the trace where that showed only later. */
  get replay(): Replay {
    if (this.#error) throw this.#error;
    this.#replay.seek(this.#state.step);
    return this.#replay;
  }

  /** Where the cursor stands within a pop; null between two. */
  get slow(): SlowMoment | null {
    const { step, sub } = this.#state;
    if (sub === 0) return null;
    const pop = this.#popAfter(step);
    pop.seek(sub);
    return { pop, last: pop.steps[sub - 1] as SlowStep };
  }

  /** The heap as it is at the cursor. */
  get heap(): HeapLike {
    return this.slow?.pop.heap ?? this.replay.heap;
  }

  /** Sub-steps of the pop that follows the current step. */
  get subSteps(): number {
    return this.#countAfter(this.#state.step);
  }

  /** Tells `listener` of every change until the returned function is called. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  update(change: Partial<ViewState>): void {
    const previous = this.#state;
    // Whoever goes to a step means the state after it.
    const moved = change.step !== undefined && change.step !== previous.step && change.sub === undefined;
    const next = { ...previous, ...change, ...(moved ? { sub: 0 } : {}) };
    next.step = Math.min(Math.max(Math.round(next.step) || 0, 0), this.steps);
    next.selected = this.#nodeOrNull(next.selected);
    // Whoever picks a node wants its pops next.
    if (next.selected !== null && next.selected !== previous.selected) next.layer = null;
    if (next.bookmarks !== previous.bookmarks) next.bookmarks = readBookmarks(next.bookmarks, this.steps);
    if (next.sub !== 0) next.sub = next.slow ? this.#validSub(next.step, next.sub) : 0;
    if (!(next.interval > 0)) next.interval = previous.interval;
    if (next.playing && !previous.playing && next.step === this.steps) next.step = 0;
    if (this.steps === 0) next.playing = false;
    if (Object.entries(next).every(([key, value]) => previous[key as keyof ViewState] === value)) return;
    this.#state = next;
    if (next.interval !== previous.interval) this.#playback.interval = next.interval;
    if (next.playing) this.#playback.start();
    else this.#playback.stop();
    for (const listener of [...this.#listeners]) listener(next, previous);
  }

  /** Goes to a step and stops playing. */
  seek(step: number): void {
    this.update({ step, playing: false });
  }

  /** Goes on, or back, by so many pops; in slow motion by so many sub-steps. Stops playing. */
  move(by: number): void {
    if (this.#state.slow) this.update({ ...this.#slowly(by), playing: false });
    else this.update({ step: this.#state.step + by, sub: 0, playing: false });
  }

  toggle(): void {
    this.update({ playing: !this.#state.playing });
  }

  /** The layer or node whose pops are jumped to; null: none was chosen. */
  get target(): Target | null {
    const { layer, selected } = this.#state;
    if (layer !== null) return { layer };
    return selected === null ? null : { node: selected };
  }

  /** The steps that pops of the target lead to. */
  get pops(): Uint32Array {
    const { target } = this;
    if (target === null) return NO_POPS;
    if (JSON.stringify(this.#pops?.target) !== JSON.stringify(target))
      this.#pops = { target, steps: popSteps(this.trace, target) };
    return this.#pops?.steps ?? NO_POPS;
  }

  /** Goes to the target's next pop, or the one before; false: there is none. */
  jump(forward: boolean): boolean {
    const step = nextPop(this.pops, this.#state.step, forward);
    if (step !== undefined) this.seek(step);
    return step !== undefined;
  }

  destroy(): void {
    this.#playback.stop();
    clearTimeout(this.#preparing);
    this.#listeners.clear();
  }

  #prepare(): void {
    try {
      if (!this.#replay.prepare(this.#preparing === undefined ? 0 : SLICE)) return;
      this.#preparing = setTimeout(() => this.#prepare(), PAUSE);
    } catch (error) {
      this.#error = error;
      for (const listener of [...this.#listeners]) listener(this.#state, this.#state);
    }
  }

  #nodeOrNull(node: number | null): number | null {
    return node !== null && Number.isInteger(node) && node >= 0 && node < this.trace.nodeCount ? node : null;
  }

  #advance(n: number): boolean {
    const { slow, loop, step: before } = this.#state;
    // The last state is shown as long as any other.
    const again = loop && before === this.steps;
    const { step, sub } = slow && !again ? this.#slowly(n) : { step: again ? 0 : before + n, sub: 0 };
    const playing = loop || step < this.steps;
    this.update({ step, sub, playing });
    return playing;
  }

  /** The cursor after some sub-steps; a pop without any, and the last of each, lead to the next state. */
  #slowly(by: number): { step: number; sub: number } {
    let { step, sub } = this.#state;
    let left = by;
    while (left > 0 && step < this.steps) {
      const rest = Math.max(this.#countAfter(step), 1) - sub;
      if (left < rest) return { step, sub: sub + left };
      left -= rest;
      [step, sub] = [step + 1, 0];
    }
    while (left < 0) {
      if (sub + left >= 0) return { step, sub: sub + left };
      if (step === 0) return { step: 0, sub: 0 };
      left += sub;
      step--;
      sub = Math.max(this.#countAfter(step), 1);
    }
    return { step, sub };
  }

  #popAfter(step: number): SlowPop {
    if (this.#slowPop?.step !== step) {
      this.#replay.seek(step);
      this.#slowPop = { step, pop: new SlowPop(this.#replay) };
    }
    return this.#slowPop.pop;
  }

  #countAfter(step: number): number {
    return step < this.steps ? this.#popAfter(step).steps.length : 0;
  }

  #validSub(step: number, sub: number): number {
    return Math.min(Math.max(Math.round(sub) || 0, 0), Math.max(this.#countAfter(step) - 1, 0));
  }
}
