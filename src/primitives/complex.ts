/**
 * The definition of each primitive for complex tensors: a composition of primitives on their real and
 * imaginary parts. Real operands may be combined with complex ones, and are not split.
 *
 * @module
 */
import { isComplex, isFloat, partDtype } from "../base/dtype.ts";
import { dtypeError } from "../base/errors.ts";
import { movePermutation, showType } from "../base/shape.ts";
import {
  ComplexTensor,
  installComplexBinder,
  isComplexTensor,
  realOnlyError,
  realPart,
} from "../core/complex.ts";
import type { Primitive } from "../core/primitive.ts";
import { Concrete, zerosOf } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { bind, bindOne } from "../core/trace.ts";
import { analytic, hypot } from "./analytic.ts";
import type { AnalyticName } from "./analytic.ts";
import {
  abs,
  add,
  binade,
  div,
  maximum,
  mul,
  neg,
  reciprocal,
  scale,
  sqrt,
  sub,
} from "./arithmetic.ts";
import { and, equal, isNan, or, select } from "./comparison.ts";
import { gather } from "./indexing.ts";
import { matrixRules } from "./matrix_rules.ts";
import type { PrimitiveName } from "./mod.ts";
import { reduceRootPrimitive, reduceSpreadPrimitive, reduceSquaresPrimitive } from "./moments.ts";
import type { RootParams, SpreadParams, SquaresParams } from "./moment_formulas.ts";
import { argsort } from "./ordering.ts";
import type { ArgsortParams } from "./ordering.ts";
import { asRows, halves, onesLike } from "./reduction.ts";
import type { AxisParams } from "./reduction.ts";
import { concatenate, sliceAxis } from "./slicing.ts";
import { forSpecial } from "./special_names.ts";
import {
  bitcastPrimitive,
  constantLike,
  convert,
  reshape,
  stopGradient,
  transpose,
} from "./structure.ts";
import type { BitcastParams, ConvertParams, ReduceParams } from "./structure.ts";
import { exp, log } from "./transcendental.ts";

/** A primitive on arguments of which at least one is complex. */
type Rule = (
  args: readonly Tensor[],
  // Each rule is typed with the parameters of its primitive.
  // deno-lint-ignore no-explicit-any
  params: any,
  primitive: Primitive,
) => Tensor | readonly Tensor[];

function pair(re: Tensor, im: Tensor): ComplexTensor {
  return new ComplexTensor(re, im);
}

/** The imaginary part of a tensor; zeros where it is real. */
function imaginaryPart(x: Tensor): Tensor {
  return x instanceof ComplexTensor ? x.im : zerosOf(x);
}

/** A tensor of floats as a complex one. */
function complexOf(x: Tensor): ComplexTensor {
  return x instanceof ComplexTensor ? x : pair(x, zerosOf(x));
}

/**
 * Linear, or moving elements: applied to each part separately. Integer and bool operands, such as
 * indices, are used for both.
 */
const each: Rule = (args, params, primitive) => {
  const re = bind(primitive, args.map(realPart), params);
  const others = args.map((x) => isComplexTensor(x) || isFloat(x.dtype) ? imaginaryPart(x) : x);
  const im = bind(primitive, others, params);
  return re.map((part, i) => pair(part, im[i]));
};

/** Linear in each of two arguments: four products, or two with a real argument. */
const bilinear: Rule = ([x, y], params, primitive) => {
  const times = (a: Tensor, b: Tensor): Tensor => bindOne(primitive, [a, b], params);
  if (!(x instanceof ComplexTensor)) {
    const { re, im } = complexOf(y);
    return pair(times(x, re), times(x, im));
  }
  if (!(y instanceof ComplexTensor)) return pair(times(x.re, y), times(x.im, y));
  return pair(
    sub(times(x.re, y.re), times(x.im, y.im)),
    add(times(x.re, y.im), times(x.im, y.re)),
  );
};

/** A holomorphic function. */
function holomorphic(name: AnalyticName): Rule {
  return (args) => analytic(name, ...args.map(complexOf));
}

/** A function of tensors, for primitives that are compositions. */
function composed(f: (...args: readonly Tensor[]) => Tensor): Rule {
  return (args) => f(...args);
}

/** A test of both parts. */
function either([x]: readonly Tensor[], _params: unknown, primitive: Primitive): Tensor {
  const { re, im } = complexOf(x);
  return or(bindOne(primitive, [re], null), bindOne(primitive, [im], null));
}

/** Rejected: complex numbers have no order, and some functions are not defined for them. */
const refuse: Rule = (args, _params, { name }) => {
  throw realOnlyError(name, args);
};

