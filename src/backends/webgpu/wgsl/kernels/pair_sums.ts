/**
 * Sums of floats with more digits than float32 has: a sum and what rounding has taken from it.
 *
 * Source: D. E. Knuth, "The Art of Computer Programming", volume 2, section 4.2.2, theorem B.
 *
 * @module
 */

/**
 * Functions of pairs, to which they add numbers and pairs. Compilers take `(a + b) - a` for `b`, unless they
 * know nothing of a term.
 */
export const EXACT_SUMS =
  `fn unknown(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) | zero()); }
fn plus(pair: vec2<f32>, x: f32) -> vec2<f32> {
  let sum = unknown(pair.x + x);
  let part = unknown(sum - pair.x);
  let error = (pair.x - unknown(sum - part)) + (x - part);
  let isFinite = (bitcast<u32>(sum) & 0x7f800000u) != 0x7f800000u;
  return vec2<f32>(sum, select(0.0, pair.y + error, isFinite));
}
fn plus_pair(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  let sum = plus(a, b.x);
  return vec2<f32>(sum.x, sum.y + b.y);
}`;

/** How sums of elements are made: of pairs for floats, modulo 2^32 for integers. */
export interface Sums {
  /** The type of a sum, and the sum of nothing. */
  readonly type: string;
  readonly empty: string;
  /** A sum and an element, and two sums: expressions. */
  readonly plus: (sum: string, x: string) => string;
  readonly combine: (a: string, b: string) => string;
  /** The number that it is. */
  readonly value: (sum: string) => string;
  /** Declarations. */
  readonly shared: string;
}

/** The sums of elements that are held so. */
export function sumsOf(held: "f32" | "i32" | "u32"): Sums {
  if (held === "f32") {
    return {
      type: "vec2<f32>",
      empty: "vec2<f32>(0.0, 0.0)",
      plus: (sum, x) => `plus(${sum}, ${x})`,
      combine: (a, b) => `plus_pair(${a}, ${b})`,
      value: (sum) => `(${sum}.x + ${sum}.y)`,
      shared: EXACT_SUMS,
    };
  }
  const add = (a: string, b: string): string => `${a} + ${b}`;
  return {
    type: held,
    empty: `${held}(0)`,
    plus: add,
    combine: add,
    value: (sum) => sum,
    shared: "",
  };
}
