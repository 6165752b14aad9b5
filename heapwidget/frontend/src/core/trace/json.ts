/** What a value read from JSON must be: small checks, put together to larger ones. */

export type Json = Readonly<Record<string, unknown>>;
export type Check = (value: unknown) => boolean;

const LONGEST_NAME = 10_000;
/** The largest number of a float column. */
const LARGEST_NUMBER = 3.4028234663852886e38;

export const dict = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
export const whole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const integer: Check = (value) => Number.isSafeInteger(value);
export const number: Check = (value) => typeof value === "number" && Math.abs(value) <= LARGEST_NUMBER;
/** Text that can be written: half of a surrogate pair cannot. */
export const text: Check = (value) => typeof value === "string" && !/\p{Surrogate}/u.test(value);
/** Letters are counted as Python counts them. */
export const name: Check = (value) =>
  text(value) && ((value as string).length <= LONGEST_NAME || [...(value as string)].length <= LONGEST_NAME);
export const truth: Check = (value) => typeof value === "boolean";
export const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
export const word =
  (...words: readonly unknown[]): Check =>
  (value) =>
    words.includes(value);
export const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every((one) => check(one));
export const row =
  (...checks: readonly Check[]): Check =>
  (value) =>
    Array.isArray(value) &&
    value.length === checks.length &&
    checks.every((check, i) => check(value[i] as unknown));
export const record =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    dict(value) && Object.entries(checks).every(([key, check]) => key in value && check(value[key]));
