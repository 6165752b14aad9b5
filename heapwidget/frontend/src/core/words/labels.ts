/**
 * Node labels. Python makes the same ones:
 * the layer's label, then `·channel` if the layer has a channel axis and the box is smaller than it, then ` (i,j)`
 * for the position axes along which the box is smaller than the axis. One unit along an axis is told by its index,
 * several by the first and the last, `a–b`. A layer of one node is just its label. Nodes of an image
 * are `pixel (i,j)` where it is the only input.
 */

import { boxOf, type Layer, layerIndex, type Trace } from "../trace/trace";

export interface NodeLabel {
  /** `conv2·8` */
  readonly name: string;
  /** `(1,0)`, or nothing. */
  readonly place: string;
}

function range([from, to]: readonly [number, number]): string {
  return to - from === 1 ? String(from) : `${from}–${to - 1}`;
}

export function labelParts(trace: Trace, node: number): NodeLabel {
  const index = layerIndex(trace, node);
  const layer = trace.layers[index] as Layer;
  const own = layer.names?.[node - layer.first];
  if (own !== undefined) return named(layer, node - layer.first, own, trace.inputs > 1);
  let name = layer.kind === "image" && trace.inputs === 1 ? "pixel" : layer.label;
  const places: string[] = [];
  boxOf(layer, node).forEach((units, axis) => {
    if ((layer.box[axis] ?? 1) >= (layer.shape[axis] ?? 1)) return;
    if (axis === layer.channelAxis) name += `·${range(units)}`;
    else places.push(range(units));
  });
  return { name, place: places.length ? `(${places.join(",")})` : "" };
}

/** A position that has a name of its own. */
function named({ kind, label }: Layer, position: number, own: string, several: boolean): NodeLabel {
  const words = kind === "bars" ? [own] : [`token ${position}`, `‘${own}’`];
  const [name = "", place = ""] = several ? [label, words.join(" ")] : words;
  return { name, place };
}

export function nodeLabel(trace: Trace, node: number): string {
  const { name, place } = labelParts(trace, node);
  return place ? `${name} ${place}` : name;
}

/** A number among the words that are kept tells a block from the next: worth as much as so many letters. */
const NUMBER = 6;
const MOST_WORDS = 64;

/**
 * Leaves out words of a label until it fits: never the last one, and a number rather late, as in `blocks.12…conv`.
 * Where not even the last word fits, its beginning is left out.
 */
export function shorten(label: string, fits: (text: string) => boolean): string {
  if (fits(label)) return label;
  const words = fewer(label.split("."));
  let [best, most] = ["", 0];
  const consider = (text: string) => {
    const worth = text.replaceAll("…", "").length + (/\d/.test(text.split("·", 1)[0] as string) ? NUMBER : 0);
    if (worth > most && fits(text)) [best, most] = [text, worth];
  };
  for (let n = 1; n < words.length; n++) {
    const end = words.slice(-n).join(".");
    consider(`…${end}`);
    for (let first = 1; first < words.length - n; first++) {
      consider(`${words.slice(0, first).join(".")}…${end}`);
      if (first < words.length - n - 1) consider(`…${words[first]}…${end}`);
    }
  }
  if (best) return best;
  let rest = words.at(-1) as string;
  while (rest.length > 3 && !fits(`…${rest}`)) rest = rest.slice(1);
  return `…${rest}`;
}

/** Of very many words those at both ends: each way to leave some out is tried. */
const fewer = (words: readonly string[]): readonly string[] =>
  words.length <= MOST_WORDS ? words : [...words.slice(0, MOST_WORDS / 2), ...words.slice(-MOST_WORDS / 2)];

/** How much longer than the room a second line may be, of which the end is cut off. */
const CUT = 1.3;

/**
 * A label broken at a dot into two lines of a width: at the last before which it fits. Where too much of the second
 * line would be cut off, words are left out, but not the last, nor a number.
 */
export function twoLines(
  label: string,
  width: (text: string) => number,
  room: number,
): [first: string, second: string] {
  const dots = [...label.matchAll(/\./g)].map((match) => match.index);
  const last = dots.at(-1);
  if (last === undefined) return [label, ""];
  const at = dots.filter((dot) => width(label.slice(0, dot)) <= room).at(-1) ?? 0;
  const [head, tail, name] = [label.slice(0, at), label.slice(at + 1), label.slice(last + 1)];
  if (at > 0 && width(tail) <= CUT * room) return [head, tail];
  if (/\d/.test(head)) return [head, `…${name}`];
  return [shorten(label.slice(0, last), (text) => width(text) <= room), name];
}
