/**
 * Convolutions and pooling over any number of spatial axes. Layouts are PyTorch's: inputs
 * `[batch, channels, ...spatial]`, filters `[out, in / groups, ...window]`.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import {
  checkShape,
  checkSize,
  range,
  sameShape,
  showType,
  sizeOf,
  stridesOf,
} from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { allocateFor, Concrete, splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { div, mul, scale } from "../primitives/arithmetic.ts";
import { select } from "../primitives/comparison.ts";
import { gather } from "../primitives/indexing.ts";
import { reduceMean } from "../primitives/moments.ts";
import { allFinite, isKnownFinite } from "../primitives/reduction.ts";
import { pad } from "../primitives/slicing.ts";
import { broadcast, convert, reshape, stopGradient } from "../primitives/structure.ts";
import { argmaxWindow, convolve, convolveInput } from "../primitives/window.ts";
import type { WindowParams } from "../primitives/window.ts";
import { putAlongAxis } from "./along_axis.ts";
import { checkInteger, toIndices } from "./arguments.ts";
import { broadcastTo, floatOperand, promoteTogether } from "./broadcasting.ts";
import { realOperand } from "./operands.ts";
import { pad as extendEdges } from "./padding.ts";

/**
 * One number for all spatial axes, or one for each.
 *
 * @category Windows
 */
export type PerAxis = number | readonly number[];

/**
 * How much to pad each spatial axis: the same on both sides, or `[before, after]` for each.
 *
 * @category Windows
 */
export type PadAmounts = PerAxis | readonly (readonly [before: number, after: number])[];

/**
 * How windows meet the borders: by an amount of padding; `"valid"`, with none; or `"same"`, so that
 * there is a window for every `stride` positions, the larger half of the padding going to the end.
 *
 * @category Windows
 */
export type Padding = PadAmounts | "same" | "valid";

/**
 * Options of `conv`.
 *
 * @category Windows
 */
export interface ConvOptions {
  /** Positions from one window to the next. Default 1. */
  readonly stride?: PerAxis;
  /** Zeros around the input. Default 0. */
  readonly padding?: Padding;
  /** Positions from one element of a window to the next. Default 1. */
  readonly dilation?: PerAxis;
  /** Into how many groups the channels are divided, each convolved by itself. Default 1. */
  readonly groups?: number;
  /**
   * The contents of the padding: zeros (the default), or the input mirrored about its outermost elements
   * (`"reflect"`), these elements repeated (`"replicate"`), or the input's other end (`"circular"`).
   */
  readonly paddingMode?: PaddingMode;
}

/**
 * The contents of the padding of a convolution.
 *
 * @category Windows
 */
export type PaddingMode = "zeros" | "reflect" | "replicate" | "circular";

/** Their names in `pad`. */
const MODES = {
  zeros: "constant",
  reflect: "reflect",
  replicate: "edge",
  circular: "wrap",
} as const;

/**
 * Options of `convTranspose`.
 *
 * @category Windows
 */
export interface ConvTransposeOptions {
  /** Positions from one window to the next, in the result. Default 1. */
  readonly stride?: PerAxis;
  /** How much is taken away from the result's borders. Default 0. */
  readonly padding?: PadAmounts;
  /** Positions added at the end of each axis of the result. Default 0. */
  readonly outputPadding?: PerAxis;
  /** Positions from one element of a window to the next. Default 1. */
  readonly dilation?: PerAxis;
  /** Into how many groups the channels are divided. Default 1. */
  readonly groups?: number;
}

/**
 * Options of `maxPool`.
 *
 * @category Windows
 */
export interface MaxPoolOptions {
  /** Positions from one window to the next. Default the window's own lengths. */
  readonly stride?: PerAxis;
  /** Padding, which is never the largest. Default 0. */
  readonly padding?: Padding;
  /** Positions from one element of a window to the next. Default 1. */
  readonly dilation?: PerAxis;
  /**
   * Whether the last window may reach beyond the padded input, if it begins within the input or the
   * padding before it; what lies beyond counts as padding. Default `false`.
   */
  readonly ceilMode?: boolean;
}

/**
 * Options of `avgPool`.
 *
 * @category Windows
 */
