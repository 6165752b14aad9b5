/** A node as a card: its label, its key, and the patch of the input that it sees. */

import { formatKey } from "../core/format";
import { labelParts, shorten } from "../core/labels";
import { CARD_HEIGHT } from "../core/layout";
import { layerOf } from "../core/trace";
import { h, icon, s, setText } from "./dom";
import type { Stage } from "./panel";

export type CardState = "" | "pushed" | "rekeyed" | "lowered" | "popped";

/** What a sub-step does with the item of a cell. */
export type CardMark = "" | "compared" | "hole" | "moved";

export interface CardFace {
  readonly node: number;
  readonly key: number;
  /** Share of the largest key, for the bar. */
  readonly share: number;
  readonly state: CardState;
  readonly mark: CardMark;
  readonly hot: boolean;
  readonly selected: boolean;
  /** Whether the node sees the position under the pointer. */
  readonly sees: boolean;
  /** The card stands for the node's whole layer. */
  readonly layer: boolean;
}

export interface CardPlace {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

/** Shapes within the badge: up out of the heap, new in it, moved up or down within it. */
const BADGES: Readonly<Record<CardState, string>> = {
  "": "",
  popped: "M4.5 9.5 8 6l3.5 3.5",
  pushed: "M8 4.2v7.6M4.2 8h7.6",
  rekeyed: "M8 12V4.6M4.8 7.6 8 4.4l3.2 3.2",
  lowered: "M8 4v7.4M4.8 8.4 8 11.6l3.2-3.2",
};
const SAID: Readonly<Record<CardState, string>> = {
  "": "",
  popped: ", popped",
  pushed: ", pushed",
  rekeyed: ", re-keyed",
  lowered: ", re-keyed, lower than before",
};
/** Edge of the patch, on cards narrower than `NARROW` and on others. */
const PATCH = 36;
const SMALL_PATCH = 28;
const NARROW = 120;
/** What neither patch nor text can use of a card's width. */
const PADDING = 18;

/** The badge of a state, for the help as well. */
export function badge(state: CardState): SVGSVGElement {
  const svg = icon("", BADGES[state]);
  svg.classList.add("hw-badge");
  svg.prepend(s("circle", { cx: 8, cy: 8, r: 8 }));
  return svg;
}

export class Card {
  readonly element: HTMLElement;
  readonly #patch = h("canvas", { class: "hw-patch", "aria-hidden": "true" });
  readonly #name = h("span", { class: "hw-name" });
  readonly #position = h("span", { class: "hw-place" });
  readonly #key = h("div", { class: "hw-key" });
  readonly #bar = h("div", { class: "hw-bar" });
  readonly #badge = badge("pushed");
  /** What the patch shows: node and theme. */
  #drawn = "";
  /** The label as it was last fitted, and into what. */
  #fitted = "";
  /** Where the card stands. */
  #place: CardPlace | null = null;
  /** What the card shows. */
  #face: CardFace | null = null;

