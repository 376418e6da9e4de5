/**
 * Collectives: what the examples of a named `vmap` axis do together.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { checkAxis, showType } from "../base/shape.ts";
import { findAxis } from "../core/axes.ts";
import type { NamedAxis } from "../core/axes.ts";
import { isComplexTensor } from "../core/complex.ts";
import { leafToTensor } from "../core/convert.ts";
import type { Tensor } from "../core/tensor.ts";
import { flatten, leafPaths, unflatten } from "../core/tree.ts";
import type { TensorsOf } from "../core/tree_types.ts";
import { add, mul } from "../primitives/arithmetic.ts";
import * as collective from "../primitives/collective.ts";
import type { CollectiveParams } from "../primitives/collective.ts";
import { constantLike, convert, reshape } from "../primitives/structure.ts";
import { floatOperand } from "./broadcasting.ts";

/**
 * The name of an axis that `vmap` maps, or a list of several names, outermost first.
 *
 * @category Collectives
 */
export type AxisNames = string | readonly string[];

/**
 * Options of `allGather`.
 *
 * @category Collectives
 */
export interface AllGatherOptions {
  /** Where in the result the examples are listed: 0 by default, negative from the last. */
  readonly axis?: number;
  /** Whether values are joined along an axis that they have, instead of stacked along a new one. */
  readonly tiled?: boolean;
}

/**
 * Options of `psumScatter`.
 *
 * @category Collectives
 */
export interface PsumScatterOptions {
  /** The axis that is divided among the examples: 0 by default, negative from the last. */
  readonly axis?: number;
  /** Whether each example gets a part of that axis, instead of one entry without the axis. */
  readonly tiled?: boolean;
}

/**
 * Options of `allToAll`.
 *
 * @category Collectives
 */
export interface AllToAllOptions {
  /** Whether parts of axes are exchanged and joined, instead of entries of one axis stacked along another. */
  readonly tiled?: boolean;
}

/** The axes that are named, in the order given. `what` begins messages: "Cannot psum". */
function findAxes(axisName: AxisNames, what: string): readonly NamedAxis[] {
  if (!Array.isArray(axisName)) return [findAxis(axisName, what)];
  const axes = Array.from(axisName, (name) => findAxis(name, what));
  if (axes.length === 0) {
    throw argumentError(`${what} over no axes: name at least one`);
  }
  axes.forEach((axis, i) => {
    if (axes.indexOf(axis) === i) return;
    throw argumentError(`${what}: the axis ${describeValue(axis.name)} is named twice`);
  });
  return axes;
}

/** How many examples the axes have together. */
function countOf(axes: readonly NamedAxis[]): number {
  return axes.reduce((product, { size }) => product * size, 1);
}

/** The parameters of a collective over an axis. */
function paramsOf({ id, size }: NamedAxis): CollectiveParams {
  return { axisName: id, axisSize: size };
}

/** Applies a collective over each axis in turn. */
function overEach(
  axes: readonly NamedAxis[],
  x: Tensor,
  step: (x: Tensor, params: CollectiveParams) => Tensor,
): Tensor {
  return axes.reduce((value, axis) => step(value, paramsOf(axis)), x);
}

/** Applies `f` to each leaf of a tree. */
function mapLeaves<T>(
  tree: T,
  what: string,
  f: (x: Tensor, leaf: unknown) => Tensor,
): TensorsOf<T> {
  const { leaves, structure } = flatten(tree, isComplexTensor);
  const paths = leafPaths(structure);
  const results = leaves.map((leaf, i) => f(leafToTensor(leaf, paths[i], what), leaf));
  return unflatten(structure, results) as TensorsOf<T>;
}

/** Bools as int32, for what adds them. */
function countable(x: Tensor): Tensor {
  return x.dtype === "bool" ? convert(x, "int32") : x;
}

