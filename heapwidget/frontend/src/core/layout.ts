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
const MOST_LEVELS = 6;
const NARROWEST_DOT = 11;
const FIRST_DOT = 22;
const DOT_STEP = 27;
const DOTS = [15, 10.5, 7.5];

/** Level of a cell: 0 for the root. */
export const levelOf = (cell: number): number => 31 - Math.clz32(cell + 1);

/** Number of levels of a heap. */
export const depthOf = (size: number): number => (size > 0 ? levelOf(size - 1) + 1 : 0);

export function treeLayout(width: number, largestHeap: number): TreeLayout {
  const needed = Math.max(depthOf(largestHeap), 1);
  let cardLevels = 1;
  while (cardLevels < Math.min(MOST_CARD_LEVELS, needed) && width / 2 ** cardLevels >= NARROWEST_CARD)
    cardLevels++;
  let levels = cardLevels;
  while (
    levels < Math.min(MOST_LEVELS, needed) &&
    levels - cardLevels < DOTS.length &&
    width / 2 ** levels >= NARROWEST_DOT
  )
    levels++;

  const slots: Slot[] = [];
  for (let level = 0; level < levels; level++) {
    const n = 2 ** level;
    const pitch = width / n;
    const card = level < cardLevels;
    const y = card ? level * CARD_STEP : dotTop(cardLevels, level - cardLevels);
    const size = card ? Math.floor(Math.min(CARD_WIDTH, pitch - GAP)) : (DOTS[level - cardLevels] ?? 6);
    for (let i = 0; i < n; i++) {
      slots.push({ index: n - 1 + i, level, kind: card ? "card" : "dot", x: pitch * (i + 0.5), y, size });
    }
  }
  const root = (slots[0] as Slot).size;
  const popped = { x: 0, y: 0, size: Math.floor(Math.min(CARD_WIDTH, width / 2 - root / 2 - 2 * GAP)) };
  const dots = levels - cardLevels;
  const height = dots > 0 ? dotTop(cardLevels, dots - 1) + 14 : (cardLevels - 1) * CARD_STEP + CARD_HEIGHT;
  return { width, height, cardLevels, slots, popped };
}

function dotTop(cardLevels: number, row: number): number {
  return (cardLevels - 1) * CARD_STEP + CARD_HEIGHT + FIRST_DOT + row * DOT_STEP - (DOTS[row] ?? 6) / 2;
}

/** Cell of the heap that a place of the window shows, when the window's root shows cell `root`. */
export function cellOf(slot: Slot, root: number): number {
  return (root + 1) * 2 ** slot.level - 1 + (slot.index + 1 - 2 ** slot.level);
}

/** Root of the window in which a cell appears as a card, the heap's own root if it can be. */
export function windowFor(cell: number, cardLevels: number): number {
  const up = levelOf(cell) - (cardLevels - 1);
  return up <= 0 ? 0 : ((cell + 1) >> (cardLevels - 1)) - 1;
}
