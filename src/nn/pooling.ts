/**
 * Pooling layers in one to three dimensions.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { describeValue } from "../base/dtype.ts";
import { readOptions } from "../base/options.ts";
import { checkSize, range, showType, sizeOf } from "../base/shape.ts";
import { allocateFor, Concrete } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import {
  avgPool,
  maxPool,
  mean,
  mul,
  pow,
  reshape,
  sum,
  take,
  takeAlongAxis,
  where,
} from "../functions/mod.ts";
import type { AvgPoolOptions, MaxPoolOptions } from "../functions/mod.ts";
import { checkSpatial, perAxis, stateless } from "./layer.ts";
import type { Empty, Layer } from "./layer.ts";

function maxPooling(
  dims: number,
  window: number | readonly number[],
  options: MaxPoolOptions | undefined,
): Layer<Empty, Empty> {
  const name = `maxPool${dims}d`;
  const size = perAxis(window, dims, "window", name);
  const settings = { window, stride: window, padding: 0, dilation: 1, ceilMode: false, ...options };
  return stateless({ name, settings }, (x) => maxPool(checkSpatial(x, dims, name), size, options));
}

function avgPooling(
  dims: number,
  window: number | readonly number[],
  options: AvgPoolOptions | undefined,
): Layer<Empty, Empty> {
  const name = `avgPool${dims}d`;
  const size = perAxis(window, dims, "window", name);
  const settings = { window, stride: window, padding: 0, ...options };
  return stateless({ name, settings }, (x) => avgPool(checkSpatial(x, dims, name), size, options));
}

/**
 * Options of `lpPool1d`, `lpPool2d` and `lpPool3d`.
 *
 * @category Pooling
 */
export interface LpPoolOptions {
  /** Positions from one window to the next. Default the window's own lengths. */
  readonly stride?: number | readonly number[];
  /** Whether the last window may reach beyond the input. Default `false`. */
  readonly ceilMode?: boolean;
}

function lpPooling(
  dims: number,
  p: number,
  window: number | readonly number[],
  options: LpPoolOptions | undefined,
): Layer<Empty, Empty> {
  const name = `lpPool${dims}d`;
  if (typeof p !== "number" || !(p > 0) || p === Infinity) {
    throw argumentError(
      `Cannot make an ${name} layer with p ${describeValue(p)}: expected a number above 0`,
    );
  }
  const size = perAxis(window, dims, "window", name);
  const read = readOptions(`Cannot make an ${name} layer`, options, ["stride", "ceilMode"]);
  const settings = { p, window, stride: window, ...read };
  return stateless({ name, settings }, (x) => {
    const input = floatOperand(checkSpatial(x, dims, name));
    // Sums: what lies beyond the input is no element, and adds nothing.
    const sums = avgPool(pow(input, p), size, { ...read, divisorOverride: 1 });
    // As in PyTorch, a sum below zero, which odd powers have, counts as zero.
    const isPositive = sums.greater(0);
    return where(isPositive, pow(where(isPositive, sums, 1), 1 / p), 0);
  });
}

function adaptiveAvgPooling(
  dims: number,
  outputSize: number | readonly number[],
): Layer<Empty, Empty> {
  const name = `adaptiveAvgPool${dims}d`;
  const size = perAxis(outputSize, dims, "outputSize", name);
  return stateless({ name, settings: { outputSize: size } }, (x) => {
    const input = floatOperand(checkSpatial(x, dims, name));
    if (sizeOf(size) === 1) return mean(input, range(2, dims + 2), { keepdims: true });
    return size.reduce((y, regions, i) => regionMeans(y, i + 2, regions), input);
  });
}

function adaptiveMaxPooling(
  dims: number,
  outputSize: number | readonly number[],
): Layer<Empty, Empty> {
  const name = `adaptiveMaxPool${dims}d`;
  const size = perAxis(outputSize, dims, "outputSize", name);
  return stateless(
    { name, settings: { outputSize: size } },
    // From the last axis to the first, so that ties go to the first element in row-major order.
    (x) =>
      size.reduceRight(
        (y, regions, i) => regionMaxima(y, i + 2, regions),
        checkSpatial(x, dims, name),
      ),
  );
}

