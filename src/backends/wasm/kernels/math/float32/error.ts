/**
 * The error function of float32, its complement and its inverse.
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import { f32x4, f64x2, i32, i32x4, i64x2, v128 } from "../../../assembler/operations.ts";
import { exp, prepareExponential } from "./exponential.ts";
import { bits, float, polynomial, SIGN_BIT } from "./terms.ts";
import { inDoubles } from "../halves.ts";
import type { Operation, Vector } from "../operation.ts";
import { double, polynomial as polynomialOfDoubles, prepareExp } from "../short_doubles.ts";

/** Up to here a polynomial computes the error function. */
const ERF_SMALL = 0.9;
/** From here on it rounds to 1. */
const ERF_ONE = 3.95;

/**
 * `erf(x) / x - 1` in `x²`, for `|x| <= 0.9`, lowest power first: minimax for the relative error of
 * the error function, which is 1.4e-8, by Remez's exchange with coefficients that are floats.
 */
export const ERF_CENTRE: readonly number[] = [
  0.1283791512,
  -0.3761250377,
  0.1128192171,
  -0.02677049302,
  0.004998959135,
  -0.0006020799628,
];

/**
 * `log(erfc x) / x` for `0.9 <= x <= 3.95`, lowest power first: minimax for the relative error of the
 * error function, which is 2.0e-9, by Remez's exchange with coefficients that are floats.
 */
export const ERF_TAIL: readonly number[] = [
  -1.128692508,
  -0.6349561214,
  -0.1065881029,
  0.02408973128,
  -0.003809335642,
  0.0003667185956,
  -1.588857958e-5,
];

const EXPONENT_BITS = 23;

/**
 * A polynomial for small arguments, `1 - e^(x p(x))` of the absolute value for others. Error at most
 * 1.2 ulp.
 */
function erf(code: Code): (x: Vector) => Vector {
  const small = float(code, ERF_SMALL);
  const limit = float(code, ERF_ONE);
  const one = float(code, 1);
  const signBit = bits(code, SIGN_BIT);
  const centre = ERF_CENTRE.map((value) => float(code, value));
  const tail = ERF_TAIL.map((value) => float(code, value));
  const parts = prepareExponential(code);
  return (x) => {
    const size = code.let(f32x4.abs(x));
    const square = code.let(f32x4.mul(x, x));
    const near = f32x4.relaxedMadd(polynomial(centre, square), size, size);
    const bounded = code.let(f32x4.pmin(size, limit));
    const { shifted, less } = parts(code.let(f32x4.mul(polynomial(tail, bounded), bounded)));
    // The shift discards all bits of the rounder; the bits of 1 are the exponent's bias.
    const scale = i32x4.add(i32x4.shl(shifted, i32.const(EXPONENT_BITS)), one);
    const far = f32x4.relaxedNmadd(scale, f32x4.add(less, one), one);
    const value = i32x4.relaxedLaneselect(near, far, f32x4.lt(size, small));
    return v128.or(value, v128.and(x, signBit));
  };
}

/** From here on its complement rounds to 0. */
const ERFC_ZERO = 10.1;
/** The argument at which the variable of its polynomial is 0. */
const ERFC_CENTRE = 2;

/**
 * `(1 + 2 x) exp(x²) erfc(x)` in `(x - 2) / (x + 2)`, for `0 <= x <= 10.1`, lowest power first:
 * minimax for the relative error, which is 9.4e-10, by Remez's exchange. The form is that of
 * M. M. Shepherd and J. G. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x²) erfc x in
 * 0 ≤ x < ∞" (1981).
 */
export const ERFC: readonly number[] = [
  1.2769783826827275,
  -0.09276382095144521,
  -0.16603052226176943,
  0.16405105012178517,
  -0.05421781038051323,
  -0.00803095697501653,
  0.00870894024409106,
  0.0012529535438681797,
  -0.00142026927007119,
  -0.0004008634868772703,
  0.0001688028027538987,
  7.916249969169256e-5,
];

/** Its complement, in doubles. Error at most 0.52 ulp. */
function erfc(code: Code): (x: Vector) => Vector {
  const zero = double(code, 0);
  const one = double(code, 1);
  const two = double(code, 2);
  const centre = double(code, ERFC_CENTRE);
  const limit = double(code, ERFC_ZERO);
  const coefficients = ERFC.map((value) => double(code, value));
  const power = prepareExp(code, -(ERFC_ZERO ** 2), 0);
  const compute = inDoubles(code, (x) => {
    const size = code.let(f64x2.pmin(f64x2.abs(x), limit));
    const variable = code.let(f64x2.div(f64x2.sub(size, centre), f64x2.add(size, centre)));
    const factor = f64x2.div(
      polynomialOfDoubles(coefficients, variable),
      f64x2.add(f64x2.add(size, size), one),
    );
    // The square of a float is exact.
    const value = code.let(f64x2.mul(power(code.let(f64x2.neg(f64x2.mul(size, size)))), factor));
    return i64x2.relaxedLaneselect(f64x2.sub(two, value), value, f64x2.lt(x, zero));
  });
  return (x) => compute(x);
}

/** From here on `e^(-x²)` rounds to 0. */
const GAUSSIAN_ZERO = 11;
/** The bits of a float that are kept so that its square is exact. */
const UPPER_BITS = -(2 ** 12);

/** `e^(-x²)`, including the rounding error of the square. Error at most 1.6 ulp. */
function gaussian(code: Code): (x: Vector) => Vector {
  const limit = float(code, GAUSSIAN_ZERO);
  const upperBits = bits(code, UPPER_BITS);
  const power = exp(code);
  return (x) => {
    const size = code.let(f32x4.pmin(f32x4.abs(x), limit));
    const square = code.let(f32x4.mul(size, size));
    const high = code.let(v128.and(size, upperBits));
    const low = f32x4.sub(size, high);
    const lost = f32x4.relaxedNmadd(high, high, square);
    const rest = f32x4.relaxedNmadd(low, f32x4.add(size, high), lost);
    const value = code.let(power(code.let(f32x4.neg(square))));
    return f32x4.relaxedMadd(value, rest, value);
  };
}

/** Error functions, by the name of their primitive. */
export const errorOperations: Readonly<Record<string, Operation>> = { gaussian, erf, erfc };
