/**
 * The extents of convolutions, as used by all methods of computing them.
 *
 * @module
 */
import type { Dtype } from "../../../../base/dtype.ts";
import { internalError } from "../../../../base/errors.ts";
import { range, sizeOf } from "../../../../base/shape.ts";
import type { Buffer } from "../kernel.ts";
import type { Number } from "../panels.ts";

/** The parameters of the primitives of convolutions. One entry per spatial axis in each list. */
export interface ConvolutionParams {
  /** Steps from one window to the next, at least one. */
  readonly stride: readonly number[];
  /** Steps from one position of a window to the next, at least one. */
  readonly dilation: readonly number[];
  /** Positions of the first window that lie before the first of the input; may be negative. */
  readonly padLow: readonly number[];
  /** The input's lengths. */
  readonly input: readonly number[];
  /** The window's lengths. */
  readonly kernel: readonly number[];
  /** The number of windows. */
  readonly output: readonly number[];
  /** The number of groups of channels. */
  readonly groups: number;
}

/** The role of an operand: `x` `[N, groups * i, ...input]`, `w` `[groups * o, i, ...kernel]`, `y`. */
export type Role = "x" | "w" | "y";

/** One spatial axis. */
export interface Axis {
  readonly stride: number;
  readonly dilation: number;
  readonly padLow: number;
  readonly input: number;
  readonly kernel: number;
  readonly output: number;
}

/** All extents of a convolution. */
export interface ConvolutionSize {
  /** The type of the computation, and that of the result. */
  readonly dtype: Number;
  /** The types of the operands in memory: that one, or narrower ones. */
  readonly held: Readonly<Record<Role, Number>>;
  readonly batch: number;
  readonly groups: number;
  /** Channels of `x` in each group. */
  readonly inPerGroup: number;
  /** Channels of `y` in each group. */
  readonly outPerGroup: number;
  /** The spatial axes; at least one. */
  readonly axes: readonly Axis[];
  /** Elements of a channel of `x`, of `w` and of `y`. */
  readonly inputs: number;
  readonly taps: number;
  readonly outputs: number;
}

/** Whether windows are single consecutive positions. */
function isPlain({ stride, padLow, input, kernel, output }: Axis): boolean {
  return kernel === 1 && stride === 1 && padLow === 0 && input === output;
}

/** The axis used for a convolution that has no axes, or only trivial ones. */
function plainAxis(length: number): Axis {
  return { stride: 1, dilation: 1, padLow: 0, input: length, kernel: 1, output: length };
}

/** The extents, from the operands whose roles are known. */
export function readSize(
  params: ConvolutionParams,
  operands: Readonly<Partial<Record<Role, Buffer>>>,
  dtype: Dtype,
): ConvolutionSize {
  const { x, w, y } = operands;
  const { groups, input, kernel, output } = params;
  const some = x ?? y;
  if (some === undefined || dtype === "bool") throw internalError("No convolution of bool");
  const heldAs = (operand: Buffer | undefined) => (operand?.dtype ?? dtype) as Number;
  const batch = some.shape[0];
  const inPerGroup = x !== undefined ? Math.floor(x.shape[1] / groups) : w!.shape[1];
  const outChannels = y !== undefined ? y.shape[1] : w!.shape[0];
  const axes = input.map((length, i) => ({
    stride: params.stride[i],
    dilation: params.dilation[i],
    padLow: params.padLow[i],
    input: length,
    kernel: kernel[i],
    output: output[i],
  }));
  const inputs = sizeOf(input);
  return {
    dtype,
    held: { x: heldAs(x), w: heldAs(w), y: heldAs(y) },
    batch,
    groups,
    inPerGroup,
    outPerGroup: Math.floor(outChannels / groups),
    axes: axes.every(isPlain) ? [plainAxis(inputs)] : axes,
    inputs,
    taps: sizeOf(kernel),
    outputs: sizeOf(output),
  };
}

/** Whether every result is an empty sum. */
export function isEmpty(size: ConvolutionSize): boolean {
  const { batch, inPerGroup, outPerGroup, inputs, taps, outputs } = size;
  return batch * inPerGroup * outPerGroup * inputs * taps * outputs === 0;
}

/** Multiplications and additions, including those with padding. */
export function countOperations(size: ConvolutionSize): number {
  const { batch, groups, inPerGroup, outPerGroup, taps, outputs } = size;
  return 2 * batch * groups * inPerGroup * outPerGroup * taps * outputs;
}

/** Distances from the start of a window to each position of it. */
export function distancesOf({ kernel, dilation }: Axis): number[] {
  return range(kernel).map((q) => q * dilation);
}

/** The length of the longest list of a kernel's positions for which code is written. */
export const MOST_TAPS = 512;

/**
 * Approximate number of operations of sums per nanosecond on one core of an AMD EPYC (Zen 3) with
 * Deno 2.9.6. `deno bench bench/convolution_bench.ts` measures it again.
 */
const RATE = 40;

/** The approximate time of all sums, in nanoseconds. */
export function estimateTime(size: ConvolutionSize): number {
  return countOperations(size) / RATE;
}
