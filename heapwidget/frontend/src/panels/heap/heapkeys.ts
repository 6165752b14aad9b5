/** Keys in the tree and in the array, once Tab has led there. */

import type { Session } from "../../core/session/session";

/** Parent, children, neighbours of the selected node; Enter opens its subtree, Backspace the one above. */
export function onTreeKey(event: KeyboardEvent, session: Session, open: (node: number) => void): void {
  const { heap, state } = session;
  const cell = state.selected === null ? -1 : heap.cellOf(state.selected);
  const go = (to: number) => {
    if (to >= 0 && to < heap.size) session.update({ selected: heap.nodeAt(to) });
  };
  const actions: Record<string, () => void> = {
    ArrowUp: () => go(cell < 1 ? 0 : (cell - 1) >> 1),
    ArrowDown: () => go(cell < 0 ? 0 : 2 * cell + 1),
    ArrowLeft: () => go(Math.max(cell - 1, 0)),
    ArrowRight: () => go(cell + 1),
    Enter: () => state.selected !== null && open(state.selected),
    Backspace: () => session.update({ top: Math.max((state.top - 1) >> 1, 0) }),
  };
  act(event, actions);
}

/** Cell by cell, or by a hundredth of the array. */
export function onStripKey(event: KeyboardEvent, session: Session): void {
  const { heap, state } = session;
  if (heap.size === 0) return;
  const cell = state.selected === null ? -1 : heap.cellOf(state.selected);
  const page = Math.max(Math.round(heap.size / 100), 2);
  const go = (to: number) =>
    session.update({ selected: heap.nodeAt(Math.min(Math.max(to, 0), heap.size - 1)) });
  act(event, {
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

/** Does what a key stands for, and keeps it from the viewer's own keys. */
function act(event: KeyboardEvent, actions: Readonly<Record<string, () => void>>): void {
  const action = actions[event.key];
  if (!action || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}
