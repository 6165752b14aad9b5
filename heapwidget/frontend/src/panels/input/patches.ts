/** What a node sees of the input, as a small picture for its card. */

import { fieldSpans } from "../../core/geometry/field";
import type { InputPart } from "../../core/trace/input";
import type { Patches, Stage } from "../../kit/panel";
import { DRAWINGS } from "./kinds/table";

/** So many patches are kept. */
const MOST = 256;

export class NodePatches implements Patches {
  /** The patches made last: an image is drawn in less time than a canvas, and nodes come again. */
  readonly #images = new Map<string, ImageBitmap>();
  readonly #canvas = globalThis.OffscreenCanvas ? new OffscreenCanvas(1, 1) : null;
  readonly #context = this.#canvas?.getContext("2d") ?? null;

  of(stage: Stage, node: number, whole: boolean, size: number): ImageBitmap | null {
    const ratio = globalThis.devicePixelRatio || 1;
    const pixels = Math.round(size * ratio);
    const name = `${node} ${whole} ${pixels} ${stage.theme.palette.dark}`;
    const image = this.#images.get(name) ?? this.#make(stage, node, whole, pixels, ratio);
    if (!image) return null;
    // The one asked for last goes last.
    this.#images.delete(name);
    this.#images.set(name, image);
    if (this.#images.size > MOST) {
      const [oldest] = this.#images.keys();
      this.#images.delete(oldest as string);
    }
    return image;
  }

  #make(stage: Stage, node: number, whole: boolean, pixels: number, ratio: number): ImageBitmap | null {
    const canvas = this.#canvas;
    if (!canvas || !this.#context) return null;
    // A new size clears it.
    canvas.width = canvas.height = pixels;
    const context = this.#context;
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
      DRAWINGS[part.kind].drawPatch(part, stage, {
        context,
        size: edge,
        ratio,
        node: whole ? null : node,
        palette: stage.theme.palette,
      });
      context.restore();
    });
    return canvas.transferToImageBitmap();
  }
}

const isSeen = ({ session }: Stage, node: number, part: InputPart): boolean =>
  (fieldSpans(session.trace, node, part) ?? []).every(([from, to]) => to > from);
