/**
 * Cosine transforms of types 1 to 4.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { range } from "../base/shape.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { halfLength } from "../numeric/fft/real.ts";
import { rootOfUnity } from "../numeric/fft/roots.ts";
import { add, sub } from "../primitives/arithmetic.ts";
import { fourier, fourierOfReal, realOfFourier } from "../primitives/fourier.ts";
import { concatenate, flip, slice } from "../primitives/slicing.ts";
import { reshape } from "../primitives/structure.ts";
import { alongAxis, checkNorm, cut, fit, lastOf, type Norm, surround, weigh } from "./arguments.ts";

/**
 * Options of `dct` and `idct`.
 *
 * @category Fourier transforms
 */
export interface CosineOptions {
  /** The type, 1 to 4. Default 2. */
  readonly type?: 1 | 2 | 3 | 4;
  /** The length: zeros behind the elements, or the first of them alone. Default what there are. */
  readonly n?: number;
  /** The axis; negative ones count from the last. Default -1. */
  readonly axis?: number;
  /**
   * What is divided by, `N` being the length, or one less for type 1: nothing there and `2N` back
   * (`"backward"`, the default), the other way round (`"forward"`), or the root of `2N` both ways, with the
   * first element, and for type 1 the last, weighed so that the transform is orthogonal (`"ortho"`).
   */
  readonly norm?: Norm;
}

/**
 * The cosine transform along an axis, by SciPy's definitions. With `N` elements, unnormalised:
 *
 * - type 1: `y[k] = x[0] + (-1)^k x[N-1] + 2 Σ x[j] cos(π j k / (N - 1))`, `j` from 1 to `N - 2`
 * - type 2: `y[k] = 2 Σ x[j] cos(π (2j + 1) k / 2N)`
 * - type 3: `y[k] = x[0] + 2 Σ x[j] cos(π j (2k + 1) / 2N)`, `j` from 1 on
 * - type 4: `y[k] = 2 Σ x[j] cos(π (2j + 1) (2k + 1) / 4N)`
 *
 * Source of types 2 and 3: J. Makhoul, "A fast cosine transform in one and two dimensions", 1980.
 *
 * @category Fourier transforms
 * @param x Any shape but a scalar.
 * @param options The type, the length, the axis and the norm.
 * @returns The shape of `x`, with the length along the axis; the dtype of `x`, `float32` for integers and
 * bools.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ShapeError} when there are no elements along it, or just one for type 1.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example A constant has one number
 * ```ts
 * import { dct, idct } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(dct([3, 3, 3, 3]), [24, 0, 0, 0]);
 * assertTensorsClose(idct(dct([1, 2, 4])), [1, 2, 4]);
 * ```
 */
export function dct(x: TensorLike, options?: CosineOptions): Tensor {
  return transform(x, options, false);
}

/**
 * The inverse of `dct` of the same type and norm.
 *
 * @category Fourier transforms
 * @param x Any shape but a scalar.
 * @param options The type, the length, the axis and the norm.
 * @returns The shape of `x`, with the length along the axis; the dtype of `x`, `float32` for integers and
 * bools.
 * @throws {AxisError} when the axis is out of range.
 * @throws {ShapeError} when there are no elements along it, or just one for type 1.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example Back from frequencies
 * ```ts
 * import { idct } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(idct([2, 0, 0, 0], { norm: "ortho" }), [1, 1, 1, 1]);
 * ```
 */
export function idct(x: TensorLike, options?: CosineOptions): Tensor {
  return transform(x, options, true);
}

function transform(
  x: TensorLike,
  options: CosineOptions | undefined,
  isInverse: boolean,
): Tensor {
  const what = "Cannot transform";
  const { type = 2, n, axis = -1, norm = "backward" } = readOptions(what, options, [
    "type",
    "n",
    "axis",
    "norm",
  ]);
  if (![1, 2, 3, 4].includes(type)) {
    throw argumentError(`${what}: type must be 1, 2, 3 or 4, got ${describeValue(type)}`);
  }
  checkNorm(norm, what);
  return alongAxis(what, x, { n, axis }, (rows, shown) => {
    const length = lastOf(rows);
    if (type === 1 && length < 2) throw shapeError(`${shown}: type 1 needs two elements or more`);
    // Types 2 and 3 are each other's inverse, the others their own.
    const own = isInverse && (type === 2 || type === 3) ? 5 - type : type;
    const period = 2 * (type === 1 ? length - 1 : length);
    if (norm !== "ortho") {
      const isDivided = isInverse === (norm === "backward");
      return unnormalised(rows, own, isDivided ? 1 / period : 1);
    }
    const ends = own === 1 ? [0, length - 1] : [0];
    const weights = (factor: number): Float64Array =>
      Float64Array.from({ length }, (_, i) => ends.includes(i) ? factor : 1);
    const before = own === 1 || own === 3 ? weigh(rows, weights(Math.SQRT2)) : rows;
    const after = unnormalised(before, own, 1 / Math.sqrt(period));
    return own === 1 || own === 2 ? weigh(after, weights(Math.SQRT1_2)) : after;
  });
}

