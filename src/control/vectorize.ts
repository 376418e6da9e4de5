/**
 * Functions of small tensors applied to all parts of larger ones.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError, treeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkAxis, insertAt, range, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { flatten, unflatten } from "../core/tree.ts";
import type { AnyArgs, TensorsOf } from "../core/tree_types.ts";
import { checkBroadcast, countAxes } from "../functions/arguments.ts";
import { broadcastTo, commonShape, floatOperand } from "../functions/broadcasting.ts";
import { where } from "../functions/comparison.ts";
import { full } from "../functions/creation.ts";
import { convert, reshape, transpose } from "../primitives/structure.ts";
import { checkFunction } from "../transforms/flatten_function.ts";
import { vmap } from "../transforms/vmap.ts";
import { switchCase } from "./cond.ts";

/**
 * Options of `vectorize`.
 *
 * @category Transforms
 */
export interface VectorizeOptions {
  /** The last axes of arguments and results, as in `"(n,m),(m)->(n)"`. By default, all are scalars. */
  readonly signature?: string;
  /** The positions of arguments that are passed on unchanged. */
  readonly excluded?: readonly number[];
}

/**
 * Converts a function of vectors or scalars to a function of tensors of any shape: it is applied to
 * each vector or scalar, by `vmap` over the leading axes, which broadcast as in NumPy.
 *
 * @category Transforms
 * @param f A pure function of tensors, which returns a tensor or a list of them.
 * @param options `signature`: the last axes of each argument and result of `f`, in NumPy's notation,
 * `"(n,m),(m)->(n)"`: axes of one name have equal lengths. By default, all are scalars. `excluded`:
 * positions of arguments that are passed on unchanged, and that are not in the signature.
 * @returns The function of tensors with additional leading axes.
 * @throws {ArgumentError} when the signature is malformed.
 * @throws {ShapeError} from calls, when shapes do not match the signature or do not broadcast.
 *
 * @example Products of matrices and vectors
 * ```ts
 * import { matmul, vectorize, zeros } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const product = vectorize((a, x) => matmul(a, x), { signature: "(n,m),(m)->(n)" });
 * assertTensorsClose(product(zeros([5, 2, 3]), zeros([4, 1, 3])), zeros([4, 5, 2]));
 * ```
 */
export function vectorize<Out = Tensor>(
  f: (...args: AnyArgs) => Out,
  options?: VectorizeOptions,
): (...args: AnyArgs) => TensorsOf<Out> {
  const what = "Cannot vectorize";
  checkFunction(f, "vectorize");
  const { signature, excluded = [] } = readOptions(what, options, ["signature", "excluded"]);
  const axes = signature === undefined ? null : readSignature(signature, what);
  const isListed = Array.isArray(excluded) &&
    Array.from(excluded).every((place) => Number.isSafeInteger(place) && place >= 0);
  if (!isListed) {
    throw argumentError(
      `${what}: expected a list of positions as excluded, got ${describeValue(excluded)}`,
    );
  }
  return (...args) => {
    const places = range(args.length).filter((i) => !excluded.includes(i));
    const inputs = places.map((place) => toTensor(args[place] as TensorLike, what));
    if (axes !== null && axes.inputs.length !== inputs.length) {
      throw argumentError(
        `${what}: expected ${axes.inputs.length} arguments, as its signature has, got ${inputs.length}`,
      );
    }
    const lengths = new Map<string, number>();
    const cores = inputs.map((input, i) =>
      matchAxes(input, axes === null ? [] : axes.inputs[i], lengths, what)
    );
    const outer = inputs.map((input, i) => input.shape.slice(0, input.ndim - cores[i]));
    const shape = commonShape(
      what,
      outer.map((own) => ({ dtype: "float32" as const, shape: own })),
    );
    // An argument of length one along an outer axis is shared by all examples: it is not mapped there.
    const has = outer.map((own) =>
      shape.map((length, axis) => {
        const place = axis - (shape.length - own.length);
        return place >= 0 && own[place] === length && length !== 1;
      })
    );
    const operands = inputs.map((input, i) =>
      reshape(input, [
        ...shape.filter((_, axis) => has[i][axis]),
        ...input.shape.slice(input.ndim - cores[i]),
      ])
    );
    const call = (...own: Tensor[]): unknown => {
      const all = [...args];
      places.forEach((place, i) => all[place] = own[i]);
      const result = f(...all);
      if (axes !== null) checkResults(result, axes.outputs, lengths, what);
      return result;
    };
    const kept = range(shape.length).filter((axis) => has.some((own) => own[axis]));
    const mapped = [...kept].reverse().reduce<(...own: Tensor[]) => unknown>(
      (inner, axis) => vmap(inner, has.map((own) => own[axis] ? 0 : null)),
      call,
    );
    const { leaves, structure } = flatten<TensorLike>(mapped(...operands));
    // Axes of length one, over which nothing was mapped, are inserted again.
    const results = leaves.map((leaf) => {
      const result = toTensor(leaf, `${what}: cannot use the result`);
      return reshape(result, [...shape, ...result.shape.slice(kept.length)]);
    });
    return unflatten(structure, results) as TensorsOf<Out>;
  };
}

