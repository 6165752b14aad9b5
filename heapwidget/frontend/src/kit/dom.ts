/** Elements made by hand: all text goes in as text, never as HTML. */

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

const SVG = "http://www.w3.org/2000/svg";

function fill<E extends Element>(
  element: E,
  attributes: Attributes,
  children: readonly (Node | string)[],
): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** A button with a face; its name is its tooltip too, unless there is more to say. */
export const button = (name: string, face: Node, more: Attributes = {}): HTMLButtonElement =>
  h("button", { type: "button", "aria-label": name, title: name, ...more }, face);

type Handlers = { readonly [E in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[E]) => void };

/** Listens to several events of an element until aborted. */
export function listen(element: HTMLElement, handlers: Handlers, signal: AbortSignal): void {
  for (const [event, handler] of Object.entries(handlers))
    element.addEventListener(event, handler as (event: Event) => void, { signal });
}

/** A 16 × 16 icon of filled shapes and stroked lines. */
export function icon(filled: string, stroked = ""): SVGSVGElement {
  const svg = s("svg", { viewBox: "0 0 16 16", class: "hw-icon", "aria-hidden": "true" });
  if (filled) svg.append(s("path", { d: filled }));
  if (stroked) svg.append(s("path", { d: stroked, class: "hw-stroke" }));
  return svg;
}

/** Sets text only where it changed: writing it anew would cost layout and be read out again. */
export function setText(element: Element, text: string): void {
  if (element.textContent === text) return;
  const { firstChild, lastChild } = element;
  // The same text node goes on: a new one would be a new box to lay out.
  if (firstChild?.nodeType === Node.TEXT_NODE && firstChild === lastChild) firstChild.nodeValue = text;
  else element.textContent = text;
}

/** Sets an attribute only where it changed: some are styled anew whenever they are written. */
export function setAttributes(element: Element, attributes: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(attributes))
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Hides or shows an element, likewise. */
export function setHidden(element: HTMLElement, hidden: boolean): void {
  if (element.hidden !== hidden) element.hidden = hidden;
}

/** Sets a variable of styles only where it changed: all that is below the element would be styled anew. */
export function setVariable(element: HTMLElement, name: string, value: string): void {
  if (element.style.getPropertyValue(name) !== value) element.style.setProperty(name, value);
}

/** Puts an element somewhere. Not by a transform: each changed one has a browser arrange the layers of the whole page. */
export function putAt(element: HTMLElement, x: number, y: number): void {
  element.style.left = `${x.toFixed(1)}px`;
  element.style.top = `${y.toFixed(1)}px`;
}

/** Has readers told what a line says while the keyboard is at `target`; a pointer's wanderings are not read out. */
export function tellWhileFocused(target: Element, line: Element, signal: AbortSignal): void {
  target.addEventListener("focus", () => line.setAttribute("aria-live", "polite"), { signal });
  target.addEventListener("blur", () => line.removeAttribute("aria-live"), { signal });
}

/** A click leaves the focus with the viewer, so that the arrow keys go on stepping: only Tab leads into an element. */
export function keepFocusOut(element: HTMLElement, signal: AbortSignal): void {
  const mousedown = (event: Event) => {
    event.preventDefault();
    element.closest<HTMLElement>(".heapwidget")?.focus({ preventScroll: true });
  };
  listen(element, { mousedown }, signal);
}

/** Gives a canvas one backing pixel for each pixel of the screen, and returns its context scaled to CSS pixels. */
export function fitCanvas(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D | null {
  const ratio = globalThis.devicePixelRatio || 1;
  const [w, hgt] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== hgt) {
    canvas.width = w;
    canvas.height = hgt;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}
