/** What a kind of input is: how it is drawn in the input panel, and how it looks on a card. */

import type { Legend, ToneColors, Tones } from "../../core/colour/tones";
import type { Camera } from "../../core/geometry/camera";
import type { Replay } from "../../core/replay/replay";
import type { InputPart } from "../../core/trace/input";
import type { Stage } from "../../kit/panel";
import type { Palette } from "../../kit/theme";

/** What all parts of the input show at a step. */
export interface InputScene {
  readonly replay: Replay;
  readonly tones: Tones;
  readonly legend: Legend;
  /** Colours of the tones, on paper and over a photograph. */
  readonly colors: ToneColors;
  readonly sheer: ToneColors;
  readonly palette: Palette;
}

/** Room for one part of the input, in CSS pixels. */
export interface Room {
  readonly width: number;
  readonly height: number;
}

/** What is pointed at: the node whose field is framed, and the position under the pointer or selected. */
export interface Pointed {
  readonly framed: number | null;
  readonly position: number | null;
}

/** One part of the input as drawn. */
export interface PartView {
  readonly element: HTMLElement;
  /** How far it can be magnified; 1: not at all. */
  readonly mostZoom: number;
  /** Whether its colours lie over its values, and fade with the opacity. */
  readonly fades: boolean;
  fit(room: Room): void;
  draw(shown: InputScene): void;
  point(pointed: Pointed): void;
  /** The position, as a node, under the pointer. */
  positionAt(event: MouseEvent): number | null;
  /** Shows a part of it magnified. */
  look(camera: Camera): void;
}

/** A small picture on a card. */
export interface Patch {
  readonly context: OffscreenCanvasRenderingContext2D;
  /** Edge of the square to draw into, in pixels of the canvas, and pixels a CSS pixel. */
  readonly size: number;
  readonly ratio: number;
  /** The node whose field it shows; null: a whole layer. */
  readonly node: number | null;
  readonly palette: Palette;
}

/** A tone as CSS takes it. */
export const cssColor = (colors: ToneColors, tone: number): string =>
  `rgb(${colors[4 * tone]} ${colors[4 * tone + 1]} ${colors[4 * tone + 2]} / ${(colors[4 * tone + 3] as number) / 255})`;

/** The longest bar, and whether there are negative ones. */
export interface BarScale {
  readonly size: number;
  readonly signed: boolean;
}

export const barScale = ({ tones, replay, legend }: InputScene): BarScale =>
  legend.mode === "frontier"
    ? { size: legend.scale, signed: legend.signed }
    : { size: tones.largest, signed: replay.signed };

export interface KindOfInput {
  create(part: InputPart, stage: Stage): PartView;
  /** Draws what a node sees of a part. */
  drawPatch(part: InputPart, stage: Stage, patch: Patch): void;
}
