/**
 * The checks of options that all optimisers share.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions as readNames } from "../base/options.ts";

/** Options with their defaults: numbers and flags. */
type Defaults = Readonly<Record<string, number | boolean>>;

/**
 * `options` filled up with `defaults`. Throws for a name that is not among them, and for a value
 * that is not a finite number or not a flag, as its default is. A number without a default has the
 * default NaN. `what` begins messages: "Cannot make sgd".
 */
export function readOptions<D extends Defaults>(what: string, options: unknown, defaults: D): D {
  const read: Record<string, number | boolean> = { ...defaults };
  const given = readNames(what, options as Partial<D>, Object.keys(defaults));
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (typeof defaults[name] === "number") checkFinite(what, name, value);
    else if (typeof value !== "boolean") {
      throw argumentError(`${what} with ${name} ${describeValue(value)}: expected true or false`);
    }
    read[name] = value;
  }
  const missing = Object.keys(read).find((name) => Number.isNaN(read[name]));
  if (missing !== undefined) throw argumentError(`${what} without ${missing}: expected a number`);
  return read as D;
}

/** Throws unless `value` is a finite number. */
export function checkFinite(what: string, name: string, value: unknown): asserts value is number {
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw argumentError(`${what} with ${name} ${describeValue(value)}: expected a finite number`);
  }
}

/** Throws unless every value is a finite number of at least 0. */
export function checkNotNegative(what: string, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
      throw argumentError(
        `${what} with ${name} ${describeValue(value)}: expected a finite number of at least 0`,
      );
    }
  }
}

/** Throws unless every value is a number from 0 up to, but not including, 1. */
export function checkDecayRates(what: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value < 0 || value >= 1) {
      throw argumentError(`${what} with ${name} ${value}: expected a number from 0 to below 1`);
    }
  }
}

/** Throws unless every value is an integer of at least `low`. */
export function checkCounts(
  what: string,
  values: Readonly<Record<string, unknown>>,
  low: number,
): void {
  for (const [name, value] of Object.entries(values)) {
    if (!Number.isSafeInteger(value) || (value as number) < low) {
      throw argumentError(
        `${what} with ${name} ${describeValue(value)}: expected an integer of at least ${low}`,
      );
    }
  }
}
