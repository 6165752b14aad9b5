/** The panels there are, in the order in which they are shown. */

import type { Trace } from "../core/trace";
import { codePanel } from "./code";
import { curvePanel } from "./curve";
import { heapPanel } from "./heap";
import { inputPanel } from "./input";
import { networkPanel } from "./network";
import type { Panel } from "./panel";

export const PANELS: readonly Panel[] = [inputPanel, heapPanel, codePanel, networkPanel, curvePanel];

/** Those that have something to show of a trace. */
export const panelsFor = (trace: Trace): readonly Panel[] =>
  PANELS.filter((panel) => panel.suits?.(trace) ?? true);