export interface AvgPoolOptions {
  /** Positions from one window to the next. Default the window's own lengths. */
  readonly stride?: PerAxis;
  /** Zeros around the input. Default 0. */
  readonly padding?: Padding;
  /** Whether padding counts in the divisor. Default `true`. */
  readonly countIncludePad?: boolean;
  /**
   * Whether the last window may reach beyond the padded input, if it begins within the input or the
   * padding before it; what lies beyond never counts in the divisor. Default `false`.
   */
  readonly ceilMode?: boolean;
  /** The divisor of sums, instead of the number of elements: any number but 0. */
  readonly divisorOverride?: number;
}

/**
 * The convolution of images by filters, as machine learning defines it: filters are not reversed.
 *
 * @category Windows
 * @param x `[batch, in, ...spatial]`
 * @param w `[out, in / groups, ...window]`
 * @param options Stride, padding and its mode, dilation and groups, as PyTorch's.
 * @returns `[batch, out, ...spatial]`, with
 * `floor((length + padding - dilation * (window - 1) - 1) / stride) + 1` positions along each spatial
 * axis, `padding` being the sum of both sides. Integers are summed modulo 2^32, bools as int32.
 * @throws {ShapeError} when the channels do not fit, or a window is larger than the padded input.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example A running difference
 * ```ts
 * import { conv } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(conv([[[1, 4, 9, 16]]], [[[-1, 1]]]), [[[3, 5, 7]]]);
 * assertTensorsClose(conv([[[1, 4, 9, 16]]], [[[-1, 1]]], { padding: "same" }), [[[3, 5, 7, -16]]]);
 * ```
 */
export function conv(x: TensorLike, w: TensorLike, options?: ConvOptions): Tensor {
  const [image, filters] = readOperands(x, w, "Cannot convolve");
  const what = `Cannot convolve ${showType(image)} by ${showType(filters)}`;
  const { stride = 1, padding = 0, dilation = 1, groups = 1, paddingMode = "zeros" } = readOptions(
    what,
    options,
    ["stride", "padding", "dilation", "groups", "paddingMode"],
  );
  if (typeof paddingMode !== "string" || !Object.hasOwn(MODES, paddingMode)) {
    throw argumentError(
      `${what} with paddingMode ${describeValue(paddingMode)}: expected one of ` +
        Object.keys(MODES).join(", "),
    );
  }
  checkRanks(image, filters, what);
  checkGroups(groups, filters, what);
  if (image.shape[1] !== filters.shape[1] * groups) {
    throw shapeError(
      `${what}: the input has ${image.shape[1]} channels, ` +
        `the filters take ${filters.shape[1]}${groups === 1 ? "" : ` in each of ${groups} groups`}`,
    );
  }
  const { windows, padding: margins } = placeWindows(image.shape, filters.shape.slice(2), what, {
    stride,
    padding,
    dilation,
  });
  checkSize([image.shape[0], filters.shape[0], ...windows.output], what);
  const isPadded = margins.some(([before, after]) => before !== 0 || after !== 0);
  if (paddingMode === "zeros" || !isPadded) return convolve(image, filters, { ...windows, groups });
  const framed = extendEdges(image, [[0, 0], [0, 0], ...margins], { mode: MODES[paddingMode] });
  return conv(framed, filters, { stride, dilation, groups });
}

/**
 * The transposed convolution: the map that a convolution's derivative by its input is, and that gives
 * back the input's spatial lengths.
 *
 * @category Windows
 * @param x `[batch, in, ...spatial]`
 * @param w `[in, out / groups, ...window]`, as in PyTorch.
 * @param options Stride, padding, output padding, dilation and groups, as PyTorch's.
 * @returns `[batch, out, ...spatial]`, with
 * `(length - 1) * stride - padding + dilation * (window - 1) + outputPadding + 1` positions along each
 * spatial axis, `padding` being the sum of both sides.
 * @throws {ShapeError} when the channels do not fit, or nothing of the result is left.
 * @throws {ArgumentError} when an option is out of its range; the output padding must be less than
 * the stride or the dilation.
 *
 * @example Every position becomes a window
 * ```ts
 * import { convTranspose } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const y = convTranspose([[[1, 2]]], [[[1, 10]]], { stride: 2 });
 * assertTensorsClose(y, [[[1, 10, 2, 20]]]);
 * ```
 */
