/**
 * Exponentials divided by their sums over an axis, and the logarithms of these quotients. The largest
 * element of each row is subtracted first, so that no exponential is out of range.
 *
 * @module
 */
import { isFloat, largestFinite } from "../base/dtype.ts";
import type { Elements } from "../base/dtype.ts";
import { internalError } from "../base/errors.ts";
import type { Primitive } from "../core/primitive.ts";
import type { Tensor } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { div, maximum, mul, sub } from "./arithmetic.ts";
import { reduceMaxLoosely } from "./reduction.ts";
import { constantLike, mapRows, reduceSum, spreadRows } from "./structure.ts";
import type { ReduceParams } from "./structure.ts";
import { exp, log } from "./transcendental.ts";

/**
 * The function: the quotients, with NaN in rows that contain only minus infinity; the same with zeros
 * in such rows; or logarithms of the first.
 */
export type SoftmaxForm = "plain" | "masked" | "logarithm";

/** Parameters of `softmax`. */
export interface SoftmaxParams extends ReduceParams {
  /** The function. */
  readonly form: SoftmaxForm;
}

/** A sum of exponentials is at least 1, or 0 if all elements are minus infinity. */
const LEAST_SUM = 0.5;

/** Computes a row of the result in `out`, from position `at` on. */
function writeRow(row: Elements, form: SoftmaxForm, out: Elements, at: number): void {
  const round = row instanceof Float32Array ? Math.fround : (value: number) => value;
  let largest = -Number.MAX_VALUE;
  for (let i = 0; i < row.length; i++) largest = Math.max(largest, row[i]);
  let sum = 0;
  for (let i = 0; i < row.length; i++) {
    out[at + i] = row[i] - largest;
    const power = round(Math.exp(out[at + i]));
    sum += power;
    if (form !== "logarithm") out[at + i] = power;
  }
  sum = round(sum);
  if (form === "logarithm") {
    const logarithm = round(Math.log(sum));
    for (let i = 0; i < row.length; i++) out[at + i] -= logarithm;
  } else {
    const divisor = form === "masked" ? Math.max(sum, LEAST_SUM) : sum;
    for (let i = 0; i < row.length; i++) out[at + i] /= divisor;
  }
}

/** The same as other operations, for code in loops; it is not differentiated. */
export function expandSoftmax(x: Tensor, { axes, form }: SoftmaxParams): Tensor {
  const lowest = -largestFinite(x.dtype);
  // Empty rows have no largest element, and no elements to shift. Minus infinity minus itself would be NaN.
  const isEmpty = axes.some((axis) => x.shape[axis] === 0);
  const shift = (largest: Tensor) => maximum(largest, constantLike(largest, lowest));
  const largest = (): Tensor => spreadRows(shift(reduceMaxLoosely(x, axes)), x, axes);
  const shifted = isEmpty ? x : sub(x, largest());
  const powers = exp(shifted);
  const sums = reduceSum(powers, axes);
  if (form === "logarithm") return sub(shifted, spreadRows(log(sums), x, axes));
  const divisor = form === "masked" ? maximum(sums, constantLike(sums, LEAST_SUM)) : sums;
  return div(powers, spreadRows(divisor, x, axes));
}

/** Exponentials of elements divided by their sums over axes. */
export const softmaxPrimitive: Primitive<SoftmaxParams> = {
  name: "softmax",
  isTotal: true,
  type([x]) {
    if (!isFloat(x.dtype)) throw internalError(`softmax of ${x.dtype}`);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  evaluate: ([x], { axes, form }) => [
    mapRows(x, axes, (row, out, at) => writeRow(row, form, out, at)),
  ],
  batch: ([x], [axis], _size, { axes, form }) => [
    [softmax(x, axes.map((a) => a < axis! ? a : a + 1), form), axis],
  ],
  derivative: {
    kind: "smooth",
    tangents: [(dx, [x], [out], { axes, form }) => {
      // Where there are no probabilities, the result has no derivative.
      const shares = form === "masked" ? out : softmax(x, axes, "masked");
      const change = sub(dx, spreadRows(reduceSum(mul(shares, dx), axes), x, axes));
      return form === "logarithm" ? change : mul(shares, change);
    }],
  },
};

/** Exponentials of elements divided by their sums over the given axes. */
export function softmax(x: Tensor, axes: readonly number[], form: SoftmaxForm): Tensor {
  return bindOne(softmaxPrimitive, [x], { axes, form });
}
