/** Where the nodes of a window of the heap are drawn: cards on the first levels, dots below. */

export interface Slot {
  /** Place in the window, counted as in a heap of its own. */
  readonly index: number;
  readonly level: number;
  readonly kind: "card" | "dot";
  /** Centre, top edge, width (cards) or diameter (dots), in pixels. */
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

export interface TreeLayout {
  readonly width: number;
  readonly height: number;
  readonly cardLevels: number;
  /** Height of the levels of cards. */
  readonly cardsHeight: number;
  /** Levels of cards and dots together. */
  readonly levels: number;
  readonly slots: readonly Slot[];
  /** Where the popped node is set aside. */
  readonly popped: { readonly x: number; readonly y: number; readonly size: number };
}

export const CARD_HEIGHT = 54;
const CARD_WIDTH = 164;
const NARROWEST_CARD = 104;
const CARD_STEP = 72;
const GAP = 7;
const MOST_CARD_LEVELS = 4;
/** Levels in all, and where a height was asked for. */
const MOST_LEVELS = 6;
const MOST_IN_ROOM = 8;
const NARROWEST_DOT = 11;
const FIRST_DOT = 22;
const DOT_STEP = 27;
const DOTS = [15, 10.5, 7.5, 6];
/** Room below the last row of dots. */
const UNDER_DOTS = 14;
/** How far rows are moved apart, at most, to fill a height. */
const LOOSEST = 34;
/** Least height of a tree: the popped node and the top one. */
export const LEAST_TREE = CARD_HEIGHT;

/** Level of a cell: 0 for the root. */
export const levelOf = (cell: number): number => 31 - Math.clz32(cell + 1);

/** Number of levels of a heap. */
export const depthOf = (size: number): number => (size > 0 ? levelOf(size - 1) + 1 : 0);

/** `room` is the height to fill; without one, the tree is as high as it likes. */
export function treeLayout(width: number, largestHeap: number, room: number | null = null): TreeLayout {
  const needed = Math.max(depthOf(largestHeap), 1);
  const fits = (cards: number, dots: number) => room === null || heightOf(cards, dots, 0) <= room;
  let cardLevels = 1;
  while (
    cardLevels < Math.min(MOST_CARD_LEVELS, needed) &&
    width / 2 ** cardLevels >= NARROWEST_CARD &&
    fits(cardLevels + 1, 0)
  )
    cardLevels++;
  const most = Math.min(room === null ? MOST_LEVELS : MOST_IN_ROOM, needed);
  let levels = cardLevels;
  while (
    levels < most &&
    levels - cardLevels < DOTS.length &&
    width / 2 ** levels >= NARROWEST_DOT &&
    fits(cardLevels, levels + 1 - cardLevels)
  )
    levels++;
  const dots = levels - cardLevels;
  const spare = room === null ? 0 : room - heightOf(cardLevels, dots, 0);
  const loose = levels > 1 ? Math.min(spare / (levels - 1), LOOSEST) : 0;

  const slots: Slot[] = [];
  for (let level = 0; level < levels; level++) {
    const n = 2 ** level;
    const pitch = width / n;
    const card = level < cardLevels;
    const y = card ? level * (CARD_STEP + loose) : dotTop(cardLevels, level - cardLevels, loose);
    const size = card ? Math.floor(Math.min(CARD_WIDTH, pitch - GAP)) : (DOTS[level - cardLevels] ?? 6);
    for (let i = 0; i < n; i++) {
      slots.push({ index: n - 1 + i, level, kind: card ? "card" : "dot", x: pitch * (i + 0.5), y, size });
    }
  }
  const root = (slots[0] as Slot).size;
  const popped = { x: 0, y: 0, size: Math.floor(Math.min(CARD_WIDTH, width / 2 - root / 2 - 2 * GAP)) };
  return {
    width,
    height: heightOf(cardLevels, dots, loose),
    cardLevels,
    cardsHeight: heightOf(cardLevels, 0, loose),
    levels,
    slots,
    popped,
  };
}

function heightOf(cards: number, dots: number, loose: number): number {
  return dots > 0
    ? dotTop(cards, dots - 1, loose) + Math.max(UNDER_DOTS, DOTS[dots - 1] ?? 0)
    : (cards - 1) * (CARD_STEP + loose) + CARD_HEIGHT;
}

function dotTop(cards: number, row: number, loose: number): number {
  const first = (cards - 1) * (CARD_STEP + loose) + CARD_HEIGHT + FIRST_DOT + loose;
  return first + row * (DOT_STEP + loose) - (DOTS[row] ?? 6) / 2;
}

/** Cell of the heap that a place of the window shows, when the window's root shows cell `root`. */
export function cellOf(slot: Slot, root: number): number {
  return (root + 1) * 2 ** slot.level - 1 + (slot.index + 1 - 2 ** slot.level);
}

/** Ancestor of a cell so many levels above it; the root if there are not so many. */
const above = (cell: number, levels: number): number => ((cell + 1) >> Math.min(levels, levelOf(cell))) - 1;

/** Root of the window in which a cell appears as a card: `top` if it is one there, else as near the heap's root as can be. */
export function windowFor(cell: number, cardLevels: number, top = 0): number {
  const up = levelOf(cell) - levelOf(top);
  if (up >= 0 && up < cardLevels && above(cell, up) === top) return top;
  return above(cell, Math.max(cardLevels - 1, 0));
}

/** The cell, or its nearest ancestor that a heap of so many cells has. */
export function ancestorWithin(cell: number, size: number): number {
  let at = cell;
  while (at > 0 && at >= size) at = (at - 1) >> 1;
  return at;
}

/** Cells from the root down to a cell. */
export function pathTo(cell: number): number[] {
  return Array.from({ length: levelOf(cell) + 1 }, (_, level) => above(cell, levelOf(cell) - level));
}
