/**
 * Sums, means and maxima of embeddings.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { sameShape, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { described } from "../core/description.ts";
import { Concrete } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { toIndices } from "../functions/arguments.ts";
import {
  arange,
  argmax,
  div,
  expandDims,
  full,
  maximum,
  mul,
  notEqual,
  searchsorted,
  segmentMax,
  segmentSum,
  squeeze,
  sub,
  sum,
  takeAlongAxis,
  where,
} from "../functions/mod.ts";
import { embedding } from "./embedding.ts";
import type { EmbeddingOptions, EmbeddingParams } from "./embedding.ts";
import type { Empty, Layer } from "./layer.ts";

/**
 * Options of `embeddingBag`.
 *
 * @category Layers
 */
export interface EmbeddingBagOptions extends EmbeddingOptions {
  /** The reduction of a bag's vectors. Default `"mean"`. */
  readonly mode?: "sum" | "mean" | "max";
}

/**
 * Bags of different lengths, or of vectors that count by different amounts.
 *
 * @category Layers
 */
export interface EmbeddingBagInput {
  /** `[..., bagLength]`, or `[n]` with offsets: integers. */
  readonly indices: TensorLike;
  /** `[bags]`: where each bag begins among the indices, ascending integers of which the first is 0. */
  readonly offsets?: TensorLike;
  /** The shape of `indices`: what each vector is multiplied by; with mode `"sum"` alone. */
  readonly perSampleWeights?: TensorLike;
}

/**
 * The sum, mean or largest of a bag of vectors in a table.
 *
 * @category Layers
 * @param count How many vectors the table has.
 * @param features The length of each.
 * @param options The mode, and those of `embedding`; entries equal to `paddingIdx` do not count.
 * @returns A layer from integers `[..., bagLength]` to `[..., features]`, or from an object of indices `[n]`,
 * offsets and weights to `[bags, features]`; a bag of nothing, or of padding alone, gives zeros. Of equal
 * largest elements the first has the derivative, in bags by offsets all have equal parts of it.
 * @throws {ArgumentError} when a size is not a positive integer, the mode is unknown, offsets do not begin
 * with 0 and ascend, or there are weights in another mode than `"sum"`.
 * @throws {ShapeError} when the input has no axis, or its parts do not fit.
 *
 * @example The mean of two vectors, and sums of bags of two lengths
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const weight = tensor([[1, 2], [3, 4], [5, 6]]);
 * const [y] = nn.embeddingBag(3, 2).apply({ weight }, {}, tensor([[0, 1], [2, 2]], { dtype: "int32" }));
 * assertTensorsClose(y, [[2, 3], [5, 6]]);
 *
 * const sums = nn.embeddingBag(3, 2, { mode: "sum" });
 * const input = { indices: tensor([0, 1, 2], { dtype: "int32" }), offsets: [0, 1] };
 * assertTensorsClose(sums.apply({ weight }, {}, input)[0], [[1, 2], [8, 10]]);
 * ```
 */
export function embeddingBag(
  count: number,
  features: number,
  options?: EmbeddingBagOptions,
): Layer<EmbeddingParams, Empty, Tensor | EmbeddingBagInput> {
  const { mode = "mean", ...rest } = options ?? {};
  if (mode !== "sum" && mode !== "mean" && mode !== "max") {
    throw argumentError(
      `Cannot make an embeddingBag layer with mode ${describeValue(mode)}: ` +
        `expected "sum", "mean" or "max"`,
    );
  }
  const table = embedding(count, features, rest);
  const settings = { mode, ...rest };
  const { paddingIdx } = rest;
  const padding = paddingIdx == null ? undefined : (paddingIdx + count) % count;
  return described({ name: "embeddingBag", args: [count, features], settings }, {
    init: (key) => table.init(key),
    apply(params, state, x, context) {
      const { indices, offsets, weights } = readBags(x, mode);
      const [rows] = table.apply(params, state, indices, context);
      const counts = padding === undefined
        ? full(indices.shape, 1, { dtype: rows.dtype })
        : notEqual(indices, padding).astype(rows.dtype);
      const isCounted = expandDims(counts.greater(0), -1);
      const vectors = weights === undefined ? rows : mul(rows, expandDims(weights, -1));
      const { total, largest } = offsets === undefined ? lastBags : bagsFrom(offsets, indices.size);
      if (mode === "sum") return [total(where(isCounted, vectors, 0)), state];
      const number = total(expandDims(counts, -1));
      if (mode === "max") {
        const found = largest(where(isCounted, vectors, -Infinity));
        return [where(number.greater(0), found, 0), state];
      }
      return [div(total(where(isCounted, vectors, 0)), maximum(number, 1)), state];
    },
  });
}

