/**
 * Reductions other than the sum, and running sums and products: reduceMax, reduceMin, reduceProd,
 * allFinite, argmax, argmin, cumsum, cumprod.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import type { Dtype, Elements } from "../base/dtype.ts";
import { internalError, shapeError } from "../base/errors.ts";
import { lengthAlong, range, showShape, showType, sizeOf, withoutAxes } from "../base/shape.ts";
import type { Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete, dense, splat, zerosOf } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import {
  abs,
  absPrimitive,
  add,
  addPrimitive,
  binade,
  binadePrimitive,
  div,
  divPrimitive,
  floor,
  maximum,
  maximumPrimitive,
  minimumPrimitive,
  mul,
  mulPrimitive,
  round,
  roundPrimitive,
  scale,
  sub,
  subPrimitive,
  truncPrimitive,
} from "./arithmetic.ts";
import { and, equal, less, select } from "./comparison.ts";
import { LEAST_POSITIVE } from "./moment_formulas.ts";
import type { Maps, NestAlgebra, NestFormula } from "./moment_formulas.ts";
import { concatenate, pad, sliceAxis } from "./slicing.ts";
import {
  batchReduction,
  broadcast,
  broadcastAxis,
  constantLike,
  convert,
  iota,
  reducedType,
  reduceSum,
  reductionRows,
  reshape,
  stopGradient,
  transpose,
} from "./structure.ts";
import type { ReduceParams } from "./structure.ts";
import { exp, expPrimitive, log2, log2Primitive } from "./transcendental.ts";

/** Parameters of operations along one axis. */
export interface AxisParams {
  /** The axis. */
  readonly axis: number;
}

/** Throws when there are no elements to choose an extreme from. */
function checkChoice(x: Type, axes: readonly number[], name: string): void {
  if (lengthAlong(x.shape, axes) > 0) return;
  const place = axes.length === 1 ? `axis ${axes[0]}` : `axes ${showShape(axes)}`;
  throw shapeError(
    `Cannot take the ${name} of ${showType(x)} over ${place}: ` +
      `expected at least one element to choose from, current number is 0`,
  );
}

/** Whether the first value replaces the second as the extreme. */
type Wins = (candidate: number, best: number) => boolean;

const isGreater: Wins = (candidate, best) => candidate > best;
const isSmaller: Wins = (candidate, best) => candidate < best;

/** The position of the first extreme of `rows[start]` to `rows[end - 1]`; NaN takes precedence. */
function extremePlace(rows: Elements, start: number, end: number, wins: Wins): number {
  let place = start;
  let best = rows[start];
  for (let i = start; i < end; i++) {
    const candidate = rows[i];
    if (Number.isNaN(candidate)) return i;
    if (wins(candidate, best)) {
      place = i;
      best = candidate;
    }
  }
  return place;
}

/** A primitive that takes an extreme over axes. */
/** Parameters of `reduceMax` and `reduceMin`. */
export interface ExtremeParams extends ReduceParams {
  /** Whether rows with NaN may have any result, since everything computed from it is NaN there anyway. */
  readonly mayLoseNaN?: boolean;
}

function extreme(name: string, shown: string, wins: Wins): Primitive<ExtremeParams> {
  const primitive: Primitive<ExtremeParams> = {
    name,
    isTotal: true,
    type([x], { axes }) {
      checkChoice(x, axes, shown);
      return [reducedType(x, axes)];
    },
    evaluate([x], { axes }, [type]) {
      if (x.elements.length === 1) return [splat(x.elements[0], type.dtype, type.shape)];
      const count = lengthAlong(x.shape, axes);
      const rows = reductionRows(x, axes).elements;
      const out = allocateFor(type);
      for (let i = 0, at = 0; i < out.length; i++, at += count) {
        out[i] = rows[extremePlace(rows, at, at + count, wins)];
      }
      return [new Concrete(type.dtype, type.shape, out)];
    },
    batch: ([x], [axis], _size, params) => [batchReduction(primitive, x, axis!, params)],
    derivative: {
      kind: "smooth",
      tangents: [(dx, [x], [out], { axes }) => {
        const kept = withoutAxes(range(x.ndim), axes);
        const isBest = convert(equal(x, broadcast(out, x.shape, kept)), x.dtype);
        const ties = broadcast(reduceSum(isBest, axes), x.shape, kept);
        return reduceSum(mul(dx, div(isBest, ties)), axes);
      }],
    },
  };
  return primitive;
}