/**
 * Sum over the examples of a named axis, the same for each.
 *
 * A number is known while tracing: `psum(1, axisName)` is the length of the axis, also under `jit`.
 *
 * Inside the function that `vmap` maps, the derivative is that of all examples together: what one
 * example's value adds to the results of all of them counts, so that the cotangents of all examples
 * are summed.
 *
 * All examples take part. A branch of `cond` may contain a collective if all examples take the same branch; in a
 * `whileLoop`, examples that are done take part with their final values.
 *
 * @category Collectives
 * @param x A tree of tensors.
 * @param axisName The name that `vmap` has for the axis, or a list of several. Where axes inside each other
 * have one name, the innermost is used.
 * @returns A tree like `x` of the same shapes and dtypes (`int32` for `bool`).
 * @throws {ArgumentError} when no axis of the name is in scope.
 *
 * @example Softmax over a named axis
 * ```ts
 * import { exp, pmax, psum, tensor, vmap } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const softmax = (x: Tensor) => {
 *   const weight = exp(x.sub(pmax(x, "classes")));
 *   return weight.div(psum(weight, "classes"));
 * };
 * const p = vmap(softmax, 0, 0, { axisName: "classes" })(tensor([0, Math.log(3)]));
 * assertTensorsClose(p, [0.25, 0.75], { rtol: 1e-6 });
 * ```
 */
export function psum<T>(x: T, axisName: AxisNames): TensorsOf<T> {
  const what = "Cannot psum";
  const axes = findAxes(axisName, what);
  return mapLeaves(
    x,
    what,
    (value, leaf) =>
      typeof leaf === "number"
        ? leafToTensor(leaf * countOf(axes), [], what)
        : overEach(axes, countable(value), collective.psum),
  );
}

/**
 * Mean over the examples of a named axis, the same for each: what makes gradients of a part of a
 * batch those of all of it.
 *
 * @category Collectives
 * @param x A tree of tensors.
 * @param axisName The name that `vmap` has for the axis, or a list of several.
 * @returns A tree like `x` of the same shapes; `float32` for integers and `bool`.
 * @throws {ArgumentError} when no axis of the name is in scope.
 *
 * @example A step that is the same wherever the examples are
 * ```ts
 * import { grad, pmean, tensor, vmap } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const loss = (w: Tensor, x: Tensor, y: Tensor) => w.mul(x).sum().sub(y).square();
 * const step = (w: Tensor, x: Tensor, y: Tensor) =>
 *   w.sub(pmean(grad(loss)(w, x, y), "batch").mul(0.1));
 * const w = vmap(step, [null, 0, 0], null, { axisName: "batch" })(
 *   tensor([1, 1]),
 *   tensor([[1, 0], [0, 2]]),
 *   tensor([0, 0]),
 * );
 * assertTensorsClose(w, [0.9, 0.6]);
 * ```
 *
 * @example Batch normalisation of one example
 * ```ts
 * import { pmean, sqrt, tensor, vmap } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const normalize = (x: Tensor) => {
 *   const centred = x.sub(pmean(x, "batch"));
 *   return centred.div(sqrt(pmean(centred.square(), "batch")));
 * };
 * const x = tensor([[1, 10], [3, 10.5]]);
 * const y = vmap(normalize, 0, 0, { axisName: "batch" })(x);
 * assertTensorsClose(y, [[-1, -1], [1, 1]]);
 * ```
 */
export function pmean<T>(x: T, axisName: AxisNames): TensorsOf<T> {
  const what = "Cannot pmean";
  const axes = findAxes(axisName, what);
  return mapLeaves(x, what, (value) => overEach(axes, floatOperand(value), collective.pmean));
}

/**
 * The largest of the examples of a named axis, the same for each. Ties share the derivative evenly;
 * NaN is the largest of all.
 *
 * @category Collectives
 * @param x A tree of tensors, compared element by element.
 * @param axisName The name that `vmap` has for the axis, or a list of several.
 * @returns A tree like `x` of the same shapes and dtypes.
 * @throws {ArgumentError} when no axis of the name is in scope.
 * @throws {ShapeError} when the axis has length 0.
 *
 * @example How far below the best
 * ```ts
 * import { pmax, tensor, vmap } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const below = vmap((x) => pmax(x, "runs").sub(x), 0, 0, { axisName: "runs" });
 * assertTensorsClose(below(tensor([3, 7, 5])), [4, 0, 2]);
 * ```
 */
export function pmax<T>(x: T, axisName: AxisNames): TensorsOf<T> {
  const what = "Cannot pmax";
  const axes = findAxes(axisName, what);
  return mapLeaves(x, what, (value) => overEach(axes, value, collective.pmax));
}

