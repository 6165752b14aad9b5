/** Keys in the tree and in the array, once Tab has led there. */

import type { Session } from "../../core/session/session";
import { takeKey } from "../../kit/keys";

/** Parent, children, neighbours of the selected node; Enter opens its subtree, Backspace the one above. */
export function onTreeKey(event: KeyboardEvent, session: Session, open: (node: number) => void): void {
  const { heap, state } = session;
  const { selected } = state.picked;
  const cell = selected === null ? -1 : heap.cellOf(selected);
  const go = (to: number) => {
    if (to >= 0 && to < heap.size) session.select(heap.nodeAt(to));
  };
  takeKey(event, {
    ArrowUp: () => go(cell < 1 ? 0 : (cell - 1) >> 1),
    ArrowDown: () => go(cell < 0 ? 0 : 2 * cell + 1),
    ArrowLeft: () => go(Math.max(cell - 1, 0)),
    ArrowRight: () => go(cell + 1),
    Enter: () => {
      if (selected !== null) open(selected);
    },
    Backspace: () => session.update({ screen: { top: Math.max((state.screen.top - 1) >> 1, 0) } }),
  });
}

/** Cell by cell, or by a hundredth of the array. */
export function onStripKey(event: KeyboardEvent, session: Session): void {
  const { heap, state } = session;
  const { selected } = state.picked;
  if (heap.size === 0) return;
  const cell = selected === null ? -1 : heap.cellOf(selected);
  const page = Math.max(Math.round(heap.size / 100), 2);
  const go = (to: number) => session.select(heap.nodeAt(Math.min(Math.max(to, 0), heap.size - 1)));
  takeKey(event, {
    ArrowLeft: () => go(cell - 1),
    ArrowDown: () => go(cell - 1),
    ArrowRight: () => go(cell + 1),
    ArrowUp: () => go(cell + 1),
    PageDown: () => go(cell - page),
    PageUp: () => go(cell + page),
    Home: () => go(0),
    End: () => go(heap.size - 1),
  });
}
