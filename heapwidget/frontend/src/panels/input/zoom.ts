/** Zoom and pan of the input's parts, once switched on: by wheel, drag, double click, buttons and keys. */

import { type Camera, panned, WHOLE, zoomed } from "../../core/geometry/camera";
import { button, h, icon, listen, setHidden } from "../../kit/dom";
import { arrowKeys, takeKey } from "../../kit/keys";
import type { PartView } from "./kind";

const STEP = 1.5;
/** Magnification by a pixel of the wheel, and pixels of a line of it. */
const WHEEL = 0.0016;
const LINE = 16;
/** Pixels from which on a press is a drag, and the share of the view that an arrow key moves by. */
const DRAG = 3;
const ARROW = 0.15;

const ICONS = {
  zoom: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.4 10.4 14 14M7 5.2v3.6M5.2 7h3.6",
  in: "M8 4v8M4 8h8",
  out: "M4 8h8",
  whole: "M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3",
};

export class Zoom {
  /** Switches it on. */
  readonly button = button("Zoom", icon("", ICONS.zoom), {
    class: "hw-button hw-zoom",
    title: "Zoom: wheel or + and −, drag to move, double click or 0 for the whole",
    "aria-pressed": "false",
  });
  readonly tools: HTMLElement;
  readonly #views: readonly PartView[];
  readonly #cameras = new Map<PartView, Camera>();
  readonly #changed: () => void;
  #on = false;
  /** The part that buttons and keys act on: the one pointed at last. */
  #current: PartView;
  /** Where the pointer went down, and whether it has moved since. */
  #drag: { x: number; y: number; from: Camera; moved: boolean } | null = null;

  constructor(views: readonly PartView[], changed: () => void, signal: AbortSignal) {
    this.#views = views.filter((view) => view.mostZoom > 1);
    this.#current = this.#views[0] ?? (views[0] as PartView);
    this.#changed = changed;
    this.button.hidden = this.#views.length === 0;
    listen(this.button, { click: () => this.#switch(!this.#on) }, signal);
    const tool = (name: string, shape: keyof typeof ICONS, act: () => void) => {
      const element = button(name, icon("", ICONS[shape]));
      listen(element, { click: act }, signal);
      return element;
    };
    this.tools = h(
      "div",
      { class: "hw-zoom-tools", hidden: true },
      tool("Zoom in", "in", () => this.#magnify(STEP)),
      tool("Zoom out", "out", () => this.#magnify(1 / STEP)),
      tool("Show all", "whole", () => this.#show(this.#current, WHOLE)),
    );
    for (const view of this.#views) this.#listen(view, signal);
  }

  get on(): boolean {
    return this.#on;
  }

  /** Whether the press that just ended moved the picture: then it was no click. */
  get dragged(): boolean {
    return this.#drag?.moved ?? false;
  }

  /** Takes the keys within the panel that zoom and pan. */
  onKey(event: KeyboardEvent): void {
    if (!this.#on) return;
    const { element } = this.#current;
    const pan = (right: number, down: number) => () =>
      this.#show(this.#current, panned(this.#cameraOf(this.#current), -right * ARROW, -down * ARROW));
    // Who came here by keys moves the picture; who clicked on it goes on stepping.
    const moves = event.target === element && element.matches(":focus-visible");
    const keys = {
      ...(moves ? arrowKeys(pan) : {}),
      "+": () => this.#magnify(STEP),
      "=": () => this.#magnify(STEP),
      "-": () => this.#magnify(1 / STEP),
      "0": () => this.#show(this.#current, WHOLE),
    };
    takeKey(event, keys, true);
  }

  #switch(on: boolean): void {
    this.#on = on;
    this.button.setAttribute("aria-pressed", String(on));
    setHidden(this.tools, !on);
    for (const view of this.#views) {
      view.element.classList.toggle("hw-zooming", on);
      if (on) view.element.tabIndex = 0;
      else {
        view.element.removeAttribute("tabindex");
        this.#show(view, WHOLE);
      }
    }
  }

  #cameraOf(view: PartView): Camera {
    return this.#cameras.get(view) ?? WHOLE;
  }

  #show(view: PartView, camera: Camera): void {
    this.#cameras.set(view, camera);
    view.element.dataset.zoom = String(Number(camera.scale.toPrecision(4)));
    view.look(camera);
    this.#changed();
  }

  #magnify(factor: number, u = 0.5, v = 0.5, view = this.#current): void {
    this.#show(view, zoomed(this.#cameraOf(view), factor, u, v, view.mostZoom));
  }

  #listen(view: PartView, signal: AbortSignal): void {
    const { element } = view;
    const handlers = {
      focus: () => {
        this.#current = view;
      },
      pointerdown: (event: PointerEvent) => this.#press(view, event),
      pointermove: (event: PointerEvent) => this.#move(view, event),
      dblclick: () => this.#on && this.#show(view, WHOLE),
    };
    listen(element, handlers, signal);
    element.addEventListener("wheel", (event) => this.#wheel(view, event), { signal, passive: false });
  }

  #wheel(view: PartView, event: WheelEvent): void {
    if (!this.#on) return;
    event.preventDefault();
    const box = view.element.getBoundingClientRect();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1;
    this.#current = view;
    this.#magnify(
      Math.exp(-event.deltaY * lines * WHEEL),
      (event.clientX - box.left) / box.width,
      (event.clientY - box.top) / box.height,
      view,
    );
  }

  #press(view: PartView, event: PointerEvent): void {
    this.#current = view;
    const { clientX: x, clientY: y } = event;
    this.#drag = { x, y, from: this.#cameraOf(view), moved: false };
    if (this.#on && event.button === 0) view.element.setPointerCapture?.(event.pointerId);
  }

  #move(view: PartView, event: PointerEvent): void {
    const drag = this.#drag;
    if (!this.#on || !drag || event.buttons !== 1 || drag.from.scale === 1) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    drag.moved ||= Math.hypot(dx, dy) >= DRAG;
    if (!drag.moved) return;
    const box = view.element.getBoundingClientRect();
    this.#show(view, panned(drag.from, dx / box.width, dy / box.height));
  }
}
