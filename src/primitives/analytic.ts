/**
 * Functions of complex numbers on pairs of real tensors: `analytic`, for all holomorphic functions
 * without a short formula, and `hypot`, the absolute value. They compute compositions of real
 * operations in double precision; they are primitives because of their derivatives, since those of the
 * compositions would be wrong at zeros, infinities and branch cuts.
 *
 * Branch cuts and signs of zeros are those of C99's Annex G and of NumPy. Square roots, inverse
 * trigonometric and inverse hyperbolic functions follow W. Kahan, "Branch cuts for complex elementary
 * functions, or much ado about nothing's sign bit", 1987, in the form of CPython's `cmath`.
 *
 * @module
 */
import { isFloat, isHalf } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { dtypeError, shapeError } from "../base/errors.ts";
import { sameShape, showType } from "../base/shape.ts";
import { ComplexTensor } from "../core/complex.ts";
import type { Primitive, Tangent } from "../core/primitive.ts";
import type { Concrete, Tensor, Type } from "../core/tensor.ts";
import { installInspector } from "../core/origin.ts";
import { bind, bindOne, runEvaluated } from "../core/trace.ts";
import {
  abs,
  add,
  binade,
  div,
  maximum,
  minimum,
  mul,
  neg,
  offset,
  reciprocal,
  scale,
  sqrt,
  square,
  sub,
} from "./arithmetic.ts";
import { and, equal, less, lessEqual, not, or, select } from "./comparison.ts";
import { batchElementwise } from "./elementwise.ts";
import { constantLike, convert } from "./structure.ts";
import {
  asinh,
  atan2,
  cos,
  cosh,
  exp,
  expm1,
  log,
  log1p,
  pow,
  sigmoid,
  sin,
  sinh,
  tan,
  tanh,
} from "./transcendental.ts";

/** A complex number by its parts, float64. */
type Pair = readonly [re: Tensor, im: Tensor];

/** A function of complex numbers. */
interface Analytic {
  /** Its value, in double precision. */
  readonly value: (...args: readonly Pair[]) => Pair;
  /** Its derivative with respect to each argument, as a function of the arguments and the value. */
  readonly slopes: readonly ((args: readonly Tensor[], out: Tensor) => Tensor)[];
}

const LARGEST = Number.MAX_VALUE / 4;

function number(like: Tensor, value: number): Tensor {
  return constantLike(like, value);
}

function isInfinite(x: Tensor): Tensor {
  return equal(abs(x), number(x, Infinity));
}

function isZero(x: Tensor): Tensor {
  return equal(x, number(x, 0));
}

/** Where the sign bit is set, except for NaN. */
function isNegative(x: Tensor): Tensor {
  return or(less(x, number(x, 0)), less(reciprocal(x), number(x, 0)));
}

/** A magnitude with the sign of `x`. */
function withSign(magnitude: Tensor, x: Tensor): Tensor {
  return select(isNegative(x), neg(magnitude), magnitude);
}

/** `a b`, but `b` where that is 0, for all `a`. */
function timesZero(a: Tensor, b: Tensor): Tensor {
  return select(isZero(b), b, mul(a, b));
}

/** Where an angle is infinite or NaN, so that its sine and cosine are NaN. */
function isNoAngle(y: Tensor): Tensor {
  return not(less(abs(y), number(y, Infinity)));
}

/** `√(x² + y²)` of doubles, without overflow. */
function length(x: Tensor, y: Tensor): Tensor {
  const size = binade(maximum(abs(x), abs(y)));
  const root = mul(sqrt(add(square(div(x, size)), square(div(y, size)))), size);
  return select(or(isInfinite(x), isInfinite(y)), number(x, Infinity), root);
}

