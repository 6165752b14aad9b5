/** A button and the small sheet that it opens. */

import { button, h } from "../kit/dom";

export class Popover {
  readonly element: HTMLElement;
  readonly name: string;
  readonly button: HTMLButtonElement;
  readonly #sheet: HTMLElement;
  readonly #onOpen: () => void;

  constructor(
    name: string,
    face: Element,
    content: HTMLElement,
    signal: AbortSignal,
    onOpen: () => void = () => undefined,
  ) {
    this.name = name;
    this.#onOpen = onOpen;
    this.button = button(name, face, { class: "hw-button", "aria-expanded": "false" });
    this.#sheet = h(
      "div",
      { class: "hw-sheet", role: "dialog", "aria-label": name, tabindex: -1, hidden: true },
      content,
    );
    this.element = h("div", { class: "hw-popover" }, this.button, this.#sheet);
    this.button.addEventListener("click", () => (this.isOpen ? this.close() : this.open()), { signal });
    const outside = (event: Event) => {
      if (!event.composedPath().includes(this.element)) this.close();
    };
    document.addEventListener("pointerdown", outside, { signal });
    const left = ({ relatedTarget }: FocusEvent) => {
      if (relatedTarget instanceof Node && !this.element.contains(relatedTarget)) this.#set(false);
    };
    this.element.addEventListener("focusout", left, { signal });
  }

  get isOpen(): boolean {
    return this.#sheet.hidden === false;
  }

  open(): void {
    this.#set(true);
    this.#onOpen();
  }

  /** Shuts the sheet and gives the focus back; false: it was not open. */
  close(): boolean {
    const { isOpen } = this;
    if (isOpen && this.#sheet.matches(":focus-within")) this.button.focus();
    this.#set(false);
    return isOpen;
  }

  /** What opens takes the focus: its first control, or all of it, to be read. */
  #set(open: boolean): void {
    this.#sheet.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) (this.#sheet.querySelector("input") ?? this.#sheet).focus();
  }
}