function magnitude(x: Tensor): Tensor {
  const { re, im } = complexOf(x);
  return hypot(re, im);
}

function squared(x: Tensor): Tensor {
  const { re, im } = complexOf(x);
  // Squares would cancel; a zero is positive, like that of the squares.
  const difference = add(mul(sub(re, im), add(re, im)), constantLike(re, 0));
  return pair(difference, scale(mul(re, im), 2));
}

/** Where a part is infinite. */
function isEndless(parts: readonly Tensor[]): Tensor {
  const [first, second] = parts.map((part) => equal(abs(part), constantLike(part, Infinity)));
  return or(first, second);
}

/** For an infinite number: ±1 for each infinite part, and 0 for a finite one. */
function cornerOf(part: Tensor): Tensor {
  const infinity = constantLike(part, Infinity);
  const [zero, one] = [constantLike(part, 0), constantLike(part, 1)];
  return select(
    equal(part, infinity),
    one,
    select(equal(part, neg(infinity)), neg(one), zero),
  );
}

/**
 * Quotient, in double precision. The divisor is divided by a power of two first, so that its square is
 * in range; an infinite divisor is replaced by a unit times infinity (C99, Annex G.5.1). For division
 * by 0, both parts of the numerator are divided.
 */
function quotient(x: Tensor, y: Tensor): Tensor {
  if (!(y instanceof ComplexTensor)) {
    const { re, im } = complexOf(x);
    return pair(div(re, y), div(im, y));
  }
  const divisor = [y.re, y.im].map((part) => convert(part, "float64"));
  const [c, d] = divisor;
  const isInfinite = isEndless(divisor);
  const size = select(
    isInfinite,
    constantLike(c, Infinity),
    binade(stopGradient(maximum(abs(c), abs(d)))),
  );
  const [p, q] = divisor.map((part) => select(isInfinite, cornerOf(part), div(part, size)));
  const squares = add(mul(p, p), mul(q, q));
  const isOrigin = equal(squares, constantLike(squares, 0));
  const over = (plain: Tensor, product: Tensor): Tensor =>
    convert(div(div(select(isOrigin, plain, product), squares), size), y.re.dtype);
  const a = convert(realPart(x), "float64");
  if (!(x instanceof ComplexTensor)) {
    return pair(over(a, mul(a, p)), over(zerosOf(a), neg(mul(a, q))));
  }
  const b = convert(x.im, "float64");
  return pair(
    over(a, add(mul(a, p), mul(b, q))),
    over(b, sub(mul(b, p), mul(a, q))),
  );
}

/** Numbers of length one in the same directions; 0 for 0. */
function direction(x: Tensor): Tensor {
  const parts = complexOf(x);
  const isInfinite = isEndless([parts.re, parts.im]);
  const [re, im] = [parts.re, parts.im].map((part) => select(isInfinite, cornerOf(part), part));
  const size = hypot(re, im);
  const isOrigin = equal(size, constantLike(size, 0));
  const divisor = select(isOrigin, constantLike(size, 1), size);
  return pair(div(re, divisor), div(im, divisor));
}

/** Integer powers from here on are computed like all others. */
const MOST_FACTORS = 64;

/** Powers; those with a small known integer exponent, by products. */
function power(x: Tensor, y: Tensor): Tensor {
  const exponent = y instanceof Concrete && y.held === 1 ? y.elements[0] : NaN;
  if (!Number.isInteger(exponent) || Math.abs(exponent) >= MOST_FACTORS) {
    return analytic("pow", complexOf(x), complexOf(y));
  }
  let [result, factor]: [Tensor | null, Tensor] = [null, x];
  for (let left = Math.abs(exponent); left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = result === null ? factor : mul(result, factor);
    if (left > 1) factor = squared(factor);
  }
  if (result === null) return complexOf(constantLike(realPart(x), 1));
  return exponent < 0 ? reciprocal(result) : result;
}

/** `log(eˣ + eʸ)`, shifted by the larger real part. */
function logOfSum(x: Tensor, y: Tensor): Tensor {
  const shift = stopGradient(maximum(realPart(x), realPart(y)));
  const isFinite = equal(sub(shift, shift), constantLike(shift, 0));
  const held = select(isFinite, shift, constantLike(shift, 0));
  return add(log(add(exp(sub(x, held)), exp(sub(y, held)))), held);
}