  constructor() {
    const scale = h("div", { class: "hw-scale" }, this.#bar);
    const text = h(
      "div",
      { class: "hw-text" },
      h("div", { class: "hw-label" }, this.#name, " ", this.#position),
      this.#key,
    );
    this.element = h("div", { class: "hw-card" }, this.#patch, text, scale, this.#badge);
    this.element.style.height = `${CARD_HEIGHT}px`;
  }

  get node(): number {
    return this.#face?.node ?? -1;
  }

  /** Moves the card, gliding from where it stood for `glide` milliseconds, or fading in if it is new there. */
  moveTo(place: CardPlace, glide: number, fresh: boolean): void {
    const old = this.#place;
    const same = old && old.x === place.x && old.y === place.y && old.width === place.width;
    this.element.hidden = false;
    if (same && !fresh) return;
    this.#place = place;
    const to = `translate(${place.x}px, ${place.y}px)`;
    this.element.style.transform = to;
    this.element.style.width = `${place.width}px`;
    if (glide <= 0 || !this.element.animate) return;
    const frames =
      fresh || !old
        ? [{ opacity: 0 }, { opacity: 1 }]
        : [
            { transform: `translate(${old.x + (old.width - place.width) / 2}px, ${old.y}px)` },
            { transform: to },
          ];
    this.element.animate(frames, { duration: glide, easing: "cubic-bezier(.2,.7,.3,1)" });
  }

  hide(): void {
    this.element.hidden = true;
    this.#place = null;
  }

  show(face: CardFace, stage: Stage): void {
    const before = this.#face;
    this.#face = face;
    if (before?.node !== face.node || before.layer !== face.layer) this.#label(face, stage);
    const { classList, dataset } = this.element;
    if (before?.key !== face.key) setText(this.#key, formatKey(face.key));
    const share = `${(100 * Math.min(Math.max(face.share, 0.02), 1)).toFixed(1)}%`;
    if (this.#bar.style.width !== share) this.#bar.style.width = share;
    this.#bar.classList.toggle("hw-negative", face.key < 0);
    if (before?.state !== face.state) {
      this.#badge.querySelector("path")?.setAttribute("d", BADGES[face.state]);
      for (const state of ["popped", "pushed", "rekeyed", "lowered"])
        classList.toggle(`hw-${state}`, state === face.state);
    }
    for (const mark of ["compared", "hole", "moved"]) classList.toggle(`hw-${mark}`, mark === face.mark);
    classList.toggle("hw-hot", face.hot);
    classList.toggle("hw-selected", face.selected);
    classList.toggle("hw-sees", face.sees);
    if (before?.node !== face.node) dataset.node = String(face.node);
    this.#drawPatch(face, stage);
  }

  /** Tells a screen reader where in the tree the card is; null: set aside. */
  describe(level: number | null): void {
    const face = this.#face;
    if (!face) return;
    const { element } = this;
    const label = `${element.title}, ${formatKey(face.key)}${SAID[face.state]}`;
    if (element.getAttribute("aria-label") !== label) element.setAttribute("aria-label", label);
    element.setAttribute("role", level === null ? "img" : "treeitem");
    if (level === null) {
      element.removeAttribute("aria-level");
      element.removeAttribute("aria-selected");
    } else {
      element.setAttribute("aria-level", String(level + 1));
      element.setAttribute("aria-selected", String(face.selected));
    }
  }

  get #width(): number {
    return this.#place?.width ?? 160;
  }

  get #patchSize(): number {
    return this.#width < NARROW ? SMALL_PATCH : PATCH;
  }

  #label(face: CardFace, stage: Stage): void {
    const { trace } = stage.session;
    const { name, place } = face.layer
      ? { name: layerOf(trace, face.node).label, place: "" }
      : labelParts(trace, face.node);
    this.element.title = place ? `${name} ${place}` : name;
    setText(this.#name, name);
    setText(this.#position, place);
    this.fit(stage);
  }

  /** Shortens the label to the card's width, for the eye only: its text stays what it is. */
  fit(stage: Stage): void {
    const full = this.#name.textContent;
    const room = this.#width - this.#patchSize - PADDING;
    const fitted = `${room} ${full}`;
    if (fitted === this.#fitted) return;
    this.#fitted = fitted;
    const shown = shorten(full, (text) => stage.theme.textWidth(text) <= room);
    if (shown === full) delete this.#name.dataset.shown;
    else this.#name.dataset.shown = shown;
  }

  #drawPatch(face: CardFace, stage: Stage): void {
    const { dark } = stage.theme.palette;
    const size = this.#patchSize;
    const what = `${face.node} ${face.layer} ${dark} ${size}`;
    if (what === this.#drawn) return;
    this.#drawn = what;
    stage.patches.draw(this.#patch, stage, face.node, face.layer, size);
  }
}
