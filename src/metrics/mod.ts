/**
 * Metrics: how well predictions fit, as pure functions of tensors that can be compiled, and as running
 * metrics over many batches.
 *
 * @example An evaluation
 * ```ts
 * import { metrics, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const scores = tensor([[2, 1, 0], [0, 3, 1], [1, 0, 4], [0, 2, 1]]);
 * const labels = tensor([0, 1, 2, 2], { dtype: "int32" });
 * assertTensorsClose(metrics.accuracy(scores, labels), 0.75);
 * const matrix = metrics.confusionMatrix(scores, labels, 3);
 * assertTensorsClose(matrix, [[1, 0, 0], [0, 1, 0], [0, 1, 1]]);
 * assertTensorsClose(metrics.f1(matrix, { average: "none" }), [1, 2 / 3, 2 / 3]);
 * ```
 *
 * @module
 */
export {
  accuracy,
  confusionMatrix,
  f1,
  perplexity,
  precision,
  recall,
  topKAccuracy,
} from "./classification.ts";
export type { Average, AverageOptions } from "./classification.ts";
export { averagePrecision, rocAuc } from "./ranking.ts";
export { meanAbsoluteError, meanSquaredError, r2 } from "./regression.ts";
export { confusion, mean, meanOf } from "./running.ts";
export type { MeanState, Metric } from "./running.ts";
