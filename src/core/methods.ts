/**
 * The signatures of `Tensor`'s methods, and the types that they share with the free functions. The
 * functions themselves are defined in `functions/`, which installs them.
 *
 * @module
 */
import type { Dtype } from "../base/dtype.ts";
import type { AxisArgument, Shape } from "../base/shape.ts";
import type { newAxis, Slice } from "./slices.ts";

/**
 * Options of reductions.
 *
 * @category Tensors
 */
export interface AxisOptions {
  /** Whether reduced axes are kept, with length one. Default `false`. */
  readonly keepdims?: boolean;
}

/**
 * Options of `variance` and `std`.
 *
 * @category Tensors
 */
export interface VarianceOptions extends AxisOptions {
  /** The divisor is the number of elements minus this. Default 0. */
  readonly correction?: number;
}

/**
 * Options of `norm`.
 *
 * @category Tensors
 */
export interface NormOptions extends AxisOptions {
  /** The order of the vector norm: any number, or plus or minus infinity. Default 2. */
  readonly ord?: number;
}

/**
 * Options of `div`.
 *
 * @category Tensors
 */
export interface DivOptions {
  /** Rounding of quotients to integers: down, or towards zero. By default quotients are not rounded. */
  readonly roundingMode?: "floor" | "trunc";
}

/**
 * Options of `round`.
 *
 * @category Tensors
 */
export interface RoundOptions {
  /** The number of decimal places to keep; negative numbers count places before the point. Default 0. */
  readonly decimals?: number;
}

/**
 * Options of functions that make a tensor.
 *
 * @category Tensors
 */
export interface DtypeOptions {
  /** The dtype of the result. */
  readonly dtype?: Dtype;
}

/**
 * The padding: one `[before, after]` pair per axis, one pair for all axes, or one number.
 *
 * @category Tensors
 */
export type PadWidths = number | readonly [number, number] | readonly (readonly [number, number])[];

/**
 * Options of `pad`.
 *
 * @category Tensors
 */
export interface PadOptions {
  /** How the new positions are filled. Default `"constant"`. */
  readonly mode?: "constant" | "edge" | "reflect" | "symmetric" | "wrap";
  /** The fill value in mode `"constant"`; a complex value is for complex tensors. Default 0. */
  readonly value?: number | ComplexNumber;
}

/**
 * Options of `diagonal`.
 *
 * @category Tensors
 */
export interface DiagonalOptions {
  /** Which diagonal; 0 is the main one, positive numbers are above it. Default 0. */
  readonly offset?: number;
  /** The axis of the matrices' rows. Default 0. */
  readonly axis1?: number;
  /** The axis of the matrices' columns. Default 1. */
  readonly axis2?: number;
}

/**
 * Options of `sort` and `argsort`.
 *
 * @category Tensors
 */
export interface SortOptions {
  /** Whether the largest comes first. Default `false`. */
  readonly descending?: boolean;
}

/**
 * Options of `topK`.
 *
 * @category Tensors
 */
export interface TopKOptions {
  /** Whether to take the largest; the smallest otherwise. Default `true`. */
  readonly largest?: boolean;
}

/**
 * A complex number: the result of `item` for a complex tensor, and an element of arrays of complex
 * numbers.
 *
 * @category Tensors
 */
export interface ComplexNumber {
  /** The real part. */
  readonly re: number;
  /** The imaginary part. */
  readonly im: number;
}

/**
 * Arrays of numbers, complex numbers or booleans, nested to the same depth everywhere.
 *
 * @category Tensors
 */
export type NestedArray = readonly (number | boolean | ComplexNumber | NestedArray)[];

/**
 * A typed array that a tensor can be made from.
 *
 * @category Tensors
 */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/**
 * The values that public functions accept where a tensor of the class `T` is expected.
 *
 * @category Tensors
 */
export type LikeOf<T> = T | number | boolean | ComplexNumber | NestedArray | TypedArray;

