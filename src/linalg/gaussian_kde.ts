/**
 * Density estimation with Gaussian kernels.
 *
 * Source: D. W. Scott, "Multivariate Density Estimation", 1992; B. W. Silverman, "Density Estimation for
 * Statistics and Data Analysis", 1986.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { sameShape, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { add, div, mul, square, sub } from "../primitives/arithmetic.ts";
import { exp, log } from "../primitives/transcendental.ts";
import { broadcast, constantLike, convert, reduceSum, reshape } from "../primitives/structure.ts";
import { pow } from "../functions/arithmetic.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import { diagonal } from "../functions/diagonals.ts";
import { realOperand } from "../functions/operands.ts";
import { logsumexp } from "../functions/reduction.ts";
import { cov } from "../functions/statistics.ts";
import { cholesky } from "./decompositions.ts";
import { triangularSolve } from "./solving.ts";

/**
 * Options of `gaussianKde`.
 *
 * @category Statistics
 */
export interface GaussianKdeOptions {
  /**
   * How wide the kernels are, in units of the points' covariance: by Scott's rule (the default) or
   * Silverman's, or a factor.
   */
  readonly bwMethod?: "scott" | "silverman" | number;
  /** How much each point counts, `[n]`; all the same by default. */
  readonly weights?: TensorLike;
}

/**
 * A density that {@linkcode gaussianKde} has estimated.
 *
 * @category Statistics
 */
export interface GaussianKde {
  /** The density at points `[m]`, or `[d, m]` in `d` dimensions: `[m]`. */
  readonly evaluate: (points: TensorLike) => Tensor;
  /** The logarithm of the density at points, without underflow: `[m]`. */
  readonly logpdf: (points: TensorLike) => Tensor;
  /** The covariance of each kernel, `[d, d]`. */
  readonly covariance: Tensor;
  /** The factor of the bandwidth. */
  readonly factor: Tensor;
  /** The effective number of points. */
  readonly neff: Tensor;
}

/**
 * Estimates the density that points come from: a sum of Gaussians around them, with the covariance of the
 * points times the square of a factor. Derivatives flow to the points, the weights and where the density is
 * evaluated.
 *
 * @category Statistics
 * @param dataset The points, `[n]`, or `[d, n]` in `d` dimensions; more than `d` of them.
 * @param options `bwMethod`: the width of the kernels, by `"scott"`, the default, or `"silverman"`, or a
 * factor; `weights`: how much each point counts.
 * @returns The density, its logarithm, and the covariance of the kernels.
 * @throws {ShapeError} when the points or weights do not fit.
 * @throws {ArgumentError} when the method is unknown.
 *
 * @example Around two points
 * ```ts
 * import { gaussianKde } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const density = gaussianKde([-1, 1], { bwMethod: Math.SQRT1_2 });
 * assertTensorsClose(density.covariance, [[1]]);
 * assertTensorsClose(density.evaluate([0]), [Math.exp(-0.5) / Math.sqrt(2 * Math.PI)]);
 * ```
 */
export function gaussianKde(dataset: TensorLike, options?: GaussianKdeOptions): GaussianKde {
  const what = "Cannot estimate the density of";
  const { bwMethod = "scott", weights } = readOptions(what, options, ["bwMethod", "weights"]);
  const points = readPoints(dataset, null, what);
  const [d, n] = points.shape;
  if (n < 2) throw shapeError(`${what} ${showType(points)}: expected two points or more`);
  const given = weights === undefined ? splat(1, points.dtype, [n]) : toTensor(weights, what);
  if (!sameShape(given.shape, [n])) {
    throw shapeError(
      `${what} ${showType(points)} with weights ${showType(given)}: expected [${n}]`,
    );
  }
  const raw = convert(realOperand("gaussianKde", given), points.dtype);
  const total = reduceSum(raw, [0]);
  const w = div(raw, broadcast(total, [n], []));
  const neff = div(constantLike(total, 1), reduceSum(square(w), [0]));
  const factor = factorOf(bwMethod, neff, d, what);
  const spread = reshape(cov(points, null, { aweights: w }), [d, d]);
  const covariance = mul(spread, broadcast(square(factor), [d, d], []));
  const root = cholesky(covariance);
  const own = triangularSolve(root, points, { lower: true });
  const logpdf = (places: TensorLike): Tensor => {
    const at = readPoints(places, d, what);
    const m = at.shape[1];
    const white = triangularSolve(root, convert(at, points.dtype), { lower: true });
    const shape = [d, m, n];
    const distance = sub(broadcast(white, shape, [0, 1]), broadcast(own, shape, [0, 2]));
    const energy = reduceSum(square(distance), [0]);
    const terms = sub(broadcast(log(w), [m, n], [1]), mul(energy, constantLike(energy, 0.5)));
    const scale = add(
      reduceSum(log(diagonal(root)), [0]),
      constantLike(total, 0.5 * d * Math.log(2 * Math.PI)),
    );
    return sub(logsumexp(terms, 1), broadcast(scale, [m], []));
  };
  return { evaluate: (places) => exp(logpdf(places)), logpdf, covariance, factor, neff };
}

/** Points as `[d, n]`. */
function readPoints(points: TensorLike, dimensions: number | null, what: string): Tensor {
  const given = floatOperand(realOperand("gaussianKde", toTensor(points, what)));
  const flat = given.ndim < 2 ? reshape(given, [1, given.size]) : given;
  // One point of as many coordinates may be given as a vector, as in SciPy.
  const matrix =
    dimensions !== null && given.ndim === 1 && dimensions > 1 && given.size === dimensions
      ? reshape(given, [dimensions, 1])
      : flat;
  if (matrix.ndim === 2 && (dimensions === null || matrix.shape[0] === dimensions)) return matrix;
  const expected = dimensions === null || dimensions === 1
    ? "points [n], or [d, n]"
    : `points [${dimensions}, n]`;
  throw shapeError(`${what} ${showType(given)}: expected ${expected}`);
}

function factorOf(
  method: "scott" | "silverman" | number,
  neff: Tensor,
  d: number,
  what: string,
): Tensor {
  if (typeof method === "number" && method > 0 && method < Infinity) {
    return constantLike(neff, method);
  }
  if (method !== "scott" && method !== "silverman") {
    throw argumentError(
      `${what}: expected a bwMethod "scott", "silverman" or a factor, got ${describeValue(method)}`,
    );
  }
  const count = method === "scott" ? neff : mul(neff, constantLike(neff, (d + 2) / 4));
  return pow(count, -1 / (d + 4));
}