/** The names of the axes of arguments and results. */
interface Signature {
  readonly inputs: readonly (readonly string[])[];
  readonly outputs: readonly (readonly string[])[];
}

/** Reads `"(n,m),(m)->(n)"`. */
function readSignature(signature: unknown, what: string): Signature {
  const list = /^\s*\([^()]*\)(\s*,\s*\([^()]*\))*\s*$/;
  const sides = typeof signature === "string" ? signature.split("->") : [];
  const isEmpty = sides[0]?.trim() === "";
  if (sides.length !== 2 || !(isEmpty || list.test(sides[0])) || !list.test(sides[1])) {
    throw argumentError(
      `${what} with the signature ${
        describeValue(signature)
      }: expected one such as "(n,m),(m)->(n)"`,
    );
  }
  const [inputs, outputs] = sides.map((side) =>
    [...side.matchAll(/\(([^()]*)\)/g)].map(([, names]) =>
      names.trim() === "" ? [] : names.split(",").map((name) => name.trim())
    )
  );
  const wrong = [...inputs, ...outputs].flat().find((name) => !/^(\w+)$/.test(name));
  if (wrong === undefined) return { inputs, outputs };
  throw argumentError(
    `${what}: ${describeValue(wrong)} in its signature is not the name of an axis`,
  );
}

/** Records the lengths of the last axes of a tensor by their names; returns the number of these axes. */
function matchAxes(
  x: Tensor,
  names: readonly string[],
  lengths: Map<string, number>,
  what: string,
): number {
  if (x.ndim < names.length) {
    throw shapeError(
      `${what} over ${showType(x)}: expected at least ${countAxes(names.length)}, (${names})`,
    );
  }
  names.forEach((name, i) => {
    const length = x.shape[x.ndim - names.length + i];
    const known = /^\d+$/.test(name) ? Number(name) : lengths.get(name);
    if (known !== undefined && known !== length) {
      throw shapeError(
        `${what} over ${showType(x)}: axis ${name} has length ${length}, not ${known}`,
      );
    }
    lengths.set(name, length);
  });
  return names.length;
}

/** Throws unless results have the axes of the signature. */
function checkResults(
  result: unknown,
  outputs: readonly (readonly string[])[],
  lengths: ReadonlyMap<string, number>,
  what: string,
): void {
  const list = outputs.length === 1 && !Array.isArray(result) ? [result] : result;
  if (!Array.isArray(list) || list.length !== outputs.length) {
    throw treeError(`${what}: expected ${outputs.length} results, as its signature has`);
  }
  list.forEach((entry, i) => {
    const value = toTensor(entry as TensorLike, `${what}: cannot use the result`);
    if (value.ndim !== outputs[i].length) {
      throw shapeError(
        `${what}: expected a result with axes (${outputs[i]}), got ${showType(value)}`,
      );
    }
    matchAxes(value, outputs[i], new Map(lengths), what);
  });
}

/**
 * A function of vectors applied to all vectors along an axis, by `vmap`.
 *
 * @category Transforms
 * @param f A pure function of a vector, which returns a tensor of any shape.
 * @param axis The axis of the vectors.
 * @param x A tensor of any shape with this axis.
 * @returns The results, with their axes in place of the axis.
 * @throws {AxisError} when the axis is out of range.
 *
 * @example Sorted columns
 * ```ts
 * import { applyAlongAxis, sort } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(applyAlongAxis((v) => sort(v), 0, [[3, 1], [2, 5]]), [[2, 1], [3, 5]]);
 * ```
 */
export function applyAlongAxis(
  f: (x: Tensor) => TensorLike,
  axis: number,
  x: TensorLike,
): Tensor {
  const what = "Cannot apply along an axis";
  checkFunction(f, "applyAlongAxis");
  const input = toTensor(x, what);
  const at = checkAxis(axis, input.ndim, `${what} of ${showType(input)}`);
  const others = range(input.ndim).filter((other) => other !== at);
  const one = (vector: Tensor): Tensor => toTensor(f(vector), `${what}: cannot use the result`);
  const mapped = others.reduce<(x: Tensor) => Tensor>((inner) => vmap(inner), one);
  const result = mapped(transpose(input, [...others, at]));
  const own = range(others.length, result.ndim);
  return transpose(result, [...range(at), ...own, ...range(at, others.length)]);
}

