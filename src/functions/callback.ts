/**
 * Values that functions compute outside of programs.
 *
 * @module
 */
import { describeValue, isComplex } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { sameShape, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Concrete, Tensor, TensorLike, Type } from "../core/tensor.ts";
import { TensorType } from "../core/tensor_type.ts";
import { bind } from "../core/trace.ts";
import { flatten, flattenUpTo, unflatten } from "../core/tree.ts";
import type { Tree } from "../core/tree.ts";
import { pureCallbackPrimitive } from "../primitives/callback.ts";
import { convert } from "../primitives/structure.ts";
import { readValues } from "./debug.ts";

/**
 * Values that a function computes outside of programs: eagerly at once, in compiled code between two parts of
 * it. It may do what programs cannot (read a table, call another library), but must be pure: it may be called
 * more than once, or not at all where nobody needs the result.
 *
 * Under `vmap` it is called once for each example. It has no derivative: give it one with `customJvp` or
 * `customVjp`.
 *
 * @param callback Gets concrete tensors in the places of the values; what is neither number nor tensor
 * reaches it as it is. Returns a tree like `resultTypes` of tensors, numbers or arrays.
 * @param resultTypes The types of the results: a `TensorType`, or a tree of them, of real dtypes.
 * @param args Trees of values.
 * @returns A tree like `resultTypes` of tensors.
 * @throws {ArgumentError} when `callback` is no function, or `resultTypes` holds anything else; from
 * derivatives.
 * @throws {ShapeError} when a result has another shape than was said.
 * @throws {TreeError} when the results are another tree.
 *
 * @example A function of numbers, compiled
 * ```ts
 * import { jit, pureCallback, tensor, TensorType, vmap } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const type = new TensorType("float32", []);
 * const squared = (x: Tensor) => pureCallback((v: Tensor) => Math.fround(v.item() ** 2), type, x);
 * assertTensorsClose(jit(vmap(squared))(tensor([1, 2, 3])), [1, 4, 9]);
 * ```
 */
export function pureCallback<Result = Tensor>(
  callback: (...values: never[]) => unknown,
  resultTypes: Tree<TensorType>,
  ...args: readonly unknown[]
): Result {
  const what = "Cannot call back";
  if (typeof callback !== "function") {
    throw argumentError(`${what} ${describeValue(callback)}: expected a function of the values`);
  }
  const expected = flatten<TensorType>(resultTypes);
  const types = expected.leaves.map((leaf): Type => {
    if (!(leaf instanceof TensorType)) {
      throw argumentError(
        `${what} for a result of type ${describeValue(leaf)}: expected a TensorType`,
      );
    }
    if (isComplex(leaf.dtype)) {
      throw dtypeError(`${what} for ${leaf}: expected a real dtype; return both parts`);
    }
    return { dtype: leaf.dtype, shape: leaf.shape };
  });
  const { tensors, fill } = readValues(args, "Cannot call back with these values");
  const run = (values: readonly Concrete[]): Concrete[] => {
    const given = callback(...fill(values) as never[]);
    const use = `${what}: the results must be like the types that were given`;
    const leaves = flattenUpTo(expected.structure, given, use);
    return leaves.map((leaf, i) => {
      const { dtype, shape } = types[i];
      const value = toTensor(leaf as TensorLike, `${what}: cannot use the result`);
      if (!sameShape(value.shape, shape)) {
        throw shapeError(
          `${what}: expected a result ${showType(types[i])}, got ${showType(value)}`,
        );
      }
      return convert(value, dtype).concrete("read");
    });
  };
  Object.defineProperty(run, "name", { value: callback.name });
  const results = bind(pureCallbackPrimitive, tensors, { callback: run, types, levels: [] });
  return unflatten(expected.structure, results) as Result;
}
