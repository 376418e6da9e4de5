/**
 * The kernel of each primitive that is not lowered to loops, on WebGPU devices.
 *
 * @module
 */
import type { NamesOf } from "../../../passes/kinds.ts";
import { partDtype } from "../../../base/dtype.ts";
import type { Emit, Kernel, Limits, Operand } from "./kernel.ts";
import { emitAttention, emitAttentionPull } from "./kernels/attention.ts";
import { emitBitcast } from "./kernels/bitcast.ts";
import { emitContract } from "./kernels/contract.ts";
import {
  emitArgmaxWindow,
  emitConvolve,
  emitConvolveFilter,
  emitConvolveInput,
} from "./kernels/convolution.ts";
import { emitFourier, emitFourierOfReal, emitRealOfFourier } from "./kernels/fourier.ts";
import { emitArgmax, emitArgmin } from "./kernels/extremes.ts";
import {
  emitGather,
  emitLastOf,
  emitScatterAdd,
  emitScatterMax,
  emitScatterMin,
  emitScatterOnto,
  emitScatterSet,
} from "./kernels/indexing.ts";
import { emitThreefry2x32 } from "./kernels/random_bits.ts";
import { emitCumprod, emitCumsum, emitRunningExtreme } from "./kernels/running.ts";
import { emitAddSlice, emitDynamicSlice, emitUpdateSlice } from "./kernels/slicing.ts";
import { emitArgsort } from "./kernels/sorting.ts";

/** Left to the evaluator. */
const host = null;

/** The emitter of each kernel. */
const emitters = {
  contract: emitContract,
  convolve: emitConvolve,
  convolveInput: emitConvolveInput,
  convolveFilter: emitConvolveFilter,
  argmaxWindow: emitArgmaxWindow,
  argmax: emitArgmax,
  argmin: emitArgmin,
  cumsum: emitCumsum,
  cumprod: emitCumprod,
  runningExtreme: emitRunningExtreme,
  argsort: emitArgsort,
  gather: emitGather,
  scatterAdd: emitScatterAdd,
  scatterOnto: emitScatterOnto,
  scatterSet: emitScatterSet,
  scatterMax: emitScatterMax,
  scatterMin: emitScatterMin,
  lastOf: emitLastOf,
  bitcast: emitBitcast,
  dynamicSlice: emitDynamicSlice,
  updateSlice: emitUpdateSlice,
  addSlice: emitAddSlice,
  threefry2x32: emitThreefry2x32,
  fourier: emitFourier,
  fourierOfReal: emitFourierOfReal,
  realOfFourier: emitRealOfFourier,
  triangularSolve: host,
  cholesky: host,
  lu: host,
  luSolve: host,
  qr: host,
  complement: host,
  eigh: host,
  svd: host,
} as const satisfies Readonly<Record<NamesOf<"kernel">, Emit<never> | null>>;

/** The emitters by name, with those for calls, which have names of their own for that purpose. */
const known: Readonly<Record<string, Emit<never> | null>> = {
  ...emitters,
  attention: emitAttention,
  attentionPull: emitAttentionPull,
};

/** Primitives whose kernels can read operands of narrow dtypes directly. */
const widening: ReadonlySet<string> = new Set<NamesOf<"kernel">>([
  "argmax",
  "argmin",
  "argmaxWindow",
  "argsort",
  "runningExtreme",
  "contract",
  "convolve",
  "convolveInput",
  "convolveFilter",
]);

/** Whether the kernel of a primitive can also read operands that are stored as narrower dtypes. */
export function widens(name: string): boolean {
  return widening.has(name);
}

/** The kernel of a primitive for these types, or `null` if the evaluator must compute it. */
export function kernelFor(
  name: string,
  inputs: readonly Operand[],
  params: unknown,
  outputs: readonly Operand[],
  limits: Limits,
): Kernel | null {
  const emit = known[name] ?? null;
  const isHeld = [...inputs, ...outputs].every(({ dtype }) => partDtype(dtype) !== "float64");
  return emit === null || !isHeld ? null : emit(inputs, params as never, outputs, limits);
}
