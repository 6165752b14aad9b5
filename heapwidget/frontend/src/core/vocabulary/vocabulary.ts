/** Words, colours and roundings that the viewer shares with Python, from the one file that both read. */

import {
  axis,
  ink,
  kinds,
  maps,
  nouns,
  panels,
  rounding,
  rules,
  scale,
  series,
  speaks,
  targets,
} from "../../../../words/vocabulary.json";

export { axis, ink, kinds, maps, nouns, panels, rounding, scale, series, speaks };

/** What targets are called that are neither the score of a class nor a sum of scores, by their kinds. */
export const targetKinds: Readonly<Record<string, string>> = targets;

/** What rules and composites are called, by their names: of one that has no word here, its name. */
export const ruleLabel = (name: string): string =>
  (rules as Readonly<Record<string, string>>)[name] ?? name.replaceAll("_", " ");

/** What the positions of inputs of these kinds are called; those of several kinds share one word. */
export function nounOf(shown: readonly (string | null)[]): string {
  const found = new Set(shown.map((kind) => (kinds as Readonly<Record<string, string>>)[kind ?? ""]));
  return (found.size === 1 && [...found][0]) || nouns.position;
}
