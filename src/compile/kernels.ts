/**
 * Which kernel computes each primitive that is not made of loops.
 *
 * @module
 */
import type { Type } from "../core/tensor.ts";
import { emitConvolve, emitConvolveFilter, emitConvolveInput } from "../kernels/convolution.ts";
import { emitCumprod, emitCumsum } from "../kernels/cumulative.ts";
import { emitArgmax, emitArgmin } from "../kernels/extremes.ts";
import {
  emitGather,
  emitLastOf,
  emitScatterAdd,
  emitScatterOnto,
  emitScatterSet,
} from "../kernels/indexing.ts";
import { emitAddSlice, emitDynamicSlice, emitUpdateSlice } from "../kernels/slicing.ts";
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

/** What a kernel is written for. */
interface Task<P> {
  readonly inputs: readonly Buffer[];
  readonly params: P;
  readonly outputs: readonly Buffer[];
}

/** Writes a kernel; `null` where the evaluator is to compute it. */
type Emit = (builder: Builder, task: Task<unknown>) => Kernel | null;

/** An emitter of one result, its parameters typed by its primitive. */
function one<P>(
  emit: (
    builder: Builder,
    inputs: readonly Buffer[],
    params: P,
    output: Buffer,
  ) => Kernel,
): Emit {
  return (builder, { inputs, params, outputs }) => emit(builder, inputs, params as P, outputs[0]);
}

/** The same for several results. */
function several<P>(
  emit: (
    builder: Builder,
    inputs: readonly Buffer[],
    params: P,
    outputs: readonly Buffer[],
  ) => Kernel | null,
): Emit {
  return (builder, { inputs, params, outputs }) => emit(builder, inputs, params as P, outputs);
}

/** One function for each primitive, made once: kernels are told apart by it. */
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
  scatterOnto: one(emitScatterOnto),
  scatterSet: one(emitScatterSet),
  lastOf: one(emitLastOf),
  dynamicSlice: one(emitDynamicSlice),
  updateSlice: one(emitUpdateSlice),
  addSlice: one(emitAddSlice),
  cumsum: several(emitCumsum),
  cumprod: several(emitCumprod),
  threefry2x32: several(emitThreefry2x32),
  argsort: one(emitArgsort),
  cholesky: one(emitCholesky),
  triangularSolve: one(emitTriangularSolve),
  lu: several(emitLu),
  luSolve: one(emitLuSolve),
  qr: several(emitQr),
  complement: one(emitComplement),
  eigh: several(emitEigh),
  svd: several(emitSvd),
};

/** The primitives that have a kernel. */
export const kernelNames: readonly string[] = Object.keys(emitters);

function bufferOf({ dtype, shape }: Type): Buffer {
  return { dtype, shape };
}

/** The kernel of a primitive for these types, or `null` where the evaluator is to compute it. */
export function kernelFor(
  builder: Builder,
  primitive: string,
  inputs: readonly Type[],
  params: unknown,
  outputs: readonly Type[],
): Kernel | null {
  const emit = emitters[primitive];
  if (emit === undefined) return null;
  const task = {
    inputs: inputs.map(bufferOf),
    params,
    outputs: outputs.map(bufferOf),
  };
  return builder.once(emit, task);
}
