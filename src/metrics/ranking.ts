/**
 * How well scores tell positive examples from negative ones.
 *
 * @module
 */
import { defaultFloat } from "../base/dtype.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import {
  any,
  argsort,
  cumsum,
  div,
  isnan,
  mul,
  neg,
  rankdata,
  sub,
  sum,
  take,
  where,
} from "../functions/mod.ts";
import { convert } from "../primitives/structure.ts";
import { readBinary } from "./arguments.ts";

/**
 * The area under the ROC curve: the probability that a positive example has a higher score than a negative
 * one, ties counted as one half. From mean ranks, after Mann and Whitney; scikit-learn's `roc_auc_score`.
 *
 * @category Metrics
 * @param scores Any shape, floating-point: the higher, the more probably positive.
 * @param labels The shape of `scores`: integers or booleans, of which 0 and `false` are negative.
 * @returns A floating-point scalar; NaN unless there are positive and negative examples, or if a score is.
 * @throws {ShapeError} when the shapes differ.
 * @throws {DtypeError} when scores are not floating-point, or labels neither integers nor booleans.
 *
 * @example One pair of four is in the wrong order
 * ```ts
 * import { metrics } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(metrics.rocAuc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]), 0.75);
 * ```
 */
export function rocAuc(scores: TensorLike, labels: TensorLike): Tensor {
  const [given, isPositive] = readBinary(scores, labels, "Cannot compute the ROC AUC");
  const positive = convert(isPositive, defaultFloat());
  const count = sum(positive);
  const negatives = sub(positive.size, count);
  const meanRank = div(sum(mul(rankdata(given), positive)), count);
  return div(sub(meanRank, div(count.add(1), 2)), negatives);
}

/**
 * The average precision: the mean, over positive examples, of the precision among all examples that have at
 * least their score. scikit-learn's `average_precision_score`.
 *
 * @category Metrics
 * @param scores Any shape, floating-point: the higher, the more probably positive.
 * @param labels The shape of `scores`: integers or booleans, of which 0 and `false` are negative.
 * @returns A floating-point scalar; NaN without positive examples, or if a score is.
 * @throws {ShapeError} when the shapes differ.
 * @throws {DtypeError} when scores are not floating-point, or labels neither integers nor booleans.
 *
 * @example Positive examples come first and third
 * ```ts
 * import { metrics } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const precisions = [1 / 1, 2 / 3];
 * assertTensorsClose(
 *   metrics.averagePrecision([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]),
 *   (precisions[0] + precisions[1]) / 2,
 * );
 * ```
 */
export function averagePrecision(scores: TensorLike, labels: TensorLike): Tensor {
  const what = "Cannot compute the average precision";
  const [given, isPositive] = readBinary(scores, labels, what);
  const descending = neg(given);
  const positive = convert(isPositive, "int32");
  // How many examples have at least the score of each, and how many positive ones among them.
  const above = rankdata(descending, 0, { method: "max" });
  const running = cumsum(take(positive, argsort(descending), 0), 0);
  const hits = take(running, sub(above, 1), 0);
  const float = (x: Tensor): Tensor => convert(x, defaultFloat());
  const precisions = div(float(hits), float(above));
  const average = div(sum(mul(precisions, float(positive))), float(sum(positive)));
  return where(any(isnan(given)), NaN, average);
}