/** Largest over axes; ties share the derivative equally. NaN is the largest. */
export const reduceMaxPrimitive: Primitive<ExtremeParams> = extreme("reduceMax", "max", isGreater);

/** Largest over the given axes. */
export function reduceMax(x: Tensor, axes: readonly number[]): Tensor {
  return axes.length === 0 ? x : bindOne(reduceMaxPrimitive, [x], { axes });
}

/** The same, for values that are NaN anyway if an element is. */
export function reduceMaxLoosely(x: Tensor, axes: readonly number[]): Tensor {
  return axes.length === 0 ? x : bindOne(reduceMaxPrimitive, [x], { axes, mayLoseNaN: true });
}

/** Smallest over axes; ties share the derivative equally. NaN is the smallest. */
export const reduceMinPrimitive: Primitive<ExtremeParams> = extreme("reduceMin", "min", isSmaller);

/** Smallest over the given axes. */
export function reduceMin(x: Tensor, axes: readonly number[]): Tensor {
  return axes.length === 0 ? x : bindOne(reduceMinPrimitive, [x], { axes });
}

/**
 * Whether all elements are finite, for all examples together under vmap. It decides which of two ways
 * of computing the same results is valid, and a result without an axis can be the condition of a
 * branch.
 */
export const allFinitePrimitive: Primitive<null> = {
  name: "allFinite",
  isTotal: true,
  type([x]) {
    if (!isFloat(x.dtype)) throw internalError(`allFinite of ${x.dtype}`);
    return [{ dtype: "bool", shape: [] }];
  },
  evaluate([{ elements }], _params, [type]) {
    let i = 0;
    while (i < elements.length && Math.abs(elements[i]) < Infinity) i++;
    return [splat(i === elements.length ? 1 : 0, type.dtype, type.shape)];
  },
  batch: ([x]) => [[allFinite(x), null]],
  derivative: { kind: "zero" },
};

/** Whether all elements are finite, for all examples together under vmap. */
export function allFinite(x: Tensor): Tensor {
  return bindOne(allFinitePrimitive, [x], null);
}

/** Whether all elements are known and finite. */
export function isKnownFinite(x: Tensor): boolean {
  const isFinite = allFinite(x);
  return isFinite instanceof Concrete && isFinite.elements[0] === 1;
}

/** A primitive that finds the position of an extreme along an axis. */
function extremeIndex(name: string, wins: Wins): Primitive<AxisParams> {
  const primitive: Primitive<AxisParams> = {
    name,
    isTotal: true,
    type([x], { axis }) {
      checkChoice(x, [axis], name);
      return [reducedType(x, [axis], "int32")];
    },
    evaluate([x], { axis }, [type]) {
      if (x.elements.length === 1) return [zerosOf(type)];
      const count = x.shape[axis];
      const rows = reductionRows(x, [axis]).elements;
      const out = allocateFor(type);
      for (let i = 0, at = 0; i < out.length; i++, at += count) {
        out[i] = extremePlace(rows, at, at + count, wins) - at;
      }
      return [new Concrete(type.dtype, type.shape, out)];
    },
    batch([x], [mapped], _size, { axis }) {
      const isBefore = axis < mapped!;
      const result = bindOne(primitive, [x], { axis: isBefore ? axis : axis + 1 });
      return [[result, isBefore ? mapped! - 1 : mapped]];
    },
    derivative: { kind: "zero" },
  };
  return primitive;
}

/** The index of the first largest element along an axis, as int32; NaN is the largest. */
export const argmaxPrimitive: Primitive<AxisParams> = extremeIndex("argmax", isGreater);

/** Index of the largest element along `axis`. */
export function argmax(x: Tensor, axis: number): Tensor {
  return bindOne(argmaxPrimitive, [x], { axis });
}

