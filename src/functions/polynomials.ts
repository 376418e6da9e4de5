/**
 * Polynomials as vectors of coefficients, the highest power first: values, arithmetic, derivatives and
 * integrals.
 *
 * @module
 */
import { sumDtype } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { add, div, mul, neg, offset, sub } from "../primitives/arithmetic.ts";
import { scatterAdd } from "../primitives/indexing.ts";
import { concatenate, pad, sliceAxis } from "../primitives/slicing.ts";
import { broadcast, constantLike, convert, iota, reshape } from "../primitives/structure.ts";
import { checkLength } from "./arguments.ts";
import { add as addTensors, mul as multiply } from "./arithmetic.ts";
import { broadcastTo, broadcastTogether, floatOperand, promoteTogether } from "./broadcasting.ts";
import { outer } from "./contraction.ts";

/** Coefficients as a vector. */
export function readCoefficients(p: Tensor, what: string): Tensor {
  if (p.ndim > 1 || p.size === 0) {
    throw shapeError(`${what} ${showType(p)}: expected a vector of coefficients`);
  }
  return reshape(p, [p.size]);
}

function readBoth(what: string, p: TensorLike, q: TensorLike): [Tensor, Tensor] {
  const [first, second] = promoteTogether(what, [p, q]).map((x) =>
    readCoefficients(convert(x, sumDtype(x.dtype)), what)
  );
  return [first, second];
}

/**
 * Values of a polynomial, by Horner's rule.
 *
 * @category Differences and polynomials
 * @param p The coefficients `[n]`, the highest power first; or `[n, ...]`, where those of one power
 * broadcast with `x`.
 * @param x Any shape.
 * @returns The common dtype, in the shape of `x` (broadcast with the coefficients of one power).
 * @throws {ShapeError} when `p` is a scalar, or shapes do not broadcast.
 *
 * @example A parabola
 * ```ts
 * import { polyval } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(polyval([1, 0, -1], [0, 1, 2]), [-1, 0, 3]);
 * ```
 */
export function polyval(p: TensorLike, x: TensorLike): Tensor {
  const what = "Cannot evaluate the polynomial";
  const [coefficients, at] = promoteTogether(what, [p, x], true);
  if (coefficients.ndim === 0) {
    throw shapeError(`${what} ${showType(coefficients)}: expected an axis of coefficients`);
  }
  const [count, ...shape] = coefficients.shape;
  const one = (i: number) => reshape(sliceAxis(coefficients, 0, i, i + 1), shape);
  const [place, zero] = broadcastTogether(what, at, splat(0, at.dtype, shape));
  if (count === 0) return constantLike(zero, 0);
  if (count > MOST_TERMS) return valuesByHalves(coefficients, place);
  let value = broadcastTo(one(0), place.shape);
  for (let i = 1; i < count; i++) value = addTensors(multiply(value, place), one(i));
  return value;
}

/** The largest number of powers that are computed one by one. */
const MOST_TERMS = 64;

/**
 * Values of a polynomial of many powers: neighbouring terms together make one of half as many powers in the
 * square.
 *
 * Source: G. Estrin, "Organization of computer systems: the fixed plus variable structure computer", 1960.
 */
function valuesByHalves(coefficients: Tensor, x: Tensor): Tensor {
  const [count, ...own] = coefficients.shape;
  const missing = x.ndim - own.length;
  const opened = reshape(coefficients, [count, ...x.shape.slice(0, missing).map(() => 1), ...own]);
  let terms = broadcastTo(opened, [count, ...x.shape]);
  let power = x;
  for (let length = count; length > 1; length = terms.shape[0]) {
    const even = length % 2 === 0 ? terms : pad(
      terms,
      terms.shape.map((_, i) => i === 0 ? 1 : 0),
      terms.shape.map(() => 0),
      terms.shape.map(() => 0),
    );
    const pairs = reshape(even, [even.shape[0] / 2, 2, ...x.shape]);
    const half = (i: number) =>
      reshape(sliceAxis(pairs, 1, i, i + 1), [pairs.shape[0], ...x.shape]);
    terms = add(mul(half(0), broadcastTo(power, [pairs.shape[0], ...x.shape])), half(1));
    power = mul(power, power);
  }
  return reshape(terms, x.shape);
}

