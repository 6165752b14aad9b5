/** The sentence that tells what happened. */

import type { Session } from "../core/session/session";
import { narrate, type Part } from "../core/words/narration";
import { narrateSubStep } from "../core/words/slowwords";
import { h, setText } from "../kit/dom";
import type { View } from "../kit/panel";

export class Narration implements View {
  readonly element = h("p", { class: "hw-narration", role: "status" });
  readonly #session: Session;
  /** What is written, so that an unchanged sentence is not read out again. */
  #written = "";

  constructor(session: Session) {
    this.#session = session;
  }

  update(): void {
    const { state, replay, slow } = this.#session;
    // While it plays, a reader could only stutter.
    this.element.setAttribute("aria-live", state.play.playing ? "off" : "polite");
    const parts = slow ? narrateSubStep(replay.trace, slow.pop, slow.last) : narrate(replay);
    const key = JSON.stringify(parts);
    if (key === this.#written) return;
    this.#written = key;
    this.#write(parts);
  }

  /** Sentences of one form follow each other: their elements stay, and get new words. */
  #write(parts: readonly Part[]): void {
    const { element } = this;
    while (element.childElementCount > parts.length) element.lastElementChild?.remove();
    parts.forEach(({ text, kind }, i) => {
      const tag = kind ? "b" : "span";
      let part = element.children[i];
      if (part?.localName !== tag) {
        const other = h(tag);
        if (part) part.replaceWith(other);
        else element.append(other);
        part = other;
      }
      part.classList.toggle("hw-popped-word", kind === "popped");
      setText(part, text);
    });
  }
}
