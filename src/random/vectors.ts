/**
 * Samplers of signs, and of vectors and matrices.
 *
 * @module
 */
import { checkDtype, describeValue, isComplex, rangeOf } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { checkBroadcast, checkLength } from "../functions/arguments.ts";
import { broadcastTo, commonShape } from "../functions/broadcasting.ts";
import {
  abs,
  add,
  div,
  mul,
  offset,
  reciprocal,
  scale as times,
  sign,
  sqrt,
  square,
} from "../primitives/arithmetic.ts";
import { less, select } from "../primitives/comparison.ts";
import { product, transposed } from "../primitives/matrices.ts";
import { eigh, qr, svd } from "../primitives/orthogonal.ts";
import {
  broadcastAxis,
  constantLike,
  convert,
  reduceSum,
  reshape,
} from "../primitives/structure.ts";
import { exp, pow } from "../primitives/transcendental.ts";
import { cholesky } from "../primitives/triangular.ts";
import { diagonal } from "../functions/diagonals.ts";
import {
  checkKey,
  readParameter,
  readPositive,
  readScale,
  readShape,
  sampleShape,
} from "./arguments.ts";
import type { SampleOptions } from "./arguments.ts";
import { drawFloats, exponential, normal } from "./continuous.ts";
import { bernoulli } from "./discrete.ts";
import { logGamma } from "./gamma.ts";
import { split } from "./key.ts";

/**
 * Numbers that are -1 or 1, each half of the time, as JAX draws them.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param shape The shape, or the length of a vector. Default `[]`, a scalar.
 * @param options The dtype, of integers or floats. Default `int32`.
 * @returns A tensor of that shape.
 * @throws {ArgumentError} when `key` is not a key.
 * @throws {ShapeError} when `shape` is not a shape.
 * @throws {DtypeError} when the dtype does not hold -1.
 *
 * @example Signs
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const signs = random.rademacher(random.key(0), [1000]);
 * assertTensorsClose(signs.abs().min(), 1);
 * ```
 */
export function rademacher(
  key: Tensor,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw signs";
  checkKey(key, what);
  const { dtype = "int32" } = readOptions(what, options, ["dtype"]);
  checkDtype(dtype);
  if (rangeOf(dtype)[0] >= 0 || isComplex(dtype)) {
    throw dtypeError(`${what} of dtype ${describeValue(dtype)}: expected one that holds -1`);
  }
  return signsOf(key, readShape(shape ?? [], what), dtype);
}

/** Signs, from as many random bits as JAX uses for floats of this dtype. */
function signsOf(key: Tensor, shape: Shape, dtype: Dtype): Tensor {
  const half = dtype === "float64" ? splat(0.5, dtype, []) : 0.5;
  return convert(offset(times(convert(bernoulli(key, half, shape), "int32"), 2), -1), dtype);
}

/**
 * Numbers of the Maxwell distribution: lengths of vectors of three normally distributed numbers, as JAX
 * draws them.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param shape The shape, or the length of a vector. Default `[]`, a scalar.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` by default.
 * @throws {ArgumentError} when `key` is not a key.
 * @throws {ShapeError} when `shape` is not a shape.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example The mean square
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.maxwell(random.key(0), [5000]);
 * assertTensorsClose(x.square().mean(), 3, { atol: 0.15 });
 * ```
 */
export function maxwell(
  key: Tensor,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw Maxwell numbers";
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => maxwellOf(key, readShape(shape ?? [], what), dtype));
}

/** {@linkcode maxwell} of checked arguments. */
function maxwellOf(key: Tensor, shape: Shape, dtype: Dtype): Tensor {
  return sqrt(reduceSum(square(normal(key, [...shape, 3], { dtype })), [shape.length]));
}

/**
 * Numbers of the Maxwell distribution times random signs and a scale, plus a location, as JAX draws them;
 * but the parameters broadcast to the shape, whose axes JAX puts before theirs.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param loc The location; any shape that broadcasts to the result's.
 * @param scale The scale; any shape that broadcasts to the result's.
 * @param shape The shape, or the length of a vector. Left out: the shape that the parameters broadcast to.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` by default. Gradients flow to parameters that are tensors.
 * @throws {ArgumentError} when `key` is not a key.
 * @throws {ShapeError} when `shape` is not a shape, or a parameter does not broadcast to it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example The mean
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.doubleSidedMaxwell(random.key(0), 1, 2, [5000]);
 * assertTensorsClose(x.mean(), 1, { atol: 0.2 });
 * ```
 */
export function doubleSidedMaxwell(
  key: Tensor,
  loc: TensorLike,
  scale: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw double-sided Maxwell numbers";
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => {
    const centre = convert(readParameter(loc, dtype, what), dtype);
    const size = readScale(scale, "scale", dtype, what);
    const full = sampleShape(shape, { loc: centre, scale: size }, what);
    const [maxwellKey, signKey] = split(key);
    const signs = signsOf(signKey, full, dtype);
    const draws = mul(signs, maxwellOf(maxwellKey, full, dtype));
    return add(mul(draws, broadcastTo(size, full)), broadcastTo(centre, full));
  });
}