/**
 * Sum of two polynomials.
 *
 * @category Differences and polynomials
 * @param p The coefficients of one, the highest power first.
 * @param q The coefficients of the other.
 * @returns As many coefficients as the longer one has.
 * @throws {ShapeError} when one is not a vector of coefficients.
 *
 * @example Of different degrees
 * ```ts
 * import { polyadd } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(polyadd([1, 2, 3], [10, 20]), [1, 12, 23]);
 * ```
 */
export function polyadd(p: TensorLike, q: TensorLike): Tensor {
  return aligned("Cannot add polynomials", p, q, add);
}

/**
 * Difference of two polynomials.
 *
 * @category Differences and polynomials
 * @param p The coefficients of one, the highest power first.
 * @param q The coefficients of the other.
 * @returns As many coefficients as the longer one has.
 * @throws {ShapeError} when one is not a vector of coefficients.
 *
 * @example Of different degrees
 * ```ts
 * import { polysub } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(polysub([1, 2, 3], [1, 1]), [1, 1, 2]);
 * ```
 */
export function polysub(p: TensorLike, q: TensorLike): Tensor {
  return aligned("Cannot subtract polynomials", p, q, sub);
}

function aligned(
  what: string,
  p: TensorLike,
  q: TensorLike,
  combine: (x: Tensor, y: Tensor) => Tensor,
): Tensor {
  const [first, second] = readBoth(what, p, q);
  const length = Math.max(first.size, second.size);
  const [x, y] = [first, second].map((part) => pad(part, [length - part.size], [0], [0]));
  return combine(x, y);
}

/**
 * Product of two polynomials.
 *
 * @category Differences and polynomials
 * @param p The coefficients of one `[n]`, the highest power first.
 * @param q The coefficients of the other `[m]`.
 * @returns `[n + m - 1]`; leading zeros stay.
 * @throws {ShapeError} when one is not a vector of coefficients.
 *
 * @example A square
 * ```ts
 * import { polymul } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(polymul([1, 3], [1, 3]), [1, 6, 9]);
 * ```
 */
export function polymul(p: TensorLike, q: TensorLike): Tensor {
  const [first, second] = readBoth("Cannot multiply polynomials", p, q);
  const [n, m] = [first.size, second.size];
  const products = outer(first, second);
  const places = add(broadcast(iota(n), [n, m], [0]), broadcast(iota(m), [n, m], [1]));
  return scatterAdd(reshape(products, [n * m]), reshape(places, [n * m]), n + m - 1);
}

/** The largest number of steps, each of which is an operation. */
const MOST_STEPS = 4096;

/**
 * Quotient and remainder of two polynomials, by long division.
 *
 * @category Differences and polynomials
 * @param p The coefficients of the dividend `[n]`, the highest power first.
 * @param q The coefficients of the divisor `[m]`, of which the first is not zero.
 * @returns The quotient `[max(n - m + 1, 1)]`, and the remainder `[m - 1]` (`[1]` for a constant divisor;
 * the dividend itself where that is shorter); leading zeros stay. `float32` for integers.
 * @throws {ShapeError} when one is not a vector of coefficients.
 * @throws {ArgumentError} when the quotient has more than 4096 coefficients.
 *
 * @example With a remainder
 * ```ts
 * import { polydiv } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [quotient, remainder] = polydiv([1, 0, 1], [1, 1]);
 * assertTensorsClose(quotient, [1, -1]);
 * assertTensorsClose(remainder, [2]);
 * ```
 */
