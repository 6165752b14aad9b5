/** Colour maps, safe for colour-blind eyes: sequential for shares, diverging for signed values. */

export type Rgb = readonly [number, number, number];

/** 256 colours, as red, green, blue in turn. */
export type ColorMap = Uint8Array;

const STOPS = {
  // ColorBrewer's YlOrRd; its palest yellow is left out, it would vanish on white.
  light: ["ffeda0", "fed976", "feb24c", "fd8d3c", "fc4e2a", "e31a1c", "bd0026", "800026"],
  // Matplotlib's inferno from where it can be seen on black.
  dark: ["3b0f6f", "641a80", "8c2981", "b5367a", "de4968", "f66e5c", "fe9f46", "fbd324", "fcffa4"],
  // ColorBrewer's PuOr, and the same with a dark middle.
  lightSigned: ["3f1a72", "6a51a3", "9e9ac8", "d3d1e6", "f3f1ef", "fdd9a8", "fdae55", "e66f0c", "8f3b05"],
  darkSigned: ["cfc4ff", "a394f0", "7462bd", "483d73", "25262b", "6b3f1d", "b4611c", "f28c38", "ffd9a0"],
} as const;

function parse(hex: string): Rgb {
  const n = Number.parseInt(hex, 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}

export function colorMap(dark: boolean, signed: boolean): ColorMap {
  const stops = STOPS[signed ? (dark ? "darkSigned" : "lightSigned") : dark ? "dark" : "light"].map(parse);
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

/** Small contributions are many: a root scale keeps them apart. The legend is drawn with it too. */
const EXPONENT = 0.6;
/** The scale from 0 to 1, so fine that no colour is missed: a power for each of very many pixels would take long. */
const FINENESS = 1 << 15;
const ROOTS = Float32Array.from({ length: FINENESS + 1 }, (_, i) => (i / FINENESS) ** EXPONENT);

/** Index into the map of a value within `[-scale, scale]` (signed) or `[0, scale]`. */
export function colorIndex(value: number, scale: number, signed: boolean): number {
  const share = Math.min(Math.abs(value / scale), 1);
  const root = ROOTS[(share * FINENESS + 0.5) | 0] as number;
  if (!signed) return value > 0 ? (255 * root + 0.5) | 0 : 0;
  return Math.round(127.5 + (value < 0 ? -127.5 : 127.5) * root);
}
