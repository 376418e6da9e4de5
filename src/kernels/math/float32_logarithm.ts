/**
 * The natural logarithm of float32.
 *
 * @module
 */
import type { Code } from "../../wasm/code.ts";
import { f32x4, i32, i32x4, v128 } from "../../wasm/operations.ts";
import { bits, float, polynomial } from "./float32_terms.ts";
import type { Operation, Vector } from "./operation.ts";

// ln 2 in two parts: the product of the first with a whole number of 9 bits is exact.
const LN2_HIGH = 0.693359375;
const LN2_LOW = Math.LN2 - LN2_HIGH;

/**
 * `(log(1 + f) - f + f² / 2) / f³` for `√½ <= 1 + f <= √2`, lowest power first: minimax for the
 * relative error of the logarithm, which is 3.9e-9, by Remez's exchange with coefficients that are
 * floats.
 */
const LOGARITHM = [
  0.3333331347,
  -0.2500001192,
  0.2000202239,
  -0.1666794419,
  0.1422261,
  -0.124049522,
  0.1185277328,
  -0.1168956533,
  0.06890381128,
];

const SMALLEST_NORMAL = 2 ** -126;
/** Makes subnormal floats normal. */
const LIFT = 2 ** 23;
/** The bits of √½, from which on the exponent is counted. */
const ROOT_HALF = 0x3f3504f3;
const EXPONENT_BITS = 23;

/** `log x`. Error at most 1 ulp; NaN for negative numbers, -Infinity for both zeros. */
function log(code: Code): (x: Vector) => Vector {
  const smallest = float(code, SMALLEST_NORMAL);
  const lift = float(code, LIFT);
  const lifted = float(code, Math.log2(LIFT));
  const root = bits(code, ROOT_HALF);
  const fraction = bits(code, 2 ** EXPONENT_BITS - 1);
  const one = float(code, 1);
  const minusHalf = float(code, -0.5);
  const ln2High = float(code, LN2_HIGH);
  const ln2Low = float(code, LN2_LOW);
  const zero = float(code, 0);
  const infinity = float(code, Infinity);
  const minusInfinity = float(code, -Infinity);
  const coefficients = LOGARITHM.map((value) => float(code, value));
  return (x) => {
    const isSmall = code.let(f32x4.lt(x, smallest));
    const normal = i32x4.relaxedLaneselect(f32x4.mul(x, lift), x, isSmall);
    // x = 2^e (1 + f): what is above the bits of √½ counts e in the exponent's place.
    const above = code.let(i32x4.sub(normal, root));
    const e = code.let(f32x4.sub(
      f32x4.convertI32x4S(i32x4.shrS(above, i32.const(EXPONENT_BITS))),
      v128.and(lifted, isSmall),
    ));
    const mantissa = i32x4.add(v128.and(above, fraction), root);
    const f = code.let(f32x4.sub(mantissa, one));
    const quadratic = f32x4.relaxedMadd(polynomial(coefficients, f), f, minusHalf);
    const small = f32x4.mul(e, ln2Low);
    const rest = f32x4.relaxedMadd(f32x4.mul(f, f), quadratic, small);
    const value = f32x4.relaxedMadd(e, ln2High, f32x4.add(f, rest));
    const orInfinite = i32x4.relaxedLaneselect(x, value, f32x4.eq(x, infinity));
    const orZero = i32x4.relaxedLaneselect(minusInfinity, orInfinite, f32x4.eq(x, zero));
    // All bits set are NaN.
    return v128.or(orZero, v128.not(f32x4.ge(x, zero)));
  };
}

/** Logarithms, by the name of their primitive. */
export const logarithmOperations: Readonly<Record<string, Operation>> = { log };
