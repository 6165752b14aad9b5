/** The header of a trace, typed: nothing else reads its keys. */

import { checkHeader, type RawHeader, type RawLayer } from "./headercheck";
import { type Header, type Layer, product, type Scores } from "./trace";

/** Reads what a file or a model has for a header; throws `TraceError` with one sentence. */
export function readHeader(value: unknown): Header {
  const raw = checkHeader(value);
  const { phases, target } = raw;
  const finishEnd = phases.walk + phases.finish;
  return {
    method: raw.method,
    rule: raw.rule_label ?? raw.rule,
    ascending: raw.order === "ascending",
    collectAscending: (raw.collect_order ?? raw.order) === "ascending",
    inputInHeap: raw.input_in_heap === true,
    conserved: raw.conserved,
    target: {
      label: target.label,
      index: target.index,
      value: target.value,
      below: target.below ?? null,
      kind: target.kind ?? null,
      baseline: target.baseline ?? null,
      atBaseline: target.at_baseline ?? 0,
      change: target.value - (target.at_baseline ?? 0),
    },
    floor: raw.floor,
    byBound: raw.priority === "bound",
    classTop: raw.class_top === undefined ? null : Math.fround(raw.class_top),
    // Keys are of single precision, like those of the log.
    start: raw.start.map(([node, key]) => [node, Math.fround(key)] as const),
    layers: readLayers(raw.layers),
    inputs: raw.inputs ?? 1,
    walkEnd: phases.walk,
    finishEnd,
    steps: finishEnd + phases.collect,
    scores: readScores(raw.scores ?? null),
  };
}

function readLayers(raw: readonly RawLayer[]): Layer[] {
  let first = 0;
  return raw.map(({ label, shape, box, reads, channel_axis, kind, names, field, square, cell }) => {
    const grid = shape.map((n, axis) => Math.ceil(n / (box[axis] as number)));
    const layer: Layer = {
      label,
      shape,
      box,
      reads,
      channelAxis: channel_axis,
      kind: kind ?? null,
      square: square ?? 1,
      names: names ?? null,
      field: field?.map(([start, step, size, axis]) => ({ start, step, size, axis })) ?? null,
      cell:
        cell?.map((digits) =>
          digits.map(([axis, start, stop, stride, size]) => ({ axis, start, stop, stride, size })),
        ) ?? null,
      grid,
      first,
      count: product(grid),
    };
    first += layer.count;
    return layer;
  });
}

function readScores(raw: NonNullable<RawHeader["scores"]> | null): Scores | null {
  if (!raw) return null;
  const { kind, fractions, deletion, insertion, random } = raw;
  return { kind, absolute: raw.absolute === true, fractions, deletion, insertion, random };
}