/** `log √(x² + y²)`: near one without cancellation, and without overflow. */
function logLength(x: Tensor, y: Tensor): Tensor {
  const [a, b] = [abs(x), abs(y)];
  const [most, least] = [maximum(a, b), minimum(a, b)];
  const size = binade(most);
  const squares = add(square(div(most, size)), square(div(least, size)));
  const far = add(log(size), scale(log(squares), 0.5));
  const excess = add(mul(offset(most, -1), offset(most, 1)), square(least));
  const isNear = and(less(number(x, 0.5), most), less(most, number(x, 1.5)));
  const near = scale(log1p(select(isNear, excess, number(x, 0))), 0.5);
  const isEndless = or(isInfinite(x), isInfinite(y));
  return select(isEndless, number(x, Infinity), select(isNear, near, far));
}

/** The largest exponent that is not split: its `exp` is far from infinity. */
const MOST = 700;

/** `x` as a sum of a number up to `MOST` and a rest that is 0 except for the largest numbers. */
function splitExponent(x: Tensor): [held: Tensor, factor: Tensor] {
  const held = minimum(x, number(x, MOST));
  const rest = select(lessEqual(x, held), number(x, 0), sub(x, held));
  return [held, exp(rest)];
}

function complexExp([x, y]: Pair): Pair {
  const [held, factor] = splitExponent(x);
  const size = exp(held);
  const isLost = isNoAngle(y);
  const isGone = and(isLost, equal(x, number(x, -Infinity)));
  const re = mul(mul(size, cos(y)), factor);
  const im = timesZero(factor, mul(size, sin(y)));
  const zero = number(x, 0);
  return [
    select(isGone, zero, select(and(isLost, equal(x, number(x, Infinity))), x, re)),
    select(isZero(y), y, select(isGone, zero, im)),
  ];
}

function complexLog([x, y]: Pair): Pair {
  return [logLength(x, y), atan2(y, x)];
}

function complexLog1p([x, y]: Pair): Pair {
  const moved = offset(x, 1);
  const isNear = and(less(abs(x), number(x, 0.5)), less(abs(y), number(y, 0.5)));
  const excess = add(mul(x, offset(x, 2)), square(y));
  const near = scale(log1p(select(isNear, excess, number(x, 0))), 0.5);
  return [select(isNear, near, logLength(moved, y)), atan2(y, moved)];
}

function complexSqrt([x, y]: Pair): Pair {
  const [a, b] = [abs(x), abs(y)];
  // Scaled so that the sum of the absolute value and the real part is in range and keeps its digits.
  const isTiny = and(less(a, number(x, 2 ** -1000)), less(b, number(x, 2 ** -1000)));
  const factor = select(isTiny, number(x, 2 ** 53), number(x, 2 ** -3));
  const sum = add(mul(a, factor), length(mul(a, factor), mul(b, factor)));
  const size = mul(sqrt(sum), select(isTiny, number(x, 2 ** -27), number(x, 2)));
  const isOrigin = isZero(size);
  const other = div(scale(b, 0.5), select(isOrigin, number(x, 1), size));
  const isRight = lessEqual(number(x, 0), x);
  const [re, im] = [select(isRight, size, other), select(isRight, other, size)];
  const isTall = isInfinite(y);
  return [
    select(isTall, number(x, Infinity), re),
    select(isTall, y, select(isOrigin, y, withSign(im, y))),
  ];
}

function complexSinh([x, y]: Pair): Pair {
  const [held, factor] = splitExponent(abs(x));
  const re = timesZero(factor, mul(sinh(withSign(held, x)), cos(y)));
  const isKept = and(isNoAngle(y), or(isZero(x), isInfinite(x)));
  return [
    select(isKept, x, re),
    select(isZero(y), y, timesZero(factor, mul(cosh(held), sin(y)))),
  ];
}

function complexCosh([x, y]: Pair): Pair {
  const [held, factor] = splitExponent(abs(x));
  const isLost = isNoAngle(y);
  const re = timesZero(factor, mul(cosh(held), cos(y)));
  const im = timesZero(factor, mul(sinh(withSign(held, x)), sin(y)));
  const isReal = or(isZero(y), and(isLost, isZero(x)));
  return [
    select(and(isLost, isInfinite(x)), number(x, Infinity), re),
    select(isReal, mul(withSign(number(x, 1), x), withSign(number(x, 0), y)), im),
  ];
}

