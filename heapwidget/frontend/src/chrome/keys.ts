/** The keys, while the viewer has the focus. */

import type { Session } from "../core/session/session";
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
  if (isShortcut(event) || (choosing && event.key !== "Escape")) return;
  // A focused button is pressed by the space bar, as anywhere.
  if (event.key === " " && tag === "BUTTON") return;
  const stride = event.shiftKey ? 10 : 1;
  const actions: Record<string, () => void> = {
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
      session.update(session.state.selected === null ? { top: 0 } : { selected: null });
    },
  };
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

/** Keys of the browser or the host; brackets need AltGr on many keyboards, which some systems tell as Ctrl and Alt. */
function isShortcut(event: KeyboardEvent): boolean {
  return (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph");
}

/** Selects the parent, or the first child, of the selected node; the root if none is selected. */
function walkTree(session: Session, up: boolean): void {
  const { heap } = session;
  if (heap.size === 0) return;
  const { selected } = session.state;
  const cell = selected === null ? -1 : heap.cellOf(selected);
  const next = cell < 0 ? 0 : up ? Math.max((cell - 1) >> 1, 0) : 2 * cell + 1;
  if (next < heap.size) session.update({ selected: heap.nodeAt(next) });
}
