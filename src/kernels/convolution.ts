/**
 * Convolutions and their two adjoints.
 *
 * @module
 */
import { emitDirect } from "./convolution_direct.ts";
import {
  type ConvolutionParams,
  type ConvolutionSize,
  countOperations,
  isEmpty,
  readSize,
  type Role,
} from "./convolution_size.ts";
import { planConvolve, planFilter, planInput } from "./convolution_plans.ts";
import type { Buffer, Builder, Kernel } from "./kernel.ts";
import { byteSize } from "../base/dtype.ts";
import { sizeOf } from "../base/shape.ts";

export type { ConvolutionParams } from "./convolution_size.ts";

function make(
  builder: Builder,
  roles: readonly [Role, Role],
  result: Role,
  inputs: readonly Buffer[],
  params: ConvolutionParams,
  output: Buffer,
): Kernel {
  const size = readSize(params, { [roles[0]]: inputs[0], [roles[1]]: inputs[1] });
  const elements = [...inputs, output].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const { stages, workspaces } = choose(builder, size, result, sizeOf(output.shape));
  return {
    stages,
    workspaces,
    operations: countOperations(size),
    bytes: elements * byteSize(size.dtype),
  };
}

function choose(
  builder: Builder,
  size: ConvolutionSize,
  result: Role,
  length: number,
): Pick<Kernel, "stages" | "workspaces"> {
  if (length === 0) return { stages: [], workspaces: [] };
  if (!isEmpty(size)) {
    const plan = { y: planConvolve, x: planInput, w: planFilter }[result](builder, size);
    if (plan !== undefined) return plan;
  }
  return { stages: [emitDirect(builder, size, result, [0, 1, 2])], workspaces: [] };
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
