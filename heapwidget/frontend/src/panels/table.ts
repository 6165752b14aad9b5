/** The panels there are, in the order in which they are shown. */

import type { Trace } from "../core/trace/trace";
import type { Panel } from "../kit/panel";
import { codePanel } from "./code/code";
import { curvePanel } from "./curve/curve";
import { heapPanel } from "./heap/heap";
import { inputPanel } from "./input/input";
import { networkPanel } from "./network/network";

export const PANELS: readonly Panel[] = [inputPanel, heapPanel, codePanel, networkPanel, curvePanel];

/** Those that have something to show of a trace. */
export const panelsFor = (trace: Trace): readonly Panel[] =>
  PANELS.filter((panel) => panel.suits?.(trace) ?? true);
