/** The kinds of input that can be drawn. A new one is one new file and one entry. */

import type { Kind } from "../core/input";
import { imageKind } from "./kinds/image";
import type { KindOfInput } from "./kinds/kind";
import { stripKind } from "./kinds/strip";

export const KINDS: Readonly<Record<Kind, KindOfInput>> = {
  image: imageKind,
  bars: stripKind,
  line: stripKind,
  tokens: stripKind,
  strip: stripKind,
};
