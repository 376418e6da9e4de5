/**
 * Rules of contractions, convolutions and windows.
 *
 * @module
 */
import { range, sizeOf } from "../base/shape.ts";
import type { Dtype } from "../base/dtype.ts";
import { isFloat } from "../base/dtype.ts";
import type { ContractParams } from "../primitives/contraction.ts";
import type { ConvParams, WindowParams } from "../primitives/window.ts";
import { combiner } from "./builder.ts";
import type { Builder } from "./builder.ts";
import { isBetter, pairs } from "./reductions.ts";
import type { Context } from "./rule.ts";
import { array, list, showTensor } from "./writer.ts";
import type { Value, ValueType } from "./writer.ts";

type Args = readonly Value[];

/** Products of float32 use full precision, even if a device has a faster format. */
const PRECISION = "precision = [HIGHEST, HIGHEST]";
const PRECISION_CONFIG =
  "precision_config = [#stablehlo<precision HIGHEST>, #stablehlo<precision HIGHEST>]";

/**
 * Factors in the type for multiplication: bfloat16 that was widened is used directly. Its products are
 * exact in float32, in which XLA adds them up, and devices multiply it many times as fast.
 */
function factors(b: Builder, args: Args): Args {
  const sources = args.map((x) => b.sourceOf(x));
  return sources.every((x) => x?.dtype === "bfloat16") ? sources as Value[] : args;
}

function contract(
  b: Builder,
  args: Args,
  { params: { contract, batch }, types: [type] }: Context<ContractParams>,
): Args {
  const batching = batch[0].length === 0
    ? ""
    : `batching_dims = ${list(batch[0])} x ${list(batch[1])}, `;
  return [b.short(
    "stablehlo.dot_general",
    factors(b, args),
    `${batching}contracting_dims = ${list(contract[0])} x ${list(contract[1])}, ${PRECISION}`,
    type,
  )];
}

/** The parameters of one convolution of StableHLO: one entry per spatial axis in each list. */
interface Convolution {
  /** The names of the axes of both arguments and the result, without the spatial ones. */
  readonly axes: readonly [string, string, string];
  readonly stride: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
  /** Steps between the elements of the first argument. */
  readonly spread: readonly number[];
  /** Steps between the elements of the second. */
  readonly dilation: readonly number[];
  readonly featureGroups: number;
  readonly batchGroups: number;
}

function convolution(b: Builder, x: Value, v: Value, type: ValueType, how: Convolution): Value {
  const spatial = range(how.stride.length).map(String);
  // If both arguments are divided along a spatial axis over one axis of a mesh, XLA adds up the copies
  // along the other axes, too.
  const w = b.whole(v, range(how.stride.length).map((i) => i + 2));
  const [left, right, out] = how.axes.map((names) => list([...names.split(""), ...spatial]));
  const window = how.stride.length === 0 ? "" : `window = {stride = ${list(how.stride)}, ` +
    `pad = ${list(how.padding.map((pair) => list(pair)))}, ` +
    `lhs_dilate = ${list(how.spread)}, rhs_dilate = ${list(how.dilation)}}`;
  return b.assign(
    type,
    `stablehlo.convolution(${x.name}, ${w.name}) dim_numbers = ${left}x${right}->${out}, ` +
      `window = {${window.slice("window = {".length, -1)}} ` +
      `{batch_group_count = ${how.batchGroups} : i64, ` +
      `feature_group_count = ${how.featureGroups} : i64, ${PRECISION_CONFIG}} : ` +
      `(${showTensor(x)}, ${showTensor(w)}) -> ${showTensor(type)}`,
  );
}

/** The length of `count` elements that lie `step` apart. */
function spreadLength(count: number, step: number): number {
  return (count - 1) * step + 1;
}

/** Padding such that windows of `kernel`, `step` apart, fit `output` times from `low` before the start. */
function fitting(low: number, input: number, kernel: number, output: number, step: number) {
  return [low, spreadLength(output, step) + kernel - 1 - low - input] as const;
}

/** Whether nothing is multiplied, so that the result is zero. */
function isEmpty(args: Args, type: ValueType): boolean {
  return [...args, type].some(({ shape }) => sizeOf(shape) === 0);
}

function convolve(b: Builder, args: Args, { params, types: [type] }: Context<ConvParams>): Args {
  if (isEmpty(args, type)) return [b.splat(0, type)];
  const [x, w] = args;
  const { stride, dilation, padLow, input, kernel, output, groups } = params;
  return [convolution(b, x, w, type, {
    axes: ["bf", "oi", "bf"],
    stride,
    padding: stride.map((step, i) =>
      fitting(padLow[i], input[i], spreadLength(kernel[i], dilation[i]), output[i], step)
    ),
    spread: stride.map(() => 1),
    dilation,
    featureGroups: groups,
    batchGroups: 1,
  })];
}