/** The index of the first smallest element along an axis, as int32; NaN is the smallest. */
export const argminPrimitive: Primitive<AxisParams> = extremeIndex("argmin", isSmaller);

/** Index of the smallest element along `axis`. */
export function argmin(x: Tensor, axis: number): Tensor {
  return bindOne(argminPrimitive, [x], { axis });
}

/** Product over axes. Floats accumulate in double precision, integers modulo 2^32. */
export const reduceProdPrimitive: Primitive<ReduceParams> = {
  name: "reduceProd",
  isTotal: true,
  type([x], { axes }) {
    if (x.dtype === "bool") throw internalError("reduceProd of bool");
    return [reducedType(x, axes)];
  },
  evaluate([x], { axes }, [type]) {
    const count = lengthAlong(x.shape, axes);
    const isInt = !isFloat(x.dtype);
    if (x.elements.length === 1) {
      const power = isInt ? integerPower(x.elements[0], count) : repeated(x.elements[0], count);
      return [splat(power, type.dtype, type.shape)];
    }
    const rows = reductionRows(x, axes).elements;
    const out = allocateFor(type);
    const multiply = isInt ? integerProduct : floatProduct;
    for (let i = 0; i < out.length; i++) out[i] = multiply(rows, i * count, (i + 1) * count);
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch: ([x], [axis], _size, params) => [batchReduction(reduceProdPrimitive, x, axis!, params)],
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], [out], { axes }) => {
      // Zero, but dependent on the tangent, as every derivative must be.
      if (x.size === 0) return reduceSum(dx, axes);
      const rows = asRows(x, axes);
      const [product, tangent] = [rows, asRows(dx, axes)].map(balance(rows));
      return reshape(productTangent(product, tangent), out.shape);
    }],
  },
};

/** The product of `rows[start]` to `rows[end - 1]` modulo 2^32. */
function integerProduct(rows: Elements, start: number, end: number): number {
  let product = 1;
  for (let i = start; i < end; i++) product = Math.imul(product, rows[i]);
  return product;
}

/** Partial products above this, or below its reciprocal, are scaled. */
const LARGE_PRODUCT = 2 ** 960;

/**
 * The product of `rows[start]` to `rows[end - 1]`, finite if it is in range although partial products
 * are not.
 */
function floatProduct(rows: Elements, start: number, end: number): number {
  let product = 1;
  for (let i = start; i < end; i++) {
    product *= rows[i];
    const size = Math.abs(product);
    if (!(size < LARGE_PRODUCT && size > 1 / LARGE_PRODUCT)) return scaledProduct(rows, start, end);
  }
  return product;
}

/** The same for elements from about 1 to 2, and the powers of two by which they were divided. */
function scaledProduct(rows: Elements, start: number, end: number): number {
  let product = 1;
  let exponent = 0;
  const divided = (x: number): number => {
    const power = exponentOf(x);
    exponent += power;
    return timesPower(x, -power);
  };
  for (let i = start; i < end; i++) product = divided(product * divided(rows[i]));
  return timesPower(product, exponent);
}

/** The exponent of the power of two next to a number; 0 for numbers without one. */
function exponentOf(x: number): number {
  const size = Math.abs(x);
  return size > 0 && size < Infinity ? Math.floor(Math.log2(size)) : 0;
}

/** `x` times a power of two, which may be out of range itself. */
function timesPower(x: number, exponent: number): number {
  const bounded = Math.max(-2200, Math.min(2200, exponent));
  const third = Math.trunc(bounded / 3);
  return x * 2 ** third * 2 ** third * 2 ** (bounded - 2 * third);
}

/**
 * Products up to this limit need no special handling, the largest power of two, and the number of
 * elements that are few.
 */
interface Products {
  readonly usual: number;
  readonly largest: number;
  readonly few: number;
}

/** Those of each floating-point dtype. */
const PRODUCTS: Readonly<Partial<Record<Dtype, Products>>> = {
  float16: { usual: 2 ** 12, largest: 15, few: 20 },
  bfloat16: { usual: 2 ** 100, largest: 127, few: 200 },
  float32: { usual: 2 ** 100, largest: 127, few: 200 },
  float64: { usual: 2 ** 960, largest: 1023, few: 1500 },
};

