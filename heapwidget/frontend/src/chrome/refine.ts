/** Asks Python for more pops: how far the walk has come, how many more, progress, and why not where it cannot be. */

import { outlook, progressWord, type Refining } from "../core/session/refining";
import type { Session } from "../core/session/session";
import { formatCount } from "../core/words/format";
import { h, setHidden, setText, setVariable } from "../kit/dom";
import type { View } from "../kit/panel";
import { Popover } from "./popover";

const CHOICES = [1_000, 10_000, 100_000];

export class Refine implements View {
  readonly popover: Popover;
  readonly #session: Session;
  readonly #word = h("span");
  readonly #about = h("p");
  readonly #pops = h("select", { class: "hw-select", "aria-label": "How many more pops" });
  readonly #start = h("button", { type: "button", class: "hw-start" }, "Go on");
  readonly #progress = h("progress", { "aria-label": "Refining", max: 1, value: 0 });
  readonly #said = h("p", { "aria-live": "polite" });

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    this.#pops.append(...CHOICES.map((n) => h("option", { value: n }, `${formatCount(n)} more pops`)));
    this.#start.addEventListener("click", () => session.kernel?.refine(Number(this.#pops.value)), { signal });
    const content = h(
      "div",
      { class: "hw-refine" },
      h("h3", {}, "Refine"),
      this.#about,
      h("div", { class: "hw-row" }, this.#pops, this.#start),
      this.#progress,
      this.#said,
    );
    this.popover = new Popover("Refine", this.#word, content, signal, () => session.kernel?.hello());
    this.popover.button.classList.add("hw-pill");
  }

  update(): void {
    const { trace, state } = this.#session;
    const { refining } = state.python;
    const running = refining.kind === "running";
    const { button } = this.popover;
    const word = progressWord(refining);
    setText(this.#word, word);
    button.setAttribute("aria-label", word);
    setVariable(button, "--hw-done", String(running ? refining.done / Math.max(refining.of, 1) : 0));
    button.classList.toggle("hw-dim", refining.kind === "impossible");
    button.title = refining.kind === "impossible" ? refining.reason : "Ask Python for more pops";
    setText(this.#about, outlook(trace, refining));
    this.#start.disabled = refining.kind !== "ready";
    this.#pops.disabled = refining.kind !== "ready";
    setHidden(this.#progress, !running);
    if (running) {
      this.#progress.max = Math.max(refining.of, 1);
      this.#progress.value = refining.done;
    }
    setText(this.#said, said(refining));
  }
}

function said(refining: Refining): string {
  switch (refining.kind) {
    case "asked":
      return "Looking for Python …";
    case "impossible":
      return refining.reason;
    case "ready":
      return refining.said;
    case "running":
      return refining.done < refining.of
        ? `${formatCount(refining.done)} of ${formatCount(refining.of)} pops`
        : "Passing on what is left …";
  }
}
