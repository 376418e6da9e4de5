/**
 * Hyperbolic functions of doubles and their inverses, through exponentials and logarithms in forms
 * that do not cancel.
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import { f64x2, v128 } from "../../../assembler/operations.ts";
import { decay, exponential, exponentialMinusOne } from "./exponential.ts";
import { logarithmOfOnePlus } from "./logarithm.ts";
import { choose, constant, keep, setWhere, signOf, unary, withSign } from "./vectors.ts";
import type { Operation, Vector } from "../operation.ts";

/** `sinh x = E + E / (2E + 1)` for `E = (e^|x| - 1) / 2`, with the sign of `x`. */
function hyperbolicSine(code: Code): (x: Vector) => Vector {
  const halfPower = exponentialMinusOne(code, 1);
  const one = constant(code, 1);
  return (x) => {
    const argument = keep(code, x);
    const half = code.let(halfPower(f64x2.abs(argument)));
    const power = f64x2.add(f64x2.add(half, half), one);
    // The quotient of infinities is NaN, but the sum is then infinite without it.
    const size = f64x2.add(half, f64x2.div(half, power));
    const isInfinite = f64x2.eq(half, f64x2.const(Infinity));
    return withSign(choose(isInfinite, half, size), argument);
  };
}

/** `cosh x = H + 1 / 4H` for `H = e^|x| / 2`. */
function hyperbolicCosine(code: Code): (x: Vector) => Vector {
  const halfPower = exponential(code, 1);
  const quarter = constant(code, 0.25);
  return (x) => {
    const half = code.let(halfPower(f64x2.abs(x)));
    return f64x2.add(half, f64x2.div(quarter, half));
  };
}

/** `tanh x = -E / (E + 2)` for `E = e^(-2|x|) - 1`, with the sign of `x`. */
function hyperbolicTangent(code: Code): (x: Vector) => Vector {
  const power = exponentialMinusOne(code);
  const [two, minusTwo] = [2, -2].map((value) => constant(code, value));
  return (x) => {
    const argument = keep(code, x);
    const less = code.let(power(f64x2.mul(f64x2.abs(argument), minusTwo)));
    const size = f64x2.div(f64x2.abs(less), f64x2.add(less, two));
    return withSign(size, argument);
  };
}

/** `1 / cosh²x`, of which `1 / cosh x = 2p / (1 + p²)` for `p = e^-|x|`. */
function hyperbolicTangentSlope(code: Code): (x: Vector) => Vector {
  const small = decay(code);
  const one = constant(code, 1);
  return (x) => {
    const power = code.let(small(x));
    const over = f64x2.add(power, power);
    const secant = code.let(f64x2.div(over, f64x2.add(one, f64x2.mul(power, power))));
    return f64x2.mul(secant, secant);
  };
}

/** `4 s (1 - s)` for the logistic function `s`, which is `1 / cosh²(x / 2)`. */
function sigmoidBell(code: Code): (x: Vector) => Vector {
  const bell = hyperbolicTangentSlope(code);
  const half = constant(code, 0.5);
  return (x) => bell(f64x2.mul(x, half));
}

/** The same, from `s` and `e^-|x|`. */
function sigmoidBellOfDecay(code: Code): (x: Vector, value: Vector, decay: Vector) => Vector {
  const bell = sigmoidBell(code);
  const [one, two, least] = [1, 2, 2 ** -1000].map((value) => constant(code, value));
  return (x, value, decay) => {
    const [s, power] = [keep(code, value), keep(code, decay)];
    const twice = code.let(f64x2.add(s, s));
    // Above 0 the difference is 2 e^-x / (1 + e^-x).
    const rest = choose(f64x2.gt(twice, one), f64x2.mul(twice, power), f64x2.sub(two, twice));
    const result = code.let(f64x2.mul(twice, rest));
    // A denormal exponential has lost bits.
    setWhere(code, result, code.let(f64x2.lt(power, least)), () => bell(x));
    return result;
  };
}

/** Up to this square of the hyperbolic tangent, one minus the square is accurate. */
const MOST_SQUARE = 0.99;