function complexTanh([x, y]: Pair): Pair {
  const isFar = less(number(x, 22), abs(x));
  const near = select(isFar, number(x, 0), x);
  const [a, b, s] = [tanh(near), tan(y), reciprocal(cosh(near))];
  const denominator = offset(square(mul(a, b)), 1);
  const re = div(mul(a, offset(square(b), 1)), denominator);
  const im = mul(mul(div(b, denominator), s), s);
  // At infinity the angle is ignored; elsewhere an infinite or NaN angle gives NaN.
  const angle = select(isInfinite(x), select(isNoAngle(y), number(y, 0), y), y);
  const one = add(withSign(number(x, 1), x), sub(angle, angle));
  const rest = mul(mul(scale(sin(angle), 4), cos(angle)), exp(scale(abs(x), -2)));
  return [
    select(isZero(x), x, select(isFar, one, re)),
    select(isZero(y), y, select(isFar, rest, im)),
  ];
}

/**
 * The logistic function. With `h = e^-|x|` the real part of its denominator is `1 - h + 2 h cos²(y/2)`,
 * a sum of positive terms: there is no cancellation near the poles.
 */
function complexSigmoid([x, y]: Pair): Pair {
  const far = neg(abs(x));
  const h = exp(far);
  // At infinity the angle is ignored.
  const angle = select(and(isInfinite(x), isNoAngle(y)), number(y, 0), y);
  const turned = scale(square(cos(scale(angle, 0.5))), 2);
  const real = sub(mul(h, turned), expm1(far));
  const imaginary = mul(h, sin(angle));
  const squares = add(square(real), square(imaginary));
  const numerator = select(isNegative(x), mul(h, add(expm1(far), turned)), real);
  return [
    div(numerator, squares),
    select(isZero(y), y, div(imaginary, squares)),
  ];
}

/** `log 2|z|` of numbers that are too large for the formulas. */
function logTwice(x: Tensor, y: Tensor): Tensor {
  return offset(logLength(scale(x, 0.5), scale(y, 0.5)), 2 * Math.LN2);
}

/** Where a number is too large for the formulas. */
function isLarge(x: Tensor, y: Tensor): Tensor {
  return or(less(number(x, LARGEST), abs(x)), less(number(y, LARGEST), abs(y)));
}

function complexAsinh([x, y]: Pair): Pair {
  const large = isLarge(x, y);
  const [a, b] = [x, y].map((part) => select(large, number(x, 0), part));
  const [p, q] = complexSqrt([offset(b, 1), neg(a)]);
  const [r, s] = complexSqrt([sub(number(b, 1), b), a]);
  return [
    select(large, withSign(logTwice(x, y), x), asinh(sub(mul(p, s), mul(r, q)))),
    select(isZero(y), y, select(large, atan2(y, abs(x)), atan2(b, sub(mul(p, r), mul(q, s))))),
  ];
}

function complexAcosh([x, y]: Pair): Pair {
  const large = isLarge(x, y);
  const [a, b] = [x, y].map((part) => select(large, number(x, 0), part));
  const [p, q] = complexSqrt([offset(a, -1), b]);
  const [r, s] = complexSqrt([offset(a, 1), b]);
  return [
    select(large, logTwice(x, y), asinh(add(mul(p, r), mul(q, s)))),
    select(large, atan2(y, x), scale(atan2(q, r), 2)),
  ];
}

function complexAcos([x, y]: Pair): Pair {
  const large = isLarge(x, y);
  const [a, b] = [x, y].map((part) => select(large, number(x, 0), part));
  const [p, q] = complexSqrt([sub(number(a, 1), a), neg(b)]);
  const [r, s] = complexSqrt([offset(a, 1), b]);
  return [
    select(large, atan2(abs(y), x), scale(atan2(p, r), 2)),
    select(large, withSign(logTwice(x, y), neg(y)), asinh(sub(mul(r, q), mul(s, p)))),
  ];
}

