/** The title line with its menu and help, and the sentence that tells what happened. */

import { hasWalk } from "../core/session/refining";
import type { Session } from "../core/session/session";
import { narrate, type Part, summary } from "../core/words/narration";
import { narrateSubStep } from "../core/words/slowwords";
import { h, icon, setText } from "../kit/dom";
import type { View } from "../kit/panel";
import { Popover } from "../kit/popover";
import { badge, type CardState } from "../panels/heap/card";
import { panelsFor } from "../panels/table";
import { KEYS } from "./keys";
import { Refine } from "./refine";

const MENU_ICON = "M2 4.5h7M12 4.5h2M2 11.5h2M7 11.5h7";

export class Title implements View {
  readonly element: HTMLElement;
  readonly #session: Session;
  readonly #label = h("h2", { class: "hw-target" });
  readonly #summary = h("span", { class: "hw-summary" });
  readonly #checks = new Map<string, HTMLInputElement>();
  readonly #refine: Refine | null;
  readonly #popovers: readonly Popover[];

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    setText(this.#label, session.trace.target.label);
    const dots = icon("", MENU_ICON);
    dots.append(
      ...icon("M9 4.5a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0M4 11.5a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0")
        .childNodes,
    );
    this.#refine = hasWalk(session.trace) ? new Refine(session, signal) : null;
    this.#popovers = [
      ...(this.#refine ? [this.#refine.popover] : []),
      new Popover("Panels", dots, this.#menu(signal), signal),
      new Popover("Help", h("span", { class: "hw-question", "aria-hidden": "true" }, "?"), help(), signal),
    ];
    this.element = h(
      "header",
      { class: "hw-title" },
      this.#label,
      this.#summary,
      ...this.#popovers.map((p) => p.element),
    );
  }

  update(): void {
    const session = this.#session;
    setText(this.#summary, summary(session.replay));
    this.#refine?.update();
    for (const [name, check] of this.#checks) check.checked = session.state.panels.includes(name);
  }

  /** Closes what is open; false: nothing was. */
  close(): boolean {
    return this.#popovers.map((popover) => popover.close()).includes(true);
  }

  /** Name of the sheet that is open, or nothing. */
  get sheet(): string {
    return this.#popovers.find((popover) => popover.isOpen)?.name ?? "";
  }

  set sheet(name: string) {
    this.#popovers.find((popover) => popover.name === name)?.open();
  }

  destroy(): void {
    this.element.remove();
  }

  #menu(signal: AbortSignal): HTMLElement {
    const menu = h("div", {}, h("h3", {}, "Panels"));
    for (const { name, title } of panelsFor(this.#session.trace)) {
      const check = h("input", { type: "checkbox" });
      check.addEventListener("change", () => this.#choose(name, check.checked), { signal });
      this.#checks.set(name, check);
      menu.append(h("label", {}, check, title));
    }
    return menu;
  }

  #choose(name: string, shown: boolean): void {
    const { state } = this.#session;
    const panels = shown ? [...state.panels, name] : state.panels.filter((other) => other !== name);
    this.#session.update({ panels });
  }
}

const STATES: readonly [CardState, string][] = [
  ["popped", "popped: taken from the top of the heap"],
  ["pushed", "pushed: entered the heap at this step"],
  ["rekeyed", "re-keyed: was in the heap, its key grew"],
  ["lowered", "re-keyed: was in the heap, its key shrank"],
];

function help(): HTMLElement {
  const sheet = h("div", { class: "hw-help" }, h("h3", {}, "What is shown"));
  for (const [state, text] of STATES) sheet.append(h("p", { class: `hw-${state}` }, badge(state), text));
  sheet.append(
    h("p", {}, h("i", { class: "hw-frame-sample" }), "frame: the part of the input that a node sees"),
    h("p", {}, h("i", { class: "hw-bar-sample" }), "bar, dot: the key, relative to the largest"),
    h(
      "p",
      { class: "hw-wide" },
      "Under the floor: relevance in nodes too small to enter the heap; passed on in the finish.",
    ),
    h("p", { class: "hw-wide" }, "Click a node to follow it; click a popped pixel to go to its pop."),
    h(
      "p",
      { class: "hw-wide" },
      "Heap: double-click a node to open the tree under it, and take the path above the tree back. Click the array to find a cell in the tree.",
    ),
    h(
      "p",
      { class: "hw-wide" },
      "Network: colour is what a node has passed on so far. Double-click a node to go to its next pop; click a fold to open it. Paths: the strongest flows so far.",
    ),
    h(
      "p",
      { class: "hw-wide" },
      "Compare and swap: a step is one comparison or one move in the heap. Two framed nodes are compared, a blue one was moved, a dashed one is the hole; the code panel shows the line.",
    ),
    h(
      "p",
      { class: "hw-wide" },
      "Drag the grey grips between the panels to resize them; double-click undoes it.",
    ),
    h("h3", {}, "Keys, while the viewer has the focus"),
  );
  for (const [keys, text] of KEYS) sheet.append(h("p", {}, h("kbd", {}, keys), text));
  return sheet;
}

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
    this.element.setAttribute("aria-live", state.playing ? "off" : "polite");
    const parts = slow ? narrateSubStep(replay.trace, slow.pop, slow.last) : narrate(replay);
    const key = JSON.stringify(parts);
    if (key === this.#written) return;
    this.#written = key;
    this.#write(parts);
  }

  destroy(): void {
    this.element.remove();
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
