/**
 * The binary logarithm, hyperbolic functions and powers of float32, computed in doubles and rounded
 * once: their errors are hardly above half an ulp.
 *
 * @module
 */
import type { Code } from "../../../assembler/code.ts";
import { f32x4, f64x2, i32x4, i64x2, v128 } from "../../../assembler/operations.ts";
import { bits, float, SIGN_BIT } from "./terms.ts";
import { inDoubles } from "../halves.ts";
import type { Operation, Vector } from "../operation.ts";
import { double, prepareExp, prepareExpm1, prepareLog1p, prepareLog2 } from "../short_doubles.ts";

/** A function of the argument as a double. */
type Doubles = (code: Code) => (x: Vector) => Vector;

/** Rounds a function of doubles. */
function rounded(doubles: Doubles): Operation {
  return (code) => {
    const compute = inDoubles(code, doubles(code));
    return (x) => compute(x);
  };
}

/** Rounds an odd function, given for arguments that are not negative. */
function odd(doubles: Doubles): Operation {
  return (code) => {
    const signBit = bits(code, SIGN_BIT);
    const compute = inDoubles(code, doubles(code));
    return (x) => v128.or(compute(code.let(f32x4.abs(x))), v128.and(x, signBit));
  };
}

/** The argument from which `e^x` is out of range of float32. */
const EXP_LOW = -110;
const EXP_HIGH = 100;

/** `(t + t / (t + 1)) / 2` with `t = e^x - 1`. */
function sinh(code: Code): (x: Vector) => Vector {
  const half = double(code, 0.5);
  const one = double(code, 1);
  const expm1 = prepareExpm1(code, 0, EXP_HIGH);
  return (x) => {
    const t = code.let(expm1(x));
    return f64x2.mul(f64x2.add(t, f64x2.div(t, f64x2.add(t, one))), half);
  };
}

/** `(e^x + e^-x) / 2` */
function cosh(code: Code): (x: Vector) => Vector {
  const half = double(code, 0.5);
  const one = double(code, 1);
  const exp = prepareExp(code, -EXP_HIGH, EXP_HIGH);
  return (x) => {
    const power = code.let(exp(x));
    return f64x2.mul(f64x2.add(power, f64x2.div(one, power)), half);
  };
}

/** `log(x + √(x² + 1))`, as `log1p(x + x² / (1 + √(x² + 1)))`. */
function asinh(code: Code): (x: Vector) => Vector {
  const one = double(code, 1);
  const infinity = double(code, Infinity);
  const log1p = prepareLog1p(code);
  return (x) => {
    const square = code.let(f64x2.mul(x, x));
    const root = f64x2.sqrt(f64x2.add(square, one));
    const rest = f64x2.div(square, f64x2.add(root, one));
    const value = log1p(code.let(f64x2.add(x, rest)));
    return i64x2.relaxedLaneselect(x, value, f64x2.eq(x, infinity));
  };
}

/** `log(x + √(x² - 1))`, with `t = x - 1`. */
function acosh(code: Code): (x: Vector) => Vector {
  const one = double(code, 1);
  const two = double(code, 2);
  const log1p = prepareLog1p(code);
  return (x) => {
    const t = code.let(f64x2.sub(x, one));
    const root = f64x2.sqrt(f64x2.mul(t, f64x2.add(t, two)));
    // For large negative numbers the two cancel.
    return v128.or(log1p(code.let(f64x2.add(t, root))), f64x2.lt(x, one));
  };
}

/** `log((1 + x) / (1 - x)) / 2` */
function atanh(code: Code): (x: Vector) => Vector {
  const half = double(code, 0.5);
  const one = double(code, 1);
  const log1p = prepareLog1p(code);
  return (x) => {
    const quotient = f64x2.div(f64x2.add(x, x), f64x2.sub(one, x));
    return f64x2.mul(log1p(code.let(quotient)), half);
  };
}

/**
 * `|x|^y = 2^(y log2 |x|)`, with the sign of x if y is odd; NaN if x is negative and finite and y
 * is not whole; 1 if y is 0 or x is 1, and if x is -1 and y infinite. Error at most 0.501 ulp.
 */
function pow(code: Code): (x: Vector, y: Vector) => Vector {
  const signBit = bits(code, SIGN_BIT);
  const zero = float(code, 0);
  const one = float(code, 1);
  const half = float(code, 0.5);
  const infinity = float(code, Infinity);
  const minusInfinity = float(code, -Infinity);
  const ln2 = double(code, Math.LN2);
  const log2 = prepareLog2(code);
  const exp = prepareExp(code, EXP_LOW, EXP_HIGH);
  const compute = inDoubles(
    code,
    (size, y) => exp(code.let(f64x2.mul(f64x2.mul(y, log2(size)), ln2))),
  );
  return (x, y) => {
    const size = code.let(f32x4.abs(x));
    const magnitude = compute(size, y);
    const isUnit = v128.or(
      v128.or(f32x4.eq(y, zero), f32x4.eq(x, one)),
      v128.and(f32x4.eq(size, one), f32x4.eq(f32x4.abs(y), infinity)),
    );
    const value = i32x4.relaxedLaneselect(one, magnitude, isUnit);
    const halfY = code.let(f32x4.mul(y, half));
    const isWhole = code.let(f32x4.eq(f32x4.trunc(y), y));
    const isOdd = v128.and(isWhole, f32x4.ne(f32x4.trunc(halfY), halfY));
    const isRoot = v128.andnot(
      v128.and(f32x4.lt(x, zero), f32x4.gt(x, minusInfinity)),
      isWhole,
    );
    // A value with all bits set is NaN.
    return v128.or(v128.xor(value, v128.and(v128.and(x, signBit), isOdd)), isRoot);
  };
}

/** Functions computed in doubles, by the name of their primitive. Errors are at most 0.501 ulp. */
export const inDoublesOperations: Readonly<Record<string, Operation>> = {
  log2: rounded(prepareLog2),
  log10: rounded((code) => {
    const [log2, scale] = [prepareLog2(code), double(code, Math.LOG10E * Math.LN2)];
    return (x) => f64x2.mul(log2(x), scale);
  }),
  sinh: odd(sinh),
  cosh: rounded(cosh),
  asinh: odd(asinh),
  acosh: rounded(acosh),
  atanh: odd(atanh),
  pow,
};
