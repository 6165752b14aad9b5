/** An image: its pixels in ink or as a photograph; on a card the part that a node sees. */

import { boundsOf, fieldRects } from "../../../core/geometry/field";
import type { KindOfInput } from "../kind";
import { pictureOf } from "../picture";
import { Plane } from "../plane";

export const imageKind: KindOfInput = {
  create: (part, stage) => new Plane(part, stage, pictureOf(part)),
  drawPatch(part, stage, { context, size, ratio, node, palette }) {
    const { grid } = part;
    const all = { x0: 0, y0: 0, x1: grid.columns, y1: grid.rows };
    const rect = node === null ? all : boundsOf(fieldRects(stage.session.trace, node, part));
    pictureOf(part).drawPatch(context, rect, size, ratio, palette.dark, palette.blue);
  },
};
