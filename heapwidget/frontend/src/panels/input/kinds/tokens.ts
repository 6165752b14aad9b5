/** Words, shaded and broken into lines like text. */

import { fieldRun } from "../../../core/geometry/field";
import type { InputPart } from "../../../core/trace/input";
import { nodeLabel } from "../../../core/words/labels";
import { ink } from "../../../core/words/vocabulary";
import { h } from "../../../kit/dom";
import type { Stage } from "../../../kit/panel";
import { cssColor, type KindOfInput, type PartView, type Pointed, type Room, type Shown } from "../kind";
import { drawMiniText } from "./tokenpatch";

/** A text that is higher is scrolled. */
const HIGHEST = 400;

class Words implements PartView {
  readonly element = h("div", { class: "hw-words", role: "list" });
  readonly mostZoom = 1;
  readonly fades = false;
  readonly #part: InputPart;
  readonly #stage: Stage;
  readonly #words: readonly HTMLElement[];
  /** What each word shows: colour, sign and rank. */
  readonly #drawn: string[];
  #framed: readonly [number, number] = [0, 0];
  #hot: HTMLElement | undefined;

  constructor(part: InputPart, stage: Stage) {
    this.#part = part;
    this.#stage = stage;
    this.element.setAttribute("aria-label", `Words of ${part.label}`);
    this.element.style.maxHeight = `${HIGHEST}px`;
    this.#words = Array.from({ length: part.count }, (_, position) =>
      h(
        "span",
        { class: "hw-word", role: "listitem", "data-node": part.first + position },
        part.names?.[position] || "∅",
      ),
    );
    this.#drawn = this.#words.map(() => "");
    // Spaces between the words let the lines break; they belong to none.
    for (const word of this.#words) this.element.append(word, " ");
    const { signal } = stage;
    this.element.addEventListener("keydown", (event) => this.#keepScrolling(event), { signal });
  }

  fit({ width }: Room): void {
    this.element.style.width = `${width}px`;
    if (this.element.scrollHeight > this.element.clientHeight) this.element.tabIndex = 0;
    else this.element.removeAttribute("tabindex");
  }

  draw({ tones, colors, replay, palette }: Shown): void {
    const { first } = this.#part;
    this.#words.forEach((word, position) => {
      const node = first + position;
      const tone = tones.tones[node] as number;
      const negative = (tones.values[node] as number) < 0;
      const popped = tones.ranks.has(node, replay.step);
      const drawn = `${tone} ${negative} ${popped} ${palette.dark} ${replay.signed}`;
      if (this.#drawn[position] === drawn) return;
      this.#drawn[position] = drawn;
      word.style.backgroundColor = tone === 0 ? "" : cssColor(colors, tone);
      word.style.color = tone === 0 ? "" : inkOn(colors, tone);
      word.classList.toggle("hw-negative", negative && tone !== 0);
      word.classList.toggle("hw-popped", popped);
      const label = nodeLabel(this.#stage.session.trace, node);
      word.setAttribute("aria-label", popped ? `${label}, popped` : label);
    });
  }

  point({ framed, position }: Pointed): void {
    const { trace } = this.#stage.session;
    const run = framed === null ? null : fieldRun(trace, framed, this.#part);
    const next = run && run[1] - run[0] < this.#part.count ? run : ([0, 0] as const);
    for (let p = this.#framed[0]; p < this.#framed[1]; p++)
      this.#words[p]?.classList.remove("hw-seen", "hw-seen-first", "hw-seen-last");
    for (let p = next[0]; p < next[1]; p++) this.#words[p]?.classList.add("hw-seen");
    this.#words[next[0]]?.classList.toggle("hw-seen-first", next[1] > next[0]);
    this.#words[next[1] - 1]?.classList.toggle("hw-seen-last", next[1] > next[0]);
    this.#framed = next;
    this.#hot?.classList.remove("hw-hot");
    this.#hot = position === null ? undefined : this.#words[position - this.#part.first];
    this.#hot?.classList.add("hw-hot");
  }

  positionAt(event: MouseEvent): number | null {
    const word = (event.target as Element).closest<HTMLElement>(".hw-word");
    return word ? Number(word.dataset.node) : null;
  }

  look(): void {}

  /** Keys that scroll a text do so here, and do not step. */
  #keepScrolling(event: KeyboardEvent): void {
    const keys = ["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"];
    if (event.target === this.element && keys.includes(event.key)) event.stopPropagation();
  }
}

/** Black or white, whichever reads better on a colour: relative luminance as WCAG 2 defines it. */
function inkOn(colors: Uint8ClampedArray, tone: number): string {
  const [r, g, b] = [0, 1, 2].map((c) => {
    const share = (colors[4 * tone + c] as number) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) ? ink.black : ink.white;
}

export const tokensKind: KindOfInput = {
  create: (part, stage) => new Words(part, stage),
  drawPatch: drawMiniText,
};
