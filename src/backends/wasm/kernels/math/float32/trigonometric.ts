/**
 * Sine and cosine of float32, for arguments of any size.
 *
 * Source: W. J. Cody and W. Waite, "Software manual for the elementary functions", 1980; beyond
 * that range M. H. Payne and R. N. Hanek, "Radian reduction for trigonometric functions", 1983
 * (`turns.ts`).
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import type { Local } from "../../../assembler/expression.ts";
import { f32x4, f64x2, i32, i32x4, v128 } from "../../../assembler/operations.ts";
import { bits, float, polynomial, ROUNDER, SIGN_BIT } from "./terms.ts";
import { highHalf, join, lowHalf } from "../halves.ts";
import type { Operation, Vector } from "../operation.ts";
import { turnsOf } from "../turns.ts";

/**
 * `π / 2` in parts: the products of the first three, of 12 bits, with whole numbers of 12 bits are
 * exact.
 */
export const QUARTER_PARTS: readonly number[] = [
  1.5703125,
  0.0004837512969970703,
  7.549533620476723e-8,
  2.5633440682570896e-12,
];

/** Up to here the parts are sufficient: at most 2^12 quarter turns. */
const NEAR = 6400;

/** As doubles: the product of the first, of 33 bits, with whole numbers of 20 bits is exact. */
const FAR_QUARTER_PARTS = [1.5707963267341256, 6.077100506506192e-11];

/** Up to here these are sufficient: at most 2^20 quarter turns. */
const FAR = 1.6e6;

/**
 * `(sin r - r) / r³` in `r²`, for `|r| <= π / 4`, lowest power first: minimax for the relative error
 * of the sine, which is 4.0e-9, by Remez's exchange with coefficients that are floats.
 */
export const SINE: readonly number[] = [-0.1666665524, 0.008332189173, -0.0001951828453];

/**
 * `(cos r - 1 + r² / 2) / r⁴` in `r²`, for `|r| <= π / 4`, lowest power first: minimax for the error
 * of the cosine, which is 1.1e-10, by Remez's exchange with coefficients that are floats.
 */
export const COSINE: readonly number[] = [0.04166664556, -0.001388730132, 2.443066842e-5];

/** An angle in quarter turns, and a rest: `r + rest`. */
export interface Reduced {
  /** The number of quarter turns, in the lowest bits of `ROUNDER` plus it. */
  readonly shifted: Local<"v128">;
  /** The rest, at most `π / 4` plus a rounding error. */
  readonly r: Local<"v128">;
  /** Its rounding error. */
  readonly rest: Local<"v128">;
}

