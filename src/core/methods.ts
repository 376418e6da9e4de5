/**
 * The signatures behind `Tensor`'s methods, and the option types that they share with the free
 * functions. The functions themselves live in `functions/`, two floors up, and install themselves.
 *
 * @module
 */
import type { Dtype } from "../base/dtype.ts";
import type { AxisArgument, Shape } from "../base/shape.ts";
import type { Tensor, TensorLike, TypedArray } from "./tensor.ts";

/** Options of reductions. */
export interface AxisOptions {
  /** Whether reduced axes stay, with length one. Default `false`. */
  readonly keepdims?: boolean;
}

/** Options of `variance` and `std`. */
export interface VarianceOptions extends AxisOptions {
  /** The divisor is the number of elements minus this. Default 0. */
  readonly correction?: number;
}

/** Options of `norm`. */
export interface NormOptions extends AxisOptions {
  /** The order of the vector norm: any number, or plus or minus infinity. Default 2. */
  readonly ord?: number;
}

/** Options of `div`. */
export interface DivOptions {
  /** Whether quotients are rounded to integers: down, or towards zero. Left out, they are not. */
  readonly roundingMode?: "floor" | "trunc";
}

/** Options of `round`. */
export interface RoundOptions {
  /** How many decimal places are kept; negative counts places before the point. Default 0. */
  readonly decimals?: number;
}

/** Options of functions that make a tensor. */
export interface DtypeOptions {
  /** The dtype of the result. */
  readonly dtype?: Dtype;
}

/** How much to pad: one `[before, after]` per axis, one pair for all axes, or one number. */
export type PadWidths = number | readonly [number, number] | readonly (readonly [number, number])[];

/** Options of `pad`. */
export interface PadOptions {
  /** What fills the new places. Default `"constant"`. */
  readonly mode?: "constant" | "edge" | "reflect" | "symmetric" | "wrap";
  /** The filling value in mode `"constant"`. Default 0. */
  readonly value?: number;
}

/** Options of `diagonal`. */
export interface DiagonalOptions {
  /** Which diagonal; 0 is the main one, positive lies above it. Default 0. */
  readonly offset?: number;
  /** The axis of the matrices' rows. Default 0. */
  readonly axis1?: number;
  /** The axis of the matrices' columns. Default 1. */
  readonly axis2?: number;
}

/** Options of `sort` and `argsort`. */
export interface SortOptions {
  /** Whether the largest comes first. Default `false`. */
  readonly descending?: boolean;
}

/** Options of `topK`. */
export interface TopKOptions {
  /** Whether to take the largest; the smallest otherwise. Default `true`. */
  readonly largest?: boolean;
}

/**
 * One entry of an index: an integer, `[start, stop, step]` with `null` for a side left open, `null`
 * for the whole axis, `"..."` for all axes not named, or a tensor (or typed array) of integers.
 */
export type Index =
  | number
  | null
  | "..."
  | readonly [start: number | null, stop: number | null]
  | readonly [start: number | null, stop: number | null, step: number]
  | Tensor
  | TypedArray;

