/** The golden files that Python writes. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { RawHeader } from "../../src/core/trace/headercheck";

const DIRECTORY = join(import.meta.dirname, "../../../../tests/golden");

export type Op = readonly ["push", number, number] | readonly ["rekey", number, number] | readonly ["pop"];

export interface HeapqCase {
  readonly order: string;
  readonly ops: readonly Op[];
  readonly arrays: readonly (readonly (readonly [key: number, node: number])[])[];
}

export interface TraceCase {
  readonly header: Readonly<Record<string, unknown>>;
  readonly columns: Readonly<Record<string, readonly number[]>>;
  readonly states: Readonly<
    Record<
      string,
      {
        readonly heap: readonly (readonly [node: number, key: number])[];
        readonly input: readonly (readonly [node: number, key: number])[];
        readonly selected: readonly number[];
      }
    >
  >;
  readonly labels?: readonly (readonly [node: number, label: string])[];
}

/** One of them, as it is. */
export const read = (name: string): unknown => JSON.parse(readFileSync(join(DIRECTORY, name), "utf8"));

export const heapqCases = (): readonly HeapqCase[] => read("heapq_ops.json") as readonly HeapqCase[];

export function traceCases(): (readonly [string, TraceCase])[] {
  return readdirSync(DIRECTORY)
    .filter((name) => /^trace_.*\.json$/.test(name))
    .map((name) => [name, read(name) as TraceCase] as const);
}

export interface FlowCase {
  readonly count: number;
  readonly flows: readonly (readonly [nodes: readonly number[], relevance: number])[];
}

/** The strongest flows of golden walks, by the walk's name and the step. */
export const flowCases = () =>
  read("flows.json") as Readonly<Record<string, Readonly<Record<string, FlowCase>>>>;

export interface JudgedCase {
  readonly header: string;
  /** Bytes in hex. */
  readonly columns: Readonly<Record<string, string>>;
  readonly sound: boolean;
}

/** Traces, sound and spoilt, with what Python says of them; a case holds what differs from its base. */
export function judgedCases(): (readonly [string, JudgedCase])[] {
  type Case = Partial<JudgedCase> & { readonly base: string; readonly sound: boolean };
  const { bases, cases } = read("judged.json") as {
    readonly bases: Readonly<Record<string, JudgedCase>>;
    readonly cases: Readonly<Record<string, Case>>;
  };
  const whole = Object.entries(cases).map(([name, own]) => {
    const base = bases[own.base] as JudgedCase;
    return [name, { ...base, ...own, columns: { ...base.columns, ...own.columns } }] as const;
  });
  return [...Object.entries(bases), ...whole];
}

/** Shares in words: a share, and how it is told, as a bound, and with three digits. */
export const percentCases = () =>
  read("percents.json") as readonly (readonly [
    share: number,
    text: string,
    bound: string | null,
    digits: string | null,
  ])[];

/** Places on the axis, colours, and words. */
export const vocabularyCases = () =>
  read("vocabulary.json") as {
    readonly places: readonly (readonly [walk: number, steps: number, step: number, place: number])[];
    readonly colours: readonly (readonly [value: number, scale: number, signed: boolean, colour: number[]])[];
    readonly rules: readonly (readonly [name: string, label: string])[];
    readonly nouns: readonly (readonly [kinds: string[], noun: string])[];
    readonly targets: readonly (readonly [target: RawHeader["target"], words: string[]])[];
  };
