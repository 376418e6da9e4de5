/**
 * Trees of tensors as vectors.
 *
 * @module
 */
import { defaultFloat, describeValue, isInexact, promoteDtypes } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { showType, sizeOf } from "../base/shape.ts";
import { isComplexTensor } from "../core/complex.ts";
import { leafToTensor, toTensor } from "../core/convert.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import * as core from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import type { TensorsOf, WithNumbers } from "../core/tree_types.ts";
import {
  add as addTensors,
  astype,
  concatenate,
  conj,
  mul,
  norm as normOfTensor,
  reshape,
  stack,
  sum as sumOfTensor,
  zerosLike as zerosLikeTensor,
} from "../functions/mod.ts";

/** The leaves of a tree as tensors. `what` begins messages: "Cannot sum a tree". */
function tensorsOf(tree: unknown, what: string): { leaves: Tensor[]; structure: Structure } {
  const { leaves, structure } = core.flatten(tree, isComplexTensor);
  const paths = core.leafPaths(structure);
  return { leaves: leaves.map((leaf, i) => leafToTensor(leaf, paths[i], what)), structure };
}

/** The leaves of two trees of one structure and equal shapes, as tensors. */
function tensorPairs(a: unknown, b: unknown, what: string): [Structure, [Tensor, Tensor][]] {
  const { leaves, structure } = tensorsOf(a, what);
  const others = tensorsOf(b, what);
  core.checkSameStructure(structure, others.structure, what);
  const paths = core.leafPaths(structure);
  const pairs = leaves.map((x, i): [Tensor, Tensor] => {
    const y = others.leaves[i];
    if (String(x.shape) === String(y.shape)) return [x, y];
    throw shapeError(
      `${what}: ${showType(x)} and ${showType(y)} at ${core.showPath(paths[i])}: ` +
        `expected equal shapes`,
    );
  });
  return [structure, pairs];
}

function promoteAll(tensors: readonly Tensor[]): Dtype {
  return tensors.length === 0
    ? defaultFloat()
    : tensors.map(({ dtype }) => dtype).reduce((a, b) => promoteDtypes(a, b));
}

/** The sum of scalars, zero of none. */
function total(scalars: readonly Tensor[]): Tensor {
  return scalars.length === 0
    ? splat(0, defaultFloat(), [])
    : scalars.reduce((a, b) => addTensors(a, b));
}

/**
 * All elements of a tree as one vector, and the way back.
 *
 * @param tree A tree of tensors.
 * @returns The vector `[n]` of the widest dtype among the leaves, in the order of `tree.leaves`; and a
 * function that makes a tree like `tree` of such a vector, whose leaves have their own dtypes again. It
 * throws a `ShapeError` when its argument is no `[n]`.
 * @throws {TreeError} when a leaf is neither a tensor nor numbers.
 *
 * @example There and back
 * ```ts
 * import { tensor, tree } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [vector, unravel] = tree.ravel({ weight: tensor([[1, 2], [3, 4]]), bias: tensor([5]) });
 * assertTensorsClose(vector, [5, 1, 2, 3, 4]);
 * assertTensorsClose(unravel(vector.mul(2)).weight, [[2, 4], [6, 8]]);
 * ```
 */
export function ravel<T>(
  tree: T & WithNumbers<T>,
): [vector: Tensor, unravel: (vector: TensorLike) => TensorsOf<T>];
/** The same for trees that hold only tensors, or whose types are type parameters. */
export function ravel<T>(tree: T): [vector: Tensor, unravel: (vector: TensorLike) => T];
export function ravel(tree: unknown): [vector: Tensor, unravel: (vector: TensorLike) => unknown] {
  const { leaves, structure } = tensorsOf(tree, "Cannot ravel a tree");
  const dtype = promoteAll(leaves);
  const parts = leaves.map((leaf) => reshape(astype(leaf, dtype), [-1]));
  const types = leaves.map(({ dtype, shape }) => ({ dtype, shape }));
  const size = types.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const unravel = (vector: TensorLike): unknown => {
    const what = "Cannot unravel a vector";
    const x = toTensor(vector, what);
    if (x.ndim !== 1 || x.shape[0] !== size) {
      throw shapeError(`${what} ${showType(x)}: expected shape [${size}]`);
    }
    let start = 0;
    const pieces = types.map(({ dtype, shape }) => {
      const stop = start + sizeOf(shape);
      const piece = x.at([start, stop]);
      start = stop;
      return astype(reshape(piece, shape), dtype);
    });
    return core.unflatten(structure, pieces);
  };
  return [parts.length === 0 ? splat(0, dtype, [0]) : concatenate(parts), unravel];
}

/**
 * The sum of all elements of a tree.
 *
 * @param tree A tree of tensors.
 * @returns A scalar; zero for a tree without leaves.
 * @throws {TreeError} when a leaf is neither a tensor nor numbers.
 *
 * @example Weights and biases
 * ```ts
 * import { tensor, tree } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(tree.sum({ weight: tensor([1, 2]), bias: tensor(3) }), 6);
 * ```
 */
export function sum(tree: unknown): Tensor {
  return total(tensorsOf(tree, "Cannot sum a tree").leaves.map((leaf) => sumOfTensor(leaf)));
}