export function convTranspose(
  x: TensorLike,
  w: TensorLike,
  options?: ConvTransposeOptions,
): Tensor {
  const [image, filters] = readOperands(x, w, "Cannot convolve");
  const what = `Cannot convolve ${showType(image)} by the transpose of ${showType(filters)}`;
  const { stride, padding, outputPadding, dilation, groups = 1 } = readOptions(what, options, [
    "stride",
    "padding",
    "outputPadding",
    "dilation",
    "groups",
  ]);
  checkRanks(image, filters, what);
  checkGroups(groups, filters, what);
  if (image.shape[1] !== filters.shape[0]) {
    throw shapeError(
      `${what}: the input has ${image.shape[1]} channels, the filters take ${filters.shape[0]}`,
    );
  }
  const count = image.ndim - 2;
  const output = image.shape.slice(2);
  const kernel = filters.shape.slice(2);
  const steps = readPerAxis(stride ?? 1, count, what, "stride", 1);
  const spaces = readPerAxis(dilation ?? 1, count, what, "dilation", 1);
  const added = readPerAxis(outputPadding ?? 0, count, what, "outputPadding", 0);
  const pads = readAmounts(padding ?? 0, count, what);
  const input = output.map((length, i) => {
    if (added[i] >= Math.max(steps[i], spaces[i])) {
      throw argumentError(
        `${what}: outputPadding ${added[i]} must be less than the stride ${steps[i]} ` +
          `or the dilation ${spaces[i]}`,
      );
    }
    const covered = (length - 1) * steps[i] + spaces[i] * (kernel[i] - 1) + 1;
    const result = covered - pads[i][0] - pads[i][1] + added[i];
    if (length > 0 && kernel[i] > 0 && result > 0) return result;
    throw shapeError(
      `${what}: axis ${i + 2} of the result would have length ${Math.max(result, 0)}`,
    );
  });
  checkSize([image.shape[0], filters.shape[1] * groups, ...input], what);
  return convolveInput(image, filters, {
    stride: steps,
    dilation: spaces,
    padLow: pads.map(([before]) => before),
    input,
    kernel,
    output,
    groups,
  });
}

/**
 * The largest element of every window.
 *
 * @category Windows
 * @param x `[batch, channels, ...spatial]`
 * @param window The window's length along each spatial axis: one number for all, or one for each.
 * @param options Stride (default the window itself), padding and dilation.
 * @returns `[batch, channels, ...spatial]`. Padding is never the largest, NaN always is. The
 * derivative goes to the first of equal elements.
 * @throws {ShapeError} when a window is larger than the padded input, or lies entirely in padding.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example Pairs
 * ```ts
 * import { maxPool } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(maxPool([[[1, 3, 2, 0]]], 2), [[[3, 2]]]);
 * ```
 */
export function maxPool(x: TensorLike, window: PerAxis, options?: MaxPoolOptions): Tensor {
  const { image, windows, positions } = largestOf("maxPool", x, window, options);
  const outer = image.shape[0] * image.shape[1];
  const largest = gather(
    reshape(image, [outer, sizeOf(windows.input)]),
    reshape(positions, [outer, sizeOf(windows.output)]),
    1,
  );
  return reshape(largest, [...image.shape.slice(0, 2), ...windows.output]);
}

/**
 * Where the largest element of every window is, as `maxUnpool` takes it and PyTorch's `return_indices` gives
 * it.
 *
 * @category Windows
 * @param x `[batch, channels, ...spatial]`
 * @param window The window's length along each spatial axis: one number for all, or one for each.
 * @param options As for `maxPool`.
 * @returns `[batch, channels, ...spatial]`, `int32`: positions among the spatial elements of the same channel,
 * in row-major order; of equal elements the first, NaN before all others.
 * @throws {ShapeError} when a window is larger than the padded input, or lies entirely in padding.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example Pairs
 * ```ts
 * import { maxPoolIndices } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(maxPoolIndices([[[1, 3, 2, 0]]], 2), [[[1, 2]]]);
 * ```
 */