/** The cotangent of the input: a convolution of the dilated cotangent with the reversed filters. */
function convolveInput(
  b: Builder,
  args: Args,
  { params, types: [type] }: Context<ConvParams>,
): Args {
  if (isEmpty(args, type)) return [b.splat(0, type)];
  const [y, w] = args;
  const { stride, dilation, padLow, input, kernel, output, groups } = params;
  const [outs, ins] = w.shape;
  const spatial = range(kernel.length);
  const turned = kernel.length === 0 ? w : b.reverse(w, spatial.map((i) => i + 2));
  // The outgoing channels of each group replace the incoming ones.
  const apart = b.reshape(turned, [groups, outs / groups, ins, ...kernel]);
  const swapped = b.transpose(apart, [0, 2, 1, ...spatial.map((i) => i + 3)]);
  const filters = b.reshape(swapped, [groups * ins, outs / groups, ...kernel]);
  return [convolution(b, y, filters, type, {
    axes: ["bf", "oi", "bf"],
    stride: stride.map(() => 1),
    padding: stride.map((step, i) => {
      const window = spreadLength(kernel[i], dilation[i]);
      const low = window - 1 - padLow[i];
      return fitting(low, spreadLength(output[i], step), window, input[i], 1);
    }),
    spread: stride,
    dilation,
    featureGroups: groups,
    batchGroups: 1,
  })];
}

/** The cotangent of the filters: the sum is over the images. */
function convolveFilter(
  b: Builder,
  args: Args,
  { params, types: [type] }: Context<ConvParams>,
): Args {
  if (isEmpty(args, type)) return [b.splat(0, type)];
  const [x, y] = args;
  const { stride, dilation, padLow, input, kernel, output, groups } = params;
  return [convolution(b, x, y, type, {
    axes: ["fb", "io", "fb"],
    stride: dilation,
    padding: stride.map((step, i) =>
      fitting(padLow[i], input[i], spreadLength(output[i], step), kernel[i], dilation[i])
    ),
    spread: stride.map(() => 1),
    dilation: stride,
    featureGroups: 1,
    batchGroups: groups,
  })];
}

/**
 * The flat position of the largest element of each window; padding is not an element, and has the
 * position -1.
 */
function argmaxWindow(
  b: Builder,
  [x]: Args,
  { params, types: [type] }: Context<WindowParams>,
): Args {
  const { stride, dilation, padLow, input, kernel, output } = params;
  if (sizeOf(type.shape) === 0) return [b.splat(0, type)];
  if (sizeOf(x.shape) === 0 || sizeOf(kernel) === 0) return [b.splat(-1, type)];
  const flat = b.iota({ dtype: "int32", shape: [sizeOf(input)] }, 0);
  const places = b.broadcast(
    b.reshape(flat, input),
    { dtype: "int32", shape: x.shape },
    range(1, x.shape.length),
  );
  const outside = 2 ** 31 - 1;
  const least = isFloat(x.dtype as Dtype) ? -Infinity : x.dtype === "int32" ? -(2 ** 31) : 0;
  const starts = [b.scalar(least, x.dtype), b.scalar(outside, "int32")];
  const padding = [
    [0, 0] as const,
    ...stride.map((step, i) =>
      fitting(padLow[i], input[i], spreadLength(kernel[i], dilation[i]), output[i], step)
    ),
  ];
  // Elements that no window covers are cropped; the remaining padding is not negative.
  const cut = (one: Value, start: Value): Value =>
    b.pad(one, start, {
      low: padding.map(([low]) => low),
      high: padding.map(([, high]) => high),
      interior: padding.map(() => 0),
    });
  const [, place] = b.generic(
    "stablehlo.reduce_window",
    [cut(x, starts[0]), cut(places, starts[1]), ...starts],
    `window_dimensions = ${array([1, ...kernel])}, window_strides = ${array([1, ...stride])}, ` +
      `window_dilations = ${array([1, ...dilation])}, padding = ${
        pairs(padding.map(() => [0, 0]))
      }`,
    [{ dtype: x.dtype, shape: type.shape }, type],
    [combiner([x, places], (first, second) => {
      const better = isBetter(b, "GT", first, second);
      return first.map((value, i) => b.select(better, value, second[i]));
    })],
  );
  return [b.select(b.compare("EQ", place, outside), -1, place)];
}

/** The rules, by primitive. */
export const products = {
  contract,
  convolve,
  convolveInput,
  convolveFilter,
  argmaxWindow,
} as const;