/** `1 / cosh²x`, from the hyperbolic tangent: an exponential is needed only in the tails. */
function hyperbolicTangentSlopeOfTangent(code: Code): (x: Vector, tangent: Vector) => Vector {
  const slope = hyperbolicTangentSlope(code);
  const [one, most] = [1, MOST_SQUARE].map((value) => constant(code, value));
  return (x, tangent) => {
    const value = keep(code, tangent);
    const square = code.let(f64x2.mul(value, value));
    const result = code.let(f64x2.sub(one, square));
    setWhere(code, result, code.let(f64x2.gt(square, most)), () => slope(x));
    return result;
  };
}

/** From here on `√(x² ± 1)` is `x`. */
const LARGE = 2 ** 28;

/** `asinh x = log (1 + u)` for `u = |x| + x² / (1 + √(1 + x²))`, with the sign of `x`. */
function inverseHyperbolicSine(code: Code): (x: Vector) => Vector {
  const logOnePlus = logarithmOfOnePlus(code);
  const [one, large, ln2] = [1, LARGE, Math.LN2].map((value) => constant(code, value));
  return (x) => {
    const argument = keep(code, x);
    const size = code.let(f64x2.abs(argument));
    const square = code.let(f64x2.mul(size, size));
    const root = f64x2.sqrt(f64x2.add(one, square));
    const near = f64x2.add(size, f64x2.div(square, f64x2.add(one, root)));
    // There it is log 2x, whose product might overflow.
    const isLarge = code.let(f64x2.gt(size, large));
    const log = logOnePlus(choose(isLarge, f64x2.sub(size, one), near));
    return v128.or(f64x2.add(log, v128.and(isLarge, ln2)), signOf(argument));
  };
}

/** `acosh x = log (1 + u)` for `u = t + √(t (t + 2))`, `t = x - 1`; NaN below 1. */
function inverseHyperbolicCosine(code: Code): (x: Vector) => Vector {
  const logOnePlus = logarithmOfOnePlus(code);
  const [one, two, large, ln2] = [1, 2, LARGE, Math.LN2].map((value) => constant(code, value));
  const notNumber = constant(code, NaN);
  return (x) => {
    const argument = keep(code, x);
    const above = code.let(f64x2.sub(argument, one));
    const root = f64x2.sqrt(f64x2.mul(above, f64x2.add(above, two)));
    const isLarge = code.let(f64x2.gt(argument, large));
    const log = logOnePlus(choose(isLarge, above, f64x2.add(above, root)));
    const result = f64x2.add(log, v128.and(isLarge, ln2));
    return choose(f64x2.ge(argument, one), result, notNumber);
  };
}

/** `atanh x = ½ log (1 + 2|x| / (1 - |x|))`, with the sign of `x`. */
function inverseHyperbolicTangent(code: Code): (x: Vector) => Vector {
  const logOnePlus = logarithmOfOnePlus(code);
  const [half, one] = [0.5, 1].map((value) => constant(code, value));
  return (x) => {
    const argument = keep(code, x);
    const size = code.let(f64x2.abs(argument));
    const over = f64x2.div(f64x2.add(size, size), f64x2.sub(one, size));
    return withSign(f64x2.mul(half, logOnePlus(over)), argument);
  };
}

/**
 * The hyperbolic functions, by the names of their primitives, and one derivative that takes its
 * function.
 */
export const hyperbolicOperations: Readonly<Record<string, Operation>> = {
  sinh: unary(hyperbolicSine),
  cosh: unary(hyperbolicCosine),
  tanh: unary(hyperbolicTangent),
  tanhSlope: unary(hyperbolicTangentSlope),
  sigmoidBell: unary(sigmoidBell),
  sigmoidBellOfDecay,
  tanhSlopeOfTanh: hyperbolicTangentSlopeOfTangent,
  asinh: unary(inverseHyperbolicSine),
  acosh: unary(inverseHyperbolicCosine),
  atanh: unary(inverseHyperbolicTangent),
};
