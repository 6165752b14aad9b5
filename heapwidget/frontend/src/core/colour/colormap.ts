/**
 * Colour maps, safe for colour-blind eyes: sequential for shares, diverging for signed values.
 *
 * On light pages they are ColorBrewer's YlOrRd, without its palest yellow, which would vanish on white, and PuOr; on dark
 * ones Matplotlib's inferno from where it can be seen on black, and PuOr with a dark middle.
 */

import { maps, scale as shared } from "../vocabulary/vocabulary";

export type Rgb = readonly [number, number, number];

/** 256 colours, as red, green, blue in turn. */
export type ColorMap = Uint8Array;

function parse(hex: string): Rgb {
  const n = Number.parseInt(hex.slice(1), 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}

export function colorMap(dark: boolean, signed: boolean): ColorMap {
  const stops = maps[signed ? (dark ? "darkSigned" : "lightSigned") : dark ? "dark" : "light"].map(parse);
  const map = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const [a, b] = [stops[low] as Rgb, stops[low + 1] as Rgb];
    for (let c = 0; c < 3; c++) {
      map[3 * i + c] = Math.round((a[c] as number) + ((b[c] as number) - (a[c] as number)) * (at - low));
    }
  }
  return map;
}

/**
 * Small contributions are many: a root scale keeps them apart. It is told at so many places that no colour is missed: a
 * power for each of very many pixels would take long.
 */
const FINENESS = 1 << 15;
const ROOTS = Float32Array.from({ length: FINENESS + 1 }, (_, i) => (i / FINENESS) ** shared.exponent);

/** Index into the map of a value within `[-scale, scale]` (signed) or `[0, scale]`. */
export function colorIndex(value: number, scale: number, signed: boolean): number {
  const share = Math.min(Math.abs(value / scale), 1);
  const root = ROOTS[(share * FINENESS + 0.5) | 0] as number;
  if (!signed) return value > 0 ? (255 * root + 0.5) | 0 : 0;
  return Math.round(127.5 + (value < 0 ? -127.5 : 127.5) * root);
}
