/**
 * How well classes are predicted.
 *
 * @module
 */
import { defaultFloat, describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { checkCount, readOptions } from "../base/options.ts";
import { checkSize, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import {
  add,
  any,
  bincount,
  diagonal,
  div,
  equal,
  exp,
  expandDims,
  greaterEqual,
  less,
  logicalAnd,
  mean,
  mul,
  reshape,
  sum,
  topK,
  where,
} from "../functions/mod.ts";
import { crossEntropy } from "../nn/mod.ts";
import type { CrossEntropyOptions } from "../nn/mod.ts";
import { sliceAxis } from "../primitives/slicing.ts";
import { convert } from "../primitives/structure.ts";
import { readClasses } from "./arguments.ts";

/**
 * The share of predictions that are right.
 *
 * @category Metrics
 * @param predicted Classes, integers of the shape of `labels`; or scores, `[...labels.shape, classes]`, of
 * which the highest counts.
 * @param labels The true classes: integers or booleans of any shape.
 * @returns A floating-point scalar; NaN when there are no labels.
 * @throws {ShapeError} when the shapes do not fit.
 * @throws {DtypeError} when classes are not integers.
 *
 * @example Two of three
 * ```ts
 * import { metrics } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(metrics.accuracy([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], [0, 1, 1]), 2 / 3);
 * assertTensorsClose(metrics.accuracy([0, 1, 0], [0, 1, 1]), 2 / 3);
 * ```
 */
export function accuracy(predicted: TensorLike, labels: TensorLike): Tensor {
  const [classes, expected] = readClasses(predicted, labels, "Cannot compute the accuracy");
  return mean(equal(classes, expected));
}

/**
 * The share of labels that are among the `k` highest scores. Of equal scores the first classes count, as
 * in `topK`.
 *
 * @category Metrics
 * @param scores `[...labels.shape, classes]`.
 * @param labels The true classes: integers of any shape.
 * @param k How many scores count, from 1 to the number of classes.
 * @returns A floating-point scalar; NaN when there are no labels.
 * @throws {ShapeError} when the shapes do not fit, or there are fewer than `k` classes.
 * @throws {DtypeError} when labels are not integers.
 *
 * @example The right class is second
 * ```ts
 * import { metrics } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const scores = [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]];
 * assertTensorsClose(metrics.topKAccuracy(scores, [1, 0], 2), 0.5);
 * ```
 */
export function topKAccuracy(scores: TensorLike, labels: TensorLike, k: number): Tensor {
  const what = "Cannot compute the top-k accuracy";
  const given = toTensor(scores, what);
  const [, expected] = readClasses(given, labels, what);
  if (given.ndim !== expected.ndim + 1) {
    throw shapeError(`${what} of ${showType(given)}: expected scores of classes on the last axis`);
  }
  checkCount(k, what, "k");
  const [, places] = topK(given, k);
  return mean(any(equal(places, expandDims(expected, -1)), -1));
}

/**
 * How many examples of each class were predicted as each class. The other metrics of classes are computed
 * from it; matrices of several batches are added.
 *
 * @category Metrics
 * @param predicted Classes, integers of the shape of `labels`; or scores, `[...labels.shape, classes]`, of
 * which the highest counts.
 * @param labels The true classes: integers or booleans of any shape. Examples whose label or prediction
 * is not from 0 to `classes - 1` are left out.
 * @param classes The number of classes.
 * @returns `int32[classes, classes]`: rows are true classes, columns predicted ones.
 * @throws {ArgumentError} when `classes` is not a positive integer.
 * @throws {ShapeError} when the shapes do not fit.
 * @throws {DtypeError} when classes are not integers.
 *
 * @example One mistake
 * ```ts
 * import { metrics } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(metrics.confusionMatrix([0, 1, 1], [0, 1, 0], 2), [[1, 1], [0, 1]]);
 * ```
 */
export function confusionMatrix(
  predicted: TensorLike,
  labels: TensorLike,
  classes: number,
): Tensor {
  const what = "Cannot compute the confusion matrix";
  checkCount(classes, what, "classes");
  checkSize([classes, classes + 1], what);
  const [given, expected] = readClasses(predicted, labels, what);
  const isClass = (x: Tensor): Tensor => logicalAnd(greaterEqual(x, 0), less(x, classes));
  const isCounted = logicalAnd(isClass(given), isClass(expected));
  const cell = add(mul(convert(expected, "int32"), classes), convert(given, "int32"));
  // What is left out is counted behind the matrix.
  const cells = reshape(where(isCounted, cell, classes * classes), [cell.size]);
  const counts = bincount(cells, { length: classes * classes + 1 });
  return reshape(sliceAxis(counts, 0, 0, classes * classes), [classes, classes]);
}

/**
 * How the values of classes become one: their mean (`"macro"`), that with each class counted as often as it
 * occurs (`"weighted"`), from the counts of all classes together (`"micro"`), or not at all (`"none"`).
 *
 * @category Metrics
 */
export type Average = "macro" | "weighted" | "micro" | "none";

/**
 * Options of `precision`, `recall` and `f1`.
 *
 * @category Metrics
 */
export interface AverageOptions {
  /** How the values of classes become one. Default `"macro"`. */
  readonly average?: Average;
}

const AVERAGES: readonly Average[] = ["macro", "weighted", "micro", "none"];

/** `of` of the counts of each class, averaged; 0 where it divides by 0. */
function averaged(
  name: string,
  matrix: TensorLike,
  options: AverageOptions | undefined,
  of: (hits: Tensor, predicted: Tensor, actual: Tensor) => [count: Tensor, total: Tensor],
): Tensor {
  const what = `Cannot compute the ${name}`;
  const { average = "macro" } = readOptions(what, options, ["average"]);
  if (!AVERAGES.includes(average)) {
    throw argumentError(
      `${what}: expected an average among ${AVERAGES.join(", ")}, got ${describeValue(average)}`,
    );
  }
  const counts = toTensor(matrix, what);
  if (counts.ndim !== 2 || counts.shape[0] !== counts.shape[1]) {
    throw shapeError(
      `${what} of ${showType(counts)}: expected a confusion matrix [classes, classes]; ` +
        `make one with confusionMatrix`,
    );
  }
  const floats = convert(counts, counts.dtype === "float64" ? "float64" : defaultFloat());
  const [hits, predicted, actual] = [diagonal(floats), sum(floats, 0), sum(floats, 1)];
  const ratio = ([count, total]: [Tensor, Tensor]): Tensor =>
    where(equal(total, 0), 0, div(count, where(equal(total, 0), 1, total)));
  if (average === "micro") return ratio(of(sum(hits), sum(predicted), sum(actual)));
  const values = ratio(of(hits, predicted, actual));
  if (average === "none") return values;
  return average === "macro" ? mean(values) : ratio([sum(mul(values, actual)), sum(actual)]);
}

/**
 * Precision: of the examples that were predicted as a class, the share that belong to it. As scikit-learn's
 * `precision_score`, and 0 for classes that were never predicted.
 *
 * @category Metrics
 * @param matrix A confusion matrix, `[classes, classes]`.
 * @param options How the values of classes become one: `"macro"` by default.
 * @returns A floating-point scalar, or `[classes]` for `"none"`.
 * @throws {ShapeError} when `matrix` is not square.
 * @throws {ArgumentError} when the average is unknown.
 *
 * @example Of each class
 * ```ts
 * import { metrics } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const matrix = metrics.confusionMatrix([0, 1, 1], [0, 1, 0], 2);
 * assertTensorsClose(metrics.precision(matrix, { average: "none" }), [1, 0.5]);
 * ```
 */
export function precision(matrix: TensorLike, options?: AverageOptions): Tensor {
  return averaged("precision", matrix, options, (hits, predicted) => [hits, predicted]);
}

/**
 * Recall: of the examples of a class, the share that were predicted as it. As scikit-learn's `recall_score`,
 * and 0 for classes without examples.
 *
 * @category Metrics
 * @param matrix A confusion matrix, `[classes, classes]`.
 * @param options How the values of classes become one: `"macro"` by default.
 * @returns A floating-point scalar, or `[classes]` for `"none"`.
 * @throws {ShapeError} when `matrix` is not square.
 * @throws {ArgumentError} when the average is unknown.
 *
 * @example Of each class
 * ```ts
 * import { metrics } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const matrix = metrics.confusionMatrix([0, 1, 1], [0, 1, 0], 2);
 * assertTensorsClose(metrics.recall(matrix, { average: "none" }), [0.5, 1]);
 * ```
 */
export function recall(matrix: TensorLike, options?: AverageOptions): Tensor {
  return averaged("recall", matrix, options, (hits, _predicted, actual) => [hits, actual]);
}

/**
 * The F1 score: the harmonic mean of precision and recall. As scikit-learn's `f1_score`, and 0 for classes
 * that neither occur nor were predicted.
 *
 * @category Metrics
 * @param matrix A confusion matrix, `[classes, classes]`.
 * @param options How the values of classes become one: `"macro"` by default.
 * @returns A floating-point scalar, or `[classes]` for `"none"`.
 * @throws {ShapeError} when `matrix` is not square.
 * @throws {ArgumentError} when the average is unknown.
 *
 * @example The mean over classes
 * ```ts
 * import { metrics } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const matrix = metrics.confusionMatrix([0, 1, 1], [0, 1, 0], 2);
 * assertTensorsClose(metrics.f1(matrix), 2 / 3);
 * assertTensorsClose(metrics.f1(matrix, { average: "none" }).at(1), 2 / 3);
 * ```
 */
export function f1(matrix: TensorLike, options?: AverageOptions): Tensor {
  return averaged(
    "F1 score",
    matrix,
    options,
    (hits, predicted, actual) => [mul(hits, 2), add(predicted, actual)],
  );
}

/**
 * The perplexity of predictions: e to the power of the mean cross-entropy, as that of a language model for
 * the tokens that came.
 *
 * @category Metrics
 * @param logits Unnormalised log-probabilities, `[batch, classes, ...]`, as for `nn.crossEntropy`.
 * @param target The true classes, `[batch, ...]`.
 * @param options Those of `nn.crossEntropy` but for the reduction, such as `ignoreIndex`.
 * @returns A floating-point scalar.
 * @throws {ShapeError} when the shapes do not fit.
 *
 * @example Four classes, all equally probable
 * ```ts
 * import { metrics } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(metrics.perplexity([[1, 1, 1, 1]], [2]), 4);
 * ```
 */
export function perplexity(
  logits: TensorLike,
  target: TensorLike,
  options?: Omit<CrossEntropyOptions, "reduction">,
): Tensor {
  return exp(crossEntropy(logits, target, options));
}