/**
 * One entry of an index: an integer, `slice(start, stop, step)`, `[start, stop]` for a slice of step
 * one (a third entry, the step, is allowed only together with a `null`, since three numbers could be a
 * list of indices), `null` for the whole axis, `"..."` for all axes not named, `newAxis`, a tensor (or
 * typed array) of integers, or a mask.
 *
 * @category Tensors
 */
export type IndexOf<T> =
  | number
  | null
  | "..."
  | typeof newAxis
  | Slice
  | readonly [start: number | null, stop: number | null]
  | readonly [start: null, stop: number | null, step: number]
  | readonly [start: number, stop: null, step: number]
  | T
  | TypedArray;

/**
 * The functions that are also methods of `Tensor`, where `T` is that class. Each is the free function of its
 * name with the tensor as the first argument (`at` is `index`).
 *
 * @category Tensors
 */
export interface TensorMethods<T> {
  /** The tensor with its elements converted to `dtype`; the method form of `astype`. */
  astype(dtype: Dtype): T;
  /** A tensor that stays usable when this one is donated; the method form of `copy`. */
  copy(): T;
  /** Negative of each element; the method form of `neg`. */
  neg(): T;
  /** Absolute value of each element; the method form of `abs`. */
  abs(): T;
  /** Real part of each element; the method form of `real`. */
  real(): T;
  /** Imaginary part of each element; the method form of `imag`. */
  imag(): T;
  /** Complex conjugate of each element; the method form of `conj`. */
  conj(): T;
  /** Angle of each element; the method form of `angle`. */
  angle(): T;
  /** Sign (-1, 0 or 1) of each element; the method form of `sign`. */
  sign(): T;
  /** Square of each element; the method form of `square`. */
  square(): T;
  /** Square root of each element; the method form of `sqrt`. */
  sqrt(): T;
  /** One over the square root; the method form of `rsqrt`. */
  rsqrt(): T;
  /** One over each element; the method form of `reciprocal`. */
  reciprocal(): T;
  /** Exponential of each element; the method form of `exp`. */
  exp(): T;
  /** Exponential minus one of each element; the method form of `expm1`. */
  expm1(): T;
  /** Natural logarithm of each element; the method form of `log`. */
  log(): T;
  /** Natural logarithm of one plus each element; the method form of `log1p`. */
  log1p(): T;
  /** Logarithm to base two of each element; the method form of `log2`. */
  log2(): T;
  /** Sine of each element; the method form of `sin`. */
  sin(): T;
  /** Cosine of each element; the method form of `cos`. */
  cos(): T;
  /** Tangent of each element; the method form of `tan`. */
  tan(): T;
  /** Inverse sine of each element; the method form of `asin`. */
  asin(): T;
  /** Inverse cosine of each element; the method form of `acos`. */
  acos(): T;
  /** Inverse tangent of each element; the method form of `atan`. */
  atan(): T;
  /** Hyperbolic sine of each element; the method form of `sinh`. */
  sinh(): T;
  /** Hyperbolic cosine of each element; the method form of `cosh`. */
  cosh(): T;
  /** Hyperbolic tangent of each element; the method form of `tanh`. */
  tanh(): T;
  /** Inverse hyperbolic sine of each element; the method form of `asinh`. */
  asinh(): T;
  /** Inverse hyperbolic cosine of each element; the method form of `acosh`. */
  acosh(): T;
  /** Inverse hyperbolic tangent of each element; the method form of `atanh`. */
  atanh(): T;
  /** Logistic function of each element; the method form of `sigmoid`. */
  sigmoid(): T;
  /** Error function of each element; the method form of `erf`. */
  erf(): T;
  /** Complementary error function of each element; the method form of `erfc`. */
  erfc(): T;
  /** Inverse error function of each element; the method form of `erfinv`. */
  erfinv(): T;
  /** Logarithm of the absolute value of the gamma function of each element; the method form of `lgamma`. */
  lgamma(): T;
  /** Derivative of `lgamma` of each element; the method form of `digamma`. */
  digamma(): T;
  /** Largest integer not above each element; the method form of `floor`. */
  floor(): T;
  /** Smallest integer not below each element; the method form of `ceil`. */
  ceil(): T;
  /** Nearest integer, halves to even; the method form of `round`. */
  round(options?: RoundOptions): T;
  /** Integer part, towards zero; the method form of `trunc`. */
  trunc(): T;
  /** Whether each element is NaN; the method form of `isnan`. */
  isnan(): T;
  /** Whether each element is infinite; the method form of `isinf`. */
  isinf(): T;
  /** Whether each element is neither infinite nor NaN; the method form of `isfinite`. */
  isfinite(): T;
  /** Whether each element is zero or false; the method form of `logicalNot`. */
  logicalNot(): T;
  /** Sum, elementwise with broadcasting; the method form of `add`. */
  add(other: LikeOf<T>): T;
  /** Difference, elementwise with broadcasting; the method form of `sub`. */
  sub(other: LikeOf<T>): T;
  /** Product, elementwise with broadcasting; the method form of `mul`. */
  mul(other: LikeOf<T>): T;
  /** Quotient, elementwise with broadcasting; the method form of `div`. */
  div(other: LikeOf<T>, options?: DivOptions): T;
  /** Power, elementwise with broadcasting; the method form of `pow`. */
  pow(other: LikeOf<T>): T;
  /** Remainder with the sign of the divisor, elementwise with broadcasting; the method form of `mod`. */
  mod(other: LikeOf<T>): T;
  /** Angle of the point (other, this), elementwise with broadcasting; the method form of `atan2`. */
  atan2(other: LikeOf<T>): T;
  /** Larger of two, elementwise with broadcasting; the method form of `maximum`. */
  maximum(other: LikeOf<T>): T;
  /** Smaller of two, elementwise with broadcasting; the method form of `minimum`. */
  minimum(other: LikeOf<T>): T;
  /** Logarithm of the sum of exponentials, elementwise with broadcasting; the method form of `logaddexp`. */
  logaddexp(other: LikeOf<T>): T;
  /** Whether elements are equal, elementwise with broadcasting; the method form of `equal`. */
  equal(other: LikeOf<T>): T;
  /** Whether elements differ, elementwise with broadcasting; the method form of `notEqual`. */
  notEqual(other: LikeOf<T>): T;
  /** Whether elements are less, elementwise with broadcasting; the method form of `less`. */
  less(other: LikeOf<T>): T;
  /** Whether elements are less or equal, elementwise with broadcasting; the method form of `lessEqual`. */
  lessEqual(other: LikeOf<T>): T;
  /** Whether elements are greater, elementwise with broadcasting; the method form of `greater`. */
  greater(other: LikeOf<T>): T;
  /** Whether elements are greater or equal, elementwise with broadcasting; the method form of `greaterEqual`. */
  greaterEqual(other: LikeOf<T>): T;
  /** Whether both elements are non-zero, elementwise with broadcasting; the method form of `logicalAnd`. */
  logicalAnd(other: LikeOf<T>): T;
  /** Whether either element is non-zero, elementwise with broadcasting; the method form of `logicalOr`. */
  logicalOr(other: LikeOf<T>): T;
  /** Whether exactly one element is non-zero, elementwise with broadcasting; the method form of `logicalXor`. */
  logicalXor(other: LikeOf<T>): T;
  /** Elements held between `min` and `max`; `null` leaves a side open; the method form of `clip`. */
  clip(min: LikeOf<T> | null, max: LikeOf<T> | null): T;
  /** Elements of `x` where this tensor is true, of `y` elsewhere; the method form of `where`. */
  where(x: LikeOf<T>, y: LikeOf<T>): T;
  /** Sum over `axis`, over all axes when left out; the method form of `sum`. */
  sum(axis?: AxisArgument, options?: AxisOptions): T;
  /** Mean over `axis`, over all axes when left out; the method form of `mean`. */
  mean(axis?: AxisArgument, options?: AxisOptions): T;
  /** Product over `axis`, over all axes when left out; the method form of `prod`. */
  prod(axis?: AxisArgument, options?: AxisOptions): T;
  /** Largest element over `axis`, over all axes when left out; the method form of `max`. */
  max(axis?: AxisArgument, options?: AxisOptions): T;
  /** Smallest element over `axis`, over all axes when left out; the method form of `min`. */
  min(axis?: AxisArgument, options?: AxisOptions): T;
  /** Whether any element is true over `axis`, over all axes when left out; the method form of `any`. */
  any(axis?: AxisArgument, options?: AxisOptions): T;
  /** Whether all elements are true over `axis`, over all axes when left out; the method form of `all`. */
  all(axis?: AxisArgument, options?: AxisOptions): T;
  /** Logarithm of the sum of exponentials over `axis`, over all axes when left out; the method form of `logsumexp`. */
  logsumexp(axis?: AxisArgument, options?: AxisOptions): T;
  /** Position of the first largest element along `axis`, in the flattened tensor when left out; the method form of `argmax`. */
  argmax(axis?: number | null, options?: AxisOptions): T;
  /** Position of the first smallest element along `axis`, in the flattened tensor when left out; the method form of `argmin`. */
  argmin(axis?: number | null, options?: AxisOptions): T;
  /** Variance over `axis`, over all axes when left out; the method form of `variance`. */
  variance(axis?: AxisArgument, options?: VarianceOptions): T;
  /** Standard deviation over `axis`, over all axes when left out; the method form of `std`. */
  std(axis?: AxisArgument, options?: VarianceOptions): T;
  /** Vector norm over `axis`, over all axes when left out; the method form of `norm`. */
  norm(axis?: AxisArgument, options?: NormOptions): T;
  /** Running sum along `axis`; the method form of `cumsum`. */
  cumsum(axis: number): T;
  /** Running product along `axis`; the method form of `cumprod`. */
  cumprod(axis: number): T;
  /** The same elements in another shape, a list or one argument for each length; one entry may be -1; the method form of `reshape`. */
  reshape(...shape: Shape | readonly [shape: Shape]): T;
  /** All elements in one vector; the method form of `ravel`. */
  ravel(): T;
  /** Axes in the given order, reversed when left out; the method form of `transpose`. */
  transpose(...axes: readonly number[] | readonly [axes?: readonly number[] | null]): T;
  /** Axes in the given order; the method form of `permute`. */
  permute(...axes: readonly number[] | readonly [axes: readonly number[]]): T;
  /** Two axes exchanged; the method form of `swapaxes`. */
  swapaxes(first: number, second: number): T;
  /** Axes moved to other positions; the method form of `moveaxis`. */
  moveaxis(source: number | readonly number[], destination: number | readonly number[]): T;
  /** Axes of length one removed: the given ones, or all; the method form of `squeeze`. */
  squeeze(axis?: AxisArgument): T;
  /** New axes of length one at the given positions of the result; the method form of `expandDims`. */
  expandDims(axis: number | readonly number[]): T;
  /** Stretched to `shape` by NumPy's rule; the method form of `broadcastTo`. */
  broadcastTo(shape: Shape): T;
  /**
   * Parts along `axis`: the given number of equal ones, or cut at the given indices; the method form of
   * `split`.
   */
  split(sectionsOrIndices: number | readonly number[], axis?: number): T[];
  /** Elements in reverse order along the given axes, or all; the method form of `flip`. */
  flip(axis?: AxisArgument): T;
  /** Elements shifted along the given axes, wrapping around; the method form of `roll`. */
  roll(shift: number | readonly number[], axis?: number | readonly number[] | null): T;
  /** Elements added before and after along each axis; the method form of `pad`. */
  pad(widths: PadWidths, options?: PadOptions): T;
  /** The whole tensor repeated along each axis; the method form of `tile`. */
  tile(repetitions: number | readonly number[]): T;
  /** Each element repeated along `axis`, of the flattened tensor when left out; the method form of `repeat`. */
  repeat(repetitions: number, axis?: number | null): T;
  /** Lower triangle of the last two axes, zeros above; the method form of `tril`. */
  tril(diagonal?: number): T;
  /** Upper triangle of the last two axes, zeros below; the method form of `triu`. */
  triu(diagonal?: number): T;
  /** The diagonal of a matrix, or a matrix with this diagonal; the method form of `diag`. */
  diag(diagonal?: number): T;
  /** A diagonal of the matrices on two axes; the method form of `diagonal`. */
  diagonal(options?: DiagonalOptions): T;
  /** A new last axis of length `classes` with a one at each index and zeros elsewhere; the method form of `oneHot`. */
  oneHot(classes: number, options?: DtypeOptions): T;
  /** Part of the tensor: integers, slices, `null` for all, `"..."`, `newAxis`, integer tensors, masks; the method form of `index`. */
  at(...indices: readonly IndexOf<T>[]): T;
  /** A tensor with `values` at the given index; the method form of `set`. */
  set(indices: readonly IndexOf<T>[], values: LikeOf<T>): T;
  /**
   * A tensor with `values` added at the given index, repeated indices adding up; the method form of
   * `addAt`.
   */
  addAt(indices: readonly IndexOf<T>[], values: LikeOf<T>): T;
  /**
   * A block of fixed size that begins at `starts`, which may be computed; the method form of
   * `dynamicSlice`.
   */
  dynamicSlice(starts: T | readonly LikeOf<T>[], sizes: readonly number[]): T;
  /**
   * A tensor with the block that begins at `starts` replaced; the starts may be computed; the method
   * form of `dynamicUpdateSlice`.
   */
  dynamicUpdateSlice(update: LikeOf<T>, starts: T | readonly LikeOf<T>[]): T;
  /** Entries at `indices` along `axis`, of the flattened tensor when left out; the method form of `take`. */
  take(indices: LikeOf<T>, axis?: number | null): T;
  /** Entries at `indices` along `axis`, matched with the other axes; the method form of `takeAlongAxis`. */
  takeAlongAxis(indices: LikeOf<T>, axis: number): T;
  /** Entries at `indices` along `axis`, as PyTorch's `gather`; the method form of `gather`. */
  gather(indices: LikeOf<T>, axis?: number): T;
  /** `updates` added at `indices` along `axis`, as PyTorch's `scatter_add`; the method form of `scatterAdd`. */
  scatterAdd(indices: LikeOf<T>, updates: LikeOf<T>, axis?: number): T;
  /** Elements in ascending order along `axis` (the last when left out), stable; the method form of `sort`. */
  sort(axis?: number, options?: SortOptions): T;
  /** The indices that sort along `axis`, stable; the method form of `argsort`. */
  argsort(axis?: number, options?: SortOptions): T;
  /** The `k` largest elements along `axis` and their indices, largest first; the method form of `topK`. */
  topK(k: number, axis?: number, options?: TopKOptions): [T, T];
  /** Matrix product by NumPy's rules, batched over leading axes; the method form of `matmul`. */
  matmul(other: LikeOf<T>): T;
  /**
   * Product of the last axis of this tensor with the second-to-last axis of the other, as NumPy's
   * `dot`; the method form of `dot`.
   */
  dot(other: LikeOf<T>): T;
  /** Outer product of the two flattened tensors; the method form of `outer`. */
  outer(other: LikeOf<T>): T;
  /** Sum of products over the given axes; the method form of `tensordot`. */
  tensordot(
    other: LikeOf<T>,
    axes?: number | readonly [number | readonly number[], number | readonly number[]],
  ): T;
}

/** The free functions that implement the methods. */
export type MethodTable<T> = {
  readonly [Name in keyof TensorMethods<T>]: (
    x: T,
    ...rest: Parameters<TensorMethods<T>[Name]>
  ) => ReturnType<TensorMethods<T>[Name]>;
};
