/** What a trace's header must hold, key by key: `heapwidget/trace_check.py` asks the same, in the same order. */

import { fail } from "./error";
import * as is from "./json";
import { isKind, KINDS, type Kind } from "./kinds";
import { type Header, type Layer, product, type Scores } from "./trace";

export interface RawLayer extends Pick<Layer, "label" | "shape" | "box" | "reads"> {
  readonly channel_axis: number | null;
  readonly field:
    | readonly (readonly [start: number, step: number, size: number, axis: number | null])[]
    | null;
  readonly cell?: readonly (readonly RawDigit[])[] | null;
  readonly kind?: Kind;
  readonly square?: number;
  readonly names?: readonly string[];
}

type RawDigit = readonly [axis: number, start: number, stop: number, stride: number, size: number];
type Order = "descending" | "ascending";

export interface RawHeader extends Pick<Header, "method" | "rule" | "conserved" | "floor" | "start"> {
  readonly rule_label?: string;
  readonly order: Order;
  readonly target: Pick<Header["target"], "label" | "index" | "value"> & {
    readonly below?: string | null;
    readonly kind?: string | null;
    readonly baseline?: string | null;
    readonly at_baseline?: number;
  };
  readonly phases: Readonly<Record<(typeof PHASES)[number], number>>;
  readonly layers: readonly RawLayer[];
  readonly inputs?: number;
  readonly priority?: "mass" | "bound" | "wave";
  readonly class_top?: number;
  readonly collect_order?: Order;
  readonly input_in_heap?: boolean;
  readonly scores?: (Omit<Scores, "absolute"> & { readonly absolute?: unknown }) | null;
}

const PHASES = ["walk", "finish", "collect"] as const;
const MOST_AXES = 32;
const LARGEST_LAYER = 2 ** 24;
const MOST_NODES = 2 ** 27;
const DEEPEST = 16;
/** Below the least floor of a walk; its bits still order like it. */
const SMALLEST_TOP = 1e-37;

const layerParts = is.record({
  label: is.name,
  op: is.name,
  shape: is.list(is.whole),
  box: is.list(is.whole),
  channel_axis: is.orNull(is.whole),
  reads: is.list(is.whole),
  field: is.orNull(is.list(is.row(is.integer, is.whole, is.whole, is.orNull(is.whole)))),
});

const count: is.Check = (value) => is.whole(value) && (value as number) > 0;
const cell = is.orNull(is.list(is.list(is.row(is.whole, is.integer, is.integer, count, count))));

const layer: is.Check = (value) => {
  if (!layerParts(value) || !cell((value as RawLayer).cell ?? null)) return false;
  const { shape, box, channel_axis, field, cell: places } = value as RawLayer;
  const digits = (places ?? []).flat();
  const axes = [channel_axis, ...(field ?? []).map((axis) => axis[3]), ...digits.map(([axis]) => axis)];
  return (
    shape.length > 0 &&
    shape.length === box.length &&
    shape.length <= MOST_AXES &&
    shape.every((size, axis) => (box[axis] as number) > 0 && (box[axis] as number) <= size) &&
    axes.every((axis) => axis === null || axis < shape.length) &&
    digits.reduce((parts, [, , , , size]) => parts * size, 1) <= LARGEST_LAYER
  );
};

const curves = { fractions: is.list(is.number), deletion: is.list(is.number), insertion: is.list(is.number) };
const scores: is.Check = (value) => {
  if (!is.record({ kind: is.text, random: is.orNull(is.dict), ...curves })(value)) return false;
  const { random, ...own } = value as Record<string, unknown>;
  const fractions = own.fractions as readonly number[];
  const several = random ? [own, { fractions, ...(random as is.Json) }] : [own];
  return (
    fractions.length > 1 &&
    several.every(
      (one) =>
        is.record(curves)(one) &&
        Object.keys(curves).every((key) => ((one as is.Json)[key] as unknown[]).length === fractions.length),
    )
  );
};

const target = is.record({ label: is.text, index: is.orNull(is.whole), value: is.number });

const numberOrLeftOut = (value: unknown): boolean => value === undefined || is.number(value);

/** What a target may say besides. */
const fromBaseline = (value: is.Json): boolean =>
  is.orNull(is.text)(value.below ?? null) &&
  is.orNull(is.text)(value.kind ?? null) &&
  is.orNull(is.text)(value.baseline ?? null) &&
  numberOrLeftOut(value.at_baseline);

const ledger = is.record({
  target: is.number,
  explained: is.number,
  residual: is.number,
  absorbed: is.list(is.row(is.text, is.text, is.number)),
});