/** Options of `norm`. */
export interface TreeNormOptions {
  /** The order p of the norm: a number above 0, or infinity for the largest magnitude. Default 2. */
  readonly ord?: number;
}

/**
 * The norm of all elements of a tree together: (∑ |x|ᵖ)^(1/p). Its derivative at zero is zero.
 *
 * @param tree A tree of tensors.
 * @param options The order p.
 * @returns A scalar of the widest floating-point dtype among the leaves; zero for a tree without any.
 * @throws {ArgumentError} when the order is not above 0.
 * @throws {TreeError} when a leaf is neither a tensor nor numbers.
 *
 * @example The length of two vectors together
 * ```ts
 * import { tensor, tree } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(tree.norm({ weight: tensor([[1, 2]]), bias: tensor([2]) }), 3);
 * assertTensorsClose(tree.norm([tensor([1, -4]), tensor(2)], { ord: Infinity }), 4);
 * ```
 */
export function norm(tree: unknown, options?: TreeNormOptions): Tensor {
  const what = "Cannot take the norm of a tree";
  const { ord = 2 } = readOptions(what, options, ["ord"]);
  if (!(typeof ord === "number" && ord > 0)) {
    throw argumentError(
      `${what} with ord ${describeValue(ord)}: expected a number above 0, or infinity`,
    );
  }
  const { leaves } = tensorsOf(tree, what);
  const counted = leaves.filter(({ size }) => size > 0);
  if (counted.length === 0) return splat(0, defaultFloat(), []);
  const widest = promoteAll(counted);
  const dtype = isInexact(widest) ? widest : defaultFloat();
  // A norm of norms, each without a derivative at zero, so that one zero leaf among others is safe.
  const norms = counted.map((leaf) => normOfTensor(astype(leaf, dtype), null, { ord }));
  return normOfTensor(stack(norms), null, { ord });
}

/**
 * A tree of zeros like another.
 *
 * @param tree A tree of tensors.
 * @returns A tree of zeros of the same structure, shapes and dtypes.
 * @throws {TreeError} when a leaf is neither a tensor nor numbers.
 *
 * @example Where to begin
 * ```ts
 * import { tensor, tree } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(tree.zerosLike({ weight: tensor([1, 2]) }).weight, [0, 0]);
 * ```
 */
export function zerosLike<T>(tree: T & WithNumbers<T>): TensorsOf<T>;
/** The same for trees that hold only tensors, or whose types are type parameters. */
export function zerosLike<T>(tree: T): T;
export function zerosLike(tree: unknown): unknown {
  const { leaves, structure } = tensorsOf(tree, "Cannot make zeros like a tree");
  return core.unflatten(structure, leaves.map((leaf) => zerosLikeTensor(leaf)));
}

/**
 * The inner product of two trees as vectors: the sum of all products of their elements, those of the
 * first conjugated if they are complex.
 *
 * @param a A tree of tensors.
 * @param b A tree of the same structure and shapes.
 * @returns A scalar; zero for trees without leaves.
 * @throws {TreeError} when the trees have different structures, or a leaf is neither a tensor nor numbers.
 * @throws {ShapeError} when two leaves have different shapes.
 *
 * @example How far two gradients point the same way
 * ```ts
 * import { tensor, tree } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const a = { weight: tensor([1, 2]), bias: tensor(3) };
 * assertTensorsClose(tree.dot(a, a), 14);
 * ```
 */
export function dot(a: unknown, b: unknown): Tensor {
  const [, pairs] = tensorPairs(a, b, "Cannot multiply these trees");
  return total(pairs.map(([x, y]) => sumOfTensor(mul(conj(x), y))));
}

/**
 * A multiple of one tree plus another: `alpha * x + y`, as BLAS names it.
 *
 * @param alpha A number or a scalar tensor.
 * @param x A tree of tensors.
 * @param y A tree of the same structure and shapes.
 * @returns A tree like `y`, in the dtypes that the sums have.
 * @throws {TreeError} when the trees have different structures, or a leaf is neither a tensor nor numbers.
 * @throws {ShapeError} when two leaves have different shapes, or `alpha` is not a scalar.
 *
 * @example A step against a gradient
 * ```ts
 * import { tensor, tree } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const next = tree.axpy(-0.5, { w: tensor([2, 4]) }, { w: tensor([1, 1]) });
 * assertTensorsClose(next.w, [0, -1]);
 * ```
 */
export function axpy<T>(alpha: TensorLike, x: unknown, y: T & WithNumbers<T>): TensorsOf<T>;
/** The same for trees that hold only tensors, or whose types are type parameters. */
export function axpy<T>(alpha: TensorLike, x: unknown, y: T): T;
export function axpy(alpha: TensorLike, x: unknown, y: unknown): unknown {
  const what = "Cannot add trees";
  const factor = typeof alpha === "number" ? alpha : toTensor(alpha, what);
  if (typeof factor !== "number" && factor.ndim > 0) {
    throw shapeError(`${what} with alpha ${showType(factor)}: expected a scalar`);
  }
  const [structure, pairs] = tensorPairs(x, y, what);
  return core.unflatten(structure, pairs.map(([x, y]) => addTensors(mul(x, factor), y)));
}