export function maxPoolIndices(x: TensorLike, window: PerAxis, options?: MaxPoolOptions): Tensor {
  const { image, windows, positions } = largestOf("maxPoolIndices", x, window, options);
  return reshape(positions, [...image.shape.slice(0, 2), ...windows.output]);
}

/** Images, their windows, and where the largest element of each is: `[batch * channels, ...output]`. */
function largestOf(
  name: string,
  x: TensorLike,
  window: PerAxis,
  options: MaxPoolOptions | undefined,
): { image: Tensor; windows: WindowParams; positions: Tensor } {
  const image = realOperand(name, toTensor(x, "Cannot pool"));
  const what = `Cannot pool ${showType(image)}`;
  const { stride = window, padding = 0, dilation = 1, ceilMode = false } = readOptions(
    what,
    options,
    ["stride", "padding", "dilation", "ceilMode"],
  );
  checkFlag(ceilMode, what, "ceilMode");
  if (image.dtype === "bool") {
    throw dtypeError(`${what}: expected numbers; convert with astype`);
  }
  const kernel = readWindow(image, window, what);
  const { windows } = placeWindows(image.shape, kernel, what, {
    stride,
    padding,
    dilation,
    ceilMode,
  });
  checkSize([...image.shape.slice(0, 2), ...windows.output], what);
  checkCovered(windows, what);
  const outer = image.shape[0] * image.shape[1];
  const positions = argmaxWindow(reshape(image, [outer, ...windows.input]), windows);
  return { image, windows, positions };
}

/**
 * Options of `maxUnpool`.
 *
 * @category Windows
 */
export interface MaxUnpoolOptions {
  /** Positions from one window to the next. Default the window's own lengths. */
  readonly stride?: PerAxis;
  /** The padding of the pooling. Default 0. */
  readonly padding?: PerAxis;
  /** The spatial lengths of the result. Default `(length - 1) * stride - 2 * padding + window`. */
  readonly outputSize?: readonly number[];
}

/**
 * Zeros with elements at the positions that `maxPoolIndices` found: the partial inverse of `maxPool`.
 *
 * @category Windows
 * @param x `[batch, channels, ...spatial]`
 * @param indices The shape of `x`, integers: positions among the spatial elements of the result.
 * @param window The window of the pooling.
 * @param options Its stride and padding, or the spatial lengths of the result.
 * @returns `[batch, channels, ...outputSize]`; of several elements in one place the last stays.
 * @throws {ShapeError} when the shapes differ, or a length of the result is not positive.
 * @throws {ArgumentError} when an option is out of its range.
 * @throws {IndexError} when a position is outside of the result.
 *
 * @example There and back
 * ```ts
 * import { maxPool, maxPoolIndices, maxUnpool } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = [[[1, 3, 2, 0]]];
 * assertTensorsClose(maxUnpool(maxPool(x, 2), maxPoolIndices(x, 2), 2), [[[0, 3, 2, 0]]]);
 * ```
 */
export function maxUnpool(
  x: TensorLike,
  indices: TensorLike,
  window: PerAxis,
  options?: MaxUnpoolOptions,
): Tensor {
  const image = toTensor(x, "Cannot unpool");
  const places = toIndices(indices, "Cannot unpool");
  const what = `Cannot unpool ${showType(image)}`;
  const { stride = window, padding = 0, outputSize } = readOptions(what, options, [
    "stride",
    "padding",
    "outputSize",
  ]);
  const kernel = readWindow(image, window, what);
  if (!sameShape(image.shape, places.shape)) {
    throw shapeError(`${what} by ${showType(places)}: expected a position for each element`);
  }
  const count = image.ndim - 2;
  const steps = readPerAxis(stride, count, what, "stride", 1);
  const pads = readPerAxis(padding, count, what, "padding", 0);
  const standard = kernel.map((length, i) =>
    (image.shape[i + 2] - 1) * steps[i] - 2 * pads[i] + length
  );
  const size = outputSize === undefined
    ? standard
    : readPerAxis(outputSize, count, what, "outputSize", 1);
  const shape = checkShape([...image.shape.slice(0, 2), ...size], what);
  const rows = shape[0] * shape[1];
  const columns = rows === 0 ? 0 : image.size / rows;
  const flat = putAlongAxis(
    splat(0, image.dtype, [rows, sizeOf(size)]),
    reshape(places, [rows, columns]),
    reshape(image, [rows, columns]),
    1,
  );
  return reshape(flat, shape);
}

