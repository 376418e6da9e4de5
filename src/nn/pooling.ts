/**
 * Pooling layers.
 *
 * @module
 */
import { shapeError } from "../base/errors.ts";
import { checkSize, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { allocateFor, Concrete } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import { avgPool, maxPool, mean, mul, reshape, sum, take, where } from "../functions/mod.ts";
import type { AvgPoolOptions, MaxPoolOptions } from "../functions/mod.ts";
import { pair, stateless } from "./layer.ts";
import type { Empty, Layer } from "./layer.ts";

/** An image batch, checked to have four axes. */
function checkImages(x: Tensor, layer: string): Tensor {
  const input = toTensor(x, `Cannot apply ${layer}`);
  if (input.ndim === 4) return input;
  throw shapeError(
    `Cannot apply ${layer} to ${showType(input)}: expected [batch, channels, height, width]`,
  );
}

/**
 * The largest element of each window.
 *
 * @param window Height and width of the window, in pixels: one number for both, or a pair.
 * @param options Stride (the window's size by default), padding and dilation, as for `maxPool`.
 * @returns A layer on `[batch, channels, height, width]`.
 * @throws {ArgumentError} when the window is no pair of positive integers.
 * @throws {ShapeError} when the input has other than four axes.
 *
 * @example Quarters
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.maxPool2d(2).apply({}, {}, tensor([[[[1, 2], [3, 4]]]]));
 * assertTensorsClose(y, [[[[4]]]]);
 * ```
 */
export function maxPool2d(
  window: number | readonly [number, number],
  options?: MaxPoolOptions,
): Layer<Empty, Empty> {
  if (options === undefined) options = {};
  const size = pair(window, "window", "maxPool2d");
  const settings = {
    window,
    stride: window,
    padding: 0,
    dilation: 1,
    ceilMode: false,
    ...options,
  };
  return stateless(
    { name: "maxPool2d", settings },
    (x) => maxPool(checkImages(x, "maxPool2d"), size, options),
  );
}

/**
 * The mean of each window.
 *
 * @param window Height and width of the window, in pixels: one number for both, or a pair.
 * @param options Stride (the window's size by default), padding, and whether it counts, as for
 * `avgPool`.
 * @returns A layer on `[batch, channels, height, width]`.
 * @throws {ArgumentError} when the window is no pair of positive integers.
 * @throws {ShapeError} when the input has other than four axes.
 *
 * @example Quarters
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
  if (options === undefined) options = {};
  const size = pair(window, "window", "avgPool2d");
  const settings = { window, stride: window, padding: 0, ...options };
  return stateless(
    { name: "avgPool2d", settings },
    (x) => avgPool(checkImages(x, "avgPool2d"), size, options),
  );
}

/**
 * Means over as many regions as the output has pixels, whatever the input's size: region `i` of `n`
 * goes from `floor(i * length / n)` to `ceil((i + 1) * length / n)`, as in PyTorch.
 *
 * @param outputSize Height and width of the output, in pixels: one number for both, or a pair.
 * @returns A layer from `[batch, channels, height, width]` to `[batch, channels, ...outputSize]`.
 * @throws {ArgumentError} when the size is no pair of positive integers.
 * @throws {ShapeError} when the input has other than four axes.
 *
 * @example Global average pooling
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
  const [height, width] = pair(outputSize, "outputSize", "adaptiveAvgPool2d");
  const settings = { outputSize: [height, width] };
  return stateless({ name: "adaptiveAvgPool2d", settings }, (x) => {
    const input = floatOperand(checkImages(x, "adaptiveAvgPool2d"));
    if (height === 1 && width === 1) return mean(input, [2, 3], { keepdims: true });
    return regionMeans(regionMeans(input, 2, height), 3, width);
  });
}

/** `x` with the elements along an axis replaced by the means of so many regions. */
function regionMeans(x: Tensor, axis: number, regions: number): Tensor {
  const length = x.shape[axis];
  const before = x.shape.slice(0, axis);
  const after = x.shape.slice(axis + 1);
  if (length % regions === 0) {
    return mean(reshape(x, [...before, regions, length / regions, ...after]), axis + 1);
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
  // Each region in a row, with the last one's elements repeated in rows that are too short, and left
  // out of the sum: a product with a matrix of zeros would spread infinities to all regions.
  const grid = [regions, longest];
  const indices = allocateFor({ dtype: "int32", shape: grid });
  const isInside = allocateFor({ dtype: "bool", shape: grid });
  for (let region = 0, at = 0; region < regions; region++) {
    for (let i = startOf(region); i < startOf(region) + longest; i++, at++) {
      indices[at] = Math.min(i, length - 1);
      isInside[at] = i < endOf(region) ? 1 : 0;
    }
  }
  const rows = take(x, new Concrete("int32", grid, indices), axis);
  const spread = (part: Concrete) => reshape(part, [...part.shape, ...after.map(() => 1)]);
  const inside = where(spread(new Concrete("bool", grid, isInside)), rows, 0);
  return mul(sum(inside, axis + 1), spread(new Concrete(x.dtype, [regions], shares)));
}