function productsOf({ dtype }: Type): Products {
  return PRODUCTS[dtype]!;
}

/**
 * The product over axes. If a partial product may leave the range of floats, each element is divided by
 * a power of two first, and is then near 1.
 */
export const productFormula: NestFormula<ReduceParams> = (algebra, [x], type, { axes }) => {
  const { map, prod, choose } = algebra;
  if (!isFloat(type.dtype)) return prod(x);
  const total = algebra.guardedProd(x);
  const scaled = () => {
    const sizes = map(binadePrimitive, map(mulPrimitive, x, Math.SQRT2));
    const near = map(divPrimitive, x, sizes);
    const exponents = map(roundPrimitive, map(log2Primitive, sizes));
    if (lengthAlong(type.shape, axes) > productsOf(type).few) {
      return productOfMany(algebra, near, exponents, type);
    }
    const exponent = algebra.convert(algebra.sum(exponents), type.dtype);
    return timesPowerOfTwo(algebra, prod(near), exponent, type);
  };
  // A zero among finite elements makes the product zero, and contributes to its sign.
  const zero = () => prod(map(mulPrimitive, x, 0));
  return choose(
    total,
    Infinity,
    () => algebra.convert(total, type.dtype),
    () =>
      choose(
        algebra.min(map(absPrimitive, x)),
        LEAST_POSITIVE[type.dtype as keyof typeof LEAST_POSITIVE],
        zero,
        scaled,
      ),
  );
};

/**
 * The product of many elements near 1 times powers of two. Partial products could still leave the
 * range; sums of their logarithms do not, and are exact in multiples of 2^-10.
 */
function productOfMany<V>(algebra: NestAlgebra<V>, near: V, exponents: V, type: Type): V {
  const { map, prod } = algebra;
  const sum = (x: V): V => algebra.convert(algebra.sum(x), type.dtype);
  const sizes = map(minimumPrimitive, map(maximumPrimitive, map(absPrimitive, near), 2 ** -60), 4);
  const logarithms = map(mulPrimitive, map(log2Primitive, sizes), 2 ** 10);
  const coarse = map(roundPrimitive, logarithms);
  const steps = sum(map(addPrimitive, exponents, map(mulPrimitive, coarse, 2 ** -10)));
  const rest = sum(map(subPrimitive, logarithms, coarse));
  const whole = map(roundPrimitive, steps);
  const fraction = map(
    addPrimitive,
    map(subPrimitive, steps, whole),
    map(mulPrimitive, rest, 2 ** -10),
  );
  // The remaining factor is 1 or -1, or makes the product 0, infinite or NaN.
  const signs = prod(map(divPrimitive, near, sizes));
  const size = map(expPrimitive, map(mulPrimitive, fraction, Math.LN2));
  return timesPowerOfTwo(algebra, map(mulPrimitive, signs, size), whole, type);
}

/** `x` times a power of two, which may be out of range itself. */
function timesPowerOfTwo<V>({ map }: Maps<V>, x: V, exponent: V, type: Type): V {
  const most = 2 * productsOf(type).largest;
  const bounded = map(maximumPrimitive, map(minimumPrimitive, exponent, most), -most);
  const half = map(truncPrimitive, map(mulPrimitive, bounded, 0.5));
  return [half, map(subPrimitive, bounded, half)].reduce((product, part) => {
    const power = map(mulPrimitive, map(expPrimitive, map(mulPrimitive, part, Math.LN2)), 1.25);
    return map(mulPrimitive, product, map(binadePrimitive, power));
  }, x);
}

/** The product of this number of equal integers, modulo 2^32, by squaring. */
function integerPower(value: number, count: number): number {
  let power = 1;
  for (let square = value; count > 0; square = Math.imul(square, square)) {
    if (count % 2 === 1) power = Math.imul(power, square);
    count = Math.floor(count / 2);
  }
  return power;
}

