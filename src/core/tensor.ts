/**
 * The one value type: an immutable n-dimensional array. Concrete tensors hold elements; tracers (see
 * `trace.ts`) stand for values that a transform follows. Both are `Tensor`s.
 *
 * @module
 */
import { argumentError, internalError, shapeError } from "../base/errors.ts";
import { allocate, byteSize } from "../base/dtype.ts";
import type { Dtype, Elements, Unshared } from "../base/dtype.ts";
import {
  checkNdim,
  checkSize,
  MAX_BYTES,
  MAX_SIZE,
  sameShape,
  showType,
  sizeOf,
} from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { defaultDevice } from "./device.ts";
import type { Device } from "./device.ts";
import { formatTensor } from "./format.ts";
import { Storage } from "./storage.ts";
import type {
  AxisOptions,
  DiagonalOptions,
  DivOptions,
  DtypeOptions,
  Index,
  NormOptions,
  PadOptions,
  PadWidths,
  RoundOptions,
  SortOptions,
  TensorFunctions,
  TopKOptions,
  VarianceOptions,
} from "./methods.ts";
import type { AxisArgument } from "../base/shape.ts";

/** What is known of a value before it is computed: its dtype and its shape. */
export interface Type {
  /** The element type. */
  readonly dtype: Dtype;
  /** The length of each axis, outermost first. */
  readonly shape: Shape;
}

/** Arrays of numbers or booleans, nested to the same depth everywhere. */
export type NestedArray = readonly (number | boolean | NestedArray)[];

/** A typed array that a tensor can be made from. */
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

/** Whatever public functions accept where a tensor is meant. */
export type TensorLike = Tensor | number | boolean | NestedArray | TypedArray;

/** How many entries nested arrays may have: JavaScript's own cannot hold many more. */
const MAX_ENTRIES = 2 ** 27;

let functions: TensorFunctions | undefined;

/** Gives `Tensor` its methods; called once, by the module that defines the free functions. */
export function installMethods(table: TensorFunctions): void {
  functions = table;
}

/** The free functions behind the methods. */
function free(): TensorFunctions {
  if (functions === undefined) throw internalError("The tensor functions are not loaded");
  return functions;
}

/**
 * An immutable n-dimensional array, or a tracer that stands for one.
 *
 * Tensors come from `tensor`, `zeros` and the other creation functions, and from operations; there is
 * no public constructor. No operation changes a tensor: each gives a new one.
 *
 * @example Methods and free functions are the same
 * ```ts
 * import { mul, sub, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = tensor([1, 2, 3]);
 * assertTensorsClose(x.mul(2).sub(1), sub(mul(x, 2), 1));
 * ```
 */
export abstract class Tensor implements Type {
  /** The element type. */
  readonly dtype: Dtype;
  /** The length of each axis, outermost first; frozen. */
  readonly shape: Shape;

  /** Made by the library only. */
  protected constructor(dtype: Dtype, shape: Shape) {
    checkNdim(shape, "Cannot make a tensor");
    this.dtype = dtype;
    this.shape = Object.isFrozen(shape) ? shape : Object.freeze([...shape]);
  }

  /**
   * The concrete tensor behind this value, for `purpose` ("read the elements of").
   *
   * @throws {TraceError} when the value is traced and has no concrete value.
   * @internal
   */
  abstract concrete(purpose: string): Concrete;

  /**
   * Where its elements are, or, for a tensor that was never placed on a device, where work on it goes.
   *
   * @throws {TraceError} when the value is traced and has no concrete value.
   */
  get device(): Device {
    return this.concrete("tell the device of").placement ?? defaultDevice();
  }