/** Products over axes: one half of the factors times the other. */
function productOf(x: Tensor, { axes }: ReduceParams): Tensor {
  const rows = asRows(x, axes);
  const axis = rows.ndim - 1;
  let length = 1;
  while (length < rows.shape[axis]) length *= 2;
  const missing = length - rows.shape[axis];
  const ones = onesLike(realPart(rows), axis, missing);
  let product = missing === 0 ? rows : concatenate([rows, ones], axis);
  for (; length > 1; length /= 2) {
    const [first, second] = halves(product, axis);
    product = mul(first, second);
  }
  return reshape(product, rows.shape.slice(0, -1));
}

/** Running products: each is multiplied by the one 1, 2, 4, … positions before it. */
function runningProduct(x: Tensor, { axis }: AxisParams): Tensor {
  const length = x.shape[axis];
  let product = x;
  for (let shift = 1; shift < length; shift *= 2) {
    const kept = sliceAxis(product, axis, 0, length - shift);
    const ones = onesLike(realPart(x), axis, shift);
    product = mul(concatenate([ones, kept], axis), product);
  }
  return product;
}

/**
 * NumPy's order: by real parts, then by imaginary ones; numbers with a NaN part follow all others,
 * those with a NaN real part last. Sorts by one key after another, since each sort is stable.
 */
function order(x: Tensor, { axis, descending }: ArgsortParams): Tensor {
  const { re, im } = complexOf(x);
  const last = x.ndim - 1;
  const rows = [im, re].map((part) => transpose(part, movePermutation(x.ndim, axis, last)));
  const [isLost, isWorst] = rows.map((part) => convert(isNan(part), "int32"));
  let places: Tensor | null = null;
  for (const key of [...rows, add(isLost, scale(isWorst, 2))]) {
    const given: Tensor = places === null ? key : gather(key, places, last);
    const next = argsort(given, last, descending);
    places = places === null ? next : gather(places, next, last);
  }
  return transpose(places!, movePermutation(x.ndim, last, axis));
}

/** Conversion: to a complex dtype by parts, to bool as a test; other dtypes are rejected. */
function converted(x: Tensor, { dtype }: ConvertParams): Tensor {
  const { re, im } = complexOf(x);
  if (isComplex(dtype)) return pair(convert(re, partDtype(dtype)), convert(im, partDtype(dtype)));
  if (dtype === "bool") return or(convert(re, dtype), convert(im, dtype));
  throw dtypeError(
    `Cannot convert ${showType(x)} to ${dtype}: the imaginary parts would be lost; ` +
      `take real(x), imag(x) or abs(x)`,
  );
}

