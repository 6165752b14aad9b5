/** The slider over the steps, with the phases marked below it and the bookmarks above. */

import type { Bookmark } from "../core/session/bookmarks";
import type { Session } from "../core/session/session";
import type { Trace } from "../core/trace/trace";
import { formatCount } from "../core/words/format";
import { button, h, icon, listen } from "../kit/dom";
import type { View } from "../kit/panel";

/** A ribbon, notched at its foot. */
export const RIBBON = "M4 1.5h8v13l-4-3.6-4 3.6z";

/** Width of the slider's thumb. */
const THUMB = 14;
/** Phases whose names are closer than this part of the track share one. */
const APART = 0.16;

export class Scrubber implements View {
  readonly element: HTMLElement;
  readonly #session: Session;
  readonly #slider = h("input", { type: "range", class: "hw-slider", min: 0, step: 1, "aria-label": "Step" });
  readonly #done = h("i", { class: "hw-done" });
  readonly #flags = h("div", { class: "hw-flags" });
  /** The bookmarks that the flags stand for. */
  #drawn: readonly Bookmark[] = [];

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    this.#slider.max = String(session.steps);
    const [input, change] = [
      () => session.scrub(Number(this.#slider.value)),
      () => session.update({ cursor: { scrubbing: false } }),
    ];
    listen(this.#slider, { input, change }, signal);
    const click = (event: MouseEvent) => {
      const flag = (event.target as Element).closest<HTMLElement>(".hw-flag");
      if (flag) session.seek(Number(flag.dataset.at));
    };
    listen(this.#flags, { click }, signal);
    const marks = phaseMarks(session.trace);
    this.element = h("div", { class: "hw-track" }, marks, this.#done, this.#slider, this.#flags);
  }

  update(): void {
    const { state, steps } = this.#session;
    const { step } = state.cursor;
    const { bookmarks } = state.marks;
    if (Number(this.#slider.value) !== step) this.#slider.value = String(step);
    const done = steps ? step / steps : 0;
    this.#done.style.width = `calc(${THUMB / 2}px + (100% - ${THUMB}px) * ${done.toFixed(4)})`;
    this.#slider.setAttribute("aria-valuetext", `${formatCount(step)} of ${formatCount(steps)}`);
    if (this.#drawn !== bookmarks) {
      this.#drawn = bookmarks;
      this.#flags.replaceChildren(...bookmarks.map((bookmark) => flag(bookmark, steps)));
    }
    for (const element of this.#flags.children) {
      element.classList.toggle("hw-here", Number((element as HTMLElement).dataset.at) === step);
    }
  }
}

/** Reached by `[` and `]`, not by tab: there may be many. */
function flag({ step, label }: Bookmark, steps: number): HTMLElement {
  const name = `Bookmark at ${formatCount(step)}: ${label}`;
  const element = button(name, icon(RIBBON), { class: "hw-flag", tabindex: -1, "data-at": step });
  element.style.setProperty("--hw-at", String(steps ? step / steps : 0));
  return element;
}

/** A tick where a phase begins, and the names of the phases. */
function phaseMarks(trace: Trace): HTMLElement {
  const { walkEnd, finishEnd, steps } = trace;
  const element = h("div", { class: "hw-marks", "aria-hidden": "true" });
  const marks: [string, number][] = [];
  if (walkEnd > 0 && finishEnd > walkEnd) marks.push(["finish", walkEnd / steps]);
  if (finishEnd > 0 && steps > finishEnd) marks.push(["collect", finishEnd / steps]);
  for (const [, at] of marks) {
    const tick = h("i");
    tick.style.setProperty("--hw-at", String(at));
    element.append(tick);
  }
  // Names that would overlap share one place: the first ends where the second begins.
  const [a, b] = marks;
  const words: [string, number][] =
    a && b && b[1] - a[1] <= APART ? [[`${a[0]} · ${b[0]}`, a[1]]] : [...marks];
  if (walkEnd > 0) words.unshift(["walk", 0]);
  for (const [word, at] of words) {
    const label = h("span", { class: at > 0.75 ? "hw-left" : "" }, word);
    label.style.setProperty("--hw-at", String(at));
    element.append(label);
  }
  return element;
}
