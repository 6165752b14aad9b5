/** Whatever is no image, table, signal or text: its values shaded in grey, cell by cell. */

import { imageKind } from "./image";
import type { KindOfInput } from "./kind";

/** A plane whose picture is made of values. */
export const stripKind: KindOfInput = imageKind;
