/** The keys, while the viewer has the focus. */

import type { Session } from "../core/session/session";
import { type Keys, takeKey } from "../kit/keys";
import { goToBookmark, toggleBookmark } from "./bookmark";

/** Parts of the viewer that keys act on. */
export interface KeyTargets {
  /** Closes what is open; false: nothing was. */
  close(): boolean;
  /** Goes to the next pop of what was chosen, or to the one before. */
  jump(forward: boolean): void;
}

/** Keys and what they do, for the help. */
export const KEYS: readonly [string, string][] = [
  ["← →", "one step, with shift ten"],
  ["space", "play, pause"],
  ["Home End", "first, last step"],
  ["n N", "next, previous pop of the selected node or chosen layer"],
  ["b", "set or remove a bookmark"],
  ["[ ]", "previous, next bookmark"],
  ["↑ ↓", "walk the tree: parent, first child"],
  ["Esc", "let go of the selected node"],
];

export function onKey(event: KeyboardEvent, session: Session, parts: KeyTargets): void {
  const target = event.composedPath()[0] as Element;
  const tag = target.tagName;
  const choosing = tag === "SELECT" || (tag === "INPUT" && target.getAttribute("type") !== "range");
  if (choosing && event.key !== "Escape") return;
  // A focused button is pressed by the space bar, as anywhere.
  if (event.key === " " && tag === "BUTTON") return;
  const stride = event.shiftKey ? 10 : 1;
  const keys: Keys = {
    ArrowLeft: () => session.move(-stride),
    ArrowRight: () => session.move(stride),
    Home: () => session.seek(0),
    End: () => session.seek(session.steps),
    " ": () => session.toggle(),
    n: () => parts.jump(true),
    N: () => parts.jump(false),
    b: () => toggleBookmark(session),
    "[": () => goToBookmark(session, false),
    "]": () => goToBookmark(session, true),
    ArrowUp: () => walkTree(session, true),
    ArrowDown: () => walkTree(session, false),
    Escape: () => {
      if (parts.close()) return;
      if (session.state.picked.selected === null) session.update({ screen: { top: 0 } });
      else session.select(null);
    },
  };
  takeKey(event, keys, true);
}

/** Selects the parent, or the first child, of the selected node; the root if none is selected. */
function walkTree(session: Session, up: boolean): void {
  const { heap } = session;
  if (heap.size === 0) return;
  const { selected } = session.state.picked;
  const cell = selected === null ? -1 : heap.cellOf(selected);
  const next = cell < 0 ? 0 : up ? Math.max((cell - 1) >> 1, 0) : 2 * cell + 1;
  if (next < heap.size) session.select(heap.nodeAt(next));
}
