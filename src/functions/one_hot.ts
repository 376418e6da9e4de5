/**
 * Class numbers as rows of zeros with a one.
 *
 * @module
 */
import { defaultFloat, wideDtype } from "../base/dtype.ts";
import { checkShape, range, showType } from "../base/shape.ts";
import type { DtypeOptions } from "../core/methods.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { equal } from "../primitives/comparison.ts";
import * as structure from "../primitives/structure.ts";
import { checkLength, toIndices } from "./arguments.ts";
import { readDtype } from "./options.ts";

/**
 * Indices as vectors that are one at the index and zero elsewhere.
 *
 * @category Creation
 * @param x Integers of any shape. An index below 0 or not below `classes` gives a row of zeros, as in
 * JAX.
 * @param classes The number of classes.
 * @param options The dtype of the result; default `float32`.
 * @returns `x`'s shape with a new last axis of length `classes`.
 * @throws {DtypeError} when `x` is not of an integer dtype.
 *
 * @example Labels of three classes
 * ```ts
 * import { oneHot } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(oneHot([2, 0], 3), [[0, 0, 1], [1, 0, 0]]);
 * ```
 */
export function oneHot(x: TensorLike, classes: number, options?: DtypeOptions): Tensor {
  const given = toIndices(x, "Cannot encode as one-hot");
  const what = `Cannot encode ${showType(given)} as one-hot`;
  // Narrow integers may not hold all classes.
  const indices = structure.convert(given, wideDtype(given.dtype));
  const dtype = readDtype(what, options, defaultFloat());
  const shape = checkShape(
    [...indices.shape, checkLength(classes, what, "a number of classes")],
    what,
  );
  const hot = equal(
    structure.broadcast(indices, shape, range(indices.ndim)),
    structure.broadcast(structure.iota(shape[indices.ndim], indices.dtype), shape, [indices.ndim]),
  );
  return structure.convert(hot, dtype);
}
