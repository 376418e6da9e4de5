/**
 * Convolutions and their two adjoints. Each shape is computed by the fastest method for it:
 *
 * - sums over tiles of framed images, for any shape; for narrow images, tiles extend over several
 *   of them (`convolution_framed.ts`);
 * - gradients of filters as sums over windows (`convolution_windows.ts`);
 * - Winograd's convolution for 3x3 filters in single precision, if that is faster. Its error is
 *   about twice that of the sums, relative to the largest of some neighbouring results, and a NaN
 *   or an infinity spreads to these (`convolution_winograd.ts`);
 * - one image with few windows, dominated by reading the filters (`convolution_few.ts`);
 * - depthwise convolutions (`convolution_depthwise.ts`);
 * - the definition, for all other cases: kernels with a very large number of positions
 *   (`convolution_direct.ts`).
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import { sizeOf } from "../../../../base/shape.ts";
import { planDepthwiseFilter } from "./depthwise.ts";
import { emitDirect } from "./direct.ts";
import { hasFewWindows, planFewConvolve, planFewInput } from "./few.ts";
import { planConvolve, planInput } from "./framed.ts";
import type { Plan } from "./plan.ts";
import {
  type ConvolutionParams,
  type ConvolutionSize,
  countOperations,
  isEmpty,
  readSize,
  type Role,
} from "./size.ts";
import { copyWindows, planFilter } from "./windows.ts";
import { isFaster, planWinograd, winogradConvolve, winogradInput } from "./winograd/mod.ts";
import type { Winograd } from "./winograd/mod.ts";
import { planWinogradFilter } from "./winograd/filter.ts";
import type { Buffer, Builder, Kernel } from "../kernel.ts";

export type { ConvolutionParams } from "./size.ts";

function make(
  builder: Builder,
  roles: readonly [Role, Role],
  result: Role,
  inputs: readonly Buffer[],
  params: ConvolutionParams,
  output: Buffer,
): Kernel {
  const size = readSize(params, { [roles[0]]: inputs[0], [roles[1]]: inputs[1] }, output.dtype);
  const bytes = [...inputs, output]
    .reduce((sum, { dtype, shape }) => sum + sizeOf(shape) * byteSize(dtype), 0);
  const { stages, workspaces } = choose(builder, size, result, sizeOf(output.shape));
  return {
    stages,
    workspaces,
    operations: countOperations(size),
    bytes,
  };
}

function choose(
  builder: Builder,
  size: ConvolutionSize,
  result: Role,
  length: number,
): Plan {
  if (length === 0) return { stages: [], workspaces: [] };
  const plan = isEmpty(size)
    ? undefined
    : { y: chooseConvolve, x: chooseInput, w: chooseFilter }[result](builder, size);
  return plan ??
    { stages: [builder.once(emitDirect, { size, result, operands: [0, 1, 2] })], workspaces: [] };
}

function chooseWinograd(builder: Builder, winograd: Winograd | undefined): Plan | undefined {
  if (winograd === undefined || !isFaster(builder, winograd)) return undefined;
  return builder.once(planWinograd, winograd);
}

function chooseConvolve(builder: Builder, size: ConvolutionSize): Plan | undefined {
  const faster = chooseWinograd(builder, winogradConvolve(size));
  if (faster !== undefined) return faster;
  if (!hasFewWindows(size)) return planConvolve(builder, size);
  const { stages, workspaces, rows } = copyWindows(builder, size);
  const rest = planFewConvolve(builder, size, rows, 3 + workspaces.length);
  return {
    stages: [...stages, ...rest.stages],
    workspaces: [...workspaces, ...rest.workspaces],
  };
}

function chooseInput(builder: Builder, size: ConvolutionSize): Plan | undefined {
  const faster = chooseWinograd(builder, winogradInput(size));
  if (faster !== undefined) return faster;
  return hasFewWindows(size)
    ? builder.once(planFewInput, { size, place: 3 })
    : planInput(builder, size);
}

function chooseFilter(builder: Builder, size: ConvolutionSize): Plan | undefined {
  return builder.once(planDepthwiseFilter, size) ?? builder.once(planWinogradFilter, size) ??
    planFilter(builder, size);
}

/** The kernel of `convolve`: `x` and `w` to `y`. */
export function emitConvolve(
  builder: Builder,
  inputs: readonly Buffer[],
  params: ConvolutionParams,
  output: Buffer,
): Kernel {
  return make(builder, ["x", "w"], "y", inputs, params, output);
}

/** The kernel of `convolveInput`: `y` and `w` to `x`. */
export function emitConvolveInput(
  builder: Builder,
  inputs: readonly Buffer[],
  params: ConvolutionParams,
  output: Buffer,
): Kernel {
  return make(builder, ["y", "w"], "x", inputs, params, output);
}

/** The kernel of `convolveFilter`: `x` and `y` to `w`. */
export function emitConvolveFilter(
  builder: Builder,
  inputs: readonly Buffer[],
  params: ConvolutionParams,
  output: Buffer,
): Kernel {
  return make(builder, ["x", "y"], "w", inputs, params, output);
}