/**
 * The mean of every window.
 *
 * @category Windows
 * @param x `[batch, channels, ...spatial]`; integers and bools become float32.
 * @param window The window's length along each spatial axis: one number for all, or one for each.
 * @param options Stride (default the window itself), padding, and whether padding counts as zeros
 * (the default, as in PyTorch) or not at all.
 * @returns `[batch, channels, ...spatial]`
 * @throws {ShapeError} when a window is larger than the padded input, or lies entirely in padding
 * that does not count.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example Pairs
 * ```ts
 * import { avgPool } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(avgPool([[[1, 3, 2, 0]]], 2), [[[2, 1]]]);
 * ```
 */
export function avgPool(x: TensorLike, window: PerAxis, options?: AvgPoolOptions): Tensor {
  const given = toTensor(x, "Cannot pool");
  const what = `Cannot pool ${showType(given)}`;
  const image = floatOperand(given);
  const {
    stride = window,
    padding = 0,
    countIncludePad = true,
    ceilMode = false,
    divisorOverride,
  } = readOptions(what, options, [
    "stride",
    "padding",
    "countIncludePad",
    "ceilMode",
    "divisorOverride",
  ]);
  checkFlag(ceilMode, what, "ceilMode");
  if (divisorOverride !== undefined && !isDivisor(divisorOverride)) {
    throw argumentError(
      `${what}: divisorOverride must be a finite number other than 0, ` +
        `got ${describeValue(divisorOverride)}`,
    );
  }
  if (typeof countIncludePad !== "boolean") {
    throw argumentError(
      `${what}: expected countIncludePad true or false, got ${describeValue(countIncludePad)}`,
    );
  }
  const kernel = readWindow(image, window, what);
  const { windows, padding: margins } = placeWindows(image.shape, kernel, what, {
    stride,
    padding,
    dilation: 1,
    ceilMode,
  });
  checkSize([...image.shape.slice(0, 2), ...windows.output], what);
  const shape = [...image.shape.slice(0, 2), ...windows.output];
  const means = areApart(windows) ? apartMeans(image, windows) : overlappingMeans(image, windows);
  // The factor from the mean over a whole window to the mean over another number of elements.
  const count = sizeOf(kernel);
  if (divisorOverride !== undefined) return scale(means, count / divisorOverride);
  if (!countIncludePad) {
    checkCovered(windows, what);
    return mul(means, broadcastTo(shares(windows, image), shape));
  }
  if (!ceilMode) return means;
  // The padded input as if it were the input: what lies beyond it does not count.
  const input = windows.input.map((length, i) => margins[i][0] + length + margins[i][1]);
  const padded = { ...windows, input, padLow: input.map(() => 0) };
  return mul(means, broadcastTo(shares(padded, image), shape));
}

/** Whether each window begins where the one before it ends. */
function areApart({ stride, kernel }: WindowParams): boolean {
  return stride.every((step, i) => step === kernel[i]);
}

/** The means over windows that do not overlap. */
function apartMeans(image: Tensor, { padLow, input, kernel, output }: WindowParams): Tensor {
  const high = kernel.map((length, i) => output[i] * length - padLow[i] - input[i]);
  const none = image.shape.map(() => 0);
  const framed = [...padLow, ...high].every((amount) => amount === 0)
    ? image
    : pad(image, [0, 0, ...padLow], [0, 0, ...high], none);
  const parts = kernel.flatMap((length, i) => [output[i], length]);
  const axes = kernel.map((_, i) => 3 + 2 * i);
  return reduceMean(reshape(framed, [...image.shape.slice(0, 2), ...parts]), axes);
}

