/**
 * Curves through points, made of cubic polynomials.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { range, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { checkInteger } from "../functions/arguments.ts";
import { floatOperand, promoteTogether } from "../functions/broadcasting.ts";
import {
  add,
  concatenate,
  div,
  expandDims,
  floor,
  index,
  mul,
  onesLike,
  reshape,
  sub,
  take,
  zerosLike,
} from "../functions/mod.ts";
import { tridiagonalSolve } from "../linalg/tridiagonal.ts";
import { intervalOf, readKnots } from "./knots.ts";

/**
 * What a spline does at its ends.
 *
 * @category Interpolation
 */
export type Ends = "not-a-knot" | "natural" | "clamped" | "periodic";

/**
 * Options of `cubicSpline`.
 *
 * @category Interpolation
 */
export interface CubicSplineOptions {
  /**
   * `"not-a-knot"`, the default: the first and the last two pieces are one polynomial; `"natural"`: no
   * second derivative; `"clamped"`: no slope; `"periodic"`: both ends alike.
   */
  readonly bcType?: Ends;
}

/** Entries of a vector of rows, by their numbers: from the end where they are negative. */
function rows(x: Tensor, start: number, stop: number | null): Tensor {
  return index(x, [start, stop]);
}

/** The slopes at the points, from the lengths `h` and mean slopes `s` `[n - 1, k]` of the pieces. */
function slopes(h: Tensor, s: Tensor, ends: Ends): Tensor {
  const n = h.size + 1;
  const [first, last] = [rows(h, 0, 1), rows(h, -1, null)];
  const [s0, s1] = [rows(s, 0, 1), rows(s, -1, null)];
  const [left, right] = [rows(h, 0, -1), rows(h, 1, null)];
  const wide = (x: Tensor) => expandDims(x, -1);
  const [one, none] = [onesLike(first), zerosLike(first)];
  // Second derivatives agree at the points within: the diagonals, and the right side.
  const main = mul(add(left, right), 2);
  const inner = mul(add(mul(wide(right), rows(s, 0, -1)), mul(wide(left), rows(s, 1, null))), 3);
  if (ends === "periodic") {
    if (n === 2) return zerosLike(concatenate([s, s], 0));
    // The last slope is the first one; a rank-one change makes the rest tridiagonal.
    const corner = add(first, last);
    const around = mul(add(mul(wide(first), s1), mul(wide(last), s0)), 3);
    const below = concatenate([none, right], 0);
    const above = concatenate([last, rows(h, 0, -2), none], 0);
    const count = n - 1;
    const b = concatenate([around, inner], 0);
    if (count === 2) {
      const diagonal = concatenate([mul(corner, 2), main], 0);
      const other = concatenate([none, add(first, last)], 0);
      const upper = concatenate([add(first, last), none], 0);
      const d = tridiagonalSolve(other, diagonal, upper, b);
      return concatenate([d, rows(d, 0, 1)], 0);
    }
    const diagonal = concatenate([mul(corner, 2), main], 0);
    // The row of the first point has `first` left of it, around the corner; the last row has its own.
    const [top, bottom] = [first, rows(h, -2, -1)];
    const pivot = mul(rows(diagonal, 0, 1), -1);
    const changed = concatenate([
      sub(rows(diagonal, 0, 1), pivot),
      rows(diagonal, 1, -1),
      sub(rows(diagonal, -1, null), div(mul(top, bottom), pivot)),
    ], 0);
    const u = concatenate([pivot, zerosLike(rows(diagonal, 1, -1)), bottom], 0);
    const both = tridiagonalSolve(below, changed, above, concatenate([b, wide(u)], -1));
    const [y, q] = [index(both, null, [0, -1]), index(both, null, [-1, null])];
    const ratio = div(top, pivot);
    const along = (x: Tensor) => add(rows(x, 0, 1), mul(wide(ratio), rows(x, -1, null)));
    const d = sub(y, mul(q, div(along(y), add(along(q), 1))));
    return concatenate([d, rows(d, 0, 1)], 0);
  }
  if (ends === "not-a-knot" && n === 2) return concatenate([s, s], 0);
  if (ends === "not-a-knot" && n === 3) {
    // One parabola.
    const bend = div(sub(s1, s0), wide(add(first, last)));
    return concatenate([
      sub(s0, mul(wide(first), bend)),
      add(s0, mul(wide(first), bend)),
      add(s1, mul(wide(last), bend)),
    ], 0);
  }
  const [corners, beside, sides] = ends === "natural"
    ? [[mul(one, 2), mul(one, 2)], [one, one], [mul(s0, 3), mul(s1, 3)]]
    : ends === "clamped"
    ? [[one, one], [none, none], [zerosLike(s0), zerosLike(s1)]]
    : notAKnot(h, s);
  const below = concatenate([none, right, beside[1]], 0);
  const above = concatenate([beside[0], left, none], 0);
  const diagonal = concatenate([corners[0], main, corners[1]], 0);
  return tridiagonalSolve(below, diagonal, above, concatenate([sides[0], inner, sides[1]], 0));
}

