/** The panels there are, in the order in which they are shown. */

import { heapPanel } from "./heap";
import { inputPanel } from "./input";
import type { Panel } from "./panel";

export const PANELS: readonly Panel[] = [inputPanel, heapPanel];