/** The means over windows of any kind: convolutions of each channel by equal numbers. */
function overlappingMeans(image: Tensor, windows: WindowParams): Tensor {
  const { input, kernel, output } = windows;
  const planes = reshape(image, [image.shape[0] * image.shape[1], 1, ...input]);
  const meansBy = (weight: Tensor): Tensor => {
    const weights = broadcast(weight, [1, 1, ...kernel], []);
    const sums = convolve(planes, weights, { ...windows, groups: 1 });
    const shaped = reshape(sums, [...image.shape.slice(0, 2), ...output]);
    return div(shaped, broadcast(scale(weight, sizeOf(kernel)), shaped.shape, []));
  };
  const one = splat(1, image.dtype, []);
  const means = meansBy(one);
  if (isKnownFinite(means)) return means;
  // Sums of the largest floats are out of range; quotients of the smallest are not exact.
  const power = 2 ** Math.ceil(Math.log2(sizeOf(kernel)));
  const isUsual = allFinite(scale(stopGradient(image), power));
  return meansBy(select(isUsual, one, splat(1 / power, image.dtype, [])));
}

function isDivisor(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value !== 0;
}

/** Both operands of a convolution in a common dtype that has sums. */
function readOperands(x: TensorLike, w: TensorLike, what: string): Tensor[] {
  return promoteTogether(what, [x, w]).map((operand) =>
    operand.dtype === "bool" ? convert(operand, "int32") : operand
  );
}

function checkRanks(x: Tensor, w: Tensor, what: string): void {
  if (x.ndim >= 3 && x.ndim === w.ndim) return;
  if (x.ndim >= 2 && x.ndim === w.ndim - 1) {
    throw shapeError(
      `${what}: the input must be [batch, channels, ...spatial]; ` +
        `give a single image a batch axis with expandDims(x, 0)`,
    );
  }
  throw shapeError(
    `${what}: expected as many axes of both, and at least 3, got ${x.ndim} and ${w.ndim}`,
  );
}

function checkGroups(groups: unknown, w: Tensor, what: string): void {
  if (checkInteger(groups, what, "a number of groups") < 1) {
    throw argumentError(`${what}: expected at least one group, got ${groups}`);
  }
  if (w.shape[0] % (groups as number) !== 0) {
    throw shapeError(`${what}: ${w.shape[0]} filters do not divide into ${groups} groups`);
  }
}

/** One integer for each of `count` spatial axes, at least `least`. */
function readPerAxis(
  value: unknown,
  count: number,
  what: string,
  name: string,
  least: number,
): number[] {
  if (Array.isArray(value) && value.length !== count) {
    throw argumentError(
      `${what}: expected one ${name} per spatial axis, ${count} in all, got ${value.length}`,
    );
  }
  return range(count).map((axis) => {
    const entry: unknown = Array.isArray(value) ? value[axis] : value;
    const number = checkInteger(entry, what, `a ${name} of integers`);
    if (number >= least) return number;
    throw argumentError(`${what}: ${name} must be at least ${least}, got ${number}`);
  });
}

type Pair = readonly [before: number, after: number];

/** Padding given in numbers, for each of `count` spatial axes. */
function readAmounts(padding: unknown, count: number, what: string): Pair[] {
  if (Array.isArray(padding) && padding.length !== count) {
    throw argumentError(
      `${what}: expected one padding per spatial axis, ${count} in all, got ${padding.length}`,
    );
  }
  if (!Array.isArray(padding) || !padding.some(Array.isArray)) {
    if (typeof padding === "string") {
      throw argumentError(`${what}: expected a padding in numbers, got ${describeValue(padding)}`);
    }
    return readPerAxis(padding, count, what, "padding", 0).map((amount) => [amount, amount]);
  }
  return Array.from(padding, (pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw argumentError(
        `${what}: expected a padding [before, after], got ${describeValue(pair)}`,
      );
    }
    const [before, after] = readPerAxis(pair, 2, what, "padding", 0);
    return [before, after];
  });
}

/** The window of a pooling. */
function readWindow(x: Tensor, window: PerAxis, what: string): number[] {
  if (x.ndim < 3) {
    throw shapeError(
      `${what}: the input must be [batch, channels, ...spatial]` +
        (x.ndim === 2 ? "; give a single image a batch axis with expandDims(x, 0)" : ""),
    );
  }
  return readPerAxis(window, x.ndim - 2, what, "window", 1);
}

