/**
 * Pooling over windows at random places.
 *
 * @module
 */
import { describeValue, wideDtype } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkShape, range, showType, sizeOf } from "../base/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import {
  add,
  arange,
  argmax,
  concatenate,
  expandDims,
  floor,
  full,
  mul,
  reshape,
  squeeze,
  sub,
  takeAlongAxis,
  transpose,
} from "../functions/mod.ts";
import { uniform } from "../random/mod.ts";
import { stopGradient } from "../transforms/no_grad.ts";
import { article, checkSpatial, perAxis, readContext, stateless } from "./layer.ts";
import type { Empty, Layer } from "./layer.ts";

/**
 * Options of `fractionalMaxPool2d` and `fractionalMaxPool3d`: one of both.
 *
 * @category Pooling
 */
export interface FractionalMaxPoolOptions {
  /** The spatial lengths of the output: one number for all axes, or one for each. */
  readonly outputSize?: number | readonly number[];
  /** The output's lengths divided by the input's, between 0 and 1. */
  readonly outputRatio?: number | readonly number[];
}

/**
 * The largest elements of windows at the places that `samples`, `[batch, channels, axes]` in [0, 1), choose:
 * equation 1 of Graham's, as PyTorch computes it.
 */
export function fractionalMaxima(
  x: Tensor,
  window: readonly number[],
  size: readonly number[],
  samples: Tensor,
): Tensor {
  const [batch, channels, ...space] = x.shape;
  const spread = space.reduce((y, length, i) => {
    const sample = expandDims(samples.at(null, null, i), -1);
    const room = length - window[i];
    const step = size[i] === 1 ? 0 : room / (size[i] - 1);
    const counts = arange(size[i] - 1, { dtype: samples.dtype });
    const inner = sub(floor(mul(add(counts, sample), step)), floor(mul(sample, step)));
    const starts = concatenate(
      [inner, full([batch, channels, 1], room, { dtype: samples.dtype })],
      -1,
    );
    const places = add(expandDims(starts, -1), arange(window[i], { dtype: samples.dtype }));
    // `[..., output, window, ...]` in place of the axis.
    const at = 2 + 2 * i;
    const rest = y.shape.slice(at + 1);
    const own = reshape(places.astype("int32"), [
      batch,
      channels,
      ...range(2 * i).map(() => 1),
      size[i] * window[i],
      ...rest.map(() => 1),
    ]);
    const taken = takeAlongAxis(y, own, at);
    return reshape(taken, [...y.shape.slice(0, at), size[i], window[i], ...rest]);
  }, x);
  const axes = range(space.length);
  const order = [0, 1, ...axes.map((i) => 2 + 2 * i), ...axes.map((i) => 3 + 2 * i)];
  const rows = reshape(transpose(spread, order), [batch, channels, ...size, sizeOf(window)]);
  return squeeze(takeAlongAxis(rows, argmax(rows, -1, { keepdims: true }), -1), -1);
}

function fractionalPooling(
  dims: number,
  window: number | readonly number[],
  options: FractionalMaxPoolOptions,
): Layer<Empty, Empty> {
  const name = `fractionalMaxPool${dims}d`;
  const what = `Cannot make ${article(name)} layer`;
  const kernel = perAxis(window, dims, "window", name);
  const { outputSize, outputRatio } = readOptions(what, options, ["outputSize", "outputRatio"]);
  if ((outputSize === undefined) === (outputRatio === undefined)) {
    throw argumentError(`${what}: expected either outputSize or outputRatio`);
  }
  const fixed = outputSize === undefined
    ? undefined
    : perAxis(outputSize, dims, "outputSize", name);
  const ratios = typeof outputRatio === "number" ? kernel.map(() => outputRatio) : outputRatio;
  const isRatio = (ratio: unknown) => typeof ratio === "number" && ratio > 0 && ratio < 1;
  if (fixed === undefined && !(ratios?.length === dims && ratios.every(isRatio))) {
    throw argumentError(
      `${what} with outputRatio ${describeValue(outputRatio)}: expected numbers between 0 and 1`,
    );
  }
  const settings = { window: kernel, outputSize: fixed, outputRatio };
  return stateless({ name, settings }, (x, context) => {
    const input = floatOperand(checkSpatial(x, dims, name));
    const { key } = readContext(context, name);
    if (key === undefined) {
      throw argumentError(`Cannot apply ${name} without a key: pass { key: random.key(seed) }`);
    }
    const space = input.shape.slice(2);
    const size = fixed ?? space.map((length, i) => Math.floor(length * ratios![i]));
    size.forEach((length, i) => {
      if (length > 0 && length + kernel[i] - 1 <= space[i]) return;
      throw shapeError(
        `Cannot apply ${name} to ${showType(input)}: axis ${
          i + 2
        } has no room for ${length} windows ` +
          `of ${kernel[i]}`,
      );
    });
    checkShape([...input.shape.slice(0, 2), ...size, sizeOf(kernel)], `Cannot apply ${name}`);
    const samples = uniform(key, [...input.shape.slice(0, 2), dims], {
      dtype: wideDtype(input.dtype),
    });
    return fractionalMaxima(input, kernel, size, stopGradient(samples));
  });
}

/**
 * The largest elements of windows at random places, which overlap and whose steps differ by at most one
 * (Graham, "Fractional max-pooling", 2014), so that the output may have any size.
 *
 * @category Pooling
 * @param window Height and width of the windows, in pixels: one number for both, or a pair.
 * @param options The output's size, or its ratio to the input's.
 * @returns A layer on `[batch, channels, height, width]`, which always needs a `key` in its context.
 * @throws {ArgumentError} when a size makes no sense, or the key is missing.
 * @throws {ShapeError} when the input has another number of axes, or no room for the windows.
 *
 * @example Five rows become three
 * ```ts
 * import { arange, nn, random } from "@jacobi/jacobi";
 *
 * const layer = nn.fractionalMaxPool2d(2, { outputSize: 3 });
 * const [y] = layer.apply({}, {}, arange(25).reshape([1, 1, 5, 5]), { key: random.key(0) });
 * if (String(y.shape) !== "1,1,3,3" || y.max().item() !== 24) throw new Error(String(y));
 * ```
 */
export function fractionalMaxPool2d(
  window: number | readonly [number, number],
  options: FractionalMaxPoolOptions,
): Layer<Empty, Empty> {
  return fractionalPooling(2, window, options);
}

/**
 * The largest elements of windows at random places, which overlap and whose steps differ by at most one
 * (Graham, "Fractional max-pooling", 2014), so that the output may have any size.
 *
 * @category Pooling
 * @param window Depth, height and width of the windows: one number for all, or three.
 * @param options The output's size, or its ratio to the input's.
 * @returns A layer on `[batch, channels, depth, height, width]`, which always needs a `key` in its context.
 * @throws {ArgumentError} when a size makes no sense, or the key is missing.
 * @throws {ShapeError} when the input has another number of axes, or no room for the windows.
 *
 * @example Four layers become two
 * ```ts
 * import { nn, ones, random } from "@jacobi/jacobi";
 *
 * const layer = nn.fractionalMaxPool3d(2, { outputRatio: 0.5 });
 * const [y] = layer.apply({}, {}, ones([1, 1, 4, 4, 4]), { key: random.key(0) });
 * if (String(y.shape) !== "1,1,2,2,2") throw new Error(String(y.shape));
 * ```
 */
export function fractionalMaxPool3d(
  window: number | readonly [number, number, number],
  options: FractionalMaxPoolOptions,
): Layer<Empty, Empty> {
  return fractionalPooling(3, window, options);
}