/**
 * The largest element of each window.
 *
 * @category Pooling
 * @param window The length of the window.
 * @param options Stride (the window's size by default), padding, dilation and `ceilMode`, as for `maxPool`.
 * @returns A layer on `[batch, channels, length]`.
 * @throws {ArgumentError} when the window is made of no positive integers.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example Halves
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.maxPool1d(2).apply({}, {}, tensor([[[1, 2]]]));
 * assertTensorsClose(y, [[[2]]]);
 * ```
 */
export function maxPool1d(
  window: number | readonly [number],
  options?: MaxPoolOptions,
): Layer<Empty, Empty> {
  return maxPooling(1, window, options);
}

/**
 * The largest element of each window.
 *
 * @category Pooling
 * @param window Height and width of the window, in pixels: one number for both, or a pair.
 * @param options Stride (the window's size by default), padding, dilation and `ceilMode`, as for `maxPool`.
 * @returns A layer on `[batch, channels, height, width]`.
 * @throws {ArgumentError} when the window is made of no positive integers.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example Halves
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.maxPool2d(2).apply({}, {}, tensor([[[[1, 2], [3, 6]]]]));
 * assertTensorsClose(y, [[[[6]]]]);
 * ```
 */
export function maxPool2d(
  window: number | readonly [number, number],
  options?: MaxPoolOptions,
): Layer<Empty, Empty> {
  return maxPooling(2, window, options);
}

/**
 * The largest element of each window.
 *
 * @category Pooling
 * @param window Depth, height and width of the window: one number for all, or three.
 * @param options Stride (the window's size by default), padding, dilation and `ceilMode`, as for `maxPool`.
 * @returns A layer on `[batch, channels, depth, height, width]`.
 * @throws {ArgumentError} when the window is made of no positive integers.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example Halves
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.maxPool3d(2).apply({}, {}, tensor([[[[[1, 2], [3, 6]], [[1, 2], [3, 6]]]]]));
 * assertTensorsClose(y, [[[[[6]]]]]);
 * ```
 */
export function maxPool3d(
  window: number | readonly [number, number, number],
  options?: MaxPoolOptions,
): Layer<Empty, Empty> {
  return maxPooling(3, window, options);
}

/**
 * The mean of each window.
 *
 * @category Pooling
 * @param window The length of the window.
 * @param options Stride (the window's size by default), padding, whether it counts, and `ceilMode`, as for `avgPool`.
 * @returns A layer on `[batch, channels, length]`.
 * @throws {ArgumentError} when the window is made of no positive integers.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example Halves
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.avgPool1d(2).apply({}, {}, tensor([[[1, 2]]]));
 * assertTensorsClose(y, [[[1.5]]]);
 * ```
 */
export function avgPool1d(
  window: number | readonly [number],
  options?: AvgPoolOptions,
): Layer<Empty, Empty> {
  return avgPooling(1, window, options);
}

/**
 * The mean of each window.
 *
 * @category Pooling
 * @param window Height and width of the window, in pixels: one number for both, or a pair.
 * @param options Stride (the window's size by default), padding, whether it counts, and `ceilMode`, as for `avgPool`.
 * @returns A layer on `[batch, channels, height, width]`.
 * @throws {ArgumentError} when the window is made of no positive integers.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example Halves
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.avgPool2d(2).apply({}, {}, tensor([[[[1, 2], [3, 6]]]]));
 * assertTensorsClose(y, [[[[3]]]]);
 * ```
 */
export function avgPool2d(
  window: number | readonly [number, number],
  options?: AvgPoolOptions,
): Layer<Empty, Empty> {
  return avgPooling(2, window, options);
}

