/** Python's own heap routines, the running line lit, with the variables of that moment. */

import type { SlowMoment } from "../../core/session/session";
import { type CodeLine, ROUTINES, type Routine } from "../../core/slow/routines";
import { panels } from "../../core/vocabulary/vocabulary";
import { formatKey } from "../../core/words/format";
import { nodeLabel } from "../../core/words/labels";
import { h, setText } from "../../kit/dom";
import type { Panel, Stage, View } from "../../kit/panel";

const KEYWORDS = /^(def|while|if|else|and|not|return|continue|break)$/;

export const codePanel: Panel = {
  name: "code",
  title: panels.code,
  create: (root, stage) => new CodeView(root, stage),
};

class CodeView implements View {
  readonly #stage: Stage;
  readonly #lines = new Map<Routine, HTMLElement[]>();
  readonly #variables = h("dl", { class: "hw-variables" });
  readonly #hint = h("span");
  /** The lit line. */
  #lit: HTMLElement | undefined;

  constructor(root: HTMLElement, stage: Stage) {
    this.#stage = stage;
    const routines = (Object.keys(ROUTINES) as Routine[]).map((name) => this.#routine(name));
    root.append(
      h("h3", { class: "hw-heading" }, "Code", this.#hint),
      h("div", { class: "hw-code" }, ...routines),
      this.#variables,
    );
  }

  update(): void {
    const { session } = this.#stage;
    const { slow } = session;
    this.#light(slow?.last.at ?? null);
    const waiting = session.state.cursor.slow
      ? "the next step goes into the heap"
      : "choose compare and swap below";
    setText(this.#hint, slow ? "Python's heapq, and how a key is changed" : waiting);
    this.#write(slow);
  }

  #routine(name: Routine): HTMLElement {
    const lines = ROUTINES[name].map((text) => h("span", { class: "hw-line" }, ...words(text), "\n"));
    this.#lines.set(name, lines);
    return h("pre", { class: `hw-code-${name.replace("_", "")}` }, h("code", {}, ...lines));
  }

  #light(at: CodeLine | null): void {
    const line = at ? this.#lines.get(at.routine)?.[at.line] : undefined;
    if (line === this.#lit) return;
    this.#lit?.classList.remove("hw-lit");
    this.#lit?.removeAttribute("aria-current");
    line?.classList.add("hw-lit");
    line?.setAttribute("aria-current", "step");
    this.#lit = line;
  }

  #write(slow: SlowMoment | null): void {
    const { trace } = this.#stage.session;
    const entries = Object.entries(slow?.last.variables ?? {}).map(([name, value]) => {
      const text =
        typeof value === "object"
          ? `${formatKey(value.key)} ${nodeLabel(trace, value.node)}`
          : pythonWord(value);
      return h("div", {}, h("dt", {}, name), h("dd", {}, text));
    });
    const said = entries.map((entry) => entry.textContent).join();
    if (said === this.#variables.dataset.said) return;
    this.#variables.dataset.said = said;
    this.#variables.replaceChildren(...entries);
  }
}

/** A number or a truth value as Python writes it. */
const pythonWord = (value: number | boolean): string =>
  typeof value === "number" ? String(value) : value ? "True" : "False";

/** A line with its keywords set apart. */
function words(text: string): Node[] {
  return (text.match(/\w+|\W+/g) ?? []).map((word) =>
    KEYWORDS.test(word) ? h("b", {}, word) : document.createTextNode(word),
  );
}
