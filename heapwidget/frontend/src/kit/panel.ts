/** What a panel is. A new panel is one folder with a file that exports a `Panel`, and one entry in `panels/table.ts`. */

import type { Session } from "../core/session/session";
import type { Trace } from "../core/trace/trace";
import type { Theme } from "./theme";

/** Small pictures of what nodes see of the input, for whoever shows nodes. */
export interface Patches {
  /** What a node sees, or with `whole` its whole layer, in a square of `size` CSS pixels. */
  of(stage: Stage, node: number, whole: boolean, size: number): ImageBitmap | null;
}

/** What all panels of a view share. */
export interface Stage {
  readonly session: Session;
  readonly theme: Theme;
  readonly patches: Patches;
  /** Counts changes of size: measuring at every step would cost a layout each. */
  readonly sizes: { changes: number };
  /** Aborted when the view goes. */
  readonly signal: AbortSignal;
}

export interface View {
  /** Draws the current state. */
  update(): void;
  /** Height, in pixels, of what `heights` of the panel tells of. */
  height?(): number;
}

export interface Panel {
  /** Name in the `panels` trait. */
  readonly name: string;
  /** Accessible name of its region, and its word in the menu. */
  readonly title: string;
  /** Whether there is anything to show of a trace; without it: always. */
  readonly suits?: (trace: Trace) => boolean;
  /** Ends of the height that can be given to its main part; without it: the panel is as high as it is. */
  readonly heights?: { readonly least: number; readonly most: number };
  /** Fills `root`, a region that is already in the page. */
  create(root: HTMLElement, stage: Stage): View;
}
