/** One pop of the trace in slow motion: the pop itself, then each push and re-key of its log. */

import type { Replay } from "../replay/replay";
import { phaseOf } from "../trace/trace";
import { SlowHeap, type SubStep } from "./slowheap";

/** What a sub-step belongs to. */
export interface Operation {
  readonly kind: "pop" | "push" | "rekey";
  readonly node: number;
  /** Which of the pop's pushes and re-keys, from 1, and how many there are; 0 for the pop. */
  readonly index: number;
  readonly of: number;
}

export interface SlowStep extends SubStep {
  readonly operation: Operation;
}

export class SlowPop {
  readonly heap: SlowHeap;
  readonly steps: readonly SlowStep[];
  readonly popped: { readonly node: number; readonly key: number };
  readonly row: number;
  /** Sub-steps done. */
  #done: number;

  /** The pop that leads from the replay's state to the next; the replay is not moved. */
  constructor(replay: Replay) {
    const { trace } = replay;
    const row = replay.step;
    this.row = row;
    this.popped = { node: trace.popNode[row] as number, key: trace.popMass[row] as number };
    this.heap = new SlowHeap(replay.heap.save(), replay.order);
    this.steps = [...this.#run(replay, row)];
    this.#done = this.steps.length;
    this.seek(0);
  }

  /** Moves to the state after `n` sub-steps. */
  seek(n: number): void {
    for (; this.#done < n; this.#done++) this.heap.redo(this.steps[this.#done] as SlowStep);
    while (this.#done > n) {
      this.#done--;
      this.heap.undo(this.steps[this.#done] as SlowStep, this.steps[this.#done - 1]);
    }
  }

  *#run(replay: Replay, row: number): Generator<SlowStep> {
    const { trace } = replay;
    if (phaseOf(trace, row) === "finish") return;
    const { heap } = this;
    const changes: [node: number, key: number][] = [];
    for (let i = trace.logOffset[row] as number; i < (trace.logOffset[row + 1] as number); i++) {
      const node = trace.logNode[i] as number;
      if (replay.entersHeap(node)) changes.push([node, trace.logKey[i] as number]);
    }
    const of = changes.length;
    const pop: Operation = { kind: "pop", node: this.popped.node, index: 0, of };
    for (const step of heap.pop()) yield { ...step, operation: pop };
    let index = 0;
    for (const [node, key] of changes) {
      index++;
      const kind = heap.cellOf(node) >= 0 ? "rekey" : "push";
      const item = heap.item(node, key);
      const operation: Operation = { kind, node, index, of };
      for (const step of kind === "push" ? heap.push(item) : heap.rekey(item)) yield { ...step, operation };
    }
  }
}
