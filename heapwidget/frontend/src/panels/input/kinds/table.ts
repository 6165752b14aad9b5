/** The kinds of input that can be drawn. A new one is one new file and one entry. */

import type { Kind } from "../../../core/words/vocabulary";
import type { KindOfInput } from "../kind";
import { barsKind } from "./bars";
import { imageKind } from "./image";
import { lineKind } from "./line";
import { stripKind } from "./strip";
import { tokensKind } from "./tokens";

export const KINDS: Readonly<Record<Kind, KindOfInput>> = {
  image: imageKind,
  bars: barsKind,
  line: lineKind,
  tokens: tokensKind,
  strip: stripKind,
};
