/** The bookmark of the moment: a button that sets and removes it, and its label, which can be written over. */

import {
  bookmarkAt,
  momentName,
  nextBookmark,
  withBookmark,
  withoutBookmark,
} from "../core/session/bookmarks";
import type { Session } from "../core/session/session";
import { button, h, icon, listen, setHidden } from "../kit/dom";
import type { View } from "../kit/panel";
import { RIBBON } from "./scrubber";

/** Letters that the label has room for at least, and at most. */
const SHORT = 6;
const LONG = 36;

const bookmarkHere = ({ state }: Session) => bookmarkAt(state.marks.bookmarks, state.cursor.step);

/** Sets a bookmark at the current step, or removes the one that is there. */
export function toggleBookmark(session: Session): void {
  const { step } = session.state.cursor;
  const { bookmarks } = session.state.marks;
  const toggled = bookmarkHere(session)
    ? withoutBookmark(bookmarks, step)
    : withBookmark(bookmarks, { step, label: momentName(session.trace, step) });
  session.update({ marks: { bookmarks: toggled } });
}

/** Goes to the next bookmark, or to the one before. */
export function goToBookmark(session: Session, forward: boolean): void {
  const { cursor, marks } = session.state;
  const found = nextBookmark(marks.bookmarks, cursor.step, forward);
  if (found) session.seek(found.step);
}

export class BookmarkButton implements View {
  readonly element = button("Bookmark", icon(RIBBON), {
    class: "hw-button hw-toggle",
    title: "Bookmark this step (b)",
  });
  readonly #session: Session;

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    listen(this.element, { click: () => toggleBookmark(session) }, signal);
  }

  update(): void {
    this.element.setAttribute("aria-pressed", String(bookmarkHere(this.#session) !== undefined));
  }
}

export class BookmarkLabel implements View {
  readonly #input = h("input", {
    type: "text",
    "aria-label": "Bookmark label",
    spellcheck: "false",
    // No kernel takes more.
    maxlength: 1000,
  });
  readonly element = h("label", { class: "hw-bookmark", hidden: true }, icon(RIBBON), this.#input);
  readonly #session: Session;

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    const keydown = (event: KeyboardEvent) => this.#key(event);
    listen(this.#input, { input: () => this.#fit(), change: () => this.#rename(), keydown }, signal);
  }

  update(): void {
    const bookmark = bookmarkHere(this.#session);
    setHidden(this.element, bookmark === undefined);
    if (!bookmark || this.#input.value === bookmark.label || this.#writing(bookmark.step)) return;
    this.#input.dataset.at = String(bookmark.step);
    this.#input.value = bookmark.label;
    this.#fit();
  }

  /** Whether the label of this very step is being written. */
  #writing(step: number): boolean {
    const root = this.#input.getRootNode() as Document | ShadowRoot;
    return root.activeElement === this.#input && this.#input.dataset.at === String(step);
  }

  #rename(): void {
    const step = Number(this.#input.dataset.at);
    const { bookmarks } = this.#session.state.marks;
    if (!bookmarkAt(bookmarks, step)) return;
    const label = this.#input.value;
    this.#session.update({ marks: { bookmarks: withBookmark(bookmarks, { step, label }) } });
  }

  #key(event: KeyboardEvent): void {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    if (event.key === "Escape") this.#input.value = bookmarkHere(this.#session)?.label ?? "";
    event.stopPropagation();
    this.#input.closest<HTMLElement>(".heapwidget")?.focus();
  }

  #fit(): void {
    this.#input.size = Math.min(Math.max(this.#input.value.length, SHORT), LONG);
  }
}
