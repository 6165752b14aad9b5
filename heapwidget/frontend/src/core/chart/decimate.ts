/** A long row of values on few pixels: its extent, the points that are drawn, and round numbers along it. */

/** Least and greatest value among `from .. to`. */
export function extent(
  valueAt: (at: number) => number,
  from: number,
  to: number,
): [low: number, high: number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let at = from; at < to; at++) {
    const value = valueAt(at);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** The same of all values in a row. */
export const extentOf = (row: ArrayLike<number>): [low: number, high: number] =>
  extent((at) => row[at] as number, 0, row.length);

/** The one of the largest magnitude among `from .. to`. */
export function strongest(values: ArrayLike<number>, from: number, to: number): number {
  let best = from;
  for (let i = from + 1; i < to; i++)
    if (Math.abs(values[i] as number) > Math.abs(values[best] as number)) best = i;
  return best;
}

/** Points of a line through `from .. to`: all, or of many the least and the greatest of each of `most` runs. */
export function decimate(
  valueAt: (at: number) => number,
  from: number,
  to: number,
  most: number,
): [at: number, value: number][] {
  const count = to - from;
  const points: [number, number][] = [];
  if (count <= 2 * most) {
    for (let at = from; at < to; at++) points.push([at, valueAt(at)]);
    return points;
  }
  const runs = Math.max(Math.floor(most), 1);
  for (let run = 0; run < runs; run++) {
    const first = from + Math.floor((run * count) / runs);
    const end = from + Math.floor(((run + 1) * count) / runs);
    let [low, high] = [first, first];
    let [least, greatest] = [valueAt(first), valueAt(first)];
    for (let at = first + 1; at < end; at++) {
      const value = valueAt(at);
      if (value < least) [low, least] = [at, value];
      if (value > greatest) [high, greatest] = [at, value];
    }
    // In the order in which they come, so that the line does not go back.
    points.push(low <= high ? [low, least] : [high, greatest]);
    if (low !== high) points.push(low < high ? [high, greatest] : [low, least]);
  }
  return points;
}

/** Whole numbers from one to another that are easy to read, `most` at most. */
export function ticks(from: number, to: number, most: number): number[] {
  let step = 1;
  for (let i = 0; (to - from) / step + 1 > most; i++)
    step = ([1, 2, 5][(i + 1) % 3] as number) * 10 ** Math.floor((i + 1) / 3);
  const found: number[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(at);
  return found;
}
