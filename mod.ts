/**
 * Jacobi: purely functional automatic differentiation for Deno.
 *
 * Transforms of functions (`grad`, `vjp`, `jvp`, `vmap`, …) over immutable tensors, composing to any
 * order; tensor functions in NumPy's names; neural-network layers, losses and optimisers as pure
 * functions over parameter trees.
 *
 * @example A gradient
 * ```ts
 * import { grad, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const f = grad((x) => x.square().sum());
 * assertTensorsClose(f(tensor([1, 2, 3])), [2, 4, 6]);
 * ```
 *
 * @module
 */
export {
  ArgumentError,
  AxisError,
  DtypeError,
  IndexError,
  MemoryError,
  NonFiniteError,
  ShapeError,
  TraceError,
  TreeError,
} from "./src/base/errors.ts";
export type {
  ComplexDtype,
  Dtype,
  Elements,
  FloatDtype,
  RealDtype,
  Unshared,
} from "./src/base/dtype.ts";
export type { AxisArgument, Shape } from "./src/base/shape.ts";
export type { Description } from "./src/core/description.ts";
export { Tensor } from "./src/core/tensor.ts";
export type { Concrete, Index, TensorLike, Type } from "./src/core/tensor.ts";
export { newAxis, slice } from "./src/core/slices.ts";
export type { Slice } from "./src/core/slices.ts";

export { TensorType } from "./src/core/tensor_type.ts";
export type {
  AxisOptions,
  DiagonalOptions,
  DivOptions,
  DtypeOptions,
  IndexOf,
  LikeOf,
  NestedArray,
  NormOptions,
  PadOptions,
  PadWidths,
  RoundOptions,
  SortOptions,
  TensorMethods,
  TopKOptions,
  TypedArray,
  VarianceOptions,
} from "./src/core/methods.ts";
export type { Program } from "./src/core/program.ts";
export type { Tree } from "./src/core/tree.ts";
export type {
  AnyArgs,
  AnyFunction,
  Differentiable,
  EachNoInfer,
  IsAny,
  Leaf,
  LeavesOf,
  LooseArgs,
  Loosened,
  ResultArgs,
  TensorsOf,
  TupleHint,
  WithNumbers,
} from "./src/core/tree_types.ts";
export type { ComplexNumber } from "./src/core/methods.ts";
export * from "./src/functions/mod.ts";
export * from "./src/transforms/mod.ts";
export * from "./src/control/mod.ts";
export { gaussianKde } from "./src/linalg/gaussian_kde.ts";
export type { GaussianKde, GaussianKdeOptions } from "./src/linalg/gaussian_kde.ts";
export { poly, polyfit, roots } from "./src/linalg/polynomials.ts";
export type { PolyfitCovOptions, PolyfitOptions } from "./src/linalg/polynomials.ts";
export type { Device } from "./src/core/device.ts";
export { mesh, shard } from "./src/core/sharding.ts";
export type { Mesh, Placement, Sharding, ShardingEntry } from "./src/core/sharding.ts";
export { devices, ready, toDevice, withSharding } from "./src/device.ts";
export type { Placements } from "./src/device.ts";
export { jit } from "./src/jit.ts";
export { configure } from "./src/configure.ts";
export type { ConfigureOptions } from "./src/configure.ts";
export type { JitOptions, Jitted, LoweredFunction } from "./src/jit.ts";
/** Batches of examples for training. */
export * as data from "./src/data/mod.ts";
/** Fourier transforms. */
export * as fft from "./src/fft.ts";
/** Images: resizing, sampling, patches. */
export * as image from "./src/image.ts";
/** Inspection of programs, layers and derivatives. */
export * as inspect from "./src/inspect/mod.ts";
/** Differential equations, as compiled loops. */
export * as integrate from "./src/integrate.ts";
/** Interpolation between points. */
export * as interpolate from "./src/interpolate.ts";
/** Files of tensors, read from bytes and written to bytes. */
export * as io from "./src/io/mod.ts";
/** Linear algebra. */
export * as linalg from "./src/linalg.ts";
/** Metrics of predictions. */
export * as metrics from "./src/metrics/mod.ts";
/** Whole models. */
export * as models from "./src/models/mod.ts";
/** Neural-network layers, activations and losses. */
export * as nn from "./src/nn/mod.ts";
/** Optimisers and learning-rate schedules. */
export * as optim from "./src/optim/mod.ts";
/** Minimisation of functions, as compiled loops. */
export * as optimize from "./src/optimize.ts";
/** Random numbers from explicit keys. */
export * as random from "./src/random/mod.ts";
/** Signals: convolutions, correlations, windows. */
export * as signal from "./src/signal.ts";
export * as special from "./src/special.ts";
/** Assertions for tests of numerical code. */
export * as testing from "./src/testing/mod.ts";
/** Training: compiled steps, and loops that can be stopped and continued. */
export * as train from "./src/train/mod.ts";
/** Trees: nestings of arrays and objects with tensors at their leaves. */
export * as tree from "./src/tree/mod.ts";
