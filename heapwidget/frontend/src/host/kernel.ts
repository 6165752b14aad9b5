/** The line to Python over which a viewer asks for more pops; all messages are small. */

import type { Kernel, Refining } from "../core/session/refining";

/** What is needed of a model. */
export interface Line {
  send(content: unknown): void;
  on(event: "msg:custom", callback: (content: unknown) => void): void;
  off(event: "msg:custom", callback: (content: unknown) => void): void;
}

/** Without an answer for so many milliseconds Python is taken to be gone: asked whether it is there, or at work. */
const PATIENCE = 4_000;
const PATIENCE_AT_WORK = 30_000;

const GONE: Refining = {
  kind: "impossible",
  reason: "Python does not answer: its kernel is busy or gone. Run the cell again once there is one.",
};

export class KernelLine implements Kernel {
  readonly #line: Line;
  readonly #tell: (refining: Refining) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether Python is at work, and so may not answer anything else. */
  #running = false;
  readonly #hear = (content: unknown) => this.#receive(content);

  /** `tell` is called with how things stand whenever that changes. */
  constructor(line: Line, tell: (refining: Refining) => void) {
    this.#line = line;
    this.#tell = tell;
    line.on("msg:custom", this.#hear);
  }

  hello(): void {
    if (!this.#running) this.#ask({ type: "hello" }, PATIENCE);
  }

  refine(pops: number): void {
    this.#running = true;
    this.#tell({ kind: "running", done: 0, of: pops });
    this.#ask({ type: "refine", pops }, PATIENCE_AT_WORK);
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.#line.off("msg:custom", this.#hear);
  }

  #ask(message: unknown, patience: number): void {
    this.#wait(patience);
    try {
      this.#line.send(message);
    } catch {
      // A line that was cut.
      this.#wait(0);
    }
  }

  #wait(patience: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#running = false;
      this.#tell(GONE);
    }, patience);
  }

  #receive(content: unknown): void {
    const message = (content ?? {}) as Readonly<Record<string, unknown>>;
    clearTimeout(this.#timer);
    this.#running = message.type === "running";
    if (message.type === "ready") {
      this.#tell({ kind: "ready", pending: message.pending === true, said: String(message.said ?? "") });
    } else if (message.type === "impossible") {
      this.#tell({ kind: "impossible", reason: String(message.reason) });
    } else if (message.type === "running") {
      this.#wait(PATIENCE_AT_WORK);
      this.#tell({ kind: "running", done: Number(message.done), of: Number(message.of) });
    }
  }
}
