/** The title line with its menu and help. */

import { hasWalk } from "../core/session/refining";
import type { Session } from "../core/session/session";
import { summary } from "../core/words/narration";
import { h, icon, setText } from "../kit/dom";
import type { View } from "../kit/panel";
import { panelsFor } from "../panels/table";
import { help } from "./help";
import { Popover } from "./popover";
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
    for (const [name, check] of this.#checks) check.checked = session.state.screen.panels.includes(name);
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
    const { panels } = this.#session.state.screen;
    const chosen = shown ? [...panels, name] : panels.filter((other) => other !== name);
    this.#session.update({ screen: { panels: chosen } });
  }
}
