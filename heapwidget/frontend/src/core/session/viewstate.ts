/** The state of a viewer, in parts; each is made valid by the file that describes it. */

import type { Mode } from "../colour/tones";
import type { Trace } from "../trace/trace";
import type { Bookmark } from "./bookmarks";
import { AT_START, type Cursor } from "./cursor";
import { NOTHING_PICKED, type Picked } from "./picked";
import { type Play, STOPPED } from "./play";
import { NO_KERNEL, type Refining } from "./refining";
import type { Lengths } from "./timeline";

/** Who shares the cursor. */
export interface Shared {
  /** The word that viewers on one cursor have in common; empty: the cursor is one's own. */
  readonly link: string;
  /** The timeline of all who share it, and how many others there are. */
  readonly lengths: Lengths;
  readonly companions: number;
}

/** What is on the screen, and how large. */
export interface Screen {
  readonly panels: readonly string[];
  /** Width of the input's column in percent; null: what suits the page. */
  readonly split: number | null;
  /** Heights that were given to panels, in pixels, by name. */
  readonly heights: Readonly<Record<string, number>>;
  /** Cell of the heap at the top of the tree's window; 0: the whole heap. */
  readonly top: number;
  /** What the input is coloured by; null: what suits the phase. */
  readonly overlay: Mode | null;
  /** Opacity of these colours, 0 to 1. */
  readonly opacity: number;
}

export interface ViewState {
  readonly cursor: Cursor;
  readonly play: Play;
  readonly shared: Shared;
  readonly picked: Picked;
  readonly screen: Screen;
  /** Marked moments, by step. */
  readonly marks: { readonly bookmarks: readonly Bookmark[] };
  /** How asking Python for more pops stands. */
  readonly python: { readonly refining: Refining };
}

export const DEFAULT_STATE: ViewState = {
  cursor: AT_START,
  play: STOPPED,
  shared: { link: "", lengths: [0, 0, 0], companions: 0 },
  picked: NOTHING_PICKED,
  screen: { panels: ["input", "heap"], split: null, heights: {}, top: 0, overlay: null, opacity: 1 },
  marks: { bookmarks: [] },
  python: { refining: NO_KERNEL },
};

/** New values for some fields of some parts. */
export type Change = { readonly [P in keyof ViewState]?: Partial<ViewState[P]> };

export type Listener = (state: ViewState, previous: ViewState) => void;

/** Whoever holds a state. */
export interface Stateful {
  readonly trace: Trace;
  readonly state: ViewState;
  update(change: Change): void;
  /** Tells `listener` of every change until the returned function is called. */
  subscribe(listener: Listener): () => void;
}

/** The next state with each part that is as it was kept; the previous one itself where nothing changed. */
export function kept(previous: ViewState, next: ViewState): ViewState {
  const parts = Object.keys(previous) as (keyof ViewState)[];
  const changed = parts.filter((part) => !same(previous[part], next[part]));
  if (changed.length === 0) return previous;
  return { ...previous, ...Object.fromEntries(changed.map((part) => [part, next[part]])) };
}

const same = (a: object, b: object): boolean =>
  Object.entries(b).every(([key, value]) => a[key as keyof typeof a] === value);
