/** Whatever is no image, table, signal or text: its values shaded in grey, cell by cell. */

import type { KindOfInput } from "../kind";
import { imageKind } from "./image";

/** A plane whose picture is made of values. */
export const stripKind: KindOfInput = imageKind;
