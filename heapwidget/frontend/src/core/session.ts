/** The one state of a viewer: a trace, a cursor in it, and what is pointed at. All views of a model share it. */

import type { Input } from "./input";
import { Playback } from "./playback";
import { Replay } from "./replay";
import type { Trace } from "./trace";

export interface ViewState {
  /** Pops done, 0..steps. */
  readonly step: number;
  readonly playing: boolean;
  /** Milliseconds a pop. */
  readonly interval: number;
  readonly selected: number | null;
  /** Node under the pointer. */
  readonly hovered: number | null;
  readonly panels: readonly string[];
  /** Whether the slider is held. */
  readonly scrubbing: boolean;
}

export type Listener = (state: ViewState, previous: ViewState) => void;

export const DEFAULT_STATE: ViewState = {
  step: 0,
  playing: false,
  interval: 100,
  selected: null,
  hovered: null,
  panels: ["input", "heap"],
  scrubbing: false,
};

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

  constructor(trace: Trace, input: Input, initial: Partial<ViewState> = {}) {
    this.trace = trace;
    this.input = input;
    this.#replay = new Replay(trace);
    this.#state = DEFAULT_STATE;
    this.#playback = new Playback(this.#state.interval, (n) => this.#advance(n));
    this.update(initial);
  }

  get state(): ViewState {
    return this.#state;
  }

  get steps(): number {
    return this.trace.steps;
  }

  /** The replay at the current step. */
  get replay(): Replay {
    this.#replay.seek(this.#state.step);
    return this.#replay;
  }

  /** Tells `listener` of every change until the returned function is called. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  update(change: Partial<ViewState>): void {
    const previous = this.#state;
    const next = { ...previous, ...change };
    next.step = Math.min(Math.max(Math.round(next.step) || 0, 0), this.steps);
    next.selected = this.#nodeOrNull(next.selected);
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

  toggle(): void {
    this.update({ playing: !this.#state.playing });
  }

  destroy(): void {
    this.#playback.stop();
    this.#listeners.clear();
  }

  #nodeOrNull(node: number | null): number | null {
    return node !== null && Number.isInteger(node) && node >= 0 && node < this.trace.nodeCount ? node : null;
  }

  #advance(n: number): boolean {
    const step = Math.min(this.#state.step + n, this.steps);
    this.update({ step, playing: step < this.steps });
    return step < this.steps;
  }
}