/** A transform of rows, times a factor. */
function unnormalised(x: Tensor, type: number, factor: number): Tensor {
  switch (type) {
    case 1:
      return first(x, factor);
    case 2:
      return second(x, factor);
    case 3:
      return third(x, factor);
    default:
      return fourth(x, factor);
  }
}

/** The cosines, and the sines, of `2π k / n` for some `k`, times a factor. */
function circle(n: number, places: readonly number[], factor: number): readonly Float64Array[] {
  return [0, 1].map((part) => Float64Array.from(places, (k) => factor * rootOfUnity(k, n)[part]));
}

function reversed(x: Tensor): Tensor {
  return flip(x, [x.ndim - 1]);
}

function joined(parts: readonly Tensor[]): Tensor {
  return concatenate(parts.filter((part) => lastOf(part) > 0), parts[0].ndim - 1);
}

/** Every second element of the last axis. */
function everySecond(x: Tensor, from: number): Tensor {
  const last = x.ndim - 1;
  return slice(
    x,
    x.shape.map((_, i) => i === last ? from : 0),
    x.shape,
    x.shape.map((_, i) => i === last ? 2 : 1),
  );
}

/** Type 1: the transform of the row, and of it from its end on. */
function first(x: Tensor, factor: number): Tensor {
  const length = lastOf(x);
  const [re] = fourierOfReal(joined([x, reversed(cut(x, 1, length - 1))]));
  return factor === 1 ? re : weigh(re, new Float64Array(length).fill(factor));
}

/** Type 2: elements in even places, then those in odd ones from the end on, are transformed and turned. */
function second(x: Tensor, factor: number): Tensor {
  const n = lastOf(x);
  const order = n === 1 ? x : joined([everySecond(x, 0), reversed(everySecond(x, 1))]);
  const [re, im] = fourierOfReal(order);
  const half = halfLength(n);
  const [cos, sin] = circle(4 * n, range(half), 2 * factor);
  const head = add(weigh(re, cos), weigh(im, sin));
  const tail = sub(weigh(re, sin), weigh(im, cos));
  return joined([head, reversed(cut(tail, 1, Math.ceil(n / 2)))]);
}

/** Type 3, its transpose but for the first element, which counts once. */
function third(x: Tensor, factor: number): Tensor {
  const n = lastOf(x);
  const half = halfLength(n);
  const [cos, sin] = circle(4 * n, range(half), 2 * factor);
  [cos[0], sin[0]] = [factor, 0];
  const head = cut(x, 0, half);
  const tail = surround(reversed(cut(x, half, n)), 1, n % 2 === 0 && n > 1 ? 1 : 0);
  const order = realOfFourier(
    add(weigh(head, cos), weigh(tail, sin)),
    sub(weigh(head, sin), weigh(tail, cos)),
    { length: n },
  );
  if (n === 1) return order;
  const middle = Math.ceil(n / 2);
  const even = cut(order, 0, middle);
  const odd = surround(reversed(cut(order, middle, n)), 0, n % 2);
  const shape = [...x.shape.slice(0, -1), middle, 1];
  const pairs = concatenate([reshape(even, shape), reshape(odd, shape)], x.ndim);
  return cut(reshape(pairs, [...x.shape.slice(0, -1), 2 * middle]), 0, n);
}

/** Type 4: turned, the row is the first half of one that is transformed, and turned again. */
function fourth(x: Tensor, factor: number): Tensor {
  const n = lastOf(x);
  const [cos, sin] = circle(4 * n, range(n), 1);
  const [before, negative] = [weigh(x, cos), weigh(x, sin.map((value) => -value))];
  const [re, im] = fourier(fit(before, 2 * n), fit(negative, 2 * n), { inverse: false })
    .map((part) => cut(part, 0, n));
  const [c, s] = circle(8 * n, range(n).map((k) => 2 * k + 1), 2 * factor);
  return add(weigh(re, c), weigh(im, s));
}