/** The free functions that `Tensor`'s methods call. */
export interface TensorFunctions {
  astype(x: TensorLike, dtype: Dtype): Tensor;
  copy(x: TensorLike): Tensor;
  neg(x: TensorLike): Tensor;
  abs(x: TensorLike): Tensor;
  sign(x: TensorLike): Tensor;
  square(x: TensorLike): Tensor;
  sqrt(x: TensorLike): Tensor;
  rsqrt(x: TensorLike): Tensor;
  reciprocal(x: TensorLike): Tensor;
  exp(x: TensorLike): Tensor;
  expm1(x: TensorLike): Tensor;
  log(x: TensorLike): Tensor;
  log1p(x: TensorLike): Tensor;
  log2(x: TensorLike): Tensor;
  sin(x: TensorLike): Tensor;
  cos(x: TensorLike): Tensor;
  tan(x: TensorLike): Tensor;
  asin(x: TensorLike): Tensor;
  acos(x: TensorLike): Tensor;
  atan(x: TensorLike): Tensor;
  sinh(x: TensorLike): Tensor;
  cosh(x: TensorLike): Tensor;
  tanh(x: TensorLike): Tensor;
  asinh(x: TensorLike): Tensor;
  acosh(x: TensorLike): Tensor;
  atanh(x: TensorLike): Tensor;
  sigmoid(x: TensorLike): Tensor;
  erf(x: TensorLike): Tensor;
  erfc(x: TensorLike): Tensor;
  erfinv(x: TensorLike): Tensor;
  lgamma(x: TensorLike): Tensor;
  digamma(x: TensorLike): Tensor;
  floor(x: TensorLike): Tensor;
  ceil(x: TensorLike): Tensor;
  round(x: TensorLike, options?: RoundOptions): Tensor;
  trunc(x: TensorLike): Tensor;
  isnan(x: TensorLike): Tensor;
  isinf(x: TensorLike): Tensor;
  isfinite(x: TensorLike): Tensor;
  logicalNot(x: TensorLike): Tensor;
  add(x: TensorLike, other: TensorLike): Tensor;
  sub(x: TensorLike, other: TensorLike): Tensor;
  mul(x: TensorLike, other: TensorLike): Tensor;
  div(x: TensorLike, other: TensorLike, options?: DivOptions): Tensor;
  pow(x: TensorLike, other: TensorLike): Tensor;
  mod(x: TensorLike, other: TensorLike): Tensor;
  atan2(x: TensorLike, other: TensorLike): Tensor;
  maximum(x: TensorLike, other: TensorLike): Tensor;
  minimum(x: TensorLike, other: TensorLike): Tensor;
  logaddexp(x: TensorLike, other: TensorLike): Tensor;
  equal(x: TensorLike, other: TensorLike): Tensor;
  notEqual(x: TensorLike, other: TensorLike): Tensor;
  less(x: TensorLike, other: TensorLike): Tensor;
  lessEqual(x: TensorLike, other: TensorLike): Tensor;
  greater(x: TensorLike, other: TensorLike): Tensor;
  greaterEqual(x: TensorLike, other: TensorLike): Tensor;
  logicalAnd(x: TensorLike, other: TensorLike): Tensor;
  logicalOr(x: TensorLike, other: TensorLike): Tensor;
  logicalXor(x: TensorLike, other: TensorLike): Tensor;
  clip(x: TensorLike, min: TensorLike | null, max: TensorLike | null): Tensor;
  where(condition: TensorLike, x: TensorLike, y: TensorLike): Tensor;
  sum(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor;
  mean(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor;
  prod(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor;
  max(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor;
  min(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor;
  any(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor;
  all(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor;
  logsumexp(x: TensorLike, axis?: AxisArgument, options?: AxisOptions): Tensor;
  argmax(x: TensorLike, axis?: number | null, options?: AxisOptions): Tensor;
  argmin(x: TensorLike, axis?: number | null, options?: AxisOptions): Tensor;
  variance(x: TensorLike, axis?: AxisArgument, options?: VarianceOptions): Tensor;
  std(x: TensorLike, axis?: AxisArgument, options?: VarianceOptions): Tensor;
  norm(x: TensorLike, axis?: AxisArgument, options?: NormOptions): Tensor;
  cumsum(x: TensorLike, axis: number): Tensor;
  cumprod(x: TensorLike, axis: number): Tensor;
  reshape(x: TensorLike, shape: Shape): Tensor;
  transpose(x: TensorLike, axes?: readonly number[]): Tensor;
  swapaxes(x: TensorLike, first: number, second: number): Tensor;
  moveaxis(
    x: TensorLike,
    source: number | readonly number[],
    destination: number | readonly number[],
  ): Tensor;
  squeeze(x: TensorLike, axis?: AxisArgument): Tensor;
  expandDims(x: TensorLike, axis: number | readonly number[]): Tensor;
  broadcastTo(x: TensorLike, shape: Shape): Tensor;
  split(x: TensorLike, sectionsOrIndices: number | readonly number[], axis?: number): Tensor[];
  flip(x: TensorLike, axis?: AxisArgument): Tensor;
  roll(
    x: TensorLike,
    shift: number | readonly number[],
    axis?: number | readonly number[] | null,
  ): Tensor;
  pad(x: TensorLike, widths: PadWidths, options?: PadOptions): Tensor;
  tile(x: TensorLike, repetitions: number | readonly number[]): Tensor;
  repeat(x: TensorLike, repetitions: number, axis?: number | null): Tensor;
  tril(x: TensorLike, diagonal?: number): Tensor;
  triu(x: TensorLike, diagonal?: number): Tensor;
  diag(x: TensorLike, diagonal?: number): Tensor;
  diagonal(x: TensorLike, options?: DiagonalOptions): Tensor;
  oneHot(x: TensorLike, classes: number, options?: DtypeOptions): Tensor;
  index(x: TensorLike, ...indices: readonly Index[]): Tensor;
  set(x: TensorLike, indices: readonly Index[], values: TensorLike): Tensor;
  addAt(x: TensorLike, indices: readonly Index[], values: TensorLike): Tensor;
  dynamicSlice(
    x: TensorLike,
    starts: Tensor | readonly TensorLike[],
    sizes: readonly number[],
  ): Tensor;
  dynamicUpdateSlice(
    x: TensorLike,
    update: TensorLike,
    starts: Tensor | readonly TensorLike[],
  ): Tensor;
  take(x: TensorLike, indices: TensorLike, axis?: number | null): Tensor;
  takeAlongAxis(x: TensorLike, indices: TensorLike, axis: number): Tensor;
  gather(x: TensorLike, indices: TensorLike, axis?: number): Tensor;
  scatterAdd(x: TensorLike, indices: TensorLike, updates: TensorLike, axis?: number): Tensor;
  sort(x: TensorLike, axis?: number, options?: SortOptions): Tensor;
  argsort(x: TensorLike, axis?: number, options?: SortOptions): Tensor;
  topK(x: TensorLike, k: number, axis?: number, options?: TopKOptions): [Tensor, Tensor];
  matmul(x: TensorLike, other: TensorLike): Tensor;
  dot(x: TensorLike, other: TensorLike): Tensor;
  outer(x: TensorLike, other: TensorLike): Tensor;
  tensordot(
    x: TensorLike,
    other: TensorLike,
    axes?: number | readonly [number | readonly number[], number | readonly number[]],
  ): Tensor;
}