/**
 * Numbers of the generalised normal distribution, with density proportional to `exp(-|x|^p)`, as JAX draws
 * them: signs times powers `1/p` of gamma distributed numbers, whose logarithms are drawn, so that large
 * `p` do no harm.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param p The exponent, positive; any shape that broadcasts to the result's.
 * @param shape The shape, or the length of a vector. Left out: that of `p`.
 * @param options The dtype.
 * @returns A tensor of that shape; `float32` by default. Gradients flow to parameters that are tensors.
 * @throws {ArgumentError} when `key` is not a key, or `p` is a number, but not positive and finite. Tensors
 * are not looked at.
 * @throws {ShapeError} when `shape` is not a shape, or a parameter does not broadcast to it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example Of exponent 2: normal
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.generalizedNormal(random.key(0), 2, [5000]);
 * assertTensorsClose(x.variance(), 0.5, { atol: 0.05 });
 * ```
 */
export function generalizedNormal(
  key: Tensor,
  p: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw generalised normal numbers";
  checkKey(key, what);
  return drawFloats(options, what, (dtype) => {
    const power = readPositive(p, "p", dtype, what);
    const full = sampleShape(shape, { p: power }, what);
    return generalizedOf(key, broadcastTo(power, full), dtype);
  });
}

/** {@linkcode generalizedNormal} for exponents of the result's shape. */
function generalizedOf(key: Tensor, p: Tensor, dtype: Dtype): Tensor {
  const [gammaKey, signKey] = split(key);
  const power = reciprocal(p);
  const logarithms = logGamma(gammaKey, power, p.shape, { dtype });
  return mul(signsOf(signKey, p.shape, dtype), exp(mul(logarithms, power)));
}

/**
 * Vectors that are evenly distributed in the unit ball of the `p`-norm, as JAX draws them (F. Barthe, O.
 * Guédon, S. Mendelson and A. Naor, 2005).
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param d The length of the vectors.
 * @param p The exponent of the norm, positive: a number or a scalar. Default 2.
 * @param shape How many vectors, along any number of axes. Default `[]`, one vector.
 * @param options The dtype.
 * @returns `[...shape, d]`; `float32` by default. Gradients flow to `p` if it is a tensor.
 * @throws {ArgumentError} when `key` is not a key, `d` no length, or `p` a number that is not positive and
 * finite.
 * @throws {ShapeError} when `shape` is not a shape, or `p` no scalar.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example The mean distance from the centre
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = random.ball(random.key(0), 3, 2, [2000]);
 * assertTensorsClose(x.norm(-1).mean(), 3 / 4, { atol: 0.02 });
 * ```
 */
export function ball(
  key: Tensor,
  d: number,
  p?: TensorLike,
  shape?: number | Shape,
  options?: SampleOptions,
): Tensor {
  const what = "Cannot draw vectors in a ball";
  checkKey(key, what);
  const length = checkLength(d, what, "d");
  return drawFloats(options, what, (dtype) => {
    const power = readPositive(p ?? 2, "p", dtype, what);
    const outer = readShape(shape ?? [], what);
    const full = [...outer, length];
    checkBroadcast(`${what}: cannot broadcast p`, power, []);
    const [normalKey, lengthKey] = split(key);
    const exponent = broadcastTo(power, full);
    const x = generalizedOf(normalKey, exponent, dtype);
    const sum = reduceSum(pow(abs(x), exponent), [outer.length]);
    const whole = add(sum, exponential(lengthKey, outer, { dtype }));
    const size = pow(whole, broadcastTo(reciprocal(power), outer));
    return div(x, broadcastAxis(size, outer.length, length));
  });
}

/**
 * Options of `orthogonal`.
 *
 * @category Distributions
 */
export interface OrthogonalOptions extends SampleOptions {
  /** The number of columns. Default `n`. */
  readonly m?: number;
}

/**
 * Matrices that are evenly distributed among orthogonal ones, or those with orthonormal rows or columns,
 * as JAX draws them: the orthogonal factor of normally distributed numbers, with signs (F. Mezzadri, "How
 * to generate random matrices from the classical compact groups", 2007).
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param n The number of rows.
 * @param shape How many matrices, along any number of axes. Default `[]`, one matrix.
 * @param options The number of columns, and the dtype.
 * @returns `[...shape, n, m]`; `float32` by default.
 * @throws {ArgumentError} when `key` is not a key, or `n` or `m` no length.
 * @throws {ShapeError} when `shape` is not a shape.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example Rows of length 1
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const q = random.orthogonal(random.key(0), 2);
 * assertTensorsClose(q.matmul(q.transpose()), [[1, 0], [0, 1]]);
 * ```
 */