/**
 * The smallest of the examples of a named axis, the same for each. Ties share the derivative evenly;
 * NaN is the smallest of all.
 *
 * @category Collectives
 * @param x A tree of tensors, compared element by element.
 * @param axisName The name that `vmap` has for the axis, or a list of several.
 * @returns A tree like `x` of the same shapes and dtypes.
 * @throws {ArgumentError} when no axis of the name is in scope.
 * @throws {ShapeError} when the axis has length 0.
 *
 * @example A common offset
 * ```ts
 * import { pmin, tensor, vmap } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const fromZero = vmap((x) => x.sub(pmin(x, "runs")), 0, 0, { axisName: "runs" });
 * assertTensorsClose(fromZero(tensor([3, 7, 5])), [0, 4, 2]);
 * ```
 */
export function pmin<T>(x: T, axisName: AxisNames): TensorsOf<T> {
  const what = "Cannot pmin";
  const axes = findAxes(axisName, what);
  return mapLeaves(x, what, (value) => overEach(axes, value, collective.pmin));
}

/**
 * The values of all examples of a named axis, the same for each.
 *
 * @category Collectives
 * @param x A tree of tensors.
 * @param axisName The name that `vmap` has for the axis, or a list of several: their examples are then
 * counted with the last axis the fastest.
 * @param options `axis`: where the examples are listed, 0 by default; `tiled`: whether they are joined
 * along that axis of theirs instead of stacked along a new one.
 * @returns A tree like `x`, with the number of examples as the length of a new axis, or as a factor of
 * an old one.
 * @throws {ArgumentError} when no axis of the name is in scope.
 * @throws {AxisError} when `axis` is out of range.
 *
 * @example Distances to all other examples
 * ```ts
 * import { abs, allGather, tensor, vmap } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const distances = vmap((x) => abs(allGather(x, "i").sub(x)), 0, 0, { axisName: "i" });
 * assertTensorsClose(distances(tensor([1, 4])), [[0, 3], [3, 0]]);
 * ```
 */
export function allGather<T>(
  x: T,
  axisName: AxisNames,
  options?: AllGatherOptions,
): TensorsOf<T> {
  const what = "Cannot allGather";
  const axes = findAxes(axisName, what);
  const { axis = 0, tiled = false } = readOptions(what, options, ["axis", "tiled"]);
  checkFlag(tiled, what, "tiled");
  return mapLeaves(x, what, (value) => {
    const ndim = tiled ? value.ndim : value.ndim + 1;
    const place = checkAxis(axis, ndim, `${what} ${showType(value)}`);
    const gathered = axes.toReversed().reduce(
      (part, named) => collective.allGather(part, { ...paramsOf(named), axis: place }),
      value,
    );
    const length = countOf(axes) * (tiled ? value.shape[place] : 1);
    const rest = value.shape.slice(tiled ? place + 1 : place);
    return reshape(gathered, [...value.shape.slice(0, place), length, ...rest]);
  });
}

/**
 * The sum over the examples of a named axis, of which each example gets its own part: `psum`, and then
 * a part by `axisIndex`, for a fraction of the messages. With `allGather` it makes up `psum`.
 *
 * @category Collectives
 * @param x A tree of tensors.
 * @param axisName The name that `vmap` has for the axis, or a list of several: their examples are then
 * counted with the last axis the fastest.
 * @param options `axis`: the axis of `x` with one entry for each example, 0 by default; `tiled`:
 * whether its length may be a multiple of their number, and stays an axis, with each example's part.
 * @returns A tree like `x`, without that axis, or with its length divided by the number of examples
 * (`int32` for `bool`).
 * @throws {ArgumentError} when no axis of the name is in scope.
 * @throws {AxisError} when `axis` is out of range.
 * @throws {ShapeError} when the axis has not one entry, or with `tiled` equally many, for each example.
 *
 * @example Each part of a sum in one place
 * ```ts
 * import { psumScatter, tensor, vmap } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const parts = vmap((x) => psumScatter(x, "i"), 0, 0, { axisName: "i" });
 * assertTensorsClose(parts(tensor([[1, 2], [10, 20]])), [11, 22]);
 * ```
 */