  /** The number of axes. */
  get ndim(): number {
    return this.shape.length;
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /**
   * The only element, as a JavaScript value: a number, or a boolean for dtype `bool`.
   *
   * TypeScript cannot see the dtype, and takes a number unless told otherwise: `x.item<boolean>()`.
   *
   * @throws {ShapeError} unless the tensor has exactly one element.
   * @throws {TraceError} when the value is traced and has no concrete value.
   */
  item<Value extends number | boolean = number>(): Value {
    if (this.size !== 1) {
      throw shapeError(
        `Cannot take the item of ${showType(this)}: expected exactly one element, ` +
          `got ${this.size}; use toArray or data for more`,
      );
    }
    const value = this.concrete("read the item of").peek((elements) => elements[0]);
    return (this.dtype === "bool" ? value !== 0 : value) as Value;
  }

  /**
   * The elements as nested arrays, or as one JavaScript value for a scalar; a fresh copy.
   *
   * @throws {TraceError} when the value is traced and has no concrete value.
   * @throws {ShapeError} when there are more elements than arrays can hold; `data` gives them.
   */
  toArray(): NestedArray | number | boolean {
    const value = this.concrete("read the elements of");
    // Of a tensor without elements, too, the axes before the empty one are arrays.
    const entries = this.shape.map((_, axis) => sizeOf(this.shape.slice(0, axis + 1)));
    if (entries.some((count) => count > MAX_ENTRIES)) {
      throw shapeError(
        `Cannot make nested arrays of ${showType(this)}: at most ${MAX_ENTRIES} entries fit; ` +
          `read its data instead`,
      );
    }
    return isSplat(value)
      ? this.#nest(dense(value))
      : value.peek((elements) => this.#nest(elements));
  }

  /** `elements`, all of this tensor's, as nested arrays. */
  #nest(elements: Elements): NestedArray | number | boolean {
    const isBool = this.dtype === "bool";
    const shape = this.shape;
    let next = 0;
    const build = (axis: number): NestedArray | number | boolean => {
      if (axis === shape.length) {
        const value = elements[next++];
        return isBool ? value !== 0 : value;
      }
      const list: (number | boolean | NestedArray)[] = [];
      for (let i = 0; i < shape[axis]; i++) list.push(build(axis + 1));
      return list;
    };
    return build(0);
  }

  /**
   * The elements in row-major order, as a fresh typed array (`Uint8Array` of 0 and 1 for `bool`).
   *
   * TypeScript cannot see the dtype: say which array it is where that matters, with
   * `x.data<Float32Array>()` or by the type of the variable.
   *
   * @throws {TraceError} when the value is traced and has no concrete value.
   *
   * @example The typed array of a float32 tensor
   * ```ts
   * import { tensor } from "@jacobi/jacobi";
   * import { strictEqual } from "node:assert/strict";
   *
   * const values: Float32Array = tensor([1, 2]).data();
   * strictEqual(values[1], 2);
   * const body = new Response(tensor([1, 2]).data());
   * strictEqual((await body.arrayBuffer()).byteLength, 8);
   * ```
   */
  data<Values extends Elements = Unshared<Elements>>(): Values & Unshared<Values> {
    const value = this.concrete("read the data of");
    const data = isSplat(value) ? dense(value) : value.peek((elements) => elements.slice());
    return data as Values & Unshared<Values>;
  }

  /**
   * A promise of what `data` gives, for runtimes in which reading cannot wait for a device.
   *
   * @throws {TraceError} when the value is traced and has no concrete value.
   *
   * @example Without blocking
   * ```ts
   * import { tensor } from "@jacobi/jacobi";
   * import { strictEqual } from "node:assert/strict";
   *
   * const values: Float32Array = await tensor([1, 2]).read();
   * strictEqual(values[1], 2);
   * ```
   */
  read<Values extends Elements = Unshared<Elements>>(): Promise<Values & Unshared<Values>> {
    return this.concrete("read the data of").ready().then(() => this.data<Values>());
  }

  /** What `JSON.stringify` writes: nested arrays, as `toArray` gives. */
  toJSON(): NestedArray | number | boolean {
    return this.toArray();
  }

  /**
   * The entries along the first axis, for `[...x]`, `for (const row of x)` and `const [a, b] = x`.
   *
   * @throws {ShapeError} for a scalar, which has no axis to go along.
   */
  *[Symbol.iterator](): Generator<Tensor, void, undefined> {
    if (this.ndim === 0) {
      throw shapeError(`Cannot iterate over ${showType(this)}: a scalar has no axes`);
    }
    for (let i = 0; i < this.shape[0]; i++) yield free().index(this, i);
  }

  /** The tensor with its elements converted to `dtype`; the method form of `astype`. */
  astype(dtype: Dtype): Tensor {
    return free().astype(this, dtype);
  }

  /** A tensor that stays usable when this one is donated; the method form of `copy`. */
  copy(): Tensor {
    return free().copy(this);
  }

  /** The tensor as text: its elements, elided when there are many. */
  toString(): string {
    return this.concrete("print").peek((elements) => formatTensor(elements, this));
  }

  /**
   * JavaScript calls this for `x > 3`, `+x` and `` `${x}` ``. A one-element tensor compares as its
   * value; arithmetic operators are refused, since they would lose the tensor.
   *
   * @throws {ArgumentError} for `+` and `==`, which do not say what they want.
   * @throws {ShapeError} unless the tensor has exactly one element.
   */
  [Symbol.toPrimitive](hint: string): string | number {
    if (hint === "string") return this.toString();
    if (hint === "number") return Number(this.item());
    throw argumentError(
      `Cannot use ${showType(this)} with + or ==: use add or equal, or String(x) to print it`,
    );
  }

  /** What `console.log` shows. */
  protected shown(): string {
    return this.toString();
  }

  /** What `console.log` shows in Deno. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.shown();
  }

  /** What `console.log` shows in Node. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.shown();
  }

  /** Negative of each element; the method form of `neg`. */
  neg(): Tensor {
    return free().neg(this);
  }

  /** Absolute value of each element; the method form of `abs`. */
  abs(): Tensor {
    return free().abs(this);
  }

  /** Sign (-1, 0 or 1) of each element; the method form of `sign`. */
  sign(): Tensor {
    return free().sign(this);
  }

  /** Square of each element; the method form of `square`. */
  square(): Tensor {
    return free().square(this);
  }

  /** Square root of each element; the method form of `sqrt`. */
  sqrt(): Tensor {
    return free().sqrt(this);
  }

  /** One over the square root; the method form of `rsqrt`. */
  rsqrt(): Tensor {
    return free().rsqrt(this);
  }

  /** One over each element; the method form of `reciprocal`. */
  reciprocal(): Tensor {
    return free().reciprocal(this);
  }

  /** Exponential of each element; the method form of `exp`. */
  exp(): Tensor {
    return free().exp(this);
  }

  /** Exponential minus one of each element; the method form of `expm1`. */
  expm1(): Tensor {
    return free().expm1(this);
  }

  /** Natural logarithm of each element; the method form of `log`. */
  log(): Tensor {
    return free().log(this);
  }

  /** Natural logarithm of one plus each element; the method form of `log1p`. */
  log1p(): Tensor {
    return free().log1p(this);
  }

  /** Logarithm to base two of each element; the method form of `log2`. */
  log2(): Tensor {
    return free().log2(this);
  }

  /** Sine of each element; the method form of `sin`. */
  sin(): Tensor {
    return free().sin(this);
  }

  /** Cosine of each element; the method form of `cos`. */
  cos(): Tensor {
    return free().cos(this);
  }

  /** Tangent of each element; the method form of `tan`. */
  tan(): Tensor {
    return free().tan(this);
  }

  /** Inverse sine of each element; the method form of `asin`. */
  asin(): Tensor {
    return free().asin(this);
  }

  /** Inverse cosine of each element; the method form of `acos`. */
  acos(): Tensor {
    return free().acos(this);
  }

  /** Inverse tangent of each element; the method form of `atan`. */
  atan(): Tensor {
    return free().atan(this);
  }

  /** Hyperbolic sine of each element; the method form of `sinh`. */
  sinh(): Tensor {
    return free().sinh(this);
  }

  /** Hyperbolic cosine of each element; the method form of `cosh`. */
  cosh(): Tensor {
    return free().cosh(this);
  }

  /** Hyperbolic tangent of each element; the method form of `tanh`. */
  tanh(): Tensor {
    return free().tanh(this);
  }

  /** Inverse hyperbolic sine of each element; the method form of `asinh`. */
  asinh(): Tensor {
    return free().asinh(this);
  }

  /** Inverse hyperbolic cosine of each element; the method form of `acosh`. */
  acosh(): Tensor {
    return free().acosh(this);
  }

  /** Inverse hyperbolic tangent of each element; the method form of `atanh`. */
  atanh(): Tensor {
    return free().atanh(this);
  }

  /** Logistic function of each element; the method form of `sigmoid`. */
  sigmoid(): Tensor {
    return free().sigmoid(this);
  }

  /** Error function of each element; the method form of `erf`. */
  erf(): Tensor {
    return free().erf(this);
  }

  /** Complementary error function of each element; the method form of `erfc`. */
  erfc(): Tensor {
    return free().erfc(this);
  }

  /** Inverse error function of each element; the method form of `erfinv`. */
  erfinv(): Tensor {
    return free().erfinv(this);
  }

  /** Logarithm of the absolute value of the gamma function of each element; the method form of `lgamma`. */
  lgamma(): Tensor {
    return free().lgamma(this);
  }

  /** Derivative of `lgamma` of each element; the method form of `digamma`. */
  digamma(): Tensor {
    return free().digamma(this);
  }

  /** Largest integer not above each element; the method form of `floor`. */
  floor(): Tensor {
    return free().floor(this);
  }

  /** Smallest integer not below each element; the method form of `ceil`. */
  ceil(): Tensor {
    return free().ceil(this);
  }

  /** Nearest integer, halves to even; the method form of `round`. */
  round(options?: RoundOptions): Tensor {
    return free().round(this, options);
  }

  /** Integer part, towards zero; the method form of `trunc`. */
  trunc(): Tensor {
    return free().trunc(this);
  }

  /** Whether each element is NaN; the method form of `isnan`. */
  isnan(): Tensor {
    return free().isnan(this);
  }

  /** Whether each element is infinite; the method form of `isinf`. */
  isinf(): Tensor {
    return free().isinf(this);
  }

  /** Whether each element is neither infinite nor NaN; the method form of `isfinite`. */
  isfinite(): Tensor {
    return free().isfinite(this);
  }

  /** Whether each element is zero or false; the method form of `logicalNot`. */
  logicalNot(): Tensor {
    return free().logicalNot(this);
  }

  /** Sum, elementwise with broadcasting; the method form of `add`. */
  add(other: TensorLike): Tensor {
    return free().add(this, other);
  }

  /** Difference, elementwise with broadcasting; the method form of `sub`. */
  sub(other: TensorLike): Tensor {
    return free().sub(this, other);
  }

  /** Product, elementwise with broadcasting; the method form of `mul`. */
  mul(other: TensorLike): Tensor {
    return free().mul(this, other);
  }

  /** Quotient, elementwise with broadcasting; the method form of `div`. */
  div(other: TensorLike, options?: DivOptions): Tensor {
    return free().div(this, other, options);
  }

  /** Power, elementwise with broadcasting; the method form of `pow`. */
  pow(other: TensorLike): Tensor {
    return free().pow(this, other);
  }

  /** Remainder with the sign of the divisor, elementwise with broadcasting; the method form of `mod`. */
  mod(other: TensorLike): Tensor {
    return free().mod(this, other);
  }

  /** Angle of the point (other, this), elementwise with broadcasting; the method form of `atan2`. */
  atan2(other: TensorLike): Tensor {
    return free().atan2(this, other);
  }

  /** Larger of two, elementwise with broadcasting; the method form of `maximum`. */
  maximum(other: TensorLike): Tensor {
    return free().maximum(this, other);
  }

  /** Smaller of two, elementwise with broadcasting; the method form of `minimum`. */
  minimum(other: TensorLike): Tensor {
    return free().minimum(this, other);
  }

  /** Logarithm of the sum of exponentials, elementwise with broadcasting; the method form of `logaddexp`. */
  logaddexp(other: TensorLike): Tensor {
    return free().logaddexp(this, other);
  }

  /** Whether elements are equal, elementwise with broadcasting; the method form of `equal`. */
  equal(other: TensorLike): Tensor {
    return free().equal(this, other);
  }

  /** Whether elements differ, elementwise with broadcasting; the method form of `notEqual`. */
  notEqual(other: TensorLike): Tensor {
    return free().notEqual(this, other);
  }

  /** Whether elements are less, elementwise with broadcasting; the method form of `less`. */
  less(other: TensorLike): Tensor {
    return free().less(this, other);
  }

  /** Whether elements are less or equal, elementwise with broadcasting; the method form of `lessEqual`. */
  lessEqual(other: TensorLike): Tensor {
    return free().lessEqual(this, other);
  }

  /** Whether elements are greater, elementwise with broadcasting; the method form of `greater`. */
  greater(other: TensorLike): Tensor {
    return free().greater(this, other);
  }

  /** Whether elements are greater or equal, elementwise with broadcasting; the method form of `greaterEqual`. */
  greaterEqual(other: TensorLike): Tensor {
    return free().greaterEqual(this, other);
  }

  /** Whether both elements are non-zero, elementwise with broadcasting; the method form of `logicalAnd`. */
  logicalAnd(other: TensorLike): Tensor {
    return free().logicalAnd(this, other);
  }

  /** Whether either element is non-zero, elementwise with broadcasting; the method form of `logicalOr`. */
  logicalOr(other: TensorLike): Tensor {
    return free().logicalOr(this, other);
  }

  /** Whether exactly one element is non-zero, elementwise with broadcasting; the method form of `logicalXor`. */
  logicalXor(other: TensorLike): Tensor {
    return free().logicalXor(this, other);
  }

  /** Elements held between `min` and `max`; `null` leaves a side open; the method form of `clip`. */
  clip(min: TensorLike | null, max: TensorLike | null): Tensor {
    return free().clip(this, min, max);
  }

  /** Elements of `x` where this tensor is true, of `y` elsewhere; the method form of `where`. */
  where(x: TensorLike, y: TensorLike): Tensor {
    return free().where(this, x, y);
  }

  /** Sum over `axis`, over all axes when left out; the method form of `sum`. */
  sum(axis?: AxisArgument, options?: AxisOptions): Tensor {
    return free().sum(this, axis, options);
  }

  /** Mean over `axis`, over all axes when left out; the method form of `mean`. */
  mean(axis?: AxisArgument, options?: AxisOptions): Tensor {
    return free().mean(this, axis, options);
  }

  /** Product over `axis`, over all axes when left out; the method form of `prod`. */
  prod(axis?: AxisArgument, options?: AxisOptions): Tensor {
    return free().prod(this, axis, options);
  }

  /** Largest element over `axis`, over all axes when left out; the method form of `max`. */
  max(axis?: AxisArgument, options?: AxisOptions): Tensor {
    return free().max(this, axis, options);
  }

  /** Smallest element over `axis`, over all axes when left out; the method form of `min`. */
  min(axis?: AxisArgument, options?: AxisOptions): Tensor {
    return free().min(this, axis, options);
  }

  /** Whether any element is true over `axis`, over all axes when left out; the method form of `any`. */
  any(axis?: AxisArgument, options?: AxisOptions): Tensor {
    return free().any(this, axis, options);
  }

  /** Whether all elements are true over `axis`, over all axes when left out; the method form of `all`. */
  all(axis?: AxisArgument, options?: AxisOptions): Tensor {
    return free().all(this, axis, options);
  }

  /** Logarithm of the sum of exponentials over `axis`, over all axes when left out; the method form of `logsumexp`. */
  logsumexp(axis?: AxisArgument, options?: AxisOptions): Tensor {
    return free().logsumexp(this, axis, options);
  }

  /** Position of the first largest element along `axis`, in the flattened tensor when left out; the method form of `argmax`. */
  argmax(axis?: number | null, options?: AxisOptions): Tensor {
    return free().argmax(this, axis, options);
  }

  /** Position of the first smallest element along `axis`, in the flattened tensor when left out; the method form of `argmin`. */
  argmin(axis?: number | null, options?: AxisOptions): Tensor {
    return free().argmin(this, axis, options);
  }

  /** Variance over `axis`, over all axes when left out; the method form of `variance`. */
  variance(axis?: AxisArgument, options?: VarianceOptions): Tensor {
    return free().variance(this, axis, options);
  }

  /** Standard deviation over `axis`, over all axes when left out; the method form of `std`. */
  std(axis?: AxisArgument, options?: VarianceOptions): Tensor {
    return free().std(this, axis, options);
  }

  /** Vector norm over `axis`, over all axes when left out; the method form of `norm`. */
  norm(axis?: AxisArgument, options?: NormOptions): Tensor {
    return free().norm(this, axis, options);
  }

  /** Running sum along `axis`; the method form of `cumsum`. */
  cumsum(axis: number): Tensor {
    return free().cumsum(this, axis);
  }

  /** Running product along `axis`; the method form of `cumprod`. */
  cumprod(axis: number): Tensor {
    return free().cumprod(this, axis);
  }

  /** The same elements in another shape; one entry may be -1; the method form of `reshape`. */
  reshape(shape: Shape): Tensor {
    return free().reshape(this, shape);
  }

  /** Axes in the given order, reversed when left out; the method form of `transpose`. */
  transpose(axes?: readonly number[]): Tensor {
    return free().transpose(this, axes);
  }

  /** Two axes exchanged; the method form of `swapaxes`. */
  swapaxes(first: number, second: number): Tensor {
    return free().swapaxes(this, first, second);
  }

  /** Axes moved to other positions; the method form of `moveaxis`. */
  moveaxis(source: number | readonly number[], destination: number | readonly number[]): Tensor {
    return free().moveaxis(this, source, destination);
  }

  /** Axes of length one removed: the given ones, or all; the method form of `squeeze`. */
  squeeze(axis?: AxisArgument): Tensor {
    return free().squeeze(this, axis);
  }

  /** New axes of length one at the given positions of the result; the method form of `expandDims`. */
  expandDims(axis: number | readonly number[]): Tensor {
    return free().expandDims(this, axis);
  }

  /** Stretched to `shape` by NumPy's rule; the method form of `broadcastTo`. */
  broadcastTo(shape: Shape): Tensor {
    return free().broadcastTo(this, shape);
  }

  /** Parts along `axis`: so many equal ones, or cut at the given indices; the method form of `split`. */
  split(sectionsOrIndices: number | readonly number[], axis?: number): Tensor[] {
    return free().split(this, sectionsOrIndices, axis);
  }

  /** Elements in reverse order along the given axes, or all; the method form of `flip`. */
  flip(axis?: AxisArgument): Tensor {
    return free().flip(this, axis);
  }

  /** Elements shifted along the given axes, those pushed out coming back in; the method form of `roll`. */
  roll(shift: number | readonly number[], axis?: number | readonly number[] | null): Tensor {
    return free().roll(this, shift, axis);
  }

  /** Elements added before and after along each axis; the method form of `pad`. */
  pad(widths: PadWidths, options?: PadOptions): Tensor {
    return free().pad(this, widths, options);
  }

  /** The whole tensor repeated along each axis; the method form of `tile`. */
  tile(repetitions: number | readonly number[]): Tensor {
    return free().tile(this, repetitions);
  }

  /** Each element repeated along `axis`, of the flattened tensor when left out; the method form of `repeat`. */
  repeat(repetitions: number, axis?: number | null): Tensor {
    return free().repeat(this, repetitions, axis);
  }

  /** Lower triangle of the last two axes, zeros above; the method form of `tril`. */
  tril(diagonal?: number): Tensor {
    return free().tril(this, diagonal);
  }

  /** Upper triangle of the last two axes, zeros below; the method form of `triu`. */
  triu(diagonal?: number): Tensor {
    return free().triu(this, diagonal);
  }

  /** The diagonal of a matrix, or a matrix with this diagonal; the method form of `diag`. */
  diag(diagonal?: number): Tensor {
    return free().diag(this, diagonal);
  }

  /** A diagonal of the matrices on two axes; the method form of `diagonal`. */
  diagonal(options?: DiagonalOptions): Tensor {
    return free().diagonal(this, options);
  }

  /** A new last axis of length `classes` with a one at each index and zeros elsewhere; the method form of `oneHot`. */
  oneHot(classes: number, options?: DtypeOptions): Tensor {
    return free().oneHot(this, classes, options);
  }

  /** Part of the tensor: integers, `[start, stop, step]`, `null` for all, `"..."`, integer tensors; the method form of `index`. */
  at(...indices: readonly Index[]): Tensor {
    return free().index(this, ...indices);
  }

  /** A tensor with `values` at the given place; the method form of `set`. */
  set(indices: readonly Index[], values: TensorLike): Tensor {
    return free().set(this, indices, values);
  }

  /** A tensor with `values` added at the given place, repeated indices adding up; the method form of `addAt`. */
  addAt(indices: readonly Index[], values: TensorLike): Tensor {
    return free().addAt(this, indices, values);
  }

  /** A block of known size from `starts` on, which may be computed; the method form of `dynamicSlice`. */
  dynamicSlice(starts: Tensor | readonly TensorLike[], sizes: readonly number[]): Tensor {
    return free().dynamicSlice(this, starts, sizes);
  }

  /** A tensor with a block replaced from `starts` on, which may be computed; the method form of `dynamicUpdateSlice`. */
  dynamicUpdateSlice(update: TensorLike, starts: Tensor | readonly TensorLike[]): Tensor {
    return free().dynamicUpdateSlice(this, update, starts);
  }

  /** Entries at `indices` along `axis`, of the flattened tensor when left out; the method form of `take`. */
  take(indices: TensorLike, axis?: number | null): Tensor {
    return free().take(this, indices, axis);
  }

  /** Entries at `indices` along `axis`, matched with the other axes; the method form of `takeAlongAxis`. */
  takeAlongAxis(indices: TensorLike, axis: number): Tensor {
    return free().takeAlongAxis(this, indices, axis);
  }

  /** Entries at `indices` along `axis`, as PyTorch's `gather`; the method form of `gather`. */
  gather(indices: TensorLike, axis?: number): Tensor {
    return free().gather(this, indices, axis);
  }

  /** `updates` added at `indices` along `axis`, as PyTorch's `scatter_add`; the method form of `scatterAdd`. */
  scatterAdd(indices: TensorLike, updates: TensorLike, axis?: number): Tensor {
    return free().scatterAdd(this, indices, updates, axis);
  }

  /** Elements in ascending order along `axis` (the last when left out), stable; the method form of `sort`. */
  sort(axis?: number, options?: SortOptions): Tensor {
    return free().sort(this, axis, options);
  }

  /** The indices that sort along `axis`, stable; the method form of `argsort`. */
  argsort(axis?: number, options?: SortOptions): Tensor {
    return free().argsort(this, axis, options);
  }

  /** The `k` largest elements along `axis` and their indices, largest first; the method form of `topK`. */
  topK(k: number, axis?: number, options?: TopKOptions): [Tensor, Tensor] {
    return free().topK(this, k, axis, options);
  }

  /** Matrix product by NumPy's rules, batched over leading axes; the method form of `matmul`. */
  matmul(other: TensorLike): Tensor {
    return free().matmul(this, other);
  }

  /** Product of the last axis of this with the last but one of the other, as NumPy's `dot`; the method form of `dot`. */
  dot(other: TensorLike): Tensor {
    return free().dot(this, other);
  }

  /** Outer product of the two flattened tensors; the method form of `outer`. */
  outer(other: TensorLike): Tensor {
    return free().outer(this, other);
  }

  /** Sum of products over the given axes; the method form of `tensordot`. */
  tensordot(
    other: TensorLike,
    axes?: number | readonly [number | readonly number[], number | readonly number[]],
  ): Tensor {
    return free().tensordot(this, other, axes);
  }
}

/**
 * A tensor with its elements. They stand in row-major order; a tensor whose elements are all equal
 * may hold just one (a splat), so that constants of any shape cost nothing.
 *
 * The elements are on the heap or elsewhere (see `storage.ts`), which nobody can tell: `elements`
 * gives them in any case, and `peek` does so without moving them.
 */
export class Concrete extends Tensor {
  // At most one of these is there: elements that no other tensor shares need no storage of their own.
  #elements: Elements | null;
  #storage: Storage | null;
  #donatedAs = "";
  #placement: Device | null = null;