/**
 * The mean of each window.
 *
 * @category Pooling
 * @param window Depth, height and width of the window: one number for all, or three.
 * @param options Stride (the window's size by default), padding, whether it counts, and `ceilMode`, as for `avgPool`.
 * @returns A layer on `[batch, channels, depth, height, width]`.
 * @throws {ArgumentError} when the window is made of no positive integers.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example Halves
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.avgPool3d(2).apply({}, {}, tensor([[[[[1, 2], [3, 6]], [[1, 2], [3, 6]]]]]));
 * assertTensorsClose(y, [[[[[3]]]]]);
 * ```
 */
export function avgPool3d(
  window: number | readonly [number, number, number],
  options?: AvgPoolOptions,
): Layer<Empty, Empty> {
  return avgPooling(3, window, options);
}

/**
 * The p-norm of each window: `(∑ xᵖ)^(1/p)`; as in PyTorch, without magnitudes, so that a sum below zero
 * counts as zero.
 *
 * @category Pooling
 * @param p The order: a number above 0.
 * @param window The length of the window.
 * @param options Stride (the window's size by default) and `ceilMode`.
 * @returns A layer on `[batch, channels, length]`.
 * @throws {ArgumentError} when the order is not above 0, or the window is made of no positive integers.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example Lengths
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.lpPool1d(2, 2).apply({}, {}, tensor([[[3, 4]]]));
 * assertTensorsClose(y, [[[5]]]);
 * ```
 */
export function lpPool1d(
  p: number,
  window: number | readonly [number],
  options?: LpPoolOptions,
): Layer<Empty, Empty> {
  return lpPooling(1, p, window, options);
}

/**
 * The p-norm of each window: `(∑ xᵖ)^(1/p)`; as in PyTorch, without magnitudes, so that a sum below zero
 * counts as zero.
 *
 * @category Pooling
 * @param p The order: a number above 0.
 * @param window Height and width of the window, in pixels: one number for both, or a pair.
 * @param options Stride (the window's size by default) and `ceilMode`.
 * @returns A layer on `[batch, channels, height, width]`.
 * @throws {ArgumentError} when the order is not above 0, or the window is made of no positive integers.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example Lengths
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.lpPool2d(2, 2).apply({}, {}, tensor([[[[3, 0], [0, 4]]]]));
 * assertTensorsClose(y, [[[[5]]]]);
 * ```
 */
export function lpPool2d(
  p: number,
  window: number | readonly [number, number],
  options?: LpPoolOptions,
): Layer<Empty, Empty> {
  return lpPooling(2, p, window, options);
}

/**
 * The p-norm of each window: `(∑ xᵖ)^(1/p)`; as in PyTorch, without magnitudes, so that a sum below zero
 * counts as zero.
 *
 * @category Pooling
 * @param p The order: a number above 0.
 * @param window Depth, height and width of the window: one number for all, or three.
 * @param options Stride (the window's size by default) and `ceilMode`.
 * @returns A layer on `[batch, channels, depth, height, width]`.
 * @throws {ArgumentError} when the order is not above 0, or the window is made of no positive integers.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example Lengths
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.lpPool3d(2, 2).apply({}, {}, tensor([[[[[3, 0], [0, 4]], [[0, 0], [0, 0]]]]]));
 * assertTensorsClose(y, [[[[[5]]]]]);
 * ```
 */
export function lpPool3d(
  p: number,
  window: number | readonly [number, number, number],
  options?: LpPoolOptions,
): Layer<Empty, Empty> {
  return lpPooling(3, p, window, options);
}

/**
 * Means over as many regions as the output has positions, whatever the input's size: region `i` of `n`
 * goes from `floor(i * length / n)` to `ceil((i + 1) * length / n)`, as in PyTorch.
 *
 * @category Pooling
 * @param outputSize The length of the output.
 * @returns A layer from `[batch, channels, length]` to `[batch, channels, ...outputSize]`.
 * @throws {ArgumentError} when the size is made of no positive integers.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example Global pooling
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.adaptiveAvgPool1d(1).apply({}, {}, tensor([[[1, 2]]]));
 * assertTensorsClose(y, [[[1.5]]]);
 * ```
 */