export function polydiv(
  p: TensorLike,
  q: TensorLike,
): [quotient: Tensor, remainder: Tensor] {
  const [dividend, divisor] = readBoth("Cannot divide polynomials", p, q).map(floatOperand);
  const [n, m] = [dividend.size, divisor.size];
  if (n < m) return [splat(0, dividend.dtype, [1]), dividend];
  if (n - m >= MOST_STEPS) {
    throw argumentError(
      `Cannot divide polynomials: expected a quotient of at most ${MOST_STEPS} coefficients, ` +
        `got ${n - m + 1}`,
    );
  }
  const leading = sliceAxis(divisor, 0, 0, 1);
  const parts: Tensor[] = [];
  let rest = dividend;
  for (let i = 0; i <= n - m; i++) {
    const part = div(sliceAxis(rest, 0, 0, 1), leading);
    parts.push(part);
    // The first term vanishes by construction.
    const [head, tail] = [sliceAxis(rest, 0, 1, m), sliceAxis(rest, 0, m, rest.size)];
    const taken = mul(broadcastTo(part, [m - 1]), sliceAxis(divisor, 0, 1, m));
    rest = concatenate([sub(head, taken), tail], 0);
  }
  return [concatenate(parts, 0), m === 1 ? splat(0, dividend.dtype, [1]) : rest];
}

/**
 * Derivative of a polynomial.
 *
 * @category Differences and polynomials
 * @param p The coefficients `[n]`, the highest power first.
 * @param m How many times to differentiate, 1 by default; at most 1000.
 * @returns `[n - m]`, or `[0]` where nothing is left.
 * @throws {ShapeError} when `p` is not a vector of coefficients.
 * @throws {ArgumentError} when `m` is not a count.
 *
 * @example Of a cubic
 * ```ts
 * import { polyder } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(polyder([1, 1, 1, 1]), [3, 2, 1]);
 * assertTensorsClose(polyder([1, 1, 1, 1], 2), [6, 2]);
 * ```
 */
export function polyder(p: TensorLike, m?: number): Tensor {
  const what = "Cannot differentiate the polynomial";
  const given = toTensor(p, what);
  const coefficients = readCoefficients(convert(given, sumDtype(given.dtype)), what);
  const order = checkOrder(m, what);
  const count = Math.max(coefficients.size - order, 0);
  // The powers that are left, and below each the factors n (n - 1) ….
  const powers = offset(neg(convert(iota(count), "float64")), coefficients.size - 1);
  let factors: Tensor = constantLike(powers, 1);
  for (let i = 0; i < order && count > 0; i++) factors = mul(factors, offset(powers, -i));
  return mul(sliceAxis(coefficients, 0, 0, count), convert(factors, coefficients.dtype));
}

/** How many times to differentiate or to integrate. */
function checkOrder(m: number | undefined, what: string): number {
  const order = checkLength(m ?? 1, what, "how many times");
  if (order <= 1000) return order;
  throw argumentError(`${what}: expected at most 1000 times, got ${order}`);
}

/**
 * Integral of a polynomial.
 *
 * @category Differences and polynomials
 * @param p The coefficients `[n]`, the highest power first.
 * @param m How many times to integrate, 1 by default; at most 1000.
 * @param k The constants of integration, 0 by default: a number for all, or `[m]`, the first integral's
 * first.
 * @returns `[n + m]`; `float32` for integers.
 * @throws {ShapeError} when `p` is not a vector of coefficients, or there is not one constant for each
 * time.
 * @throws {ArgumentError} when `m` is not a count.
 *
 * @example Of a line
 * ```ts
 * import { polyint } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(polyint([2, 3], 1, 5), [1, 3, 5]);
 * ```
 */
export function polyint(p: TensorLike, m?: number, k?: TensorLike): Tensor {
  const what = "Cannot integrate the polynomial";
  const [given, constants] = promoteTogether(what, [p, k ?? 0]).map(floatOperand);
  let result = readCoefficients(given, what);
  const order = checkOrder(m, what);
  if (constants.ndim > 1 || constants.size !== 1 && constants.size !== order) {
    throw shapeError(
      `${what} with the constants ${showType(constants)}: expected ${order}, or one`,
    );
  }
  const list = broadcastTo(constants, [order]);
  for (let i = 0; i < order; i++) {
    const count = result.size;
    const divisors = convert(offset(neg(iota(count)), count), result.dtype);
    result = concatenate([div(result, divisors), sliceAxis(list, 0, i, i + 1)], 0);
  }
  return result;
}
