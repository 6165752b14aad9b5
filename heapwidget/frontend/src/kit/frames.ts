/** Drawing at the pace of the screen. */

/** Draws in the next frame, several wishes at once, and in those after it for as long as anything moves. */
export class Frames {
  readonly #draw: (moment: number) => boolean;
  readonly #signal: AbortSignal;
  #asked = 0;

  /** `draw` tells whether there is more to come. */
  constructor(draw: (moment: number) => boolean, signal: AbortSignal) {
    this.#draw = draw;
    this.#signal = signal;
    signal.addEventListener("abort", () => cancelAnimationFrame(this.#asked));
  }

  start(): void {
    if (this.#asked !== 0 || this.#signal.aborted) return;
    this.#asked = requestAnimationFrame((moment) => {
      this.#asked = 0;
      if (this.#draw(moment)) this.start();
    });
  }
}