function complexAtanh([x, y]: Pair): Pair {
  const [a, b] = [abs(x), abs(y)];
  const isFar = or(less(number(x, 2 ** 500), a), less(number(x, 2 ** 500), b));
  const [near, high] = [a, b].map((part) => select(isFar, number(x, 0), part));
  const half = Math.PI / 2;
  const squares = add(square(sub(number(x, 1), near)), square(high));
  const re = scale(log1p(div(scale(near, 4), squares)), 0.25);
  const turn = atan2(
    scale(high, 2),
    sub(mul(sub(number(x, 1), near), offset(near, 1)), square(high)),
  );
  // Near the pole the squares vanish.
  const isPole = and(equal(near, number(x, 1)), less(high, number(x, 2 ** -500)));
  const poleRe = sub(number(x, Math.LN2 / 2), scale(log(high), 0.5));
  const size = length(scale(a, 0.5), scale(b, 0.5));
  const farRe = div(div(scale(a, 0.25), size), size);
  const isEndless = or(isInfinite(x), isInfinite(y));
  const far = select(isEndless, number(x, 0), farRe);
  // NaN where a part is, unless the other one is infinite and imaginary.
  const farTurn = select(isInfinite(y), number(y, half), add(number(y, half), sub(b, b)));
  return [
    select(isZero(x), x, withSign(select(isFar, far, select(isPole, poleRe, re)), x)),
    withSign(select(isFar, farTurn, scale(turn, 0.5)), y),
  ];
}

/** `-i f(i z)`: the sine of the hyperbolic sine, and so on. */
function turned(f: (z: Pair) => Pair): (z: Pair) => Pair {
  return ([x, y]) => {
    const [re, im] = f([neg(y), x]);
    return [im, neg(re)];
  };
}

/**
 * Powers by polar coordinates; 1 where the exponent is 0. Powers of 0 with a complex exponent have no
 * limit in angle: they are 0 if the real part of the exponent is positive, and NaN otherwise.
 */
function complexPow([x, y]: Pair, [c, d]: Pair): Pair {
  const size = length(x, y);
  const angle = atan2(y, x);
  const logarithm = logLength(x, y);
  const isOrigin = isZero(size);
  const magnitude = mul(pow(size, c), exp(neg(timesZero(d, angle))));
  const zero = number(x, 0);
  const turn = add(
    select(or(isOrigin, isZero(d)), zero, mul(d, logarithm)),
    timesZero(c, angle),
  );
  const isOne = and(isZero(c), isZero(d));
  const isTurning = and(isOrigin, not(isZero(d)));
  const isGone = and(less(zero, c), less(abs(d), number(x, Infinity)));
  const there = select(isGone, zero, number(x, NaN));
  const im = timesZero(magnitude, sin(turn));
  return [
    select(isOne, number(x, 1), select(isTurning, there, mul(magnitude, cos(turn)))),
    select(isOne, zero, select(isTurning, there, im)),
  ];
}

/** `x` as a complex tensor, for slopes that are computed by the rules of complex numbers. */
function one(like: Tensor): Tensor {
  return constantLike(like, 1);
}

/** `√(1 - z)` times `√(1 + z)`, whose reciprocal is the slope of the inverse sine, on its branch. */
function rootOfOneMinusSquare(z: Tensor): Tensor {
  return mul(sqrt(sub(one(z), z)), sqrt(add(one(z), z)));
}

