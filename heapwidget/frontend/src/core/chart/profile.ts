/** A heap's array cut into as many bins as there are pixels: what is largest, and smallest, in each. */

import type { HeapLike } from "../replay/heap";

export interface Profile {
  /** Cells of the array. */
  readonly size: number;
  readonly bins: number;
  /** Largest and smallest key of each bin, 0 where all are on the other side. */
  readonly high: Float64Array;
  readonly low: Float64Array;
  /** Cell with the largest magnitude of each bin. */
  readonly top: Int32Array;
  /** Largest and smallest of all keys, or 0. */
  readonly most: number;
  readonly least: number;
}

/** First cell of a bin; of the bin after the last one, the size. */
export const firstCell = ({ size, bins }: Pick<Profile, "size" | "bins">, bin: number): number =>
  Math.floor((bin * size) / bins);

/** Bin that a cell lies in. */
export const binOf = ({ size, bins }: Pick<Profile, "size" | "bins">, cell: number): number =>
  Math.floor(((cell + 1) * bins - 1) / size);

export function profileOf(heap: HeapLike, widest: number): Profile {
  const { size } = heap;
  const bins = Math.min(size, Math.max(Math.ceil(widest), 1));
  const [high, low, top] = [new Float64Array(bins), new Float64Array(bins), new Int32Array(bins)];
  let [most, least] = [0, 0];
  for (let bin = 0; bin < bins; bin++) {
    const [from, to] = [firstCell({ size, bins }, bin), firstCell({ size, bins }, bin + 1)];
    let [above, below, largest, at] = [0, 0, -1, from];
    for (let cell = from; cell < to; cell++) {
      const key = heap.keyAt(cell);
      if (key > above) above = key;
      else if (key < below) below = key;
      const magnitude = key < 0 ? -key : key;
      if (magnitude > largest) [largest, at] = [magnitude, cell];
    }
    [high[bin], low[bin], top[bin]] = [above, below, at];
    if (above > most) most = above;
    if (below < least) least = below;
  }
  return { size, bins, high, low, top, most, least };
}
