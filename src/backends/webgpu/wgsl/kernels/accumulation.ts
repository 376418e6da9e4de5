/**
 * Sums and products of many elements: of floats as `Wide` numbers, which have float64's range and nearly its
 * digits, and modulo 2^32 of integers.
 *
 * @module
 */
import type { Held } from "../module.ts";

/** How elements are combined; all but types and names are expressions. */
export interface Accumulation {
  /** The type of a state, and the state of no elements. */
  readonly type: string;
  readonly empty: string;
  /** The words of a state. */
  readonly parts: readonly (readonly [name: string, held: Held])[];
  /** The state of one element, and two states as one. */
  readonly of: (x: string) => string;
  readonly combine: (a: string, b: string) => string;
  /** The number that a state is. */
  readonly value: (state: string) => string;
  /** Functions that are called. */
  readonly functions: readonly string[];
}

function wide(operation: "wide_add" | "wide_mul", empty: string): Accumulation {
  return {
    type: "Wide",
    empty: `Wide(${empty}, 0.0f, 0)`,
    parts: [[".hi", "f32"], [".lo", "f32"], [".e", "i32"]],
    of: (x) => `wide(${x})`,
    combine: (a, b) => `${operation}(${a}, ${b})`,
    value: (state) => `narrow(${state})`,
    functions: [operation, "wide", "narrow", "negated"],
  };
}

function wrapping(held: Held, operation: string, empty: number): Accumulation {
  return {
    type: held,
    empty: `${held}(${empty})`,
    parts: [["", held]],
    of: (x) => x,
    combine: (a, b) => `(${a} ${operation} ${b})`,
    value: (state) => state,
    functions: [],
  };
}

/** Sums; `isSigned` says that of no elements, or of -0 alone, is -0. */
export function sumsOf(held: Held, isSigned: boolean = false): Accumulation {
  if (held !== "f32") return wrapping(held, "+", 0);
  return wide("wide_add", isSigned ? "negated(0.0f)" : "0.0f");
}

/** Products. */
export function productsOf(held: Held): Accumulation {
  return held === "f32" ? wide("wide_mul", "1.0f") : wrapping(held, "*", 1);
}