export function psumScatter<T>(
  x: T,
  axisName: AxisNames,
  options?: PsumScatterOptions,
): TensorsOf<T> {
  const what = "Cannot psumScatter";
  const axes = findAxes(axisName, what);
  const { axis = 0, tiled = false } = readOptions(what, options, ["axis", "tiled"]);
  checkFlag(tiled, what, "tiled");
  return mapLeaves(x, what, (value) => {
    const place = checkAxis(axis, value.ndim, `${what} ${showType(value)}`);
    const divided = divideAxis(countable(value), place, axes, tiled, what);
    return axes.reduce(
      (part, named) => collective.psumScatter(part, { ...paramsOf(named), axis: place }),
      divided,
    );
  });
}

/** `x` with the lengths of named axes in place of one of its own; with `tiled`, and the rest of it. */
function divideAxis(
  x: Tensor,
  axis: number,
  axes: readonly NamedAxis[],
  tiled: boolean,
  what: string,
): Tensor {
  const [length, count] = [x.shape[axis], countOf(axes)];
  if (tiled ? length % count !== 0 : length !== count) {
    throw shapeError(
      `${what} ${showType(x)} along axis ${axis}: expected ${tiled ? "a multiple of " : ""}` +
        `${count}, the number of examples, as its length`,
    );
  }
  const lengths = [...axes.map(({ size }) => size), ...(tiled ? [length / count] : [])];
  return reshape(x, [...x.shape.slice(0, axis), ...lengths, ...x.shape.slice(axis + 1)]);
}

/**
 * Exchanges parts between all examples of a named axis: each example sends parts along one axis to the
 * others, and joins the received parts along another. Tensors that were divided over the examples along one
 * axis are then divided along another.
 *
 * @category Collectives
 * @param x A tree of tensors.
 * @param axisName The name that `vmap` has for the axis, or a list of several: their examples are then
 * counted with the last axis the fastest.
 * @param splitAxis The axis of `x` with one entry for each example; negative from the last.
 * @param concatAxis Where the result lists what each example sent; negative from the last.
 * @param options `tiled`: whether the axis to split may be of any multiple of their number, and stays
 * with its length divided by it, while that of the axis `concatAxis` of `x` is multiplied.
 * @returns A tree like `x`, with the one axis taken out and the other put in, or with `tiled`
 * with these lengths changed.
 * @throws {ArgumentError} when no axis of the name is in scope.
 * @throws {AxisError} when one of the axes is out of range.
 * @throws {ShapeError} when the axis has not one entry, or with `tiled` equally many, for each example.
 *
 * @example Rows in each place become columns
 * ```ts
 * import { allToAll, tensor, vmap } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const turn = vmap((row) => allToAll(row, "i", 0, 0), 0, 0, { axisName: "i" });
 * assertTensorsClose(turn(tensor([[1, 2], [3, 4]])), [[1, 3], [2, 4]]);
 * ```
 *
 * @example In each place some positions with all heads, then all positions with some heads
 * ```ts
 * import { allToAll, arange, mesh, shard, shardMap } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const places = mesh({ i: 2 });
 * const exchange = shardMap((x) => allToAll(x, "i", 1, 0, { tiled: true }), {
 *   inSpecs: shard(places, "i", null),
 *   outSpecs: shard(places, null, "i"),
 * });
 * const x = arange(24).reshape([4, 2, 3]);
 * assertTensorsClose(exchange(x), x);
 * ```
 */
export function allToAll<T>(
  x: T,
  axisName: AxisNames,
  splitAxis: number,
  concatAxis: number,
  options?: AllToAllOptions,
): TensorsOf<T> {
  const what = "Cannot allToAll";
  const axes = findAxes(axisName, what);
  const { tiled = false } = readOptions(what, options, ["tiled"]);
  checkFlag(tiled, what, "tiled");
  return mapLeaves(x, what, (value) => {
    const about = `${what} ${showType(value)}`;
    const split = checkAxis(splitAxis, value.ndim, about);
    const concat = checkAxis(concatAxis, value.ndim, about);
    const divided = divideAxis(value, split, axes, tiled, what);
    // Of several axes, those to split are processed one by one, and those to list keep their order.
    const isBefore = concat <= split;
    const exchanged = axes.reduce(
      (part, named, i) =>
        collective.allToAll(part, {
          ...paramsOf(named),
          splitAxis: isBefore ? split + i : split,
          concatAxis: isBefore ? concat + i : concat + axes.length - 1,
        }),
      divided,
    );
    const length = countOf(axes) * (tiled ? exchanged.shape[concat + axes.length] : 1);
    const rest = exchanged.shape.slice(concat + axes.length + (tiled ? 1 : 0));
    return reshape(exchanged, [...exchanged.shape.slice(0, concat), length, ...rest]);
  });
}

