/**
 * The kernels of the primitives that are not made of loops.
 *
 * @module
 */
import type { Type } from "../../../core/tensor.ts";
import type { Target } from "../../../lowering/target.ts";
import { emitConvolve, emitConvolveFilter, emitConvolveInput } from "./convolution/mod.ts";
import { emitFourier, emitFourierOfReal, emitRealOfFourier } from "./fourier/mod.ts";
import {
  emitAddSlice,
  emitBitcast,
  emitDynamicSlice,
  emitGather,
  emitLastOf,
  emitScatterAdd,
  emitScatterMax,
  emitScatterMin,
  emitScatterOnto,
  emitScatterSet,
  emitUpdateSlice,
} from "./indexing/mod.ts";
import {
  emitCholesky,
  emitComplement,
  emitEigh,
  emitLu,
  emitLuSolve,
  emitQr,
  emitSvd,
  emitTriangularSolve,
} from "./linalg/mod.ts";
import { canEmit } from "./nest/mod.ts";
import { emitArgmaxWindow } from "./pooling.ts";
import {
  emitArgmax,
  emitArgmin,
  emitCumprod,
  emitCumsum,
  emitRunningExtreme,
} from "./reduction/mod.ts";
import { emitArgsort } from "./ordering/mod.ts";
import { emitThreefry2x32 } from "./random_bits.ts";
import { emitContract } from "./product/mod.ts";
import type { Buffer, Builder, Kernel } from "./kernel.ts";

/** Inputs of a kernel's emitter. */
interface Task<P> {
  readonly inputs: readonly Buffer[];
  readonly params: P;
  readonly outputs: readonly Buffer[];
}

/** Writes a kernel; `null` if the evaluator must compute it. */
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

/** One function per primitive, created once, because kernels are identified by it. */
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
  scatterMax: one(emitScatterMax),
  scatterMin: one(emitScatterMin),
  scatterSet: one(emitScatterSet),
  lastOf: one(emitLastOf),
  bitcast: one(emitBitcast),
  dynamicSlice: one(emitDynamicSlice),
  updateSlice: one(emitUpdateSlice),
  addSlice: one(emitAddSlice),
  cumsum: several(emitCumsum),
  cumprod: several(emitCumprod),
  threefry2x32: several(emitThreefry2x32),
  argsort: one(emitArgsort),
  runningExtreme: one(emitRunningExtreme),
  cholesky: one(emitCholesky),
  triangularSolve: one(emitTriangularSolve),
  lu: several(emitLu),
  luSolve: one(emitLuSolve),
  qr: several(emitQr),
  complement: one(emitComplement),
  eigh: several(emitEigh),
  svd: several(emitSvd),
  fourier: several(emitFourier),
  fourierOfReal: several(emitFourierOfReal),
  realOfFourier: several(emitRealOfFourier),
};

/** Primitives whose kernels convert the elements of narrow dtypes while reading them. */
const widening: ReadonlySet<string> = new Set([
  "argmax",
  "argmin",
  "argmaxWindow",
  "argsort",
  "contract",
  "convolve",
  "convolveInput",
  "convolveFilter",
]);

/** Information about this backend for lowering. */
export const target: Target = {
  writes: canEmit,
  widens: (operation) => widening.has(operation),
  hasDoubles: true,
  mostBuffers: Infinity,
  joinsLoops: false,
  hasStraightCode: true,
};

/** The primitives that have a kernel. */
export const kernelNames: readonly string[] = Object.keys(emitters);

function bufferOf({ dtype, shape }: Type): Buffer {
  return { dtype, shape };
}

/** The kernel of a primitive for these types, or `null` if the evaluator must compute it. */
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
