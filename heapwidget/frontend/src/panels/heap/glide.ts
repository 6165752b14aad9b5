/** What moves for a moment, from place to place. */

export interface Pose {
  readonly x: number;
  readonly y: number;
}

export class Glide {
  /** Where it is, and where it belongs. */
  #now: Pose;
  #end: Pose;
  #start: Pose;
  #begun = 0;
  /** Milliseconds on the way; 0: it stands. */
  #time = 0;

  constructor(pose: Pose) {
    this.#now = this.#start = this.#end = pose;
  }

  get pose(): Pose {
    return this.#now;
  }

  /** Sets out from one place for another, for `time` milliseconds from a moment of the page's clock on. */
  to(start: Pose, end: Pose, time: number, moment: number): void {
    this.#start = start;
    this.#end = end;
    this.#time = time;
    this.#begun = moment;
    this.at(moment);
  }

  /** Goes on to a moment of the page's clock; false: it has arrived. */
  at(moment: number): boolean {
    const past = this.#time > 0 ? Math.max(moment - this.#begun, 0) / this.#time : 1;
    if (past >= 1) {
      this.#now = this.#end;
      this.#time = 0;
      return false;
    }
    // Fast at first: most of the way is done before the eye is there.
    const way = 1 - (1 - past) ** 3;
    const between = (key: keyof Pose) => this.#start[key] + (this.#end[key] - this.#start[key]) * way;
    this.#now = { x: between("x"), y: between("y") };
    return true;
  }
}
