/**
 * Polynomials by linear algebra: roots, coefficients from roots, least squares.
 *
 * @module
 */
import { describeValue, epsilonOf, isComplex } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { Concrete, dense, splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { add, div, mul, neg, sqrt, square } from "../primitives/arithmetic.ts";
import { equal, select } from "../primitives/comparison.ts";
import { concatenate, sliceAxis } from "../primitives/slicing.ts";
import { broadcast, constantLike, moveAxis, reduceSum, reshape } from "../primitives/structure.ts";
import { checkLength } from "../functions/arguments.ts";
import { floatOperand, promoteTogether } from "../functions/broadcasting.ts";

import { complex, real } from "../functions/complex.ts";
import { matmul } from "../functions/contraction.ts";
import { eye } from "../functions/creation.ts";
import { polymul, readCoefficients } from "../functions/polynomials.ts";
import { vander } from "../functions/grids.ts";
import { eigvals } from "./decompositions.ts";
import { inv, lstsq } from "./solving.ts";

/**
 * Roots of a polynomial: the eigenvalues of its companion matrix.
 *
 * @category Differences and polynomials
 * @param p The coefficients, the highest power first. Where they are known, zeros in front are left out,
 * and zeros at the end are roots that are 0; where they are traced, the first must not be 0.
 * @returns The roots, complex, in no order.
 * @throws {ShapeError} when `p` is not a vector of coefficients.
 *
 * @example Of a parabola
 * ```ts
 * import { roots, sort } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(sort(roots([1, -3, 2]).real()), [1, 2], { atol: 1e-6 });
 * ```
 */
export function roots(p: TensorLike): Tensor {
  const what = "Cannot find the roots of";
  const given = readCoefficients(floatOperand(toTensor(p, what)), what);
  const [first, end] = spanOf(given);
  const coefficients = sliceAxis(given, 0, first, end);
  const count = coefficients.size;
  const zeros = Math.max(given.size - end, 0);
  const none = (length: number): Tensor => {
    const parts = splat(0, isComplex(given.dtype) ? real(given).dtype : given.dtype, [length]);
    return complex(parts, parts);
  };
  if (count < 2) return none(count === 0 ? 0 : zeros);
  const leading = sliceAxis(coefficients, 0, 0, 1);
  const top = neg(div(
    sliceAxis(coefficients, 0, 1, count),
    broadcast(reshape(leading, []), [count - 1], []),
  ));
  const below = eye(count - 2, count - 1, { dtype: coefficients.dtype });
  const companion = concatenate([reshape(top, [1, count - 1]), below], 0);
  const found = eigvals(companion);
  return zeros === 0 ? found : concatenate([found, none(zeros)], 0);
}

/** Where the coefficients that are not zero begin and end; all where they are traced. */
function spanOf(p: Tensor): readonly [first: number, end: number] {
  const isZero = equal(p, constantLike(p, 0));
  if (!(isZero instanceof Concrete)) return [0, p.size];
  const zeros = Array.from(dense(isZero));
  const first = zeros.findIndex((zero) => zero === 0);
  if (first < 0) return [0, 0];
  return [first, zeros.findLastIndex((zero) => zero === 0) + 1];
}

/**
 * Coefficients of the polynomial with the given roots, or of the characteristic polynomial of a matrix.
 *
 * @category Differences and polynomials
 * @param x The roots `[n]`, or a square matrix `[n, n]`.
 * @returns `[n + 1]`, the highest power first; the first is 1. Those of a real matrix are real, those of
 * complex roots complex.
 * @throws {ShapeError} when `x` is neither a vector nor a square matrix.
 * @throws {ArgumentError} when there are more than 4096 roots.
 *
 * @example With the roots 1 and 2
 * ```ts
 * import { poly } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(poly([1, 2]), [1, -3, 2]);
 * ```
 */
export function poly(x: TensorLike): Tensor {
  const what = "Cannot make a polynomial of";
  const given = floatOperand(toTensor(x, what));
  const isMatrix = given.ndim === 2 && given.shape[0] === given.shape[1];
  if (!isMatrix && given.ndim > 1) {
    throw shapeError(`${what} ${showType(given)}: expected a vector of roots or a square matrix`);
  }
  if (given.ndim < 2 && given.size > 4096) {
    throw argumentError(`${what} ${showType(given)}: expected at most 4096 roots`);
  }
  const found = isMatrix ? eigvals(given) : reshape(given, [given.size]);
  let factors = Array.from({ length: found.size }, (_, i) => {
    const root = sliceAxis(found, 0, i, i + 1);
    return concatenate([constantLike(root, 1), neg(root)], 0);
  });
  if (factors.length === 0) return splat(1, given.dtype, [1]);
  // Products of neighbours, so that the last factors are as long as each other.
  while (factors.length > 1) {
    factors = factors.flatMap((factor, i) =>
      i % 2 === 1 ? [] : i + 1 < factors.length ? [polymul(factor, factors[i + 1])] : [factor]
    );
  }
  return isMatrix && !isComplex(given.dtype) ? real(factors[0]) : factors[0];
}

/**
 * Options of `polyfit`.
 *
 * @category Differences and polynomials
 */
export interface PolyfitOptions {
  /** How much each point's distance counts: `[n]`. */
  readonly w?: TensorLike;
  /** Up to which part of the largest singular value others count as zero; the number of points times the distance from 1 to the next float by default. */
  readonly rcond?: number;
}

/**
 * Options of `polyfit` with the covariance of the coefficients.
 *
 * @category Differences and polynomials
 */
export interface PolyfitCovOptions extends PolyfitOptions {
  /** Whether to estimate the covariance of the coefficients: scaled by the residuals, or not. */
  readonly cov: true | "unscaled";
}

/**
 * The polynomial of some degree that lies closest to points, by least squares.
 *
 * @category Differences and polynomials
 * @param x The coordinates of the points, `[n]`.
 * @param y Their values, `[n]` or `[n, k]` for several polynomials.
 * @param deg The degree.
 * @param options `w`: how much each point's distance counts, `[n]`; `rcond`: up to which part of the
 * largest singular value others count as zero; `cov`: whether to estimate the covariance as well.
 * @returns The coefficients, `[deg + 1]` or `[deg + 1, k]`, the highest power first. With `cov` their
 * covariance, `[deg + 1, deg + 1]` (`[deg + 1, deg + 1, k]`), as well.
 * @throws {ShapeError} when the points do not fit together, or with `cov` are not more than coefficients.
 * @throws {ArgumentError} when the degree is not a count.
 *
 * @example A parabola through three points
 * ```ts
 * import { polyfit } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(polyfit([0, 1, 2], [1, 2, 5], 2), [1, 0, 1], { atol: 1e-5 });
 * ```
 */
export function polyfit(
  x: TensorLike,
  y: TensorLike,
  deg: number,
  options?: PolyfitOptions & { readonly cov?: false },
): Tensor;
/** The same with the covariance of the coefficients. */
export function polyfit(
  x: TensorLike,
  y: TensorLike,
  deg: number,
  options: PolyfitCovOptions,
): [coefficients: Tensor, covariance: Tensor];
export function polyfit(
  x: TensorLike,
  y: TensorLike,
  deg: number,
  options?: PolyfitOptions & { readonly cov?: boolean | "unscaled" },
): Tensor | [Tensor, Tensor] {
  const what = "Cannot fit a polynomial";
  const { w, rcond, cov = false } = readOptions(what, options, ["w", "rcond", "cov"]);
  if (cov !== "unscaled") checkFlag(cov, what, "cov");
  const given = promoteTogether(what, w === undefined ? [x, y] : [x, y, w]).map(floatOperand);
  const [at, values, weights] = given;
  const degree = checkLength(deg, what, "a degree");
  const count = at.size;
  const isVector = at.ndim === 1 && count > 0 && values.ndim >= 1 && values.ndim <= 2 &&
    values.shape[0] === count;
  if (!isVector) {
    throw shapeError(
      `${what} to ${showType(at)} and ${showType(values)}: expected coordinates [n] and values [n]`,
    );
  }
  if (weights !== undefined && (weights.ndim !== 1 || weights.size !== count)) {
    throw shapeError(
      `${what} with the weights ${showType(weights)}: expected one for each of ${count} points`,
    );
  }
  if (degree > 1000) {
    throw argumentError(`${what}: expected a degree up to 1000, got ${describeValue(deg)}`);
  }
  const weigh = (rows: Tensor) =>
    weights === undefined ? rows : mul(rows, broadcast(weights, rows.shape, [0]));
  const matrix = weigh(vander(at, degree + 1));
  const length = sqrt(reduceSum(square(matrix), [0]));
  const scale = select(equal(length, constantLike(length, 0)), constantLike(length, 1), length);
  const scaled = div(matrix, broadcast(scale, matrix.shape, [1]));
  const [found] = lstsq(scaled, weigh(values), { rcond: rcond ?? count * epsilonOf(at.dtype) });
  const coefficients = div(found, broadcast(scale, found.shape, [0]));
  if (cov === false) return coefficients;
  const size = degree + 1;
  const base = inv(matmul(moveAxis(scaled, 0, 1), scaled));
  const both = mul(broadcast(scale, [size, size], [0]), broadcast(scale, [size, size], [1]));
  const unscaled = div(base, both);
  const many = values.ndim === 2 ? values.shape[1] : null;
  const shape = many === null ? [size, size] : [size, size, many];
  const all = broadcast(unscaled, shape, [0, 1]);
  if (cov === "unscaled") return [coefficients, all];
  if (count <= size) {
    throw shapeError(
      `${what} to ${count} points: the covariance needs more points than ${size} coefficients`,
    );
  }
  const missed = matmul(matrix, coefficients);
  const squares = reduceSum(square(add(missed, neg(weigh(values)))), [0]);
  const factor = div(squares, constantLike(squares, count - size));
  return [coefficients, mul(all, broadcast(factor, shape, many === null ? [] : [2]))];
}
