/**
 * Convolutions and correlations of images, whose edges may go on in several ways.
 *
 * @module
 */
import { describeValue, isComplex } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { promoteTogether } from "../functions/broadcasting.ts";
import { conj } from "../functions/complex.ts";
import { pad } from "../functions/padding.ts";
import { flip } from "../primitives/slicing.ts";
import { checkMode, type ConvolutionMode, convolve } from "./convolution.ts";

/**
 * Options of `convolve2d` and `correlate2d`.
 *
 * @category Signals
 */
export interface ImageConvolutionOptions {
  /** The part that is given. Default `"full"`. */
  readonly mode?: ConvolutionMode;
  /**
   * What is around the first image: numbers (`"fill"`), the other side (`"wrap"`), or its mirror image
   * (`"symmetric"`). Default `"fill"`.
   */
  readonly boundary?: "fill" | "wrap" | "symmetric";
  /** The number around the first image, for `"fill"`. Default 0. */
  readonly fillValue?: number;
}

/**
 * The convolution of two images: `y[k, l] = Σ a[i, j] b[k - i, l - j]`.
 *
 * @category Signals
 * @param a A matrix.
 * @param b A matrix.
 * @param options The part that is given, and what is around `a`.
 * @returns Along each axis, of lengths `m` and `n`: `m + n - 1` elements (`"full"`), `m` (`"same"`) or
 * `max(m, n) - min(m, n) + 1` (`"valid"`). The common dtype of both; sums of integers are modulo 2^32.
 * @throws {ShapeError} when an operand is not a matrix, or is empty, or, for `"valid"`, neither is at least
 * as long as the other along both axes.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example Differences of neighbours, around the edge
 * ```ts
 * import { convolve2d } from "@jacobi/jacobi/signal";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const image = [[1, 2, 4], [8, 16, 32]];
 * assertTensorsClose(convolve2d(image, [[1, -1, 0]], { mode: "same", boundary: "wrap" }), [[1, 2, -3], [8, 16, -24]]);
 * ```
 */
export function convolve2d(
  a: TensorLike,
  b: TensorLike,
  options?: ImageConvolutionOptions,
): Tensor {
  return ofImages("Cannot convolve", a, b, options, false);
}

/**
 * The correlation of two images: `y[k, l] = Σ a[i + k, j + l] conj(b[i, j])`, `k` and `l` from one less than
 * the lengths of `b` below zero on.
 *
 * @category Signals
 * @param a A matrix.
 * @param b A matrix.
 * @param options The part that is given, and what is around `a`.
 * @returns Along each axis, of lengths `m` and `n`: `m + n - 1` elements (`"full"`), `m` (`"same"`) or
 * `max(m, n) - min(m, n) + 1` (`"valid"`). The common dtype of both; sums of integers are modulo 2^32.
 * @throws {ShapeError} when an operand is not a matrix, or is empty, or, for `"valid"`, neither is at least
 * as long as the other along both axes.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example Where a pattern is
 * ```ts
 * import { correlate2d } from "@jacobi/jacobi/signal";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const image = [[0, 0, 0], [0, 1, 2], [0, 0, 0]];
 * assertTensorsClose(correlate2d(image, [[1, 2]], { mode: "valid" }), [[0, 0], [2, 5], [0, 0]]);
 * ```
 */
export function correlate2d(
  a: TensorLike,
  b: TensorLike,
  options?: ImageConvolutionOptions,
): Tensor {
  return ofImages("Cannot correlate", a, b, options, true);
}

const BOUNDARIES = { fill: "constant", wrap: "wrap", symmetric: "symmetric" } as const;

function ofImages(
  what: string,
  a: TensorLike,
  b: TensorLike,
  options: ImageConvolutionOptions | undefined,
  isReversed: boolean,
): Tensor {
  const { mode = "full", boundary = "fill", fillValue = 0 } = readOptions(what, options, [
    "mode",
    "boundary",
    "fillValue",
  ]);
  checkMode(mode, what);
  if (!Object.hasOwn(BOUNDARIES, boundary)) {
    throw argumentError(
      `${what}: boundary must be "fill", "wrap" or "symmetric", got ${describeValue(boundary)}`,
    );
  }
  if (typeof fillValue !== "number") {
    throw argumentError(`${what}: fillValue must be a number, got ${describeValue(fillValue)}`);
  }
  const [x, y] = promoteTogether(what, [a, b]);
  const shown = `${what} ${showType(x)} with ${showType(y)}`;
  if (x.ndim !== 2 || y.ndim !== 2) throw shapeError(`${shown}: expected two matrices`);
  if (x.size === 0 || y.size === 0) throw shapeError(`${shown}: expected images with elements`);
  const turned = !isReversed ? y : isComplex(y.dtype) ? conj(flip(y, [0, 1])) : flip(y, [0, 1]);
  if (mode === "valid") return convolve(x, turned, { mode });
  // How far the middle of `b` is from its end.
  const widths = y.shape.map((n): [number, number] => {
    const rest = isReversed ? Math.floor((n - 1) / 2) : Math.ceil((n - 1) / 2);
    return mode === "full" ? [n - 1, n - 1] : [rest, n - 1 - rest];
  });
  const padding = {
    mode: BOUNDARIES[boundary],
    ...boundary === "fill" ? { value: fillValue } : {},
  };
  const framed = pad(x, widths, padding);
  return convolve(framed, turned, { mode: "valid" });
}