/** All functions. Each row has the value and, for complex tensors, the derivatives. */
const table = {
  exp: { value: complexExp, slopes: [(_, out) => out] },
  expm1: {
    value: ([x, y]) => [
      sub(mul(expm1(x), cos(y)), scale(square(sin(scale(y, 0.5))), 2)),
      complexExp([x, y])[1],
    ],
    slopes: [([z]) => exp(z)],
  },
  log: { value: complexLog, slopes: [([z]) => reciprocal(z)] },
  log1p: { value: complexLog1p, slopes: [([z]) => reciprocal(add(z, one(z)))] },
  sqrt: { value: complexSqrt, slopes: [(_, out) => scale(reciprocal(out), 0.5)] },
  sin: { value: turned(complexSinh), slopes: [([z]) => cos(z)] },
  cos: { value: ([x, y]) => complexCosh([neg(y), x]), slopes: [([z]) => neg(sin(z))] },
  tan: { value: turned(complexTanh), slopes: [(_, out) => add(square(out), one(out))] },
  asin: {
    value: turned(complexAsinh),
    slopes: [([z]) => reciprocal(rootOfOneMinusSquare(z))],
  },
  acos: {
    value: complexAcos,
    slopes: [([z]) => neg(reciprocal(rootOfOneMinusSquare(z)))],
  },
  atan: {
    value: turned(complexAtanh),
    slopes: [([z]) => reciprocal(add(square(z), one(z)))],
  },
  sinh: { value: complexSinh, slopes: [([z]) => cosh(z)] },
  cosh: { value: complexCosh, slopes: [([z]) => sinh(z)] },
  tanh: { value: complexTanh, slopes: [([z]) => reciprocal(square(cosh(z)))] },
  asinh: {
    value: complexAsinh,
    slopes: [([z]) => reciprocal(sqrt(add(square(z), one(z))))],
  },
  acosh: {
    value: complexAcosh,
    slopes: [([z]) => reciprocal(mul(sqrt(sub(z, one(z))), sqrt(add(z, one(z)))))],
  },
  sigmoid: { value: complexSigmoid, slopes: [([z], out) => mul(out, sigmoid(neg(z)))] },
  atanh: {
    value: complexAtanh,
    slopes: [([z]) => reciprocal(sub(one(z), square(z)))],
  },
  pow: {
    value: complexPow,
    slopes: [
      ([z, w]) => mul(w, pow(z, sub(w, one(w)))),
      ([z], out) => {
        const isOrigin = equal(z, constantLike(z, 0));
        return mul(out, log(select(isOrigin, one(z), z)));
      },
    ],
  },
} as const satisfies Readonly<Record<string, Analytic>>;

/** The name of a function of complex numbers. */
export type AnalyticName = keyof typeof table;

/** Every name. */
export const analyticNames = Object.keys(table) as readonly AnalyticName[];

/** Parameters of `analytic`. */
export interface AnalyticParams {
  /** The name of the function. */
  readonly name: AnalyticName;
}

function rowOf({ name }: AnalyticParams): Analytic {
  return table[name];
}

/** The implementation of a function, of the parts of its arguments, for compiled code and the evaluator. */
export function expandAnalytic(
  parts: readonly Tensor[],
  params: AnalyticParams,
): readonly Tensor[] {
  const wide = parts.map((part) => convert(part, "float64"));
  const pairs: Pair[] = [];
  for (let i = 0; i < wide.length; i += 2) pairs.push([wide[i], wide[i + 1]]);
  return rowOf(params).value(...pairs).map((part) => convert(part, parts[0].dtype));
}

/** Runs `f` immediately and without inspection, since its intermediate results may be NaN. */
function computed<T>(f: () => T): T {
  const inspector = installInspector(null);
  try {
    return runEvaluated(f);
  } finally {
    installInspector(inspector);
  }
}

/** Throws unless all arguments are floats of one dtype and shape; returns their type. */
function checkParts(
  name: string,
  args: readonly Type[],
  accepts: (dtype: Dtype) => boolean = () => true,
): Type {
  const [first] = args;
  const shown = args.map(showType).join(" and ");
  if (
    !(isFloat(first.dtype) && accepts(first.dtype)) ||
    args.some(({ dtype }) => dtype !== first.dtype)
  ) {
    throw dtypeError(`Cannot apply ${name} to ${shown}: expected floats of one dtype`);
  }
  if (!args.every(({ shape }) => sameShape(shape, first.shape))) {
    throw shapeError(`Cannot apply ${name} to ${shown}: shapes must be equal`);
  }
  return { dtype: first.dtype, shape: first.shape };
}

