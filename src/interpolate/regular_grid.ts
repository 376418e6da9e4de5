/**
 * Functions of several variables that are known on a grid.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { range, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import {
  add,
  div,
  expandDims,
  greater,
  index,
  less,
  lessEqual,
  logicalOr,
  mul,
  reshape,
  sub,
  take,
  where,
} from "../functions/mod.ts";
import { intervalOf, readKnots } from "./knots.ts";

/**
 * Options of `regularGrid`.
 *
 * @category Interpolation
 */
export interface RegularGridOptions {
  /** `"linear"` between neighbours, the default, or the value of the `"nearest"` point. */
  readonly method?: "linear" | "nearest";
  /** The value outside of the grid; `null` to go on as at the border. Default NaN. */
  readonly fillValue?: number | null;
}

/**
 * A function of several variables from its values on a grid, as SciPy's and JAX's
 * `RegularGridInterpolator`.
 *
 * @category Interpolation
 * @param points For each variable, its increasing values on the grid: vectors of at least two elements.
 * @param values `[...lengths of points, ...]`; integers and bools become floats. Axes behind those of the
 * grid are kept.
 * @param options `method`: `"linear"` by default, or `"nearest"`, the lower one of two that are equally near;
 * `fillValue`: what is outside, NaN by default, or `null` to go on as at the border.
 * @returns A function of points `[..., variables]`, which gives `[..., ...]`: the axes of the points, then those
 * that were kept. It is differentiable by points, values and grid, and may be compiled.
 * @throws {ShapeError} when the shapes do not fit; the function too.
 * @throws {ArgumentError} when there is no such method, or known points do not increase.
 *
 * @example A plane
 * ```ts
 * import { interpolate } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const f = interpolate.regularGrid([[0, 1], [0, 2, 4]], [[0, 2, 4], [1, 3, 5]]);
 * assertTensorsClose(f([[0.5, 1], [1, 3]]), [1.5, 4]);
 * ```
 */
export function regularGrid(
  points: readonly TensorLike[],
  values: TensorLike,
  options?: RegularGridOptions,
): (x: TensorLike) => Tensor {
  const what = "Cannot interpolate on a grid";
  if (!Array.isArray(points) || points.length === 0) {
    throw argumentError(`${what}: expected a list of vectors, got ${describeValue(points)}`);
  }
  const knots = points.map((one) => readKnots(one as TensorLike, `${what} of`, 2));
  const known = floatOperand(toTensor(values, what));
  const { method = "linear", fillValue = NaN } = readOptions(what, options, [
    "method",
    "fillValue",
  ]);
  if (method !== "linear" && method !== "nearest") {
    throw argumentError(
      `${what}: method must be "linear" or "nearest", got ${describeValue(method)}`,
    );
  }
  if (fillValue !== null && typeof fillValue !== "number") {
    throw argumentError(
      `${what}: fillValue must be a number or null, got ${describeValue(fillValue)}`,
    );
  }
  const lengths = knots.map(({ size }) => size);
  if (known.ndim < lengths.length || lengths.some((length, i) => known.shape[i] !== length)) {
    throw shapeError(`${what} of [${lengths}] points: ${showType(known)} has other axes`);
  }
  const kept = known.shape.slice(lengths.length);
  const count = lengths.reduce((product, length) => product * length, 1);
  const flat = reshape(known, [count, ...kept]);
  return (x) => {
    const at = floatOperand(toTensor(x, what));
    if (at.ndim === 0 || at.shape[at.ndim - 1] !== knots.length) {
      throw shapeError(`${what} at ${showType(at)}: expected ${knots.length} variables`);
    }
    const own = knots.map((_, axis) => index(at, "...", axis));
    const neighbours = knots.map((line, axis): (readonly [Tensor, Tensor | null])[] => {
      const low = intervalOf(line, own[axis]);
      const high = add(low, 1);
      const [from, to] = [take(line, low, 0), take(line, high, 0)];
      const part = div(sub(own[axis], from), sub(to, from));
      if (method === "linear") return [[low, sub(1, part)], [high, part]];
      return [[where(lessEqual(part, 0.5), low, high), null]];
    });
    const corners = neighbours.reduce<readonly (readonly [Tensor, Tensor | null])[][]>(
      (lists, own) => lists.flatMap((list) => own.map((one) => [...list, one])),
      [[]],
    );
    const widen = (y: Tensor) => kept.length === 0 ? y : expandDims(y, range(-kept.length, 0));
    const sum = corners.map((corner) => {
      const place = corner.map(([one]) => one).reduce((total, one, axis) =>
        add(mul(total, lengths[axis]), one)
      );
      const value = take(flat, place, 0);
      const weights = corner.flatMap(([, weight]) => weight === null ? [] : [weight]);
      return weights.length === 0 ? value : mul(value, widen(weights.reduce((a, b) => mul(a, b))));
    }).reduce((a, b) => add(a, b));
    if (fillValue === null) return sum;
    const outside = knots.map((line, axis) =>
      logicalOr(less(own[axis], index(line, 0)), greater(own[axis], index(line, -1)))
    ).reduce((a, b) => logicalOr(a, b));
    return where(widen(outside), fillValue, sum);
  };
}