/** The reduction of vectors `[..., features]` of bags. */
interface Bags {
  readonly total: (vectors: Tensor) => Tensor;
  readonly largest: (vectors: Tensor) => Tensor;
}

/** Bags along the axis before the last. */
const lastBags: Bags = {
  total: (vectors) => sum(vectors, -2),
  largest(vectors) {
    // The first of equal ones, as in PyTorch, and not all of them, has the derivative.
    const places = argmax(vectors, -2, { keepdims: true });
    return squeeze(takeAlongAxis(vectors, places, -2), -2);
  },
};

/** Bags of `size` vectors that begin at these places. */
function bagsFrom(offsets: Tensor, size: number): Bags {
  const positions = arange(size, { dtype: "int32" });
  const ids = sub(searchsorted(offsets, positions, { side: "right" }), 1);
  const of = { numSegments: offsets.size };
  return {
    total: (vectors) => segmentSum(vectors, ids, of),
    largest: (vectors) => segmentMax(vectors, ids, of),
  };
}

function readBags(
  x: unknown,
  mode: string,
): { indices: Tensor; offsets?: Tensor; weights?: Tensor } {
  const what = "Cannot apply embeddingBag";
  const isObject = typeof x === "object" && x !== null && "indices" in x;
  const input = isObject
    ? readOptions<EmbeddingBagInput>(what, x as EmbeddingBagInput, [
      "indices",
      "offsets",
      "perSampleWeights",
    ])
    : { indices: x as Tensor } as EmbeddingBagInput;
  const indices = toTensor(input.indices!, what);
  if (indices.ndim === 0) {
    throw shapeError(`${what} to ${showType(indices)}: expected [..., bagLength]`);
  }
  const shown = `${what} to ${showType(indices)}`;
  const weights = input.perSampleWeights === undefined
    ? undefined
    : toTensor(input.perSampleWeights, `${what} with these perSampleWeights`);
  if (weights !== undefined && mode !== "sum") {
    throw argumentError(`${what} with perSampleWeights: expected mode "sum", got "${mode}"`);
  }
  if (weights !== undefined && !sameShape(weights.shape, indices.shape)) {
    throw shapeError(
      `${shown} with perSampleWeights ${showType(weights)}: expected the shape of the indices`,
    );
  }
  const given = weights === undefined ? { indices } : { indices, weights };
  if (input.offsets === undefined) return given;
  const offsets = toIndices(input.offsets, `${what} with these offsets`);
  if (offsets.ndim !== 1 || offsets.size === 0 || indices.ndim !== 1) {
    throw shapeError(`${shown} with offsets ${showType(offsets)}: expected [n] and [bags]`);
  }
  if (offsets instanceof Concrete) {
    const list = Array.from(offsets.elements, Number);
    const ascends = list.every((offset, i) => i === 0 ? offset === 0 : offset >= list[i - 1]);
    if (!ascends || list[list.length - 1] > indices.size) {
      throw argumentError(
        `${shown} with offsets [${list.slice(0, 8).join(", ")}${
          list.length > 8 ? ", ..." : ""
        }]: ` +
          `expected numbers from 0 to ${indices.size}, which begin with 0 and ascend`,
      );
    }
  }
  return { ...given, offsets };
}
