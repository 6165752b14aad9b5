/** What is pointed at, and chosen. */

export interface Picked {
  readonly selected: number | null;
  /** Node under the pointer. */
  readonly hovered: number | null;
  /** The layer whose pops are jumped to; null: the selected node is. */
  readonly layer: number | null;
}

export const NOTHING_PICKED: Picked = { selected: null, hovered: null, layer: null };

/** Whoever picks a node wants its pops next; what is no node of the trace is not picked. */
export function settledPicked(previous: Picked, change: Partial<Picked>, nodeCount: number): Picked {
  const next = { ...previous, ...change };
  const node = next.selected;
  const isNode = node !== null && Number.isInteger(node) && node >= 0 && node < nodeCount;
  const selected = isNode ? node : null;
  const layer = selected !== null && selected !== previous.selected ? null : next.layer;
  return { ...next, selected, layer };
}