/** The product of this number of equal floats, rounded after each step like that of unequal ones. */
function repeated(value: number, count: number): number {
  let before: number | null = null;
  let product = 1;
  for (let k = 0; k < count; k++) {
    const next = product * value;
    // From here on every second product is the same: zero, one, an infinity or NaN.
    if (Object.is(next, before)) return (count - k) % 2 === 0 ? product : next;
    before = product;
    product = next;
  }
  return product;
}

/** Product over the given axes. */
export function reduceProd(x: Tensor, axes: readonly number[]): Tensor {
  return axes.length === 0 ? x : bindOne(reduceProdPrimitive, [x], { axes });
}

/** `x` with the given axes combined into one, the last. */
export function asRows(x: Tensor, axes: readonly number[]): Tensor {
  const kept = withoutAxes(range(x.ndim), axes);
  const lengths = kept.map((axis) => x.shape[axis]);
  return reshape(transpose(x, [...kept, ...axes]), [...lengths, lengthAlong(x.shape, axes)]);
}

/**
 * A function that multiplies rows like `x` by powers of two with product one. It makes the elements of
 * `x` equally large, so that no partial product leaves the range of floats unless the whole product
 * does.
 */
function balance(x: Tensor): (rows: Tensor) => Tensor {
  const axis = x.ndim - 1;
  const count = x.shape[axis];
  const values = stopGradient(x);
  const { usual } = productsOf(x);
  if (values instanceof Concrete && isModest(values.elements, count, usual)) return (rows) => rows;
  const spread = (row: Tensor): Tensor => broadcastAxis(row, axis, count);
  const magnitudes = abs(values);
  const zero = constantLike(x, 0);
  const isSized = and(less(zero, magnitudes), less(magnitudes, constantLike(x, Infinity)));
  const sizes = binade(select(isSized, scale(values, Math.SQRT2), constantLike(x, 1)));
  const others = reduceSum(convert(isSized, x.dtype), [axis]);
  const total = reduceSum(round(log2(sizes)), [axis]);
  const each = floor(div(total, maximum(others, constantLike(others, 1))));
  const share = binade(scale(exp(scale(each, Math.LN2)), 1.25));
  // The remainder of the exponents is less than the number of elements.
  const rest = sub(total, mul(each, others));
  const places = broadcast(convert(iota(count), x.dtype), x.shape, [axis]);
  const shares = select(less(places, spread(rest)), spread(scale(share, 2)), spread(share));
  // A factor that is zero or infinite does not change the factors of the others.
  const factors = div(shares, select(isSized, sizes, spread(share)));
  return (rows) => mul(rows, factors);
}

/** Whether no partial product of this number of elements leaves the usual range, ignoring zeros. */
function isModest(elements: Elements, count: number, usual: number): boolean {
  const most = usual ** (1 / count);
  return elements.every((x) => x === 0 || (Math.abs(x) < most && Math.abs(x) > 1 / most));
}

/**
 * The tangent of the product along the last axis of `x`. Pairs of a value and its tangent are
 * multiplied, `(p, dp) (q, dq) = (p q, dp q + dq p)`, the first half of them by the second until one is
 * left. There is no division, so that zeros are allowed.
 */
function productTangent(x: Tensor, dx: Tensor): Tensor {
  const axis = x.ndim - 1;
  let length = 1;
  while (length < x.shape[axis]) length *= 2;
  const missing = length - x.shape[axis];
  let product = missing === 0 ? x : concatenate([x, onesLike(x, axis, missing)], axis);
  let tangent = padAxis(dx, axis, 0, missing);
  while (length > 1) {
    const [p, q] = halves(product, axis);
    const [dp, dq] = halves(tangent, axis);
    tangent = add(mul(dp, q), mul(dq, p));
    length /= 2;
    if (length > 1) product = mul(p, q);
  }
  return tangent;
}

/** `x` split in the middle of an axis. */
export function halves(x: Tensor, axis: number): [Tensor, Tensor] {
  const length = x.shape[axis];
  return [sliceAxis(x, axis, 0, length / 2), sliceAxis(x, axis, length / 2, length)];
}

/** Ones like `x`, with `length` of them along `axis`. */
export function onesLike(x: Type, axis: number, length: number): Tensor {
  return splat(1, x.dtype, x.shape.map((n, i) => i === axis ? length : n));
}

