/** Says that the cursor is shared with another viewer, and when this one waits. */

import type { Session } from "../core/session/session";
import { lengthsOf, linkWords } from "../core/session/timeline";
import { h, icon, setHidden, setText } from "../kit/dom";
import type { View } from "../kit/panel";

const CHAIN =
  "M6.8 9.2a2.6 2.6 0 0 0 3.7 0l2-2a2.6 2.6 0 0 0-3.7-3.7l-.9.9M9.2 6.8a2.6 2.6 0 0 0-3.7 0l-2 2a2.6 2.6 0 0 0 3.7 3.7l.9-.9";

export class SharedNote implements View {
  readonly #words = h("span");
  readonly element = h("p", { class: "hw-linked", hidden: true }, icon("", CHAIN), this.#words);
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  update(): void {
    const { trace, state } = this.#session;
    const { step, place } = state.cursor;
    const { companions, lengths } = state.shared;
    setHidden(this.element, companions === 0);
    if (companions > 0) setText(this.#words, linkWords(step, place, lengthsOf(trace), lengths));
  }
}