/** The tangents for the parts of one argument: those of a product with the slope. */
function tangentsBy(place: number): [Tangent<AnalyticParams>, Tangent<AnalyticParams>] {
  const slope = (args: readonly Tensor[], results: readonly Tensor[], params: AnalyticParams) => {
    const numbers: Tensor[] = [];
    for (let i = 0; i < args.length; i += 2) numbers.push(new ComplexTensor(args[i], args[i + 1]));
    const out = new ComplexTensor(results[0], results[1]);
    return rowOf(params).slopes[place](numbers, out) as ComplexTensor;
  };
  return [
    (dx, args, results, params) => {
      const { re, im } = slope(args, results, params);
      return [mul(dx, re), mul(dx, im)];
    },
    (dy, args, results, params) => {
      const { re, im } = slope(args, results, params);
      return [neg(mul(dy, im)), mul(dy, re)];
    },
  ];
}

/** A primitive with these tangents. */
function onPairs(
  name: string,
  tangents: readonly [Tangent<AnalyticParams>, ...Tangent<AnalyticParams>[]],
): Primitive<AnalyticParams> {
  const primitive: Primitive<AnalyticParams> = {
    name,
    isTotal: true,
    type(args, params) {
      const type = checkParts(params.name, args, (dtype) => !isHalf(dtype));
      return [type, type];
    },
    evaluate: (args, params) => computed(() => expandAnalytic(args, params)) as readonly Concrete[],
    batch: (args, axes, size, params) => batchElementwise(primitive, args, axes, size, params),
    derivative: { kind: "smooth", tangents },
  };
  return primitive;
}

/** A holomorphic function of one argument: from its two parts to those of the value. */
export const analyticPrimitive: Primitive<AnalyticParams> = onPairs("analytic", tangentsBy(0));

/** A holomorphic function of two arguments. */
export const analyticPairPrimitive: Primitive<AnalyticParams> = onPairs("analyticPair", [
  ...tangentsBy(0),
  ...tangentsBy(1),
]);

/** A function of complex tensors of one dtype and shape. */
export function analytic(name: AnalyticName, ...args: readonly ComplexTensor[]): ComplexTensor {
  const parts = args.flatMap(({ re, im }) => [re, im]);
  const primitive = args.length === 1 ? analyticPrimitive : analyticPairPrimitive;
  const [re, im] = bind(primitive, parts, { name });
  return new ComplexTensor(re, im);
}

/** The implementation of `hypot`, for compiled code and the evaluator. */
export function expandHypot(x: Tensor, y: Tensor): Tensor {
  const [a, b] = [x, y].map((part) => convert(part, "float64"));
  if (x.dtype === "float64") return length(a, b);
  // Squares of float32 are in range.
  const root = sqrt(add(square(a), square(b)));
  const isEndless = or(isInfinite(a), isInfinite(b));
  return convert(select(isEndless, number(a, Infinity), root), x.dtype);
}

/** The derivative of a length with respect to one side, their quotient; 0 where the length is 0. */
function shareOf(x: Tensor, out: Tensor): Tensor {
  return div(x, select(isZero(out), number(out, 1), out));
}

/** `√(x² + y²)` without overflow; its derivative at the origin is 0. */
export const hypotPrimitive: Primitive<null> = {
  name: "hypot",
  isTotal: true,
  type: (args) => [checkParts("hypot", args)],
  evaluate: ([x, y]) => [computed(() => expandHypot(x, y)) as Concrete],
  batch: (args, axes, size) => batchElementwise(hypotPrimitive, args, axes, size, null),
  derivative: {
    kind: "smooth",
    tangents: [
      (dx, [x], [out]) => mul(dx, shareOf(x, out)),
      (dy, [, y], [out]) => mul(dy, shareOf(y, out)),
    ],
  },
};

/** Strict `√(x² + y²)`. */
export function hypot(x: Tensor, y: Tensor): Tensor {
  return bindOne(hypotPrimitive, [x, y], null);
}
