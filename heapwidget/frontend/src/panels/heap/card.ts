/** A node as a card: its label, its key, and the patch of the input that it sees. */

import { CARD_HEIGHT } from "../../core/geometry/treelayout";
import { layerOf } from "../../core/trace/trace";
import { formatKey } from "../../core/words/format";
import { labelParts, shorten } from "../../core/words/labels";
import { h, putAt, setAttributes, setHidden, setText, setVariable } from "../../kit/dom";
import type { Stage } from "../../kit/panel";
import type { Palette } from "../../kit/theme";
import { BADGES, badge, type CardState } from "./badge";
import { Glide, type Pose } from "./glide";

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

const SAID: Readonly<Record<CardState, string>> = {
  "": "",
  popped: ", popped",
  pushed: ", pushed",
  rekeyed: ", re-keyed",
  lowered: ", re-keyed, lower than before",
};
/** Edge of the patch, and on cards narrower than `NARROW`. */
const PATCH = 36;
const SMALL_PATCH = 28;
const NARROW = 120;
/** How far below its place a new card begins. */
const RISE = 12;
/** What neither patch nor text can use of a card's width. */
const PADDING = 18;
/** Where the patch is: from the left edge, and above the middle by half of this. */
const PATCH_LEFT = 6;
const PATCH_ABOVE = 4;
/** The bar: its height, its distance from the sides and from the foot to its top, and its shortest part of the width. */
const BAR = 3;
const BAR_INSET = 6;
const BAR_BELOW = 6;
const SHORTEST = 0.02;
/** A place of more letters, as of a square of positions, is set smaller. */
const LONG_PLACE = 11;
/** Dashes of a negative bar. */
const DASH = 4;
const DASH_GAP = 2;
/** How much is seen of patch and bar in the hole. */
const HOLE = 0.45;

export class Card {
  readonly element: HTMLElement;
  /** What the node sees. */
  #patch: ImageBitmap | null = null;
  readonly #name = h("span", { class: "hw-name" });
  readonly #position = h("span", { class: "hw-place" });
  readonly #key = h("div", { class: "hw-key" });
  readonly #badge = badge("pushed");
  /** The label as it was last fitted, and into what. */
  #fitted = "";
  /** Where the card belongs, and its way there. */
  #place: CardPlace | null = null;
  readonly #glide = new Glide({ x: 0, y: 0 });
  /** Where it was put last. */
  #pose: Pose | null = null;
  /** What the card shows. */
  #face: CardFace | null = null;

  constructor() {
    const text = h(
      "div",
      { class: "hw-text" },
      h("div", { class: "hw-label" }, this.#name, " ", this.#position),
      this.#key,
    );
    this.element = h("div", { class: "hw-card" }, h("div", { class: "hw-patch" }), text, this.#badge);
    this.element.style.height = `${CARD_HEIGHT}px`;
  }

  get node(): number {
    return this.#face?.node ?? -1;
  }

  /** Sends the card to a place, for `time` milliseconds on its way, or rising into it if it is new there. */
  moveTo(place: CardPlace, time: number, fresh: boolean): void {
    const old = this.#place;
    setHidden(this.element, false);
    if (old && old.x === place.x && old.y === place.y && old.width === place.width && !fresh) return;
    this.#place = place;
    if (old?.width !== place.width) {
      this.element.style.width = `${place.width}px`;
      setVariable(this.element, "--hw-patch-size", `${this.#patchSize}px`);
    }
    const { x, y } = this.#glide.pose;
    // Its middle stays where it is when it gets narrower or wider.
    const start =
      fresh || !old ? { x: place.x, y: place.y + RISE } : { x: x + (old.width - place.width) / 2, y };
    this.#glide.to(start, place, time, performance.now());
  }

  /** Puts the card where it is at a moment; false: it has arrived. */
  stand(moment: number): boolean {
    const moves = this.#glide.at(moment);
    const { pose } = this.#glide;
    const { x, y } = pose;
    if (pose === this.#pose) return moves;
    this.#pose = pose;
    putAt(this.element, x, y);
    return moves;
  }

  /** Draws where the card is what changes with nearly every step: the patch, and the bar of the key. */
  draw(context: CanvasRenderingContext2D, palette: Palette): void {
    const face = this.#face;
    if (!face) return;
    const ratio = globalThis.devicePixelRatio || 1;
    const { x, y } = this.#glide.pose;
    const size = this.#patchSize;
    const onPixel = (at: number) => Math.round(at * ratio) / ratio;
    context.globalAlpha = face.mark === "hole" ? HOLE : 1;
    const [left, top] = [onPixel(x + PATCH_LEFT), onPixel(y + (CARD_HEIGHT - PATCH_ABOVE - size) / 2)];
    if (this.#patch)
      context.drawImage(this.#patch, left, top, this.#patch.width / ratio, this.#patch.height / ratio);
    const room = this.#width - 2 * BAR_INSET;
    const length = room * Math.min(Math.max(face.share, SHORTEST), 1);
    const [start, under] = [onPixel(x + BAR_INSET), onPixel(y + CARD_HEIGHT - BAR_BELOW)];
    if (face.key >= 0) {
      context.fillStyle = face.state === "popped" ? palette.warm : palette.warmSoft;
      context.fillRect(start, under, length, BAR);
    } else {
      // Sign is not told by colour alone.
      context.fillStyle = palette.cool;
      for (let at = 0; at < length; at += DASH + DASH_GAP)
        context.fillRect(start + at, under, Math.min(DASH, length - at), BAR);
    }
  }

  hide(): void {
    setHidden(this.element, true);
    this.#place = null;
  }

  show(face: CardFace, stage: Stage): void {
    const before = this.#face;
    this.#face = face;
    if (before?.node !== face.node || before.layer !== face.layer) this.#label(face, stage);
    const { classList, dataset } = this.element;
    if (before?.key !== face.key) setText(this.#key, formatKey(face.key));
    if (before?.state !== face.state) {
      // A badge out of sight keeps its shape.
      if (face.state !== "") this.#badge.querySelector("path")?.setAttribute("d", BADGES[face.state]);
      for (const state of ["popped", "pushed", "rekeyed", "lowered"])
        classList.toggle(`hw-${state}`, state === face.state);
    }
    if (before?.mark !== face.mark)
      for (const mark of ["compared", "hole", "moved"]) classList.toggle(`hw-${mark}`, mark === face.mark);
    for (const look of ["hot", "selected", "sees"] as const)
      if (before?.[look] !== face[look]) classList.toggle(`hw-${look}`, face[look]);
    if (before?.node !== face.node) dataset.node = String(face.node);
    this.#patch = stage.patches.of(stage, face.node, face.layer, this.#patchSize);
  }

  /** Tells a screen reader where in the tree the card is; null: set aside. */
  describe(level: number | null): void {
    const face = this.#face;
    if (!face) return;
    const { element } = this;
    const label = `${element.title}, ${this.#key.textContent}${SAID[face.state]}`;
    setAttributes(element, { "aria-label": label, role: level === null ? "img" : "treeitem" });
    if (level === null) {
      element.removeAttribute("aria-level");
      element.removeAttribute("aria-selected");
    } else {
      setAttributes(element, { "aria-level": String(level + 1), "aria-selected": String(face.selected) });
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
    this.#position.classList.toggle("hw-long", place.length > LONG_PLACE);
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
}
