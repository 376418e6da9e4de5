/**
 * Vector norms of general order, except those with simpler formulas: `(Σ |x|^ord)^(1/ord)`.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import { internalError } from "../base/errors.ts";
import { lengthAlong, withoutAxes } from "../base/shape.ts";
import type { Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete, dense, splat } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { abs, div, mul, sign } from "./arithmetic.ts";
import { and, equal, less, select } from "./comparison.ts";
import { overRoot } from "./moments.ts";
import { reduceMax, reduceMin } from "./reduction.ts";
import {
  batchReduction,
  constantLike,
  reducedType,
  reduceSum,
  reductionRows,
  spreadRows,
} from "./structure.ts";
import type { ReduceParams } from "./structure.ts";
import { pow } from "./transcendental.ts";

/** Parameters of `reduceNorm`. */
export interface NormParams extends ReduceParams {
  /** The order: finite, and not 0. */
  readonly ord: number;
}

/**
 * The norm over axes. Magnitudes are divided by the dominant one, the largest or, for a negative order,
 * the smallest, so that no power of the quotients leaves the range of floats. The derivative with
 * respect to an element that is 0 is 0, and all derivatives are 0 where the norm is 0.
 */
export const reduceNormPrimitive: Primitive<NormParams> = {
  name: "reduceNorm",
  isTotal: true,
  type([x], { axes }) {
    if (!isFloat(x.dtype)) throw internalError(`reduceNorm of ${x.dtype}`);
    return [reducedType(x, axes)];
  },
  evaluate([x], { axes, ord }, [type]) {
    const rows = dense(reductionRows(x, axes));
    const count = lengthAlong(x.shape, axes);
    const out = allocateFor(type);
    for (let i = 0; i < out.length; i++) {
      let most = ord > 0 ? 0 : Infinity;
      for (let at = i * count; at < (i + 1) * count; at++) {
        const size = Math.abs(rows[at]);
        most = ord > 0 ? Math.max(most, size) : Math.min(most, size);
      }
      out[i] = most;
      if (!(most > 0 && most < Infinity)) continue;
      let sum = 0;
      for (let at = i * count; at < (i + 1) * count; at++) {
        sum += Math.pow(Math.abs(rows[at]) / most, ord);
      }
      out[i] = most * Math.pow(sum, 1 / ord);
    }
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch: ([x], [axis], _size, params) => [batchReduction(reduceNormPrimitive, x, axis!, params)],
  derivative: {
    kind: "smooth",
    tangents: [
      (dx, [x], [norm], params) => reduceSum(mul(dx, slopes(x, norm, params)), params.axes),
    ],
  },
};

/** The derivatives of the norm with respect to the elements: `sign(x) (|x| / norm)^(ord - 1)`. */
function slopes(x: Tensor, norm: Tensor, { axes, ord }: NormParams): Tensor {
  const sizes = abs(x);
  const isZero = equal(x, constantLike(x, 0));
  const one = constantLike(x, 1);
  // The quotient or its reciprocal, whichever is at most 1, except for orders from 0 to 1.
  const quotient = ord > 0
    ? overRoot(sizes, norm, axes)
    : div(spreadRows(norm, x, axes), select(isZero, one, sizes));
  const isFlat = equal(quotient, constantLike(x, 0));
  const exponent = constantLike(x, ord > 0 ? ord - 1 : 1 - ord);
  const power = pow(select(isFlat, one, quotient), exponent);
  return mul(sign(x), select(isFlat, constantLike(x, 0), power));
}

/** The norm over the given axes, of a finite order that is not 0. */
export function reduceNorm(x: Tensor, axes: readonly number[], ord: number): Tensor {
  return axes.length === 0 ? abs(x) : bindOne(reduceNormPrimitive, [x], { axes, ord });
}

/** The norm as it is computed in compiled programs. */
export function expandedNorm(x: Tensor, { axes, ord }: NormParams): Tensor {
  const shape = withoutAxes(x.shape, axes);
  if (lengthAlong(x.shape, axes) === 0) return splat(ord > 0 ? 0 : Infinity, x.dtype, shape);
  const sizes = abs(x);
  const most = (ord > 0 ? reduceMax : reduceMin)(sizes, axes);
  const isSized = and(
    less(constantLike(most, 0), most),
    less(most, constantLike(most, Infinity)),
  );
  const scale = select(isSized, most, constantLike(most, 1));
  const powers = pow(overRoot(sizes, scale, axes), constantLike(x, ord));
  const total = reduceSum(powers, axes);
  const root = pow(total, constantLike(total, 1 / ord));
  return select(isSized, mul(most, root), most);
}
