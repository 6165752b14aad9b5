/** The kinds of input that can be drawn. A new one is one new file and one entry. */

import type { Kind } from "../core/input";
import { barsKind } from "./kinds/bars";
import { imageKind } from "./kinds/image";
import type { KindOfInput } from "./kinds/kind";
import { lineKind } from "./kinds/line";
import { stripKind } from "./kinds/strip";
import { tokensKind } from "./kinds/tokens";

export const KINDS: Readonly<Record<Kind, KindOfInput>> = {
  image: imageKind,
  bars: barsKind,
  line: lineKind,
  tokens: tokensKind,
  strip: stripKind,
};
