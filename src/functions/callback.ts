/**
 * Values that functions compute outside of programs.
 *
 * @module
 */
import { describeValue, isComplex } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { sameShape, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Concrete, Tensor, TensorLike, Type } from "../core/tensor.ts";
import { TensorType } from "../core/tensor_type.ts";
import { bind } from "../core/trace.ts";
import { flatten, flattenUpTo, unflatten } from "../core/tree.ts";
import type { Tree } from "../core/tree.ts";
import { pureCallbackPrimitive } from "../primitives/callback.ts";
import type { VmapMethod } from "../primitives/callback.ts";
import { convert } from "../primitives/structure.ts";
import { readValues } from "./debug.ts";

/** All methods. */
const METHODS: readonly VmapMethod[] = ["sequential", "expandDims", "broadcastAll"];

/**
 * A callback and how it computes the results of a batch.
 *
 * @category Custom rules
 */
export interface BatchedCallback {
  /** Gets concrete tensors in the places of the values. */
  readonly callback: (...values: never[]) => unknown;
  /**
   * Under `vmap`: `"sequential"` (the default) calls it once for each example. The others call it once, with the
   * mapped axes as leading axes of each value, and expect them as leading axes of each result: a value that
   * is not mapped has length 1 there with `"expandDims"`, and is broadcast with `"broadcastAll"`.
   */
  readonly vmapMethod?: VmapMethod;
}

/**
 * Values that a function computes outside of programs: eagerly at once, in compiled code between two parts
 * of it. It may do what programs cannot (read a table, call another library), but must be pure: it may be
 * called more than once, or not at all where the result is not needed.
 *
 * Under `vmap` it is called once for each example, unless `vmapMethod` says that it takes all at once. It has no derivative: give it one with `customJvp` or
 * `customVjp`.
 *
 * @category Custom rules
 * @param callback Gets concrete tensors instead of the values; anything that is neither number nor tensor
 * is passed unchanged. Returns a tree like `resultTypes` of tensors, numbers or arrays. Or an object of the
 * function and its `vmapMethod`: `{ callback, vmapMethod: "broadcastAll" }`.
 * @param resultTypes The types of the results: a `TensorType`, or a tree of them, of real dtypes.
 * @param args Trees of values.
 * @returns A tree like `resultTypes` of tensors.
 * @throws {ArgumentError} when `callback` is not a function, `vmapMethod` unknown, or `resultTypes` holds
 * anything else; from derivatives.
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
 *
 * const callback = (v: Tensor) => v.mul(v);
 * const atOnce = (x: Tensor) => pureCallback({ callback, vmapMethod: "expandDims" }, type, x);
 * assertTensorsClose(vmap(atOnce)(tensor([1, 2, 3])), [1, 4, 9]);
 * ```
 */
export function pureCallback<Result = Tensor>(
  callback: ((...values: never[]) => unknown) | BatchedCallback,
  resultTypes: Tree<TensorType>,
  ...args: readonly unknown[]
): Result {
  const what = "Cannot call back";
  const { callback: call, vmapMethod: method = "sequential" } = typeof callback === "function"
    ? { callback }
    : readOptions<BatchedCallback>(what, callback, ["callback", "vmapMethod"]);
  if (typeof call !== "function") {
    throw argumentError(`${what} ${describeValue(call)}: expected a function of the values`);
  }
  if (!METHODS.includes(method)) {
    throw argumentError(
      `${what} with vmapMethod ${describeValue(method)}: expected one of ${METHODS.join(", ")}`,
    );
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
  const run = (values: readonly Concrete[], types: readonly Type[]): Concrete[] => {
    const given = call(...fill(values) as never[]);
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
  Object.defineProperty(run, "name", { value: call.name });
  const params = { callback: run, method, types, levels: [] };
  const results = bind(pureCallbackPrimitive, tensors, params);
  return unflatten(expected.structure, results) as Result;
}