/** `x` with zeros before and after it along `axis`; negative numbers remove elements. */
function padAxis(x: Tensor, axis: number, low: number, high: number): Tensor {
  const none = x.shape.map(() => 0);
  return pad(x, none.with(axis, low), none.with(axis, high), none);
}

/** Fills `out` with the running results of `step` along each line of an axis. */
function accumulate(
  x: Concrete,
  type: Type,
  { axis, reverse }: { readonly axis: number; readonly reverse: boolean },
  initial: number,
  step: (total: number, value: number) => number,
): Concrete {
  const source = dense(x);
  const out = allocateFor(type);
  const length = x.shape[axis];
  const inner = sizeOf(x.shape.slice(axis + 1));
  const stride = reverse ? -inner : inner;
  const block = length * inner;
  for (let start = 0; start < out.length; start += block) {
    for (let lane = 0; lane < inner; lane++) {
      let at = start + lane + (reverse ? block - inner : 0);
      let total = initial;
      for (let k = 0; k < length; k++, at += stride) {
        total = step(total, source[at]);
        out[at] = total;
      }
    }
  }
  return new Concrete(type.dtype, type.shape, out);
}

/** Parameters of `cumsum`. */
export interface CumsumParams {
  /** The axis to sum along. */
  readonly axis: number;
  /** Whether the sums run from the end to the start. */
  readonly reverse: boolean;
}

/** Running sums. Floats accumulate in double precision, integers modulo 2^32. */
export const cumsumPrimitive: Primitive<CumsumParams> = {
  name: "cumsum",
  isTotal: true,
  type([x]) {
    if (x.dtype === "bool") throw internalError("cumsum of bool");
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  evaluate([x], params, [type]) {
    const isInt = !isFloat(x.dtype);
    const step = isInt ? (a: number, b: number) => (a + b) | 0 : (a: number, b: number) => a + b;
    return [accumulate(x, type, params, 0, step)];
  },
  batch([x], [mapped], _size, { axis, reverse }) {
    return [[cumsum(x, axis < mapped! ? axis : axis + 1, reverse), mapped]];
  },
  derivative: {
    kind: "linear",
    transpose: ([ct], _args, { axis, reverse }) => [cumsum(ct, axis, !reverse)],
  },
};

/** Running sums along `axis`, from its end when `reverse`. */
export function cumsum(x: Tensor, axis: number, reverse = false): Tensor {
  return bindOne(cumsumPrimitive, [x], { axis, reverse });
}

/** Running products. Floats accumulate in double precision, integers modulo 2^32. */
export const cumprodPrimitive: Primitive<AxisParams> = {
  name: "cumprod",
  isTotal: true,
  type([x]) {
    if (x.dtype === "bool") throw internalError("cumprod of bool");
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  evaluate([x], { axis }, [type]) {
    const step = isFloat(x.dtype) ? (a: number, b: number) => a * b : Math.imul;
    return [accumulate(x, type, { axis, reverse: false }, 1, step)];
  },
  batch([x], [mapped], _size, { axis }) {
    return [[cumprod(x, axis < mapped! ? axis : axis + 1), mapped]];
  },
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], _results, { axis }) => runningTangent(x, dx, axis)],
  },
};

/** Running products along `axis`. */
export function cumprod(x: Tensor, axis: number): Tensor {
  return bindOne(cumprodPrimitive, [x], { axis });
}

/**
 * The tangents of the running products of `x`: the pairs of `productTangent`, each multiplied by the
 * one 1, 2, 4, … positions before it (W. D. Hillis and G. L. Steele, "Data parallel algorithms", 1986).
 */
function runningTangent(x: Tensor, dx: Tensor, axis: number): Tensor {
  const length = x.shape[axis];
  let product = x;
  let tangent = dx;
  for (let shift = 1; shift < length; shift *= 2) {
    const kept = sliceAxis(product, axis, 0, length - shift);
    const before = concatenate([onesLike(x, axis, shift), kept], axis);
    tangent = add(mul(padAxis(tangent, axis, shift, -shift), product), mul(tangent, before));
    if (2 * shift < length) product = mul(before, product);
  }
  return tangent;
}
