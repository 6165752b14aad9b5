/** The kinds of input, and what a header must hold of each. How they are drawn: `panels/input/kinds`. */

interface KindFacts {
  /** Whether its positions have names of their own. */
  readonly names: "never" | "maybe" | "always";
  /** Whether its layer has the shape of a picture: one channel or three, height, width. */
  readonly pictured: boolean;
}

export const KINDS = {
  image: { names: "never", pictured: true },
  bars: { names: "maybe", pictured: false },
  line: { names: "never", pictured: false },
  tokens: { names: "always", pictured: false },
  strip: { names: "never", pictured: false },
} as const satisfies Readonly<Record<string, KindFacts>>;

export type Kind = keyof typeof KINDS;

export const isKind = (value: unknown): value is Kind =>
  typeof value === "string" && Object.hasOwn(KINDS, value);
