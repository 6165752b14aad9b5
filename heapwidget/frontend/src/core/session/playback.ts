/** One clock that moves a cursor on; it knows nothing of what the cursor points at. */

/** Screens show no more than this many steps a second; faster play takes several pops a tick. */
const SHORTEST_TICK = 20;
/** A page that slept does not make up for more than this. */
const LATEST = 250;
/** A page behind another is woken once a second, after a while once a minute: it makes up for that. */
const LATEST_HIDDEN = 65_000;

export class Playback {
  /** Moves the cursor on by n; false: the end is reached. */
  readonly #advance: (n: number) => boolean;
  /** Whether the page is behind another. */
  readonly #isHidden: () => boolean;
  /** Milliseconds a pop. */
  #interval: number;
  /** The running timer. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Part of a pop that the last ticks did not show. */
  #rest = 0;

  constructor(interval: number, advance: (n: number) => boolean, isHidden: () => boolean = () => false) {
    this.#interval = interval;
    this.#advance = advance;
    this.#isHidden = isHidden;
  }

  get running(): boolean {
    return this.#timer !== undefined;
  }

  set interval(value: number) {
    this.#interval = value;
    if (!this.running) return;
    this.stop();
    this.start();
  }

  start(): void {
    if (this.running) return;
    this.#rest = 0;
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** `begun`: when the time began that no tick has shown yet. */
  #schedule(begun = performance.now()): void {
    const tick = Math.max(this.#interval, SHORTEST_TICK);
    const timer = setTimeout(() => {
      const now = performance.now();
      const passed = this.#passed(now - begun, tick);
      this.#rest += passed / Math.max(this.#interval, 1e-3);
      const n = Math.floor(this.#rest + 1e-9);
      this.#rest -= n;
      // Whoever is told of the step may have stopped the clock, or started it anew.
      if (this.#advance(n) && this.#timer === timer) this.#schedule(now);
    }, tick);
    this.#timer = timer;
  }

  /** Milliseconds to play after a tick that took so many. */
  #passed(taken: number, tick: number): number {
    if (this.#isHidden()) return Math.min(Math.max(taken, tick), LATEST_HIDDEN);
    // Fast play keeps its pace by the clock, however late a tick is; slow play that is seen leaves no pop out.
    return this.#interval < SHORTEST_TICK ? Math.min(taken, LATEST) : tick;
  }
}
