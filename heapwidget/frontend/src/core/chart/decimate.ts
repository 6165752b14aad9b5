/** A signal as a line: its extent, the points that are drawn, and round numbers along it. */

/** Least and greatest value. */
export function extent(values: Float32Array, from = 0, to = values.length): [low: number, high: number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i++) {
    const value = values[i] as number;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** Points of a line through `from .. to`: all, or of many the least and the greatest of each of `most` runs. */
export function envelope(
  values: Float32Array,
  from: number,
  to: number,
  most: number,
): [at: number, value: number][] {
  const count = to - from;
  const points: [number, number][] = [];
  if (count <= 2 * most) {
    for (let at = from; at < to; at++) points.push([at, values[at] as number]);
    return points;
  }
  const runs = Math.max(Math.floor(most), 1);
  for (let run = 0; run < runs; run++) {
    const first = from + Math.floor((run * count) / runs);
    const end = from + Math.floor(((run + 1) * count) / runs);
    let [low, high] = [first, first];
    for (let at = first; at < end; at++) {
      if ((values[at] as number) < (values[low] as number)) low = at;
      if ((values[at] as number) > (values[high] as number)) high = at;
    }
    // In the order in which they come, so that the line does not go back.
    for (const at of low < high ? [low, high] : low > high ? [high, low] : [low])
      points.push([at, values[at] as number]);
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
