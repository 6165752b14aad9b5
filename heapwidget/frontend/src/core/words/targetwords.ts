/** What a target is called, and what it is worth, in words. Twin of `findings/targetwords.py`. */

import type { Trace } from "../trace/trace";
import { nouns, speaks, targetKinds } from "../vocabulary/vocabulary";
import { formatValue } from "./format";

type Target = Trace["target"];

/** What kind of number it is. */
export const targetNoun = (target: Target): string =>
  targetKinds[target.kind ?? ""] ?? (target.index === null ? nouns.output : nouns.class);

/** What all shares are shares of: the number itself, or its change from a baseline. */
export const wholeNoun = (target: Target): string =>
  target.baseline === null ? targetNoun(target) : nouns.change;

/** The same for what tells of shares in general. */
export const sharedNoun = (target: Target): string =>
  target.baseline === null ? nouns.target : nouns.change;

/** `logit 8.74`, and where its change is explained, `margin 8.81, 9.091 more than at baseline 0 (−0.281)`. */
export function targetWorth(target: Target): string {
  const { below, baseline, change } = target;
  const where = below === null ? "" : ` below its ${below.replaceAll("_", " ")}`;
  const value = `${targetNoun(target)} ${formatValue(target.value)}${where}`;
  if (baseline === null) return value;
  const there = `baseline ${baseline} (${formatValue(target.atBaseline)})`;
  return `${value}, ${formatValue(Math.abs(change))} ${change < 0 ? "less" : "more"} than at ${there}`;
}

/** What a contribution of a value's sign does to the target: `speaks for 7`, `lowers the loss`. */
export function effect(target: Target, value: number): string {
  const verb = (target.index === null ? speaks.output : speaks.class)[value < 0 ? 1 : 0] as string;
  const named = target.index !== null || targetKinds[target.kind ?? ""] === undefined;
  return `${verb} ${named ? target.label : `the ${targetNoun(target)}`}`;
}