/** The rule of each primitive. */
const rules: Readonly<Record<PrimitiveName, Rule>> = {
  reshape: each,
  transpose: each,
  broadcast: each,
  reduceSum: each,
  convert: ([x], params) => converted(x, params),
  // Reports its own errors for complex arguments.
  bitcast: ([x], params: BitcastParams) => {
    bitcastPrimitive.type([x], params);
    return x;
  },
  stopGradient: each,
  iota: refuse,
  barrier: refuse,
  move: each,
  withSharding: each,

  equal: ([x, y]) =>
    and(equal(realPart(x), realPart(y)), equal(imaginaryPart(x), imaginaryPart(y))),
  less: refuse,
  lessEqual: refuse,
  isNan: either,
  not: refuse,
  and: refuse,
  or: refuse,
  xor: refuse,
  select: each,

  add: ([x, y]) => {
    if (!isComplexTensor(x)) return pair(add(x, realPart(y)), imaginaryPart(y));
    return isComplexTensor(y) ? pair(add(x.re, y.re), add(x.im, y.im)) : pair(add(x.re, y), x.im);
  },
  neg: each,
  sub: ([x, y]) => {
    if (!isComplexTensor(x)) return pair(sub(x, realPart(y)), neg(imaginaryPart(y)));
    return isComplexTensor(y) ? pair(sub(x.re, y.re), sub(x.im, y.im)) : pair(sub(x.re, y), x.im);
  },
  mul: bilinear,
  div: composed(quotient),
  reciprocal: ([x]) => quotient(constantLike(realPart(x), 1), x),
  mod: refuse,
  square: composed(squared),
  sqrt: holomorphic("sqrt"),
  rsqrt: ([x]) => reciprocal(sqrt(x)),
  sign: composed(direction),
  abs: composed(magnitude),
  binade: refuse,
  floor: refuse,
  ceil: refuse,
  round: each,
  trunc: refuse,
  maximum: refuse,
  minimum: refuse,
  shiftLeft: refuse,
  shiftRight: refuse,
  gcd: refuse,

  slice: each,
  pad: each,
  concatenate: each,
  flip: each,

  exp: holomorphic("exp"),
  expm1: holomorphic("expm1"),
  log: holomorphic("log"),
  log1p: holomorphic("log1p"),
  log2: ([x]) => scale(log(x), Math.LOG2E),
  log10: ([x]) => scale(log(x), Math.LOG10E),
  cbrt: refuse,
  sin: holomorphic("sin"),
  cos: holomorphic("cos"),
  tan: holomorphic("tan"),
  asin: holomorphic("asin"),
  acos: holomorphic("acos"),
  atan: holomorphic("atan"),
  atan2: refuse,
  sinh: holomorphic("sinh"),
  cosh: holomorphic("cosh"),
  tanh: holomorphic("tanh"),
  tanhSlope: refuse,
  asinh: holomorphic("asinh"),
  acosh: holomorphic("acosh"),
  atanh: holomorphic("atanh"),
  sigmoid: holomorphic("sigmoid"),
  sigmoidBell: refuse,
  gaussian: refuse,
  erf: refuse,
  erfc: refuse,
  erfinv: refuse,
  lgamma: refuse,
  polygamma: refuse,
  logaddexp: composed(logOfSum),
  pow: composed(power),
  analytic: refuse,
  analyticPair: refuse,
  hypot: refuse,

  reduceMax: refuse,
  reduceMin: refuse,
  reduceProd: ([x], params) => productOf(x, params),
  reduceNorm: ([x], params, primitive) => bindOne(primitive, [magnitude(x)], params),
  allFinite: (args, _params, primitive) => {
    const { re, im } = complexOf(args[0]);
    return and(bindOne(primitive, [re], null), bindOne(primitive, [im], null));
  },
  reduceMean: each,
  reduceSquares: ([x], params: SquaresParams) => {
    const { re, im } = complexOf(x);
    return add(
      bindOne(reduceSquaresPrimitive, [re], params),
      bindOne(reduceSquaresPrimitive, [im], params),
    );
  },
  reduceRoot: ([x], params: RootParams) => {
    const { re, im } = complexOf(x);
    const second = bindOne(reduceRootPrimitive, [im], { ...params, eps: 0 });
    return hypot(bindOne(reduceRootPrimitive, [re], params), second);
  },
  reduceSpread: ([x], params: SpreadParams) => {
    const { re, im } = complexOf(x);
    const first = bindOne(reduceSpreadPrimitive, [re], params);
    const second = bindOne(reduceSpreadPrimitive, [im], { ...params, eps: 0 });
    return params.isRoot ? hypot(first, second) : add(first, second);
  },
  reduceCosine: refuse,
  standardize: refuse,
  over: refuse,
  softmax: refuse,
  argmax: refuse,
  argmin: refuse,
  cumsum: each,
  cumprod: ([x], params) => runningProduct(x, params),

  argsort: ([x], params) => order(x, params),
  insertionPlaces: refuse,
  runningExtreme: refuse,

  contract: bilinear,

  convolve: bilinear,
  convolveInput: bilinear,
  convolveFilter: bilinear,
  argmaxWindow: refuse,

  checkIndices: refuse,
  gather: each,
  scatterAdd: each,
  scatterOnto: each,
  scatterMax: refuse,
  scatterMin: refuse,
  scatterSet: each,
  lastOf: refuse,
  dynamicSlice: each,
  updateSlice: each,
  addSlice: each,

  threefry2x32: refuse,

  triangularSolve: ([a, b], params) => matrixRules().triangularSolve(a, b, params),
  cholesky: ([a]) => matrixRules().cholesky(complexOf(a)),
  lu: refuse,
  luSolve: refuse,
  qr: ([a]) => matrixRules().qr(complexOf(a)),
  complement: refuse,
  eigh: ([a]) => matrixRules().eigh(complexOf(a)),
  svd: ([a]) => matrixRules().svd(complexOf(a)),
  pseudoInverse: refuse,
  complexLu: refuse,
  complexComplement: refuse,
  complexEigh: refuse,
  complexSvd: refuse,
  eig: refuse,
  schur: refuse,
  complexSchur: refuse,

  fourier: refuse,
  fourierOfReal: each,
  realOfFourier: each,

  randomGamma: refuse,
  randomGammaSlope: refuse,
  ...forSpecial(refuse),
};

/** Collectives that sum or move. */
const collectives: ReadonlySet<string> = new Set([
  "psum",
  "pmean",
  "allGather",
  "psumScatter",
  "allToAll",
  "ppermute",
  "uniform",
]);

installComplexBinder((primitive, args, params) => {
  const rule = (rules as Readonly<Record<string, Rule | undefined>>)[primitive.name] ??
    (collectives.has(primitive.name) ? each : refuse);
  const results = rule(args, params, primitive);
  return Array.isArray(results) ? results : [results as Tensor];
});
