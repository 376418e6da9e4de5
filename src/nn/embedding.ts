/**
 * A table of vectors.
 *
 * @module
 */
import { argumentError, dtypeError } from "../base/errors.ts";
import { defaultFloat, describeValue, isInteger } from "../base/dtype.ts";
import { readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import { described } from "../core/description.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor } from "../core/tensor.ts";
import { arange, equal, reshape, where } from "../functions/mod.ts";
import { gather } from "../primitives/indexing.ts";
import { stopGradient } from "../transforms/no_grad.ts";
import { inComputeDtype } from "./compute_dtype.ts";
import { normal } from "./initializers.ts";
import type { Initializer } from "./initializers.ts";
import { checkCount, checkInitializer, checkParameterDtype, readLeaf } from "./layer.ts";
import type { Empty, Layer, ParameterOptions } from "./layer.ts";

/**
 * Parameters of `embedding`.
 *
 * @category Layers
 */
export interface EmbeddingParams {
  /** `[count, features]`. */
  readonly weight: Tensor;
}

/**
 * Options of `embedding`.
 *
 * @category Layers
 */
export interface EmbeddingOptions extends ParameterOptions {
  /** A row that starts as zeros and receives no gradient. */
  readonly paddingIdx?: number;
  /** The table's initialiser. Default: PyTorch's, standard normal. */
  readonly weightInit?: Initializer;
}

/**
 * A table of vectors, looked up by integers.
 *
 * @category Layers
 * @param count How many vectors.
 * @param features The length of each.
 * @param options A padding row, initialiser, dtype.
 * @returns A layer from integers `[...]` to `[..., features]`.
 * @throws {ArgumentError} when a size is not a positive integer.
 * @throws {DtypeError} when the input is not of an integer dtype.
 * @throws {IndexError} when an integer points outside the table.
 *
 * @example Rows of the table
 * ```ts
 * import { nn, random, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.embedding(10, 4);
 * const [params, state] = layer.init(random.key(0));
 * const [y] = layer.apply(params, state, tensor([3, 3], { dtype: "int32" }));
 * assertTensorsClose(y.at(0), params.weight.at(3));
 * ```
 */
export function embedding(
  count: number,
  features: number,
  options?: EmbeddingOptions,
): Layer<EmbeddingParams, Empty> {
  checkCount(count, "count", "embedding");
  checkCount(features, "features", "embedding");
  const read = readOptions("Cannot make an embedding layer", options, [
    "paddingIdx",
    "weightInit",
    "dtype",
    "computeDtype",
  ]);
  const { weightInit = normal(1), paddingIdx } = read;
  checkInitializer(weightInit, "weightInit", "embedding");
  if (
    paddingIdx !== undefined &&
    !(Number.isInteger(paddingIdx) && paddingIdx >= -count && paddingIdx < count)
  ) {
    throw argumentError(
      `Cannot make an embedding layer with paddingIdx ${describeValue(paddingIdx)}: ` +
        `expected an integer from ${-count} to ${count - 1}`,
    );
  }
  const dtype = checkParameterDtype(read.dtype ?? defaultFloat(), "embedding");
  const isPadding = (): Tensor =>
    reshape(
      equal(arange(count, { dtype: "int32" }), (paddingIdx! + count) % count),
      [count, 1],
    );
  return inComputeDtype(
    read,
    described({ name: "embedding", args: [count, features], settings: { paddingIdx } }, {
      init(key) {
        const weight = weightInit(key, [count, features], dtype);
        return [{ weight: paddingIdx === undefined ? weight : where(isPadding(), 0, weight) }, {}];
      },
      apply(params, state, x) {
        const indices = toTensor(x, "Cannot apply embedding");
        if (!isInteger(indices.dtype)) {
          throw dtypeError(
            `Cannot apply embedding to ${
              showType(indices)
            }: expected integers; convert with astype`,
          );
        }
        const weight = readLeaf(params, "params", "weight", "embedding");
        const table = paddingIdx === undefined
          ? weight
          : where(isPadding(), stopGradient(weight), weight);
        return [gather(table, indices), state];
      },
    }),
  );
}
