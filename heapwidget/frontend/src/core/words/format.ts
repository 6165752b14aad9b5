/** How numbers are written: few digits, the same everywhere. */

import { rounding } from "../vocabulary/vocabulary";

const MINUS = "\u2212";
const NARROW_SPACE = "\u202f";

const signed = (value: number, digits: string): string => (value < 0 ? MINUS + digits : digits);

/** A key or contribution: three significant digits, `0.0528`, `11.3`, `1.23e−5`. */
export function formatKey(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (!Number.isFinite(size)) return signed(value, Number.isNaN(value) ? "NaN" : "∞");
  if (size < 1e-4 || size >= 1e6)
    return signed(value, size.toExponential(2).replace("e-", `e${MINUS}`).replace("e+", "e"));
  if (size >= 100) return signed(value, formatCount(Math.round(size)));
  return signed(value, size.toPrecision(3));
}

/** Two different keys with as many digits as it takes to tell them apart. */
export function formatApart(a: number, b: number): [string, string] {
  let pair: [string, string] = [formatKey(a), formatKey(b)];
  for (let digits = 4; pair[0] === pair[1] && digits <= 17; digits++)
    pair = [a, b].map((x) => signed(x, Math.abs(x).toPrecision(digits))) as [string, string];
  return pair;
}

/** The target's value: up to four digits. */
export function formatValue(value: number): string {
  const size = Math.abs(value);
  return size >= 1 && size < 1000 ? signed(value, String(Number(size.toPrecision(4)))) : formatKey(value);
}

/** A share in percent: `79 %`, `0.2 %`. What is not all, or not nothing, is never rounded to it. Twin of `words/percents.py`. */
export function formatShare(share: number): string {
  return percent(share, (x) => Math.floor(x + 0.5), false);
}

/** An upper bound in percent: rounded up, so that it stays one. */
export function formatBound(share: number): string {
  // Float noise must not make 22 of 21.
  return percent(share, (x) => Math.ceil(x * (1 - 1e-12)), true);
}

/** Three digits, wherever they stand, as single flows need: `0.00701 %`. */
export function formatDigits(share: number): string {
  const size = Math.abs(share) * 100;
  if (size > 0 && size < 1e-4) return inPercent(share, exponent(size, 2, false));
  return inPercent(share, String(apart(Number(size.toPrecision(3)), size)));
}

function percent(share: number, round: (x: number) => number, up: boolean): string {
  const size = Math.abs(share) * 100;
  if (!Number.isFinite(size)) return Number.isNaN(size) ? inPercent(0, "NaN") : inPercent(share, "∞");
  if (size > 0 && size < rounding.least) return inPercent(0, `<${rounding.least}`);
  if (size >= rounding.huge) return inPercent(share, exponent(size, 1, up));
  const scale = size < 9.95 || (size >= 99 && size < 101) ? 10 : 1;
  const rounded = round(size * scale) / scale;
  const shown = up ? rounded : apart(rounded, size);
  return inPercent(share, shown >= 1000 ? formatCount(shown) : String(shown));
}

const inPercent = (share: number, digits: string): string => signed(share, `${digits}${NARROW_SPACE}%`);

/** What is not all, on the near side of all. */
function apart(shown: number, size: number): number {
  if (shown !== 100 || Math.abs(size - 100) <= 100 * rounding.noise) return shown;
  return size < 100 ? 99.9 : 100.1;
}

function exponent(size: number, digits: number, up: boolean): string {
  let text = size.toExponential(digits);
  if (up && Number(text) < size) {
    // It was rounded down, so half a step more is rounded up.
    const half = 0.5 * 10 ** (Number(text.split("e")[1]) - digits);
    text = (size + half).toExponential(digits);
  }
  return text.replace("e-", `e${MINUS}`).replace("e+", "e");
}

/** `1,980` */
export function formatCount(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1st`, `2nd`, `11th` */
export function ordinal(n: number): string {
  const tens = n % 100;
  const suffix = tens >= 11 && tens <= 13 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return formatCount(n) + suffix;
}

/** `1 node`, `2 nodes` */
export function plural(n: number, noun: string): string {
  return `${formatCount(n)} ${noun}${n === 1 ? "" : "s"}`;
}