const HEADER: Readonly<Record<string, is.Check>> = {
  method: is.text,
  rule: is.orNull(is.text),
  order: is.word("descending", "ascending"),
  conserved: is.truth,
  target: (value) => target(value) && fromBaseline(value as is.Json),
  floor: is.orNull(is.number),
  phases: is.record(Object.fromEntries(PHASES.map((phase) => [phase, is.whole]))),
  start: is.list(is.row(is.whole, is.number)),
  layers: is.list(layer),
  ledger: (value) => ledger(value) && numberOrLeftOut((value as is.Json).baseline),
};
const OPTIONAL: Readonly<Record<string, is.Check>> = {
  inputs: is.whole,
  rule_label: is.text,
  priority: is.word("mass", "bound", "wave"),
  class_top: (value) => is.number(value) && (value as number) >= SMALLEST_TOP,
  collect_order: is.word("descending", "ascending"),
  input_in_heap: is.truth,
  scores: is.orNull(scores),
};

/** Refuses, in one sentence, what is no header. */
export function checkHeader(header: unknown): RawHeader {
  if (!is.dict(header)) return fail("The header is missing.");
  if (header.format !== "heapwidget-trace") fail("This is not a heapwidget trace.");
  if (header.version !== 1 && header.version !== 2)
    fail(`The trace has version ${String(header.version)}; this viewer reads versions 1 and 2.`);
  for (const [key, check] of Object.entries({ ...HEADER, ...OPTIONAL })) {
    if (!(key in header) && key in OPTIONAL) continue;
    if (!(key in header)) fail(`The header has no ${key}.`);
    if (!check(header[key])) fail(`The header's ${key} is not what a trace has there.`);
  }
  for (const [key, value] of Object.entries(header)) {
    if (!is.text(key)) fail("A key of the header is no text.");
    checkPlain(key, value, 0);
  }
  const read = header as unknown as RawHeader;
  checkLayers(read.layers, read.inputs ?? 1);
  if (new Set(read.start.map(([node]) => node)).size < read.start.length)
    fail("The header's start names a node twice.");
  if ((read.priority === "wave") !== (read.class_top !== undefined))
    fail("The header's class_top belongs to the wave, and to it alone.");
  return read;
}

/** Keys that this version does not know must hold plain JSON all the same. */
function checkPlain(key: string, value: unknown, depth: number): void {
  if (typeof value === "object" && value !== null) {
    const inside = Array.isArray(value) ? value : [...Object.keys(value), ...Object.values(value)];
    if (depth === DEEPEST && inside.length > 0)
      fail(`The header's ${key} has more than ${DEEPEST} lists in lists.`);
    for (const one of inside) checkPlain(key, one, depth + 1);
  } else if (!(value === null || is.truth(value) || is.text(value) || Number.isFinite(value))) {
    fail(`The header's ${key} holds a number or a text that cannot be written.`);
  }
}

function checkLayers(layers: readonly RawLayer[], inputs: number): void {
  if (layers.length === 0) fail("The trace has no layers.");
  if (inputs < 1 || inputs > layers.length)
    fail(`The trace has ${inputs} inputs among ${layers.length} layers.`);
  if (layers.some(({ reads }, number) => reads.some((read) => read >= number)))
    fail("A layer reads one that does not come before it.");
  const counts = layers.map(nodesOf);
  const [most, all] = [counts.reduce((a, b) => Math.max(a, b)), counts.reduce((a, b) => a + b)];
  if (most > LARGEST_LAYER || all > MOST_NODES)
    fail(`The trace has ${all} nodes, ${most} in one layer; at most ${MOST_NODES} can be shown.`);
  layers.slice(0, inputs).forEach(checkInput);
  if (layers.slice(inputs).some((layer) => "kind" in layer || "names" in layer || "square" in layer))
    fail("A layer has a kind, a square or names and is no input.");
  const axes = layers.slice(0, inputs).reduce((n, { shape, channel_axis }) => {
    return n + shape.length - (channel_axis === null ? 0 : 1);
  }, 0);
  if (layers.some(({ field, cell }) => [field, cell].some((places) => (places?.length ?? axes) !== axes)))
    fail(`A layer's field or cell has not one entry for each of ${axes} axes.`);
}

const nodesOf = ({ shape, box }: RawLayer): number =>
  product(shape.map((size, axis) => Math.ceil(size / (box[axis] as number))));

function checkInput({ shape, box, channel_axis, kind, names, square = 2 }: RawLayer, number: number): void {
  const what = `Input ${number}`;
  if (!is.whole(square) || square < 2) fail(`${what} has squares of no more than one position.`);
  const facts = isKind(kind) ? KINDS[kind] : fail(`${what} is of no known kind.`);
  if (shape.some((size, axis) => box[axis] !== (axis === channel_axis ? size : 1)))
    fail(`${what} is not divided into positions.`);
  const positions = product(shape.filter((_, axis) => axis !== channel_axis));
  const fits = is.list(is.name)(names) && names?.length === positions && facts.names !== "never";
  if (names !== undefined && !fits) fail(`${what} does not have a name for each of ${positions} positions.`);
  if (facts.names === "always" && names === undefined) fail(`${what} is of ${kind} without names.`);
  const pictured = shape.length === 3 && (shape[0] === 1 || shape[0] === 3) && channel_axis === 0;
  if (facts.pictured && !pictured) fail(`${what} of shape ${shape.join(" × ")} is no ${kind}.`);
}
