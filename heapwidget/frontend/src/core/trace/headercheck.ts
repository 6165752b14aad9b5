/** What a trace's header must hold, key by key: `heapwidget/trace_check.py` asks the same, in the same order. */

import { fail } from "./error";
import {
  type Check,
  integer,
  isRecord,
  type Json,
  list,
  name,
  number,
  orNull,
  product,
  record,
  row,
  text,
  truth,
  whole,
  word,
} from "./json";
import { isKind, KINDS, type Kind } from "./kinds";

export interface RawLayer {
  readonly label: string;
  readonly shape: readonly number[];
  readonly box: readonly number[];
  readonly channel_axis: number | null;
  readonly reads: readonly number[];
  readonly field:
    | readonly (readonly [start: number, step: number, size: number, axis: number | null])[]
    | null;
  readonly kind?: Kind;
  readonly names?: readonly string[];
}

type Order = "descending" | "ascending";
type RawCurves = { readonly deletion: readonly number[]; readonly insertion: readonly number[] };

export interface RawHeader {
  readonly method: string;
  readonly rule: string | null;
  readonly rule_label?: string;
  readonly order: Order;
  readonly conserved: boolean;
  readonly target: {
    readonly label: string;
    readonly index: number | null;
    readonly value: number;
    readonly below?: string | null;
  };
  readonly floor: number | null;
  readonly phases: Readonly<Record<(typeof PHASES)[number], number>>;
  readonly start: readonly (readonly [node: number, key: number])[];
  readonly layers: readonly RawLayer[];
  readonly inputs?: number;
  readonly priority?: "mass" | "bound";
  readonly collect_order?: Order;
  readonly input_in_heap?: boolean;
  readonly scores?:
    | (RawCurves & {
        readonly kind: string;
        readonly absolute?: unknown;
        readonly fractions: readonly number[];
        readonly random: RawCurves | null;
      })
    | null;
}

const PHASES = ["walk", "finish", "collect"] as const;
const MOST_AXES = 32;
const LARGEST_LAYER = 2 ** 24;
const MOST_NODES = 2 ** 27;
const DEEPEST = 16;

const layerParts = record({
  label: name,
  op: name,
  shape: list(whole),
  box: list(whole),
  channel_axis: orNull(whole),
  reads: list(whole),
  field: orNull(list(row(integer, whole, whole, orNull(whole)))),
});

const layer: Check = (value) => {
  if (!layerParts(value)) return false;
  const { shape, box, channel_axis, field } = value as RawLayer;
  const axes = [channel_axis, ...(field ?? []).map((axis) => axis[3])];
  return (
    shape.length > 0 &&
    shape.length === box.length &&
    shape.length <= MOST_AXES &&
    shape.every((size, axis) => (box[axis] as number) > 0 && (box[axis] as number) <= size) &&
    axes.every((axis) => axis === null || axis < shape.length)
  );
};

const curves = { fractions: list(number), deletion: list(number), insertion: list(number) };
const scores: Check = (value) => {
  if (!record({ kind: text, random: orNull(isRecord), ...curves })(value)) return false;
  const { random, ...own } = value as Record<string, unknown>;
  const fractions = own.fractions as readonly number[];
  const several = random ? [own, { fractions, ...(random as Json) }] : [own];
  return (
    fractions.length > 1 &&
    several.every(
      (one) =>
        record(curves)(one) &&
        Object.keys(curves).every((key) => ((one as Json)[key] as unknown[]).length === fractions.length),
    )
  );
};

const target = record({ label: text, index: orNull(whole), value: number });

const HEADER: Readonly<Record<string, Check>> = {
  method: text,
  rule: orNull(text),
  order: word("descending", "ascending"),
  conserved: truth,
  target: (value) => target(value) && orNull(text)((value as Json).below ?? null),
  floor: orNull(number),
  phases: record(Object.fromEntries(PHASES.map((phase) => [phase, whole]))),
  start: list(row(whole, number)),
  layers: list(layer),
  ledger: record({
    target: number,
    explained: number,
    residual: number,
    absorbed: list(row(text, text, number)),
  }),
};
const OPTIONAL: Readonly<Record<string, Check>> = {
  inputs: whole,
  rule_label: text,
  priority: word("mass", "bound"),
  collect_order: word("descending", "ascending"),
  input_in_heap: truth,
  scores: orNull(scores),
};

/** Refuses, in one sentence, what is no header. */
export function checkHeader(header: unknown): RawHeader {
  if (!isRecord(header)) return fail("The header is missing.");
  if (header.format !== "heapwidget-trace") fail("This is not a heapwidget trace.");
  if (header.version !== 1)
    fail(`The trace has version ${String(header.version)}; this viewer reads version 1.`);
  for (const [key, check] of Object.entries({ ...HEADER, ...OPTIONAL })) {
    if (!(key in header) && key in OPTIONAL) continue;
    if (!(key in header)) fail(`The header has no ${key}.`);
    if (!check(header[key])) fail(`The header's ${key} is not what a trace has there.`);
  }
  for (const [key, value] of Object.entries(header)) {
    if (!text(key)) fail("A key of the header is no text.");
    checkPlain(key, value, 0);
  }
  const read = header as unknown as RawHeader;
  checkLayers(read.layers, read.inputs ?? 1);
  if (new Set(read.start.map(([node]) => node)).size < read.start.length)
    fail("The header's start names a node twice.");
  return read;
}

/** Keys that this version does not know must hold plain JSON all the same. */
function checkPlain(key: string, value: unknown, depth: number): void {
  if (typeof value === "object" && value !== null) {
    const inside = Array.isArray(value) ? value : [...Object.keys(value), ...Object.values(value)];
    if (depth === DEEPEST && inside.length > 0)
      fail(`The header's ${key} has more than ${DEEPEST} lists in lists.`);
    for (const one of inside) checkPlain(key, one, depth + 1);
  } else if (!(value === null || truth(value) || text(value) || Number.isFinite(value))) {
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
  if (layers.slice(inputs).some((layer) => "kind" in layer || "names" in layer))
    fail("A layer has a kind or names and is no input.");
  const axes = layers.slice(0, inputs).reduce((n, { shape, channel_axis }) => {
    return n + shape.length - (channel_axis === null ? 0 : 1);
  }, 0);
  if (layers.some(({ field }) => field !== null && field.length !== axes))
    fail(`A layer's field is not one range for each of ${axes} axes.`);
}

const nodesOf = ({ shape, box }: RawLayer): number =>
  product(shape.map((size, axis) => Math.ceil(size / (box[axis] as number))));

function checkInput({ shape, box, channel_axis, kind, names }: RawLayer, number: number): void {
  const what = `Input ${number}`;
  const facts = isKind(kind) ? KINDS[kind] : fail(`${what} is of no known kind.`);
  if (shape.some((size, axis) => box[axis] !== (axis === channel_axis ? size : 1)))
    fail(`${what} is not divided into positions.`);
  const positions = product(shape.filter((_, axis) => axis !== channel_axis));
  const fits = list(name)(names) && names?.length === positions && facts.names !== "never";
  if (names !== undefined && !fits) fail(`${what} does not have a name for each of ${positions} positions.`);
  if (facts.names === "always" && names === undefined) fail(`${what} is of ${kind} without names.`);
  const pictured = shape.length === 3 && (shape[0] === 1 || shape[0] === 3) && channel_axis === 0;
  if (facts.pictured && !pictured) fail(`${what} of shape ${shape.join(" × ")} is no ${kind}.`);
}