/** Reduces angles that are not negative. */
export function prepareReduction(code: Code): (size: Vector) => Reduced {
  const nearEnd = float(code, NEAR);
  const perQuarter = float(code, 2 / Math.PI);
  const rounder = float(code, ROUNDER);
  const parts = QUARTER_PARTS.map((part) => float(code, part));

  /** After W. J. Cody and W. Waite, "Software Manual for the Elementary Functions" (1980). */
  function reduceNear(size: Vector): Reduced {
    const shifted = code.let(f32x4.relaxedMadd(size, perQuarter, rounder));
    const n = code.let(f32x4.sub(shifted, rounder));
    // The first two steps are exact, with or without rounding of the products.
    const rough = f32x4.relaxedNmadd(n, parts[0], size);
    const near = code.let(f32x4.relaxedNmadd(n, parts[1], rough));
    const third = code.let(f32x4.mul(n, parts[2]));
    const nearer = code.let(f32x4.sub(near, third));
    const error = f32x4.sub(third, f32x4.sub(near, nearer));
    const last = code.let(f32x4.relaxedMadd(n, parts[3], error));
    const r = code.let(f32x4.sub(nearer, last));
    const rest = code.let(f32x4.sub(f32x4.sub(nearer, r), last));
    return { shifted, r, rest };
  }

  /** Angles of any size, in double precision. */
  function reduceFar(x: Vector): { readonly quarters: Vector; readonly angle: Vector } {
    const quarters = code.let(f64x2.nearest(f64x2.mul(x, f64x2.const(2 / Math.PI))));
    const angle = code.let(
      FAR_QUARTER_PARTS.reduce<Vector>(
        (rest, part) => f64x2.sub(rest, f64x2.mul(quarters, f64x2.const(part))),
        x,
      ),
    );
    const isFarther = code.let(f64x2.gt(x, f64x2.const(FAR)));
    code.if(v128.anyTrue(isFarther), () => {
      const four = f64x2.const(4);
      const { high, low } = turnsOf(code, x);
      const turned = code.let(f64x2.mul(high, four));
      const whole = code.let(f64x2.nearest(turned));
      const part = f64x2.add(f64x2.sub(turned, whole), f64x2.mul(low, four));
      const exact = f64x2.mul(part, f64x2.const(Math.PI / 2));
      code.set(quarters, v128.bitselect(whole, quarters, isFarther));
      code.set(angle, v128.bitselect(exact, angle, isFarther));
    });
    return { quarters, angle };
  }

  return (size) => {
    const reduced = reduceNear(size);
    const isFar = code.let(f32x4.gt(size, nearEnd));
    code.if(v128.anyTrue(isFar), () => {
      const low = reduceFar(code.let(lowHalf(size)));
      const high = reduceFar(code.let(highHalf(size)));
      const r = code.let(join(low.angle, high.angle));
      const rest = join(
        f64x2.sub(low.angle, lowHalf(r)),
        f64x2.sub(high.angle, highHalf(r)),
      );
      const shifted = f32x4.add(join(low.quarters, high.quarters), rounder);
      code.set(reduced.shifted, v128.bitselect(shifted, reduced.shifted, isFar));
      code.set(reduced.r, v128.bitselect(r, reduced.r, isFar));
      code.set(reduced.rest, v128.bitselect(rest, reduced.rest, isFar));
    });
    return reduced;
  };
}

/** The sine of an angle in parts, without its sign: odd quadrants take the cosine of the rest. */
function prepareSine(code: Code): (reduced: Reduced, quarters: Vector) => Vector {
  const sine = SINE.map((value) => float(code, value));
  const cosine = COSINE.map((value) => float(code, value));
  const half = float(code, 0.5);
  const one = float(code, 1);
  return ({ r, rest }, quarters) => {
    const square = code.let(f32x4.mul(r, r));
    const cubic = f32x4.mul(square, r);
    const even = f32x4.add(r, f32x4.relaxedMadd(polynomial(sine, square), cubic, rest));
    const fourth = f32x4.mul(square, square);
    const rough = f32x4.relaxedNmadd(square, half, one);
    const odd = f32x4.relaxedMadd(polynomial(cosine, square), fourth, rough);
    const isOdd = i32x4.shrS(i32x4.shl(quarters, i32.const(31)), i32.const(31));
    return i32x4.relaxedLaneselect(odd, even, isOdd);
  };
}

/** The second bit of a number of quarter turns, moved to the sign bit of a float. */
function signOf(quarters: Vector): Vector {
  return i32x4.shl(quarters, i32.const(30));
}

/** `sin x`. Error at most 1.6 ulp. */
function sin(code: Code): (x: Vector) => Vector {
  const signBit = bits(code, SIGN_BIT);
  const reduce = prepareReduction(code);
  const sine = prepareSine(code);
  return (x) => {
    const reduced = reduce(code.let(f32x4.abs(x)));
    const value = sine(reduced, reduced.shifted);
    return v128.xor(value, v128.and(v128.xor(x, signOf(reduced.shifted)), signBit));
  };
}

/** `cos x`, the sine of a quarter turn more. Error at most 1.6 ulp. */
function cos(code: Code): (x: Vector) => Vector {
  const signBit = bits(code, SIGN_BIT);
  const quarter = bits(code, 1);
  const reduce = prepareReduction(code);
  const sine = prepareSine(code);
  return (x) => {
    const reduced = reduce(code.let(f32x4.abs(x)));
    const quarters = code.let(i32x4.add(reduced.shifted, quarter));
    return v128.xor(sine(reduced, quarters), v128.and(signOf(quarters), signBit));
  };
}

/** Trigonometric functions, by the name of their primitive. */
export const trigonometricOperations: Readonly<Record<string, Operation>> = { sin, cos };
