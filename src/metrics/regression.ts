/**
 * How close numbers are to those that they should be.
 *
 * @module
 */
import { shapeError } from "../base/errors.ts";
import { sameShape, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { broadcastTogether, floatOperand } from "../functions/broadcasting.ts";
import { div, equal, mean, square, sub, sum, where } from "../functions/mod.ts";
import { l1Loss, mseLoss } from "../nn/mod.ts";

/**
 * The mean squared error, `nn.mseLoss`.
 *
 * @category Metrics
 * @param predicted Any shape.
 * @param target The shape of `predicted`: the true values.
 * @returns A floating-point scalar.
 * @throws {ShapeError} when the shapes differ.
 *
 * @example The mean of 1 and 9
 * ```ts
 * import { metrics } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(metrics.meanSquaredError([1, 2], [2, 5]), 5);
 * ```
 */
export function meanSquaredError(predicted: TensorLike, target: TensorLike): Tensor {
  return mseLoss(predicted, target);
}

/**
 * The mean absolute error, `nn.l1Loss`.
 *
 * @category Metrics
 * @param predicted Any shape.
 * @param target The shape of `predicted`: the true values.
 * @returns A floating-point scalar.
 * @throws {ShapeError} when the shapes differ.
 *
 * @example The mean of 1 and 3
 * ```ts
 * import { metrics } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(metrics.meanAbsoluteError([1, 2], [2, 5]), 2);
 * ```
 */
export function meanAbsoluteError(predicted: TensorLike, target: TensorLike): Tensor {
  return l1Loss(predicted, target);
}

/**
 * The coefficient of determination, R²: the share of the variance of the targets that predictions explain.
 * 1 is perfect, 0 as good as the targets' mean. As scikit-learn's `r2_score`: several outputs are averaged,
 * and constant targets give 1 when they are met exactly, and 0 otherwise.
 *
 * @category Metrics
 * @param predicted `[examples, ...outputs]`.
 * @param target The shape of `predicted`: the true values.
 * @returns A floating-point scalar.
 * @throws {ShapeError} when the shapes differ, or there is no axis of examples.
 *
 * @example Nearly all
 * ```ts
 * import { metrics } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(metrics.r2([1, 2, 3.5], [1, 2, 3]), 1 - 0.25 / 2);
 * ```
 */
export function r2(predicted: TensorLike, target: TensorLike): Tensor {
  const what = "Cannot compute the R²";
  const shapes = [toTensor(predicted, what), toTensor(target, what)];
  if (shapes[0].ndim === 0 || !sameShape(shapes[0].shape, shapes[1].shape)) {
    throw shapeError(
      `${what} of ${showType(shapes[0])} and ${showType(shapes[1])}: expected two tensors of one ` +
        `shape with an axis of examples`,
    );
  }
  const [given, expected] = broadcastTogether(what, predicted, target).map(floatOperand);
  const residual = sum(square(sub(expected, given)), 0);
  const total = sum(square(sub(expected, mean(expected, 0))), 0);
  const isConstant = equal(total, 0);
  const share = sub(1, div(residual, where(isConstant, 1, total)));
  return mean(where(isConstant, where(equal(residual, 0), 1, 0), share));
}
