/**
 * Reductions other than the sum, and running sums and products: reduceMax, reduceMin, reduceProd,
 * argmax, argmin, cumsum, cumprod.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import type { Elements } from "../base/dtype.ts";
import { internalError, shapeError } from "../base/errors.ts";
import { range, showShape, showType, sizeOf, withoutAxes } from "../base/shape.ts";
import type { Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete, dense, splat, zerosOf } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { add, div, mul } from "./arithmetic.ts";
import { equal } from "./comparison.ts";
import { concatenate, pad, sliceAxis } from "./slicing.ts";
import {
  batchReduction,
  broadcast,
  convert,
  reducedType,
  reduceSum,
  reductionRows,
  reshape,
  transpose,
} from "./structure.ts";
import type { ReduceParams } from "./structure.ts";

/** Parameters of what works along one axis. */
export interface AxisParams {
  /** The axis. */
  readonly axis: number;
}

/** The number of elements that are reduced to one. */
function reducedCount(x: Type, axes: readonly number[]): number {
  return axes.reduce((product, axis) => product * x.shape[axis], 1);
}

/** Throws when there is nothing to choose an extreme from. */
function checkChoice(x: Type, axes: readonly number[], name: string): void {
  if (reducedCount(x, axes) > 0) return;
  const place = axes.length === 1 ? `axis ${axes[0]}` : `axes ${showShape(axes)}`;
  throw shapeError(
    `Cannot take the ${name} of ${showType(x)} over ${place}: ` +
      `expected at least one element to choose from, current number is 0`,
  );
}

/** Whether the first value takes the place of the second as the extreme. */
type Wins = (candidate: number, best: number) => boolean;

const isGreater: Wins = (candidate, best) => candidate > best;
const isSmaller: Wins = (candidate, best) => candidate < best;

/** The place of the first extreme of `rows[start]` to `rows[end - 1]`; NaN is the extreme of all. */
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
function extreme(name: string, shown: string, wins: Wins): Primitive<ReduceParams> {
  const primitive: Primitive<ReduceParams> = {
    name,
    isTotal: true,
    type([x], { axes }) {
      checkChoice(x, axes, shown);
      return [reducedType(x, axes)];
    },
    evaluate([x], { axes }, [type]) {
      if (x.elements.length === 1) return [splat(x.elements[0], type.dtype, type.shape)];
      const count = reducedCount(x, axes);
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

/** Largest over axes; ties share the derivative evenly. NaN is the largest of all. */
export const reduceMaxPrimitive: Primitive<ReduceParams> = extreme("reduceMax", "max", isGreater);

/** Largest over the given axes. */
export function reduceMax(x: Tensor, axes: readonly number[]): Tensor {
  return axes.length === 0 ? x : bindOne(reduceMaxPrimitive, [x], { axes });
}

/** Smallest over axes; ties share the derivative evenly. NaN is the smallest of all. */
export const reduceMinPrimitive: Primitive<ReduceParams> = extreme("reduceMin", "min", isSmaller);

/** Smallest over the given axes. */
export function reduceMin(x: Tensor, axes: readonly number[]): Tensor {
  return axes.length === 0 ? x : bindOne(reduceMinPrimitive, [x], { axes });
}

/** A primitive that finds the place of an extreme along an axis. */
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

/** The index of the first largest element along an axis, as int32; NaN is the largest of all. */
export const argmaxPrimitive: Primitive<AxisParams> = extremeIndex("argmax", isGreater);

/** Index of the largest element along `axis`. */
export function argmax(x: Tensor, axis: number): Tensor {
  return bindOne(argmaxPrimitive, [x], { axis });
}

/** The index of the first smallest element along an axis, as int32; NaN is the smallest of all. */
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
    const count = reducedCount(x, axes);
    const isInt = !isFloat(x.dtype);
    if (x.elements.length === 1) {
      const power = isInt ? integerPower(x.elements[0], count) : repeated(x.elements[0], count);
      return [splat(power, type.dtype, type.shape)];
    }
    const rows = reductionRows(x, axes).elements;
    const out = allocateFor(type);
    for (let i = 0, at = 0; i < out.length; i++) {
      let product = 1;
      if (isInt) {
        for (let k = 0; k < count; k++, at++) product = Math.imul(product, rows[at]);
      } else for (let k = 0; k < count; k++, at++) product *= rows[at];
      out[i] = product;
    }
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch: ([x], [axis], _size, params) => [batchReduction(reduceProdPrimitive, x, axis!, params)],
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], [out], { axes }) => {
      // Zero, and yet made of the tangent, as every derivative must be.
      if (x.size === 0) return reduceSum(dx, axes);
      const [product, tangent] = [x, dx].map((t) => asRows(t, axes));
      return reshape(productTangent(product, tangent), out.shape);
    }],
  },
};

/** The product of so many equal integers, modulo 2^32, by squaring. */
function integerPower(value: number, count: number): number {
  let power = 1;
  for (let square = value; count > 0; square = Math.imul(square, square)) {
    if (count % 2 === 1) power = Math.imul(power, square);
    count = Math.floor(count / 2);
  }
  return power;
}

/** The product of so many equal floats, rounded after each step as that of unequal ones is. */
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

/** `x` with the given axes joined into one, the last. */
function asRows(x: Tensor, axes: readonly number[]): Tensor {
  const kept = withoutAxes(range(x.ndim), axes);
  const lengths = kept.map((axis) => x.shape[axis]);
  return reshape(transpose(x, [...kept, ...axes]), [...lengths, reducedCount(x, axes)]);
}

/**
 * The tangent of the product along the last axis of `x`. Pairs of a value and its tangent are
 * multiplied, `(p, dp) (q, dq) = (p q, dp q + dq p)`, the first half of them by the second until one
 * is left. Nothing is divided, so that zeros do no harm.
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

/** `x` cut in the middle of an axis. */
function halves(x: Tensor, axis: number): [Tensor, Tensor] {
  const length = x.shape[axis];
  return [sliceAxis(x, axis, 0, length / 2), sliceAxis(x, axis, length / 2, length)];
}

/** Ones like `x`, with `length` of them along `axis`. */
function onesLike(x: Type, axis: number, length: number): Tensor {
  return splat(1, x.dtype, x.shape.map((n, i) => i === axis ? length : n));
}

/** `x` with zeros before and after it along `axis`; negative numbers take elements away. */
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
 * one 1, 2, 4, … places before it (W. D. Hillis and G. L. Steele, "Data parallel algorithms", 1986).
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
