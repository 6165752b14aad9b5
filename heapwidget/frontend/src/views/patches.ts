/** What a node sees of the input, as a small picture for its card. */

import { fieldSpans } from "../core/field";
import type { InputPart } from "../core/input";
import { fitCanvas } from "./dom";
import { KINDS } from "./kinds";
import type { Stage } from "./panel";
import { Picture } from "./picture";

/** Edge of the largest patch, in CSS pixels. */
export const PATCH = 36;

export class Patches {
  /** The pictures drawn so far. */
  readonly #pictures = new Map<InputPart, Picture>();

  pictureOf(part: InputPart): Picture {
    const picture = this.#pictures.get(part) ?? new Picture(part);
    this.#pictures.set(part, picture);
    return picture;
  }

  /**
   * Draws what a node sees, or with `whole` its whole layer, into a square of `size` CSS pixels in the upper left of a
   * canvas. The canvas has the largest size always: a new one would cost more than all that is drawn in it.
   */
  draw(canvas: HTMLCanvasElement, stage: Stage, node: number, whole: boolean, size: number): void {
    const ratio = globalThis.devicePixelRatio || 1;
    const pixels = Math.round(size * ratio);
    const context = fitCanvas(canvas, PATCH, PATCH);
    if (!context) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    const seen = stage.session.input.filter((part) => whole || isSeen(stage, node, part));
    // Several inputs share the square: one beside the other, as small as they get.
    const across = Math.ceil(Math.sqrt(seen.length));
    const edge = Math.floor((pixels - ratio * (across - 1)) / across);
    const down = Math.ceil(seen.length / across);
    const top = Math.floor((pixels - down * edge - ratio * (down - 1)) / 2);
    seen.forEach((part, i) => {
      const x = (i % across) * (edge + ratio);
      const y = top + Math.floor(i / across) * (edge + ratio);
      context.save();
      context.translate(x, y);
      KINDS[part.kind].drawPatch(part, stage, {
        context,
        size: edge,
        ratio,
        node: whole ? null : node,
        palette: stage.theme.palette,
      });
      context.restore();
    });
  }
}

const isSeen = ({ session }: Stage, node: number, part: InputPart): boolean =>
  (fieldSpans(session.trace, node, part) ?? []).every(([from, to]) => to > from);