/** Where the windows of a convolution or pooling lie, and the padding on both sides. */
function placeWindows(
  shape: readonly number[],
  kernel: readonly number[],
  what: string,
  options: Required<Pick<ConvOptions, "stride" | "padding" | "dilation">> & {
    readonly ceilMode?: boolean;
  },
): { readonly windows: WindowParams; readonly padding: readonly Pair[] } {
  const input = shape.slice(2);
  const count = input.length;
  const stride = readPerAxis(options.stride, count, what, "stride", 1);
  const dilation = readPerAxis(options.dilation, count, what, "dilation", 1);
  const spans = kernel.map((length, i) => (length - 1) * dilation[i] + 1);
  const padding = readPadding(options.padding, input, spans, stride, what);
  const output = input.map((length, i) => {
    const padded = padding[i][0] + length + padding[i][1];
    if (kernel[i] > 0 && padded >= spans[i]) {
      const whole = Math.floor((padded - spans[i]) / stride[i]) + 1;
      if (!options.ceilMode) return whole;
      const last = Math.ceil((padded - spans[i]) / stride[i]);
      return last * stride[i] < padding[i][0] + length ? last + 1 : whole;
    }
    throw shapeError(
      kernel[i] === 0
        ? `${what}: the window has length 0 along axis ${i + 2}`
        : `${what}: the window spans ${spans[i]} positions of axis ${i + 2}, ` +
          `which has ${padded} with padding`,
    );
  });
  const padLow = padding.map(([low]) => low);
  return { windows: { stride, dilation, padLow, input, kernel, output }, padding };
}

function readPadding(
  padding: Padding,
  input: readonly number[],
  spans: readonly number[],
  stride: readonly number[],
  what: string,
): Pair[] {
  if (padding === "valid") return input.map(() => [0, 0]);
  if (padding === "same") {
    return input.map((length, i) => {
      const windows = Math.ceil(length / stride[i]);
      const total = Math.max((windows - 1) * stride[i] + spans[i] - length, 0);
      return [Math.floor(total / 2), Math.ceil(total / 2)];
    });
  }
  if (typeof padding === "string") {
    throw argumentError(
      `${what}: expected a padding in numbers, "same" or "valid", got ${describeValue(padding)}`,
    );
  }
  return readAmounts(padding, input.length, what);
}

/** How many positions of a window along a spatial axis lie in the input. */
function coveredCount(
  { stride, dilation, padLow, input, kernel }: WindowParams,
  axis: number,
  window: number,
): number {
  const start = window * stride[axis] - padLow[axis];
  const first = Math.max(Math.ceil(-start / dilation[axis]), 0);
  const stop = Math.min(Math.ceil((input[axis] - start) / dilation[axis]), kernel[axis]);
  return Math.max(stop - first, 0);
}

/** Throws when a window lies entirely in padding. */
function checkCovered(windows: WindowParams, what: string): void {
  const { stride, padLow, input, output } = windows;
  output.forEach((count, axis) => {
    const check = (window: number) => {
      if (window >= count || coveredCount(windows, axis, window) > 0) return;
      throw shapeError(
        `${what}: window ${window} along axis ${axis + 2} lies entirely in padding`,
      );
    };
    // A window that begins in the input covers part of it: only those before and the first one after are checked.
    for (let window = 0; window < Math.min(padLow[axis] / stride[axis], count); window++) {
      check(window);
    }
    check(Math.ceil((input[axis] + padLow[axis]) / stride[axis]));
  });
}

/** The size of a window by the number of its positions that lie in the input, as constants. */
function shares(windows: WindowParams, { dtype }: Tensor): Concrete {
  const { output: shape, kernel } = windows;
  const counts: number[] = new Array(sizeOf(shape)).fill(1);
  stridesOf(shape).forEach((stride, axis) => {
    for (let i = 0; i < counts.length; i++) {
      counts[i] *= coveredCount(windows, axis, Math.floor(i / stride) % shape[axis]);
    }
  });
  const elements = allocateFor({ dtype, shape });
  counts.forEach((count, i) => elements[i] = sizeOf(kernel) / count);
  return new Concrete(dtype, shape, elements);
}
