/** The one state of a viewer: a trace, a cursor in it, and what is pointed at. All views of a model share it. */

import type { Mode } from "../colour/tones";
import type { HeapLike } from "../replay/heap";
import { Replay } from "../replay/replay";
import { SlowCursor } from "../slow/slowcursor";
import type { SlowPop, SlowStep } from "../slow/slowpop";
import type { Input } from "../trace/input";
import type { Trace } from "../trace/trace";
import { type Bookmark, readBookmarks } from "./bookmarks";
import { Link } from "./group";
import { nextPop, popSteps, type Target } from "./jump";
import { Playback } from "./playback";
import { type Kernel, NO_KERNEL, type Refining } from "./refining";
import { type Lengths, lengthOf, lengthsOf, placeAt, stepAt } from "./timeline";

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
  /** The word that viewers on one cursor have in common; empty: the cursor is one's own. */
  readonly link: string;
  /** The timeline of all who share the cursor, how many others there are, and where on it the cursor is. */
  readonly shared: Lengths;
  readonly companions: number;
  readonly place: number;
  /** Whether another of them keeps the time while it plays. */
  readonly led: boolean;
  /** How asking Python for more pops stands. */
  readonly refining: Refining;
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

type Writable<T> = { -readonly [K in keyof T]: T[K] };

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
  link: "",
  shared: [0, 0, 0],
  companions: 0,
  place: 0,
  led: false,
  refining: NO_KERNEL,
  scrubbing: false,
  slow: false,
  overlay: null,
  opacity: 1,
  sub: 0,
};

/** Milliseconds of preparation at a time, and between: frames must not be missed. */
const SLICE = 10;
const PAUSE = 6;
/** Milliseconds before it begins: the first picture is not kept waiting. */
const HEAD_START = 250;

const NO_POPS = new Uint32Array();

export class Session {
  readonly trace: Trace;
  readonly input: Input;
  /** Python, where it can be asked for more. */
  readonly kernel: Kernel | null;
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
  /** Moves within pops. */
  readonly #slowly: SlowCursor;
  /** Rows of each phase. */
  readonly #lengths: Lengths;
  /** Ties to others that share the cursor. */
  readonly #link: Link;
  /** The pops that are jumped to. */
  #pops: { target: Target; steps: Uint32Array } | null = null;

  constructor(trace: Trace, input: Input, initial: Partial<ViewState> = {}, kernel: Kernel | null = null) {
    this.trace = trace;
    this.input = input;
    this.kernel = kernel;
    this.#replay = new Replay(trace);
    this.#slowly = new SlowCursor(this.#replay, trace.steps);
    this.#lengths = lengthsOf(trace);
    this.#state = { ...DEFAULT_STATE, shared: this.#lengths };
    this.#playback = new Playback(this.#state.interval, (n) => this.#advance(n));
    this.update(initial);
    this.#link = new Link(this);
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
    const pop = this.#slowly.popAfter(step);
    pop.seek(sub);
    return { pop, last: pop.steps[sub - 1] as SlowStep };
  }

  /** The heap as it is at the cursor. */
  get heap(): HeapLike {
    return this.slow?.pop.heap ?? this.replay.heap;
  }

  /** Sub-steps of the pop that follows the current step. */
  get subSteps(): number {
    return this.#slowly.countAfter(this.#state.step);
  }

  /** Tells `listener` of every change until the returned function is called. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  update(change: Partial<ViewState>): void {
    const previous = this.#state;
    const next = { ...previous, ...change };
    this.#settle(next, change, previous);
    next.selected = this.#nodeOrNull(next.selected);
    // Whoever picks a node wants its pops next.
    if (next.selected !== null && next.selected !== previous.selected) next.layer = null;
    if (next.bookmarks !== previous.bookmarks) next.bookmarks = readBookmarks(next.bookmarks, this.steps);
    if (next.sub !== 0) next.sub = next.slow ? this.#slowly.valid(next.step, next.sub) : 0;
    if (!(next.interval > 0)) next.interval = previous.interval;
    if (change.playing !== undefined && change.led === undefined) next.led = false;
    if (this.steps === 0) next.playing = false;
    if (next.playing && !previous.playing && !next.led && this.#isOver(next)) next.step = next.place = 0;
    if (Object.entries(next).every(([key, value]) => previous[key as keyof ViewState] === value)) return;
    this.#state = next;
    if (next.interval !== previous.interval) this.#playback.interval = next.interval;
    if (next.playing && !next.led) this.#playback.start();
    else this.#playback.stop();
    for (const listener of [...this.#listeners]) listener(next, previous);
  }

  /** Goes to a step and stops playing. */
  seek(step: number): void {
    this.update({ step, playing: false });
  }

  /** Goes on, or back, by so many pops; in slow motion by so many sub-steps. Stops playing. */
  move(by: number): void {
    if (this.#state.slow) this.update({ ...this.#slowly.moved(this.#state, by), playing: false });
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
    this.#link.leave();
    this.#playback.stop();
    clearTimeout(this.#preparing);
    this.#listeners.clear();
  }

  #prepare(): void {
    try {
      const first = this.#preparing === undefined;
      if (!this.#replay.prepare(first ? 0 : SLICE)) return;
      this.#preparing = setTimeout(() => this.#prepare(), first ? HEAD_START : PAUSE);
    } catch (error) {
      this.#error = error;
      for (const listener of [...this.#listeners]) listener(this.#state, this.#state);
    }
  }

  #nodeOrNull(node: number | null): number | null {
    return node !== null && Number.isInteger(node) && node >= 0 && node < this.trace.nodeCount ? node : null;
  }

  /** Makes step and place agree, whichever was given: a shorter phase waits at its end. */
  #settle(next: Writable<ViewState>, change: Partial<ViewState>, previous: ViewState): void {
    const within = (value: number, end: number) => Math.min(Math.max(Math.round(value) || 0, 0), end);
    if (change.place !== undefined) {
      next.place = within(next.place, lengthOf(next.shared));
      next.step = stepAt(next.place, this.#lengths, next.shared);
    } else {
      next.step = within(next.step, this.steps);
      if (next.step !== previous.step || next.shared !== previous.shared)
        next.place = placeAt(next.step, this.#lengths, next.shared);
    }
    // Whoever goes to a step means the state after it.
    if (next.step !== previous.step && change.sub === undefined) next.sub = 0;
  }

  /** Whether there is nothing left to play; in slow motion nobody is waited for. */
  #isOver({ slow, step, place, shared }: ViewState): boolean {
    return slow ? step === this.steps : place === lengthOf(shared);
  }

  #advance(n: number): boolean {
    const { slow, loop, place, shared } = this.#state;
    // The last state is shown as long as any other.
    if (loop && this.#isOver(this.#state)) this.update({ place: 0, sub: 0 });
    else if (slow) {
      const moment = this.#slowly.moved(this.#state, n);
      this.update({ ...moment, playing: loop || moment.step < this.steps });
    } else this.update({ place: place + n, sub: 0, playing: loop || place + n < lengthOf(shared) });
    return this.#state.playing;
  }
}