/** The rows of both ends where third derivatives agree at the second and the last but one point. */
function notAKnot(h: Tensor, s: Tensor): [Tensor[], Tensor[], Tensor[]] {
  const wide = (x: Tensor) => expandDims(x, -1);
  const end = (own: Tensor, next: Tensor, slope: Tensor, other: Tensor): Tensor => {
    const both = add(own, next);
    const near = mul(wide(mul(next, add(own, mul(both, 2)))), slope);
    return div(add(near, mul(wide(mul(own, own)), other)), wide(both));
  };
  const [a, b, y, z] = [rows(h, 0, 1), rows(h, 1, 2), rows(h, -2, -1), rows(h, -1, null)];
  return [
    [b, y],
    [add(a, b), add(y, z)],
    [
      end(a, b, rows(s, 0, 1), rows(s, 1, 2)),
      end(z, y, rows(s, -1, null), rows(s, -2, -1)),
    ],
  ];
}

/**
 * The cubic spline through points, as SciPy's `CubicSpline`: a curve with continuous second derivatives.
 *
 * Source: C. de Boor, "A Practical Guide to Splines", 1978, chapter IV. Slopes come from a tridiagonal
 * system.
 *
 * @category Interpolation
 * @param x Increasing points, `[n]`, at least two; of a periodic spline the last one is the first one again.
 * @param y Values there, `[n, ...]`; integers and bools become floats.
 * @param options `bcType`: what happens at the ends, `"not-a-knot"` by default; `"natural"`, `"clamped"`,
 * `"periodic"`, where the last value has to be the first one again.
 * @returns A function of points `[...]`, and of the order of the derivative, 0 by default: it gives the
 * axes of the points, then those of `y` behind the first. Beyond the ends the outermost polynomials go on, or
 * the period begins anew. It is differentiable by points, `x` and `y`, and may be compiled.
 * @throws {ShapeError} when the shapes do not fit.
 * @throws {ArgumentError} when there are no such ends, or known points do not increase; from the function,
 * when the order is not an integer from 0 on.
 *
 * @example A parabola through three points
 * ```ts
 * import { interpolate } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const f = interpolate.cubicSpline([0, 1, 3], [0, 1, 9]);
 * assertTensorsClose(f([0.5, 2]), [0.25, 4]);
 * assertTensorsClose(f(2, 1), 4);
 * ```
 */
export function cubicSpline(
  x: TensorLike,
  y: TensorLike,
  options?: CubicSplineOptions,
): (x: TensorLike, order?: number) => Tensor {
  const what = "Cannot make a spline";
  const { bcType = "not-a-knot" } = readOptions(what, options, ["bcType"]);
  const names: readonly unknown[] = ["not-a-knot", "natural", "clamped", "periodic"];
  if (!names.includes(bcType)) {
    throw argumentError(
      `${what}: bcType must be "not-a-knot", "natural", "clamped" or "periodic", ` +
        `got ${describeValue(bcType)}`,
    );
  }
  const [first, second] = promoteTogether(what, [x, y]).map(floatOperand);
  const knots = readKnots(first, `${what} through`, 2);
  if (second.ndim === 0 || second.shape[0] !== knots.size) {
    throw shapeError(
      `${what} through ${showType(knots)}: ${showType(second)} has not as many values`,
    );
  }
  const kept = second.shape.slice(1);
  const values = reshape(second, [knots.size, kept.reduce((size, length) => size * length, 1)]);
  const h = sub(rows(knots, 1, null), rows(knots, 0, -1));
  const wide = (z: Tensor) => expandDims(z, -1);
  const s = div(sub(rows(values, 1, null), rows(values, 0, -1)), wide(h));
  const d = slopes(h, s, bcType);
  const bend = div(sub(add(rows(d, 0, -1), rows(d, 1, null)), mul(s, 2)), wide(h));
  // Of the highest power first.
  const coefficients = [
    div(bend, wide(h)),
    sub(div(sub(s, rows(d, 0, -1)), wide(h)), bend),
    rows(d, 0, -1),
    rows(values, 0, -1),
  ];
  return (at, order) => {
    const use = "Cannot evaluate a spline";
    const given = floatOperand(toTensor(at, use));
    const nu = checkInteger(order ?? 0, use, "an order of a derivative");
    if (nu < 0) throw argumentError(`${use}: expected an order of a derivative, got ${nu}`);
    const period = sub(index(knots, -1), index(knots, 0));
    const turns = floor(div(sub(given, index(knots, 0)), period));
    const place = bcType === "periodic" ? sub(given, mul(turns, period)) : given;
    const piece = intervalOf(knots, place);
    const t = wide(sub(place, take(knots, piece, 0)));
    const powers = range(Math.max(0, 4 - nu));
    const result = powers.reduce<Tensor | null>((total, k) => {
      const power = 3 - k;
      const factor = range(nu).reduce((product, i) => product * (power - i), 1);
      const own = mul(take(coefficients[k], piece, 0), factor);
      return total === null ? own : add(mul(total, t), own);
    }, null);
    const whole = result ?? mul(take(coefficients[3], piece, 0), 0);
    return reshape(whole, [...given.shape, ...kept]);
  };
}
