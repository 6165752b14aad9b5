/** What the heap panel shows at the cursor: the state after a pop, or a moment within one. */

import type { Profile } from "../../core/chart/profile";
import type { HeapLike } from "../../core/replay/heap";
import type { Replay } from "../../core/replay/replay";
import type { Session, SlowMoment } from "../../core/session/session";
import { phaseOf } from "../../core/trace/trace";
import type { CardState } from "./badge";
import type { CardMark } from "./card";

const STATES: readonly CardState[] = ["", "pushed", "rekeyed", "lowered"];
const NONE = new Uint8Array();

export class Scene {
  readonly heap: HeapLike;
  readonly replay: Replay;
  readonly slow: SlowMoment | null;

  constructor(session: Session) {
    this.replay = session.replay;
    this.slow = session.slow;
    this.heap = this.slow?.pop.heap ?? this.replay.heap;
  }

  /** What the last row did to a node; within a pop nothing is told by it. */
  state(node: number): CardState {
    return this.slow ? "" : (STATES[this.replay.touch[node] ?? 0] ?? "");
  }

  get touch(): Uint8Array {
    return this.slow ? NONE : this.replay.touch;
  }

  /** The nodes of the heap that the last row touched. */
  get touched(): readonly number[] {
    const { trace, row } = this.replay;
    if (this.slow || row < 0) return [];
    const log = trace.logNode.subarray(trace.logOffset[row], trace.logOffset[row + 1]);
    return Array.from(log).filter((node) => this.replay.entersHeap(node));
  }

  /** What the sub-step does with a cell. */
  mark(cell: number): CardMark {
    if (!this.slow) return "";
    const { hole, moved, compared } = this.slow.last;
    if (compared.includes(cell)) return "compared";
    return cell === hole ? "hole" : cell === moved ? "moved" : "";
  }

  /** The cells that the sub-step is about, the deepest last; none between two pops. */
  get cells(): readonly number[] {
    if (!this.slow) return [];
    const { hole, moved, compared } = this.slow.last;
    return [hole, moved, ...compared]
      .filter((cell) => cell >= 0 && cell < this.heap.size)
      .sort((a, b) => a - b);
  }

  /** The node that is set aside. */
  get popped(): { node: number; key: number } | null {
    // In slow motion it leaves the top when the last node takes its place.
    if (this.slow)
      return this.slow.last.deed.kind === "takeLast" && this.heap.size > 0 ? null : this.slow.pop.popped;
    const { trace, row } = this.replay;
    return row < 0 ? null : { node: trace.popNode[row] as number, key: trace.popMass[row] as number };
  }
}

/** Largest magnitude among the keys shown: the scale of bars and dots. */
export function largestKey({ trace, row }: Replay, { most, least }: Profile): number {
  const popped = row < 0 || phaseOf(trace, row) === "finish" ? 0 : Math.abs(trace.popMass[row] as number);
  return Math.max(popped, most, -least) || Math.abs(trace.popMass[row] ?? 1) || 1;
}