export function adaptiveAvgPool1d(
  outputSize: number | readonly [number],
): Layer<Empty, Empty> {
  return adaptiveAvgPooling(1, outputSize);
}

/**
 * Means over as many regions as the output has positions, whatever the input's size: region `i` of `n`
 * goes from `floor(i * length / n)` to `ceil((i + 1) * length / n)`, as in PyTorch.
 *
 * @category Pooling
 * @param outputSize Height and width of the output, in pixels: one number for both, or a pair.
 * @returns A layer from `[batch, channels, height, width]` to `[batch, channels, ...outputSize]`.
 * @throws {ArgumentError} when the size is made of no positive integers.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example Global pooling
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.adaptiveAvgPool2d(1).apply({}, {}, tensor([[[[1, 2], [3, 6]]]]));
 * assertTensorsClose(y, [[[[3]]]]);
 * ```
 */
export function adaptiveAvgPool2d(
  outputSize: number | readonly [number, number],
): Layer<Empty, Empty> {
  return adaptiveAvgPooling(2, outputSize);
}

/**
 * Means over as many regions as the output has positions, whatever the input's size: region `i` of `n`
 * goes from `floor(i * length / n)` to `ceil((i + 1) * length / n)`, as in PyTorch.
 *
 * @category Pooling
 * @param outputSize Depth, height and width of the output: one number for all, or three.
 * @returns A layer from `[batch, channels, depth, height, width]` to `[batch, channels, ...outputSize]`.
 * @throws {ArgumentError} when the size is made of no positive integers.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example Global pooling
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.adaptiveAvgPool3d(1).apply({}, {}, tensor([[[[[1, 2], [3, 6]], [[1, 2], [3, 6]]]]]));
 * assertTensorsClose(y, [[[[[3]]]]]);
 * ```
 */
export function adaptiveAvgPool3d(
  outputSize: number | readonly [number, number, number],
): Layer<Empty, Empty> {
  return adaptiveAvgPooling(3, outputSize);
}

/**
 * The largest elements of as many regions as the output has positions, whatever the input's size: region
 * `i` of `n` goes from `floor(i * length / n)` to `ceil((i + 1) * length / n)`, as in PyTorch.
 *
 * @category Pooling
 * @param outputSize The length of the output.
 * @returns A layer from `[batch, channels, length]` to `[batch, channels, ...outputSize]`.
 * @throws {ArgumentError} when the size is made of no positive integers.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example Global pooling
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.adaptiveMaxPool1d(1).apply({}, {}, tensor([[[1, 2]]]));
 * assertTensorsClose(y, [[[2]]]);
 * ```
 */
export function adaptiveMaxPool1d(
  outputSize: number | readonly [number],
): Layer<Empty, Empty> {
  return adaptiveMaxPooling(1, outputSize);
}

/**
 * The largest elements of as many regions as the output has positions, whatever the input's size: region
 * `i` of `n` goes from `floor(i * length / n)` to `ceil((i + 1) * length / n)`, as in PyTorch.
 *
 * @category Pooling
 * @param outputSize Height and width of the output, in pixels: one number for both, or a pair.
 * @returns A layer from `[batch, channels, height, width]` to `[batch, channels, ...outputSize]`.
 * @throws {ArgumentError} when the size is made of no positive integers.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example Global pooling
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.adaptiveMaxPool2d(1).apply({}, {}, tensor([[[[1, 2], [3, 6]]]]));
 * assertTensorsClose(y, [[[[6]]]]);
 * ```
 */
export function adaptiveMaxPool2d(
  outputSize: number | readonly [number, number],
): Layer<Empty, Empty> {
  return adaptiveMaxPooling(2, outputSize);
}