  /** Wraps elements without a copy: the caller gives them up. A storage may be another tensor's. */
  constructor(dtype: Dtype, shape: Shape, held: Elements | Storage) {
    super(dtype, shape);
    const isStorage = held instanceof Storage;
    this.#elements = isStorage ? null : held;
    this.#storage = isStorage ? held : null;
    if (isStorage) held.sharers++;
    Object.freeze(this);
  }

  /**
   * The device that it was placed on, or computed on from others that were; `null` for all others.
   *
   * @internal
   */
  get placement(): Device | null {
    return this.#placement;
  }

  /**
   * Notes that it is on a device; for whoever has just made it.
   *
   * @internal
   */
  place(device: Device): void {
    this.#placement = device;
  }

  /** The elements on the heap, row-major; of length one for a splat. Never written to. */
  get elements(): Elements {
    return this.#elements ?? this.#kept().elements;
  }

  /** How many elements are held: as many as there are, or one for a splat. */
  get held(): number {
    return (this.#elements ?? this.#kept()).length;
  }

  /** Gives `f` what `elements` holds, where it is; `f` must neither keep nor change it. */
  peek<T>(f: (elements: Elements) => T): T {
    return this.#elements === null ? this.#kept().peek(f) : f(this.#elements);
  }

  /**
   * A promise for the work behind the elements.
   *
   * @internal
   */
  ready(): Promise<void> {
    return this.#elements === null ? this.#kept().ready() : Promise.resolve();
  }

  /**
   * What keeps the elements, for another tensor of the same elements in another shape.
   *
   * @internal
   */
  get storage(): Storage {
    if (this.#elements !== null) {
      this.#storage = new Storage(this.#elements);
      this.#storage.sharers++;
      this.#elements = null;
    }
    return this.#kept();
  }

  /**
   * Makes this tensor unusable, because its memory was donated as `name`, an argument of a call. Tensors that
   * share its elements are values of their own and stay as they are.
   *
   * @returns its storage if no other tensor shares it: the caller may do with it what it likes.
   * @internal
   */
  giveUp(name: string): Storage | null {
    if (this.#donatedAs !== "") return null;
    const storage = this.storage;
    this.#storage = null;
    this.#donatedAs = name;
    return --storage.sharers === 0 ? storage : null;
  }

  /** Also where nothing is left to be shown. */
  protected override shown(): string {
    return this.#donatedAs === "" ? this.toString() : `tensor(<donated>, ${showType(this)})`;
  }

  /** The storage, unless the tensor was donated. */
  #kept(): Storage {
    if (this.#storage !== null) return this.#storage;
    throw argumentError(
      `Cannot use ${showType(this)}: it was donated as ${this.#donatedAs}; ` +
        `use what that call returned, or keep a copy from before it: copy(x), tree.map(copy, params)`,
    );
  }

  /** This tensor. */
  override concrete(_purpose: string): Concrete {
    return this;
  }
}

/** Room for the elements of a tensor, or a clear error when there is none. */
export function allocateFor({ dtype, shape }: Type): Elements {
  const size = sizeOf(shape);
  if (size > MAX_SIZE) checkSize(shape, `Cannot allocate ${showType({ dtype, shape })}`);
  const bytes = size * byteSize(dtype);
  if (bytes > MAX_BYTES) {
    throw shapeError(
      `Cannot allocate ${showType({ dtype, shape })}: its ${bytes} bytes are more than the ` +
        `${MAX_BYTES} that one tensor may take`,
    );
  }
  try {
    return allocate(dtype, size);
  } catch {
    throw shapeError(
      `Cannot allocate ${showType({ dtype, shape })}: its ${bytes} bytes do not fit in memory`,
    );
  }
}

/** Runs `f`, which allocates memory for itself, or gives a clear error when there is not enough. */
export function withinMemory<T>(type: Type, f: () => T): T {
  try {
    return f();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw shapeError(
      `Cannot compute ${showType(type)}: the intermediate results do not fit in memory`,
    );
  }
}

/** All elements of `x` in row-major order; not a copy unless `x` is a splat. Never write to it. */
export function dense(x: Concrete): Elements {
  return isSplat(x) ? allocateFor(x).fill(x.elements[0]) : x.elements;
}

/** Whether `x` holds one element for all. */
export function isSplat(x: Concrete): boolean {
  return x.held === 1 && x.size !== 1;
}

/** A concrete tensor of `shape` with `value` everywhere, held as one element. */
export function splat(value: number, dtype: Dtype, shape: Shape): Concrete {
  const elements = allocate(dtype, 1);
  elements[0] = value;
  return new Concrete(dtype, shape, sizeOf(shape) === 0 ? allocate(dtype, 0) : elements);
}

/** A concrete tensor like `type`, zero everywhere. */
export function zerosOf(type: Type): Concrete {
  return splat(0, type.dtype, type.shape);
}

/** Whether two types are equal. */
export function sameType(a: Type, b: Type): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}
