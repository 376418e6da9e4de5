/**
 * Which kernel computes each primitive that is not made of loops.
 *
 * @module
 */
import type { Type } from "../core/tensor.ts";
import { emitConvolve, emitConvolveFilter, emitConvolveInput } from "../kernels/convolution.ts";
import { emitCumprod, emitCumsum } from "../kernels/cumulative.ts";
import { emitArgmax, emitArgmin } from "../kernels/extremes.ts";
import { emitGather, emitScatterAdd, emitScatterLast } from "../kernels/indexing.ts";
import { emitCholesky } from "../kernels/linalg_cholesky.ts";
import { emitEigh } from "../kernels/linalg_eigh.ts";
import { emitLu } from "../kernels/linalg_lu.ts";
import { emitComplement, emitQr } from "../kernels/linalg_qr.ts";
import { emitSvd } from "../kernels/linalg_svd.ts";
import { emitLuSolve, emitTriangularSolve } from "../kernels/linalg_triangular.ts";
import { emitArgmaxWindow } from "../kernels/pooling.ts";
import { emitArgsort } from "../kernels/ordering.ts";
import { emitThreefry2x32 } from "../kernels/random_bits.ts";
import { emitContract } from "../kernels/product_contract.ts";
import type { Buffer, Builder, Kernel } from "../kernels/kernel.ts";

type Emit = (
  builder: Builder,
  inputs: readonly Buffer[],
  params: unknown,
  outputs: readonly Buffer[],
) => Kernel | null;

/** An emitter of one result, its parameters typed by its primitive. */
function one<P>(
  emit: (
    builder: Builder,
    inputs: readonly Buffer[],
    params: P,
    output: Buffer,
  ) => Kernel,
): Emit {
  return (builder, inputs, params, [output]) => emit(builder, inputs, params as P, output);
}

const emitters: Readonly<Record<string, Emit>> = {
  contract: one(emitContract),
  convolve: one(emitConvolve),
  convolveInput: one(emitConvolveInput),
  convolveFilter: one(emitConvolveFilter),
  argmaxWindow: one(emitArgmaxWindow),
  argmax: one(emitArgmax),
  argmin: one(emitArgmin),
  gather: one(emitGather),
  scatterAdd: one(emitScatterAdd),
  scatterLast: one(emitScatterLast),
  cumsum: emitCumsum as Emit,
  cumprod: emitCumprod as Emit,
  threefry2x32: emitThreefry2x32 as Emit,
  argsort: one(emitArgsort),
  cholesky: one(emitCholesky),
  triangularSolve: one(emitTriangularSolve),
  lu: emitLu as Emit,
  luSolve: one(emitLuSolve),
  qr: emitQr as Emit,
  complement: one(emitComplement),
  eigh: emitEigh as Emit,
  svd: emitSvd as Emit,
};

/** The primitives that have a kernel. */
export const kernelNames: readonly string[] = Object.keys(emitters);

/** The kernel of a primitive for these types, or `null` where the evaluator is to compute it. */
export function kernelFor(
  builder: Builder,
  primitive: string,
  inputs: readonly Type[],
  params: unknown,
  outputs: readonly Type[],
): Kernel | null {
  return emitters[primitive]?.(builder, inputs, params, outputs) ?? null;
}
