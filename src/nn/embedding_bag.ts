/**
 * Sums, means and maxima of embeddings.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { described } from "../core/description.ts";
import {
  argmax,
  div,
  expandDims,
  full,
  maximum,
  notEqual,
  squeeze,
  sum,
  takeAlongAxis,
  where,
} from "../functions/mod.ts";
import { embedding } from "./embedding.ts";
import type { EmbeddingOptions, EmbeddingParams } from "./embedding.ts";
import type { Empty, Layer } from "./layer.ts";

/** Options of `embeddingBag`. */
export interface EmbeddingBagOptions extends EmbeddingOptions {
  /** What becomes of a bag's vectors. Default `"mean"`. */
  readonly mode?: "sum" | "mean" | "max";
}

/**
 * The sum, mean or largest of a bag of vectors in a table.
 *
 * @param count How many vectors the table has.
 * @param features The length of each.
 * @param options The mode, and those of `embedding`; what is at `paddingIdx` does not count.
 * @returns A layer from integers `[..., bagLength]` to `[..., features]`; a bag of padding alone gives
 * zeros.
 * @throws {ArgumentError} when a size is no positive integer, or the mode unknown.
 * @throws {ShapeError} when the input has no axis.
 *
 * @example The mean of two vectors
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.embeddingBag(3, 2);
 * const weight = tensor([[1, 2], [3, 4], [5, 6]]);
 * const [y] = layer.apply({ weight }, {}, tensor([[0, 1], [2, 2]], { dtype: "int32" }));
 * assertTensorsClose(y, [[2, 3], [5, 6]]);
 * ```
 */
export function embeddingBag(
  count: number,
  features: number,
  options?: EmbeddingBagOptions,
): Layer<EmbeddingParams, Empty> {
  const { mode = "mean", ...rest } = options ?? {};
  if (mode !== "sum" && mode !== "mean" && mode !== "max") {
    throw argumentError(
      `Cannot make an embeddingBag layer with mode ${describeValue(mode)}: ` +
        `expected "sum", "mean" or "max"`,
    );
  }
  const table = embedding(count, features, rest);
  const settings = { mode, ...rest };
  return described({ name: "embeddingBag", args: [count, features], settings }, {
    init: (key) => table.init(key),
    apply(params, state, x, context) {
      const input = toTensor(x, "Cannot apply embeddingBag");
      if (input.ndim === 0) {
        throw shapeError(
          `Cannot apply embeddingBag to ${showType(input)}: expected [..., bagLength]`,
        );
      }
      const [vectors] = table.apply(params, state, input, context);
      const { paddingIdx } = rest;
      const padding = paddingIdx == null ? undefined : (paddingIdx + count) % count;
      const counts = padding === undefined
        ? full(input.shape, 1, { dtype: vectors.dtype })
        : notEqual(input, padding).astype(vectors.dtype);
      const isCounted = expandDims(counts.greater(0), -1);
      const number = expandDims(sum(counts, -1), -1);
      if (mode === "max") {
        const counted = where(isCounted, vectors, -Infinity);
        // The first of equal ones, as in PyTorch, and not all of them, has the derivative.
        const places = argmax(counted, -2, { keepdims: true });
        const largest = squeeze(takeAlongAxis(counted, places, -2), -2);
        return [where(number.greater(0), largest, 0), state];
      }
      const total = sum(where(isCounted, vectors, 0), -2);
      return [mode === "sum" ? total : div(total, maximum(number, 1)), state];
    },
  });
}