/**
 * A reduction applied along one axis after the other, as NumPy's `apply_over_axes`.
 *
 * @category Transforms
 * @param f Called with a tensor and an axis; returns a tensor with the same number of axes, or one
 * less, in which case the axis is inserted again.
 * @param x A tensor of any shape with these axes.
 * @param axes The axes, in order.
 * @returns A tensor with the same number of axes as `x`.
 * @throws {ShapeError} when `f` returns another number of axes.
 * @throws {AxisError} when an axis is out of range.
 *
 * @example Sums over two axes
 * ```ts
 * import { applyOverAxes, sum } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(applyOverAxes((x, axis) => sum(x, axis), [[1, 2], [3, 4]], [0, 1]), [[10]]);
 * ```
 */
export function applyOverAxes(
  f: (x: Tensor, axis: number) => TensorLike,
  x: TensorLike,
  axes: number | readonly number[],
): Tensor {
  const what = "Cannot apply over axes";
  checkFunction(f, "applyOverAxes");
  const input = toTensor(x, what);
  const list = Array.from(
    Array.isArray(axes) ? axes : [axes],
    (axis) => checkAxis(axis, input.ndim, `${what} of ${showType(input)}`),
  );
  return list.reduce((value, axis) => {
    const result = toTensor(f(value, axis), `${what}: cannot use the result`);
    if (result.ndim === value.ndim) return result;
    if (result.ndim === value.ndim - 1) return reshape(result, insertAt(result.shape, axis, 1));
    throw shapeError(
      `${what}: the function gives ${showType(result)} for ${showType(value)}: ` +
        `expected as many axes, or one less`,
    );
  }, input);
}

/**
 * A piecewise function: each element of `x` is passed to the function of the last condition that is
 * true for it, or to the additional function if none is. Each function receives one element, so that
 * derivatives of the other functions have no effect, even if they are NaN.
 *
 * @category Transforms
 * @param x Any shape.
 * @param conditions Tensors that broadcast to the shape of `x`; non-zero elements count as true.
 * @param functions Functions of one element, or numbers: one for each condition, and optionally one for
 * elements for which none is true; 0 by default.
 * @returns A tensor of the dtype of `x`, where integers and bools become floats, and of its shape.
 * @throws {ArgumentError} when the numbers of conditions and functions do not match.
 * @throws {ShapeError} when a condition does not broadcast.
 *
 * @example The absolute value of a square root
 * ```ts
 * import { neg, piecewise, sqrt, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = tensor([-4, 0, 9]);
 * const f = piecewise(x, [x.less(0)], [(v) => sqrt(neg(v)), (v) => sqrt(v)]);
 * assertTensorsClose(f, [2, 0, 3]);
 * ```
 */
export function piecewise(
  x: TensorLike,
  conditions: readonly TensorLike[],
  functions: readonly (number | ((x: Tensor) => TensorLike))[],
): Tensor {
  const what = "Cannot apply piecewise";
  const input = floatOperand(toTensor(x, what));
  if (!Array.isArray(conditions) || !Array.isArray(functions)) {
    const wrong = Array.isArray(conditions) ? functions : conditions;
    throw argumentError(`${what}: expected a list, got ${describeValue(wrong)}`);
  }
  const more = functions.length - conditions.length;
  if (more !== 0 && more !== 1) {
    throw argumentError(
      `${what}: expected a function for each of ${conditions.length} conditions, and one more at ` +
        `most, got ${functions.length}`,
    );
  }
  const masks = Array.from(conditions, (condition) => {
    const mask = where(condition, true, false);
    checkBroadcast(what, mask, input.shape);
    return broadcastTo(mask, input.shape);
  });
  const branches = [more === 1 ? functions[masks.length] : 0, ...functions.slice(0, masks.length)]
    .map((f) => (element: Tensor): Tensor => {
      const result = toTensor(typeof f === "function" ? f(element) : f, what);
      if (result.ndim === 0) return convert(result, input.dtype);
      throw shapeError(`${what}: a function gives ${showType(result)}, expected one element`);
    });
  const first = full(input.shape, 0, { dtype: "int32" });
  const index = masks.reduce<Tensor>((found, mask, i) => where(mask, i + 1, found), first);
  const choose = (i: Tensor, element: Tensor): Tensor => switchCase(i, branches, element);
  const flat = vmap(choose)(reshape(index, [input.size]), reshape(input, [input.size]));
  return reshape(flat, input.shape);
}
