/**
 * How each kind of input is drawn. A new one is one new file, its entry here, and what a header may say of it
 * (`core/trace/kinds.ts`).
 */

import type { Kind } from "../../../core/trace/kinds";
import type { KindOfInput } from "../kind";
import { barsKind } from "./bars";
import { imageKind } from "./image";
import { lineKind } from "./line";
import { stripKind } from "./strip";
import { tokensKind } from "./tokens";

export const DRAWINGS: Readonly<Record<Kind, KindOfInput>> = {
  image: imageKind,
  bars: barsKind,
  line: lineKind,
  tokens: tokensKind,
  strip: stripKind,
};
