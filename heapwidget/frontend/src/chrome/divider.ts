/** A divider that is dragged, or moved by keys, to make a panel larger or smaller; a double click undoes that. */

import { h, listen } from "../kit/dom";
import { takeKey } from "../kit/keys";

export interface Divided {
  /** Which way the divider itself runs. */
  readonly orientation: "horizontal" | "vertical";
  /** Accessible name: what it changes. */
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** How much a pixel of dragging changes. */
  readonly perPixel: () => number;
  /** The size now, and how it is said. */
  readonly value: () => number;
  readonly said: (value: number) => string;
  /** Sets the size; null: as it was at first. */
  readonly set: (value: number | null) => void;
}

/** Pixels that an arrow key moves it, and with shift. */
const STEP = 8;
const STRIDE = 40;

export class Divider {
  readonly element: HTMLElement;
  readonly #of: Divided;
  /** Where it was taken up, and the size then. */
  #held: { at: number; value: number } | null = null;

  constructor(of: Divided, signal: AbortSignal) {
    this.#of = of;
    this.element = h("div", {
      class: `hw-divider hw-divider-${of.orientation}`,
      role: "separator",
      tabindex: 0,
      title: "drag to resize, double click to reset",
      "aria-orientation": of.orientation,
      "aria-label": of.name,
      "aria-valuemin": of.least,
      "aria-valuemax": of.most,
    });
    const drop = () => {
      this.#held = null;
    };
    const handlers = {
      pointerdown: (event: PointerEvent) => this.#take(event),
      pointermove: (event: PointerEvent) => this.#drag(event),
      keydown: (event: KeyboardEvent) => this.#key(event),
      dblclick: () => of.set(null),
    };
    listen(this.element, { ...handlers, pointerup: drop, pointercancel: drop }, signal);
  }

  /** Tells readers the size. */
  update(): void {
    const value = this.#of.value();
    const [now, said] = [String(Math.round(value)), this.#of.said(value)];
    if (this.element.getAttribute("aria-valuetext") === said) return;
    this.element.setAttribute("aria-valuenow", now);
    this.element.setAttribute("aria-valuetext", said);
  }

  #place(event: PointerEvent): number {
    return this.#of.orientation === "horizontal" ? event.clientY : event.clientX;
  }

  #take(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.element.setPointerCapture?.(event.pointerId);
    this.#held = { at: this.#place(event), value: this.#of.value() };
  }

  #drag(event: PointerEvent): void {
    if (!this.#held || (event.buttons & 1) === 0) return;
    this.#move(this.#held.value, this.#place(event) - this.#held.at);
  }

  #move(from: number, pixels: number): void {
    const { least, most, perPixel } = this.#of;
    this.#of.set(Math.min(Math.max(from + pixels * perPixel(), least), most));
  }

  #key(event: KeyboardEvent): void {
    const { orientation, least, most, value } = this.#of;
    const [less, more] =
      orientation === "horizontal" ? ["ArrowUp", "ArrowDown"] : ["ArrowLeft", "ArrowRight"];
    const by = event.shiftKey ? STRIDE : STEP;
    const keys = {
      [less as string]: () => this.#move(value(), -by),
      [more as string]: () => this.#move(value(), by),
      Home: () => this.#of.set(least),
      End: () => this.#of.set(most),
      Enter: () => this.#of.set(null),
    };
    takeKey(event, keys, true);
  }
}