/**
 * Sends values from example to example of a named axis.
 *
 * @category Collectives
 * @param x A tree of tensors.
 * @param axisName The name that `vmap` has for the axis.
 * @param permutation Pairs `[source, destination]` of examples, counted from 0; no example sends
 * twice or receives twice. The axis's examples that receive nothing get zeros.
 * @returns A tree like `x` of the same shapes and dtypes.
 * @throws {ArgumentError} when no axis of the name is in scope, or the pairs are none.
 *
 * @example Values moved one example on, and around
 * ```ts
 * import { ppermute, tensor, vmap } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = tensor([1, 2, 3]);
 * const move = (pairs: [number, number][]) =>
 *   vmap((x: Tensor) => ppermute(x, "i", pairs), 0, 0, { axisName: "i" })(x);
 * assertTensorsClose(move([[0, 1], [1, 2]]), [0, 1, 2]);
 * assertTensorsClose(move([[0, 1], [1, 2], [2, 0]]), [3, 1, 2]);
 * ```
 */
export function ppermute<T>(
  x: T,
  axisName: string,
  permutation: readonly (readonly [source: number, destination: number])[],
): TensorsOf<T> {
  const what = "Cannot ppermute";
  const axis = findAxis(axisName, what);
  const params = { ...paramsOf(axis), pairs: readPairs(permutation, axis, what) };
  return mapLeaves(x, what, (value) => collective.ppermute(value, params));
}

/** The pairs of a permutation, checked. */
function readPairs(
  permutation: unknown,
  { name, size }: NamedAxis,
  what: string,
): (readonly [number, number])[] {
  const over = `${what} over the axis ${describeValue(name)} of length ${size}`;
  if (!Array.isArray(permutation)) {
    throw argumentError(
      `${over}: expected a list of pairs [source, destination], got ${describeValue(permutation)}`,
    );
  }
  const isExample = (n: unknown) => Number.isInteger(n) && n as number >= 0 && n as number < size;
  const [sources, destinations] = [new Set<number>(), new Set<number>()];
  const note = (set: Set<number>, example: number, role: string): void => {
    if (set.has(example)) throw argumentError(`${over}: ${example} is a ${role} twice`);
    set.add(example);
  };
  return Array.from(permutation, (pair) => {
    const [source, destination, ...rest] = Array.isArray(pair) ? pair : [];
    if (!isExample(source) || !isExample(destination) || rest.length > 0) {
      throw argumentError(
        `${over}: expected pairs [source, destination] of integers from 0 to ${size - 1}, ` +
          `got ${describeValue(pair)}`,
      );
    }
    note(sources, source + 0, "source");
    note(destinations, destination + 0, "destination");
    return [source + 0, destination + 0];
  });
}

/**
 * The index of the example along a named axis.
 *
 * @category Collectives
 * @param axisName The name that `vmap` has for the axis, or a list of several: their examples are then
 * counted with the last axis the fastest.
 * @returns `int32`, a scalar from 0 to the number of examples less one.
 * @throws {ArgumentError} when no axis of the name is in scope.
 *
 * @example Another random key for each example
 * ```ts
 * import { axisIndex, random, tensor, vmap } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [key, x] = [random.key(0), tensor([10, 20, 30])];
 * const numbers = vmap((x) => x.add(axisIndex("i")), 0, 0, { axisName: "i" });
 * assertTensorsClose(numbers(x), [10, 21, 32]);
 * const noise = vmap((x) => random.normal(random.foldIn(key, axisIndex("i"))).mul(x), 0, 0, {
 *   axisName: "i",
 * });
 * assertTensorsClose(noise(x).at(1), random.normal(random.foldIn(key, 1)).mul(20));
 * ```
 */
export function axisIndex(axisName: AxisNames): Tensor {
  return findAxes(axisName, "Cannot take the axisIndex").reduce<Tensor | null>((index, axis) => {
    const own = collective.axisIndex(paramsOf(axis));
    return index === null ? own : add(mul(index, constantLike(own, axis.size)), own);
  }, null)!;
}
