/**
 * Quantiles and medians, from sorted elements: derivatives follow the elements that they lie between.
 *
 * @module
 */
import { describeValue, isHalf } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { lengthAlong, range, showType, withoutAxes } from "../base/shape.ts";
import type { AxisArgument } from "../base/shape.ts";
import { isNumber, toTensor, toTensorOf } from "../core/convert.ts";
import type { AxisOptions } from "../core/methods.ts";
import { Concrete, splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import {
  add,
  ceil,
  floor,
  maximum,
  minimum,
  mul,
  offset,
  round,
  scale,
  sub,
} from "../primitives/arithmetic.ts";
import { and, equal, less, not, or, select } from "../primitives/comparison.ts";
import { argsort } from "../primitives/ordering.ts";
import {
  broadcast,
  constantLike,
  convert,
  moveAxis,
  reduceSum,
  reshape,
  stopGradient,
  transpose,
} from "../primitives/structure.ts";
import { floatOperand } from "./broadcasting.ts";
import { isinf, isnan } from "./comparison.ts";
import { realOperand } from "./operands.ts";
import { takeAlongLast } from "./ordering.ts";
import { finish, readReduction } from "./reduction.ts";

/**
 * Where a quantile that falls between two elements lies.
 *
 * @category Statistics
 */
export type QuantileMethod = "linear" | "lower" | "higher" | "midpoint" | "nearest";

/**
 * Options of `quantile` and its like.
 *
 * @category Statistics
 */
export interface QuantileOptions extends AxisOptions {
  /** The interpolation between two elements; `"linear"` by default. */
  readonly method?: QuantileMethod;
}

const METHODS: readonly QuantileMethod[] = ["linear", "lower", "higher", "midpoint", "nearest"];

/**
 * Quantiles over axes: the element at the position `q (n - 1)` of the `n` in order. NaN where an element
 * is NaN.
 *
 * @category Statistics
 * @param x Any shape, of real numbers.
 * @param q Which quantiles, from 0 to 1: a number, or a tensor of any shape.
 * @param axis The axis or axes to reduce; left out or `null`: all.
 * @param options `method`: the interpolation between two elements, `"linear"` by default, or `"lower"`,
 * `"higher"`, `"midpoint"`, `"nearest"` (ties to the even position); `keepdims`.
 * @returns The dtype of `x` (`float32` for integers and `bool`), of shape `[...shape of q, ...shape of x
 * without the reduced axes]`. The derivative goes to the two elements, in the shares that they have in
 * the result, and to `q`.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ArgumentError} when `q` is known and not from 0 to 1, or the method is unknown. Where `q` is
 * traced the result is NaN there.
 * @throws {ShapeError} when there is no element.
 *
 * @example Quartiles
 * ```ts
 * import { quantile } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(quantile([4, 1, 3, 2], [0.25, 0.5, 0.75]), [1.75, 2.5, 3.25]);
 * assertTensorsClose(quantile([4, 1, 3, 2], 0.25, 0, { method: "lower" }), 1);
 * ```
 */
export function quantile(
  x: TensorLike,
  q: TensorLike,
  axis?: AxisArgument,
  options?: QuantileOptions,
): Tensor {
  return quantileOf("quantile", x, q, 1, axis, options, false);
}

/**
 * Percentiles over axes: {@linkcode quantile} with `q` from 0 to 100.
 *
 * @category Statistics
 * @param x Any shape, of real numbers.
 * @param q Which percentiles, from 0 to 100: a number, or a tensor of any shape.
 * @param axis The axis or axes to reduce; left out or `null`: all.
 * @param options `method`, `keepdims`: those of `quantile`.
 * @returns As `quantile`.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ArgumentError} when `q` is known and not from 0 to 100, or the method is unknown.
 * @throws {ShapeError} when there is no element.
 *
 * @example The ninetieth
 * ```ts
 * import { percentile } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(percentile([0, 1, 2, 3, 4], 90), 3.6);
 * ```
 */
export function percentile(
  x: TensorLike,
  q: TensorLike,
  axis?: AxisArgument,
  options?: QuantileOptions,
): Tensor {
  return quantileOf("percentile", x, q, 100, axis, options, false);
}

/**
 * Median over axes: the middle element in order, or the mean of the two middle ones, which share the
 * derivative. NaN where an element is NaN.
 *
 * @category Statistics
 * @param x Any shape, of real numbers.
 * @param axis The axis or axes to reduce; left out or `null`: all.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns The dtype of `x` (`float32` for integers and `bool`), the shape of `x` without the reduced
 * axes.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when there is no element.
 *
 * @example Odd and even numbers of elements
 * ```ts
 * import { median } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(median([3, 1, 2]), 2);
 * assertTensorsClose(median([[3, 1, 2, 10]], 1), [2.5]);
 * ```
 */
export function median(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor {
  const { keepdims = false } = readOptions("Cannot take the median of", options, ["keepdims"]);
  return quantileOf("median", x, 0.5, 1, axis, { method: "midpoint", keepdims }, false);
}

/**
 * Quantiles over axes without NaN; where all elements are NaN they are NaN.
 *
 * @category Statistics
 * @param x Any shape, of real numbers.
 * @param q Which quantiles, from 0 to 1: a number, or a tensor of any shape.
 * @param axis The axis or axes to reduce; left out or `null`: all.
 * @param options `method`, `keepdims`: those of {@linkcode quantile}.
 * @returns As `quantile`.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ArgumentError} when `q` is known and not from 0 to 1, or the method is unknown.
 * @throws {ShapeError} when there is no element.
 *
 * @example A missing value
 * ```ts
 * import { nanquantile } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nanquantile([4, NaN, 2], 0.25), 2.5);
 * ```
 */
export function nanquantile(
  x: TensorLike,
  q: TensorLike,
  axis?: AxisArgument,
  options?: QuantileOptions,
): Tensor {
  return quantileOf("nanquantile", x, q, 1, axis, options, true);
}

/**
 * Percentiles over axes without NaN; where all elements are NaN they are NaN.
 *
 * @category Statistics
 * @param x Any shape, of real numbers.
 * @param q Which percentiles, from 0 to 100: a number, or a tensor of any shape.
 * @param axis The axis or axes to reduce; left out or `null`: all.
 * @param options `method`, `keepdims`: those of {@linkcode quantile}.
 * @returns As `quantile`.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ArgumentError} when `q` is known and not from 0 to 100, or the method is unknown.
 * @throws {ShapeError} when there is no element.
 *
 * @example A missing value
 * ```ts
 * import { nanpercentile } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nanpercentile([4, NaN, 2], 25), 2.5);
 * ```
 */
export function nanpercentile(
  x: TensorLike,
  q: TensorLike,
  axis?: AxisArgument,
  options?: QuantileOptions,
): Tensor {
  return quantileOf("nanpercentile", x, q, 100, axis, options, true);
}

/**
 * Median over axes without NaN; where all elements are NaN it is NaN.
 *
 * @category Statistics
 * @param x Any shape, of real numbers.
 * @param axis The axis or axes to reduce; left out or `null`: all.
 * @param options `keepdims`: whether reduced axes stay, with length one.
 * @returns As {@linkcode median}.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ShapeError} when there is no element.
 *
 * @example A missing value
 * ```ts
 * import { nanmedian } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(nanmedian([3, NaN, 1]), 2);
 * ```
 */
export function nanmedian(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor {
  const { keepdims = false } = readOptions("Cannot take the nanmedian of", options, ["keepdims"]);
  return quantileOf("nanmedian", x, 0.5, 1, axis, { method: "midpoint", keepdims }, true);
}

/** Quantiles of which `q` counts up to `whole`. */
function quantileOf(
  name: string,
  x: TensorLike,
  q: TensorLike,
  whole: number,
  axis: AxisArgument,
  options: QuantileOptions | undefined,
  skipsNan: boolean,
): Tensor {
  const what = `Cannot take the ${name} of`;
  const arg = readReduction(what, x, axis, options, ["method", "keepdims"]);
  const { method = "linear", keepdims = false } = arg.options;
  if (!METHODS.includes(method)) {
    throw argumentError(
      `${what} ${showType(arg.x)}: expected a method among ${METHODS.join(", ")}, ` +
        `got ${describeValue(method)}`,
    );
  }
  const value = floatOperand(realOperand(name, arg.x));
  const count = lengthAlong(value.shape, arg.axes);
  if (count === 0) throw shapeError(`${what} ${showType(arg.x)}: there is no element`);
  const shares = readShares(q, whole, `${what} ${showType(arg.x)}`);
  const kept = withoutAxes(range(value.ndim), arg.axes);
  const outer = kept.map((i) => value.shape[i]);
  const rows = reshape(transpose(value, [...kept, ...arg.axes]), [...outer, count]);
  const last = outer.length;
  const result = betweenElements(rows, reshape(shares, [shares.size]), method, skipsNan);
  const front = reshape(moveAxis(result, last, 0), [...shares.shape, ...outer]);
  if (!keepdims) return front;
  const lengths = finish(splat(0, "bool", outer), { ...arg, options: { keepdims } }).shape;
  return reshape(front, [...shares.shape, ...lengths]);
}

/** Which quantiles, from 0 to 1 in double precision; traced ones that are not become NaN. */
function readShares(q: TensorLike, whole: number, what: string): Tensor {
  // Numbers are read directly, not rounded to float32 first.
  const given = isNumber(q) || Array.isArray(q)
    ? toTensorOf(q, "float64", what)
    : realOperand("quantile", toTensor(q, what));
  const shares = convert(given, "float64");
  const plain = stopGradient(shares);
  const low = less(plain, constantLike(plain, 0));
  const isOutside = or(or(low, less(constantLike(plain, whole), plain)), isnan(plain));
  if (isOutside instanceof Concrete && plain instanceof Concrete) {
    const wrong = plain.elements.find((share) => !(share >= 0 && share <= whole));
    if (wrong !== undefined) {
      throw argumentError(`${what}: expected q from 0 to ${whole}, got ${wrong}`);
    }
  }
  const part = scale(shares, 1 / whole);
  return select(isOutside, constantLike(part, NaN), part);
}

/** Quantiles `shares` `[k]` of rows `[..., n]`, as `[..., k]`. */
function betweenElements(
  rows: Tensor,
  shares: Tensor,
  method: QuantileMethod,
  skipsNan: boolean,
): Tensor {
  const last = rows.ndim - 1;
  const length = rows.shape[last];
  const shape = [...rows.shape.slice(0, last), shares.size];
  const share = broadcast(shares, shape, [last]);
  const order = argsort(rows, last, false);
  // Few elements are chosen: the others stay where they are.
  const at = (place: Tensor) => takeAlongLast(rows, takeAlongLast(order, convert(place, "int32")));
  const outer = range(last);
  const numbers = reduceSum(convert(not(isnan(stopGradient(rows))), "float64"), [last]);
  const known = broadcast(numbers, shape, outer);
  const whole = constantLike(share, length);
  const count = skipsNan ? known : whole;
  const isVoid = less(known, skipsNan ? constantLike(known, 1) : whole);
  const zero = constantLike(share, 0);
  const product = mul(share, maximum(offset(count, -1), zero));
  const position = select(isnan(product), zero, product);
  const fixed = stopGradient(position);
  const [below, above] = [floor(fixed), minimum(ceil(fixed), constantLike(fixed, length - 1))];
  const isUnknown = or(isVoid, isnan(share));
  const finished = (result: Tensor) => select(isUnknown, constantLike(result, NaN), result);
  if (method === "lower") return finished(at(below));
  if (method === "higher") return finished(at(above));
  if (method === "nearest") return finished(at(round(fixed)));
  const [low, high] = [at(below), at(above)];
  const dtype = isHalf(rows.dtype) ? "float32" : rows.dtype;
  const isMiddle = equal(below, above);
  const weight = method === "linear"
    ? sub(position, below)
    : select(isMiddle, zero, constantLike(position, 0.5));
  // The distance of equal infinities would be NaN.
  const isEqual = and(equal(low, high), isinf(low));
  const [first, second] = [convert(low, dtype), convert(high, dtype)];
  const share0 = convert(sub(constantLike(weight, 1), weight), dtype);
  const share1 = convert(weight, dtype);
  const isAlone = or(isMiddle, isEqual);
  const result = add(
    mul(first, select(isAlone, constantLike(share0, 1), share0)),
    mul(select(isAlone, constantLike(second, 0), second), share1),
  );
  return finished(convert(result, rows.dtype));
}