export function orthogonal(
  key: Tensor,
  n: number,
  shape?: number | Shape,
  options?: OrthogonalOptions,
): Tensor {
  const what = "Cannot draw orthogonal matrices";
  checkKey(key, what);
  const { m = n, dtype: given } = readOptions(what, options, ["m", "dtype"]);
  const [rows, columns] = [checkLength(n, what, "n"), checkLength(m, what, "m")];
  const outer = readShape(shape ?? [], what);
  return drawFloats(given === undefined ? {} : { dtype: given }, what, (dtype) => {
    const size = [...outer, Math.max(rows, columns), Math.min(rows, columns)];
    const [q, r] = qr(normal(key, size, { dtype }));
    const signs = sign(diagonal(r, { axis1: -2, axis2: -1 }));
    const x = mul(q, broadcastAxis(signs, outer.length, size[outer.length]));
    return rows < columns ? transposed(x) : x;
  });
}

/**
 * Options of `multivariateNormal`.
 *
 * @category Distributions
 */
export interface MultivariateNormalOptions extends SampleOptions {
  /**
   * How the covariance is factorised: `"cholesky"`, which requires it to be positive definite, or `"eigh"`
   * or `"svd"`, for which it may be singular. Default `"cholesky"`.
   */
  readonly method?: "cholesky" | "eigh" | "svd";
}

/**
 * Vectors of normally distributed numbers with a mean and a covariance: the mean plus a factor of the
 * covariance times standard normal numbers, as JAX draws them.
 *
 * @category Distributions
 * @param key A key, `uint32[2]`.
 * @param mean The mean, `[..., n]`.
 * @param cov The covariance, symmetric and positive definite, `[..., n, n]`; only its lower triangle is
 * read by the default method.
 * @param shape How many vectors, along any number of axes, which the leading axes of both must broadcast
 * to. Left out: what these broadcast to.
 * @param options How the covariance is factorised, and the dtype.
 * @returns `[...shape, n]`; `float32` by default. Gradients flow to both parameters if they are tensors.
 * @throws {ArgumentError} when `key` is not a key, or `method` none of these.
 * @throws {ShapeError} when `shape` is not a shape, or the parameters do not fit each other or it.
 * @throws {DtypeError} when the dtype is not floating-point.
 *
 * @example A mean and a covariance
 * ```ts
 * import { random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const cov = [[2, 1], [1, 3]];
 * const x = random.multivariateNormal(random.key(0), [1, -1], cov, [5000]);
 * assertTensorsClose(x.mean(0), [1, -1], { atol: 0.1 });
 * assertTensorsClose(x.sub(x.mean(0)).prod(1).mean(), 1, { atol: 0.2 });
 * ```
 */
export function multivariateNormal(
  key: Tensor,
  mean: TensorLike,
  cov: TensorLike,
  shape?: number | Shape,
  options?: MultivariateNormalOptions,
): Tensor {
  const what = "Cannot draw normal vectors";
  checkKey(key, what);
  const { method = "cholesky", dtype: given } = readOptions(what, options, ["method", "dtype"]);
  if (method !== "cholesky" && method !== "eigh" && method !== "svd") {
    throw argumentError(
      `${what}: method must be "cholesky", "eigh" or "svd", got ${describeValue(method)}`,
    );
  }
  return drawFloats(given === undefined ? {} : { dtype: given }, what, (dtype) => {
    const [centre, matrix] = [mean, cov].map((x) => convert(readParameter(x, dtype, what), dtype));
    const n = centre.shape.at(-1);
    if (
      n === undefined || matrix.ndim < 2 || matrix.shape.slice(-2).some((length) => length !== n)
    ) {
      throw shapeError(
        `${what} with mean ${showType(centre)} and cov ${showType(matrix)}: ` +
          `expected shapes [..., n] and [..., n, n]`,
      );
    }
    const leading = [
      { dtype, shape: centre.shape.slice(0, -1) },
      { dtype, shape: matrix.shape.slice(0, -2) },
    ];
    const outer = shape === undefined
      ? commonShape(`${what} with mean and cov`, leading)
      : readShape(shape, what);
    leading.forEach((type, i) =>
      checkBroadcast(`${what}: cannot broadcast ${["mean", "cov"][i]}`, type, outer)
    );
    const noise = normal(key, [...outer, n], { dtype });
    const factor = broadcastTo(factorOf(matrix, method), [...outer, n, n]);
    const draws = product(factor, reshape(noise, [...outer, n, 1]));
    return add(broadcastTo(centre, [...outer, n]), reshape(draws, [...outer, n]));
  });
}

/** A matrix whose product with its transpose is this one. */
function factorOf(cov: Tensor, method: "cholesky" | "eigh" | "svd"): Tensor {
  if (method === "cholesky") return cholesky(cov);
  const [vectors, sizes] = method === "svd" ? svd(cov) : eigh(cov).toReversed();
  // Singular ones may have roundings below 0; the root of 0 has no derivative.
  const isPositive = less(constantLike(sizes, 0), sizes);
  const root = sqrt(select(isPositive, sizes, constantLike(sizes, 1)));
  const scales = select(isPositive, root, constantLike(sizes, 0));
  return mul(vectors, broadcastAxis(scales, cov.ndim - 2, cov.shape[cov.ndim - 1]));
}
