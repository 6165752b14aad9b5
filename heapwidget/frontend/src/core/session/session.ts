/** The one state of a viewer: a trace, a cursor in it, and what is pointed at. All views of a model share it. */

import type { HeapLike } from "../replay/heap";
import { Replay } from "../replay/replay";
import { SlowCursor } from "../slow/slowcursor";
import type { SlowPop, SlowStep } from "../slow/slowpop";
import type { Input } from "../trace/input";
import type { Trace } from "../trace/trace";
import { readBookmarks } from "./bookmarks";
import { isOver, settledCursor } from "./cursor";
import { nextPop, popSteps, type Target } from "./jump";
import { settledPicked } from "./picked";
import { settledPlay } from "./play";
import { Playback } from "./playback";
import type { Kernel } from "./refining";
import { SharedCursor } from "./sharedcursor";
import { type Lengths, lengthOf, lengthsOf } from "./timeline";
import { type Change, DEFAULT_STATE, kept, type Listener, type Stateful, type ViewState } from "./viewstate";

/** A moment within a pop. */
export interface SlowMoment {
  readonly pop: SlowPop;
  /** The sub-step that was done last. */
  readonly last: SlowStep;
}

/** Milliseconds of preparation at a time, and between: frames must not be missed. */
const SLICE = 10;
const PAUSE = 6;
/** Milliseconds before it begins: the first picture is not kept waiting. */
const HEAD_START = 250;

/** What lies around a viewer, where there is anything. */
export interface Around {
  readonly kernel?: Kernel;
  /** Whether the page is behind another. */
  readonly isHidden?: () => boolean;
}

const NO_POPS = new Uint32Array();

export class Session implements Stateful {
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
  readonly #shared: SharedCursor;
  /** The pops that are jumped to. */
  #pops: { target: Target; steps: Uint32Array } | null = null;

  constructor(trace: Trace, input: Input, initial: Change = {}, { kernel, isHidden }: Around = {}) {
    this.trace = trace;
    this.input = input;
    this.kernel = kernel ?? null;
    this.#replay = new Replay(trace);
    this.#slowly = new SlowCursor(this.#replay, trace.steps);
    this.#lengths = lengthsOf(trace);
    this.#state = { ...DEFAULT_STATE, shared: { ...DEFAULT_STATE.shared, lengths: this.#lengths } };
    this.#playback = new Playback(this.#state.play.interval, (n) => this.#advance(n), isHidden);
    this.update(initial);
    this.#shared = new SharedCursor(this);
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
    this.#replay.seek(this.#state.cursor.step);
    return this.#replay;
  }

  /** Where the cursor stands within a pop; null between two. */
  get slow(): SlowMoment | null {
    const { step, sub } = this.#state.cursor;
    if (sub === 0) return null;
    const pop = this.#slowly.popAfter(step);
    pop.seek(sub);
    return { pop, last: pop.steps[sub - 1] as SlowStep };
  }

  /** The heap as it is at the cursor. */
  get heap(): HeapLike {
    return this.slow?.pop.heap ?? this.replay.heap;
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  update(change: Change): void {
    const previous = this.#state;
    const next = kept(previous, this.#settled(previous, change));
    if (next === previous) return;
    this.#state = next;
    const { play } = next;
    if (play.interval !== previous.play.interval) this.#playback.interval = play.interval;
    if (play.playing && !play.led) this.#playback.start();
    else this.#playback.stop();
    for (const listener of [...this.#listeners]) listener(next, previous);
  }

  /** Goes to a step and stops playing. */
  seek(step: number): void {
    this.update({ cursor: { step }, play: { playing: false } });
  }

  /** Goes to a step while a slider is held. */
  scrub(step: number): void {
    this.update({ cursor: { step, scrubbing: true }, play: { playing: false } });
  }

  /** Points at a node, or at nothing. */
  hover(hovered: number | null): void {
    this.update({ picked: { hovered } });
  }

  /** Chooses a node, or none. */
  select(selected: number | null): void {
    this.update({ picked: { selected } });
  }

  /** Chooses a node, or lets go of it where it is chosen already. */
  toggleSelected(node: number): void {
    this.select(this.#state.picked.selected === node ? null : node);
  }

  /** Goes on, or back, by so many pops; in slow motion by so many sub-steps. Stops playing. */
  move(by: number): void {
    const { cursor } = this.#state;
    const moment = cursor.slow ? this.#slowly.moved(cursor, by) : { step: cursor.step + by, sub: 0 };
    this.update({ cursor: moment, play: { playing: false } });
  }

  toggle(): void {
    this.update({ play: { playing: !this.#state.play.playing } });
  }

  /** The layer or node whose pops are jumped to; null: none was chosen. */
  get target(): Target | null {
    const { layer, selected } = this.#state.picked;
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
    const step = nextPop(this.pops, this.#state.cursor.step, forward);
    if (step !== undefined) this.seek(step);
    return step !== undefined;
  }

  destroy(): void {
    this.#shared.leave();
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

  /** The state after a change, each part made valid. */
  #settled(previous: ViewState, change: Change): ViewState {
    const own = this.#lengths;
    const shared = { ...previous.shared, ...change.shared };
    const timelines = { own, before: previous.shared.lengths, shared: shared.lengths };
    const cursor = settledCursor(previous.cursor, change.cursor ?? {}, timelines, this.#slowly);
    const play = settledPlay(previous.play, change.play ?? {}, this.steps);
    const starts = play.playing && !previous.play.playing && !play.led;
    const bookmarks = change.marks?.bookmarks ?? previous.marks.bookmarks;
    return {
      cursor: starts && isOver(cursor, own, shared.lengths) ? { ...cursor, step: 0, place: 0 } : cursor,
      play,
      shared,
      picked: settledPicked(previous.picked, change.picked ?? {}, this.trace.nodeCount),
      screen: { ...previous.screen, ...change.screen },
      marks:
        bookmarks === previous.marks.bookmarks
          ? previous.marks
          : { bookmarks: readBookmarks(bookmarks, this.steps) },
      python: { ...previous.python, ...change.python },
    };
  }

  #advance(n: number): boolean {
    const { cursor, play, shared } = this.#state;
    const end = lengthOf(shared.lengths);
    // The last state is shown as long as any other.
    if (play.loop && isOver(cursor, this.#lengths, shared.lengths))
      this.update({ cursor: { place: 0, sub: 0 } });
    else if (cursor.slow) {
      const moment = this.#slowly.moved(cursor, n);
      this.update({ cursor: moment, play: { playing: play.loop || moment.step < this.steps } });
    } else {
      const place = cursor.place + n;
      this.update({ cursor: { place, sub: 0 }, play: { playing: play.loop || place < end } });
    }
    return this.#state.play.playing;
  }
}
