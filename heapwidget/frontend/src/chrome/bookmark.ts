/** The bookmark of the moment: a button that sets and removes it, and its label, which can be written over. */

import {
  bookmarkAt,
  momentName,
  nextBookmark,
  withBookmark,
  withoutBookmark,
} from "../core/session/bookmarks";
import type { Session } from "../core/session/session";
import { h, icon, setHidden } from "../kit/dom";
import type { View } from "../kit/panel";
import { RIBBON } from "./scrubber";

/** Letters that the label has room for at least, and at most. */
const SHORT = 6;
const LONG = 36;

/** Sets a bookmark at the current step, or removes the one that is there. */
export function toggleBookmark(session: Session): void {
  const { step } = session.state.cursor;
  const { bookmarks } = session.state.marks;
  const toggled = bookmarkAt(bookmarks, step)
    ? withoutBookmark(bookmarks, step)
    : withBookmark(bookmarks, { step, label: momentName(session.trace, step) });
  session.update({ marks: { bookmarks: toggled } });
}

/** Goes to the next bookmark, or to the one before. */
export function goToBookmark(session: Session, forward: boolean): void {
  const { step } = session.state.cursor;
  const { bookmarks } = session.state.marks;
  const found = nextBookmark(bookmarks, step, forward);
  if (found) session.seek(found.step);
}

export class BookmarkButton implements View {
  readonly element = h(
    "button",
    {
      type: "button",
      class: "hw-button hw-toggle",
      "aria-label": "Bookmark",
      title: "Bookmark this step (b)",
    },
    icon(RIBBON),
  );
  readonly #session: Session;

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    this.element.addEventListener("click", () => toggleBookmark(session), { signal });
  }

  update(): void {
    const { step } = this.#session.state.cursor;
    const { bookmarks } = this.#session.state.marks;
    this.element.setAttribute("aria-pressed", String(bookmarkAt(bookmarks, step) !== undefined));
  }

  destroy(): void {
    this.element.remove();
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
    this.#input.addEventListener("input", () => this.#fit(), { signal });
    this.#input.addEventListener("change", () => this.#rename(), { signal });
    this.#input.addEventListener("keydown", (event) => this.#key(event), { signal });
  }

  update(): void {
    const { step } = this.#session.state.cursor;
    const { bookmarks } = this.#session.state.marks;
    const bookmark = bookmarkAt(bookmarks, step);
    setHidden(this.element, bookmark === undefined);
    if (!bookmark || this.#input.value === bookmark.label || this.#writing(step)) return;
    this.#input.dataset.at = String(step);
    this.#input.value = bookmark.label;
    this.#fit();
  }

  destroy(): void {
    this.element.remove();
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
    const renamed = withBookmark(bookmarks, { step, label: this.#input.value });
    this.#session.update({ marks: { bookmarks: renamed } });
  }

  #key(event: KeyboardEvent): void {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    const { step } = this.#session.state.cursor;
    const { bookmarks } = this.#session.state.marks;
    if (event.key === "Escape") this.#input.value = bookmarkAt(bookmarks, step)?.label ?? "";
    event.stopPropagation();
    this.#input.closest<HTMLElement>(".heapwidget")?.focus();
  }

  #fit(): void {
    this.#input.size = Math.min(Math.max(this.#input.value.length, SHORT), LONG);
  }
}
