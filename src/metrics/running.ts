/**
 * Metrics over many batches.
 *
 * @module
 */
import { defaultFloat, describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { checkCount } from "../base/options.ts";
import { checkSize, sameShape, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { splat, Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { add, div, equal, mul, where } from "../functions/mod.ts";
import { convert } from "../primitives/structure.ts";
import { confusionMatrix } from "./classification.ts";

/**
 * A metric over many batches: three pure functions. States are trees of tensors, whose shapes stay the same,
 * so that all three can be compiled, and states carried through a `scan` and saved.
 *
 * @category Metrics
 */
export interface Metric<State, Args extends readonly unknown[]> {
  /** The state before the first batch. */
  init(): State;
  /** The state after one more batch. */
  update(state: State, ...args: Args): State;
  /** The metric over all batches so far. */
  result(state: State): Tensor;
}

/**
 * What a running mean remembers.
 *
 * @category Metrics
 */
export type MeanState = {
  /** The sum of all values, each times its weight: a float64 scalar. */
  readonly total: Tensor;
  /** The sum of all weights: a float64 scalar. */
  readonly weight: Tensor;
};

/** The state, checked to be one. */
function readState(state: MeanState): MeanState {
  const { total, weight } = Object(state) as Partial<MeanState>;
  if (total instanceof Tensor && weight instanceof Tensor) return { total, weight };
  throw argumentError(
    `Cannot use ${describeValue(state)} as the state of a running mean: ` +
      `expected what init or the last update gave`,
  );
}

/** One number as a float64 scalar. */
function wide(x: TensorLike, what: string): Tensor {
  const value = toTensor(x, what);
  if (value.ndim === 0) return convert(value, "float64");
  throw shapeError(`${what} ${showType(value)}: expected a scalar; take its mean first`);
}

/**
 * A running mean of scalars, such as losses of batches, summed in float64.
 *
 * @category Metrics
 * @returns The metric. Its `update` takes the value and, if batches are not equally long, its weight: the
 * number of examples. A value of weight 0 adds nothing, even NaN. The result is of the default floating-point
 * dtype, and NaN where there are no values.
 *
 * @example Batches of three examples and of one
 * ```ts
 * import { metrics } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const loss = metrics.mean();
 * let state = loss.init();
 * state = loss.update(state, 2, 3);
 * state = loss.update(state, 6, 1);
 * assertTensorsClose(loss.result(state), 3);
 * ```
 */
export function mean(): Metric<MeanState, [value: TensorLike, weight?: TensorLike]> {
  const zero = splat(0, "float64", []);
  const what = "Cannot update a running mean with";
  return {
    init: () => ({ total: zero, weight: zero }),
    update(state, value, count) {
      const { total, weight } = readState(state);
      const amount = wide(count ?? 1, what);
      // A batch without examples has no mean, and adds nothing.
      const added = where(equal(amount, 0), zero, mul(wide(value, what), amount));
      return { total: add(total, added), weight: add(weight, amount) };
    },
    result(state) {
      const { total, weight } = readState(state);
      return convert(div(total, weight), defaultFloat());
    },
  };
}

/**
 * The running mean of a metric of predictions and labels, each batch weighted with its number of labels.
 *
 * @category Metrics
 * @param f A mean over labels: `accuracy`, or `(scores, labels) => topKAccuracy(scores, labels, 5)`.
 * @returns The metric. Its `update` takes what `f` takes, predictions and labels, which are tensors.
 * @throws {ArgumentError} when `f` is not a function.
 *
 * @example Accuracy over two batches
 * ```ts
 * import { metrics, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const int = (x: number[]) => tensor(x, { dtype: "int32" });
 * const accuracy = metrics.meanOf(metrics.accuracy);
 * let state = accuracy.init();
 * state = accuracy.update(state, int([1, 2, 3]), int([1, 2, 0]));
 * state = accuracy.update(state, int([5]), int([5]));
 * assertTensorsClose(accuracy.result(state), 0.75);
 * ```
 */
export function meanOf(
  f: (predicted: Tensor, labels: Tensor) => Tensor,
): Metric<MeanState, [predicted: Tensor, labels: Tensor]> {
  if (typeof f !== "function") {
    throw argumentError(`Cannot make a running mean of ${describeValue(f)}: expected a function`);
  }
  const { init, update, result } = mean();
  return {
    init,
    update: (state, predicted, labels) =>
      update(state, f(predicted, labels), toTensor(labels, "Cannot count").size),
    result,
  };
}

/**
 * The confusion matrix of all batches so far, from which `precision`, `recall` and `f1` are computed.
 *
 * @category Metrics
 * @param classes The number of classes.
 * @returns The metric. Its `update` takes the predictions and labels that `confusionMatrix` takes.
 * @throws {ArgumentError} when `classes` is not a positive integer.
 *
 * @example F1 over two batches
 * ```ts
 * import { metrics } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const confusion = metrics.confusion(2);
 * let state = confusion.init();
 * state = confusion.update(state, [0, 1], [0, 1]);
 * state = confusion.update(state, [1], [0]);
 * assertTensorsClose(metrics.f1(confusion.result(state)), 2 / 3);
 * ```
 */
export function confusion(
  classes: number,
): Metric<Tensor, [predicted: TensorLike, labels: TensorLike]> {
  const what = "Cannot count a confusion matrix";
  checkCount(classes, what, "classes");
  checkSize([classes, classes], what);
  return {
    init: () => splat(0, "int32", [classes, classes]),
    update(state, predicted, labels) {
      const counts = confusionMatrix(predicted, labels, classes);
      if (state instanceof Tensor && sameShape(state.shape, counts.shape)) {
        return add(state, counts);
      }
      throw argumentError(
        `Cannot use ${
          state instanceof Tensor ? showType(state) : describeValue(state)
        } as the state ` +
          `of a confusion matrix: expected what init or the last update gave`,
      );
    },
    result: (state) => state,
  };
}
