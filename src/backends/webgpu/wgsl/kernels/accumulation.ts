/**
 * Sums, products and extremes of many elements. Sums and products of floats are `Wide` numbers, which have
 * the range and nearly the precision of float64; those of integers are modulo 2^32. Extremes are keys with
 * positions.
 *
 * @module
 */
import type { Held } from "../module.ts";
import { keyFunction, type KeyOrder } from "./keys.ts";

/** How elements are combined; all members except types and names are expressions. */
export interface Accumulation {
  /** The type of a state, and the initial state. */
  readonly type: string;
  readonly empty: string;
  /** The words of a state. */
  readonly parts: readonly (readonly [name: string, held: Held])[];
  /** The state of one element at a position of its line, and the combination of two states. */
  readonly of: (x: string, position: string) => string;
  readonly combine: (a: string, b: string) => string;
  /** The value of a state. */
  readonly value: (state: string) => string;
  /** Functions that are called, and declarations. */
  readonly functions: readonly string[];
  readonly shared?: string;
}

/** An accumulation whose states do not depend on the positions of elements. */
export interface Total extends Accumulation {
  readonly of: (x: string) => string;
}

function wide(operation: "wide_add" | "wide_mul", empty: string): Total {
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

function wrapping(held: Held, operation: string, empty: number): Total {
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

/** Sums; with `isSigned`, the sum of no elements, or of -0 alone, is -0. */
export function sumsOf(held: Held, isSigned: boolean = false): Total {
  if (held !== "f32") return wrapping(held, "+", 0);
  return wide("wide_add", isSigned ? "negated(0.0f)" : "0.0f");
}

/** Products. */
export function productsOf(held: Held): Total {
  return held === "f32" ? wide("wide_mul", "1.0f") : wrapping(held, "*", 1);
}

/** The last of the largest elements by a key, and its position; for no elements, a key below all others. */
export function lastExtremeOf(held: Held, order: KeyOrder): Accumulation {
  return {
    type: "vec2<u32>",
    empty: "vec2<u32>(0u, 0u)",
    parts: [[".x", "u32"], [".y", "u32"]],
    of: (x, position) => `vec2<u32>(key_of(${x}), ${position})`,
    combine: (a, b) => `later(${a}, ${b})`,
    value: (state) => `i32(${state}.y)`,
    functions: [],
    shared: `${keyFunction(held, order)}
fn later(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return select(a, b, b.x > a.x || (b.x == a.x && b.y > a.y));
}`,
  };
}