/**
 * The largest elements of as many regions as the output has positions, whatever the input's size: region
 * `i` of `n` goes from `floor(i * length / n)` to `ceil((i + 1) * length / n)`, as in PyTorch.
 *
 * @category Pooling
 * @param outputSize Depth, height and width of the output: one number for all, or three.
 * @returns A layer from `[batch, channels, depth, height, width]` to `[batch, channels, ...outputSize]`.
 * @throws {ArgumentError} when the size is made of no positive integers.
 * @throws {ShapeError} when the input has another number of axes.
 *
 * @example Global pooling
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.adaptiveMaxPool3d(1).apply({}, {}, tensor([[[[[1, 2], [3, 6]], [[1, 2], [3, 6]]]]]));
 * assertTensorsClose(y, [[[[[6]]]]]);
 * ```
 */
export function adaptiveMaxPool3d(
  outputSize: number | readonly [number, number, number],
): Layer<Empty, Empty> {
  return adaptiveMaxPooling(3, outputSize);
}

/** The elements of `x` along an axis as a row for each region. */
interface Regions {
  /** `[..., regions, longest, ...]`: the last element repeated in rows that are too short. */
  readonly rows: Tensor;
  /** Which are no repetitions, `[regions, longest, 1, ...]`; undefined where there are none. */
  readonly isInside?: Tensor;
  /** The reciprocals of the numbers of elements, `[regions, 1, ...]`, where they differ. */
  readonly shares?: Tensor;
}

function regionsOf(x: Tensor, axis: number, regions: number): Regions {
  const length = x.shape[axis];
  const before = x.shape.slice(0, axis);
  const after = x.shape.slice(axis + 1);
  if (length % regions === 0) {
    return { rows: reshape(x, [...before, regions, length / regions, ...after]) };
  }
  checkSize([...before, regions, ...after], `Cannot pool ${showType(x)} into ${regions} regions`);
  const startOf = (region: number) => Math.floor((region * length) / regions);
  const endOf = (region: number) => Math.ceil(((region + 1) * length) / regions);
  const shares = allocateFor({ dtype: x.dtype, shape: [regions] });
  let longest = 1;
  for (let region = 0; region < regions; region++) {
    const count = endOf(region) - startOf(region);
    shares[region] = 1 / count;
    longest = Math.max(longest, count);
  }
  const grid = [regions, longest];
  const indices = allocateFor({ dtype: "int32", shape: grid });
  const isInside = allocateFor({ dtype: "bool", shape: grid });
  for (let region = 0, at = 0; region < regions; region++) {
    for (let i = startOf(region); i < startOf(region) + longest; i++, at++) {
      indices[at] = Math.min(i, endOf(region) - 1);
      isInside[at] = i < endOf(region) ? 1 : 0;
    }
  }
  const rows = take(x, new Concrete("int32", grid, indices), axis);
  const spread = (part: Concrete) => reshape(part, [...part.shape, ...after.map(() => 1)]);
  return {
    rows,
    isInside: spread(new Concrete("bool", grid, isInside)),
    shares: spread(new Concrete(x.dtype, [regions], shares)),
  };
}

/** `x` with the elements along an axis replaced by the means of `regions` regions. */
function regionMeans(x: Tensor, axis: number, regions: number): Tensor {
  const { rows, isInside, shares } = regionsOf(x, axis, regions);
  if (isInside === undefined) return mean(rows, axis + 1);
  // A product with a matrix of zeros would spread infinities to all regions.
  return mul(sum(where(isInside, rows, 0), axis + 1), shares!);
}

/** `x` with the elements along an axis replaced by the first largest of each of `regions` regions. */
function regionMaxima(x: Tensor, axis: number, regions: number): Tensor {
  // An element that is repeated is not larger, nor the first.
  const { rows } = regionsOf(x, axis, regions);
  const places = rows.argmax(axis + 1, { keepdims: true });
  return takeAlongAxis(rows, places, axis + 1).squeeze(axis + 1);
}
