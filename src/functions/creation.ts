/**
 * Functions that make tensors.
 *
 * @module
 */
import {
  byteSize,
  checkDtype,
  complexDtype,
  defaultFloat,
  describeValue,
  epsilonOf,
  isComplex,
  isInexact,
  isInteger,
  partDtype,
  rangeOf,
  storedView,
} from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { checkAxis, checkShape, checkSize, insertAt, MAX_SIZE } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { tensorFrom, toTensor, toTensorOf } from "../core/convert.ts";
import type { DtypeOptions } from "../core/methods.ts";
import { ComplexTensor } from "../core/complex.ts";
import { allocateFor, Concrete, splat, Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { WeakScalar } from "../core/trace.ts";
import { abs, add, div, floor, mul, offset, scale, sub } from "../primitives/arithmetic.ts";
import { equal, less, select } from "../primitives/comparison.ts";
import * as structure from "../primitives/structure.ts";
import { broadcast, broadcastAxis, constantLike, convert, iota } from "../primitives/structure.ts";
import { checkBroadcast, checkInteger, checkLength } from "./arguments.ts";
import { broadcastTo, commonDtype, commonShape } from "./broadcasting.ts";
import { readDtype } from "./options.ts";

/**
 * Options of `linspace`.
 *
 * @category Creation
 */
export interface LinspaceOptions extends DtypeOptions {
  /** Whether the last number is `stop` itself. Default `true`. */
  readonly endpoint?: boolean;
  /** The axis of the result along which the numbers are laid out. Default 0. */
  readonly axis?: number;
}

/**
 * Options of `eye`.
 *
 * @category Creation
 */
export interface EyeOptions extends DtypeOptions {
  /** Which diagonal has the ones: 0 is the main one, positive ones lie above. Default 0. */
  readonly diagonal?: number;
}

/**
 * A tensor from JavaScript values. The elements are copied: later writes to an array do not show.
 *
 * @category Creation
 * @param value A number or boolean (a scalar), an array of them nested to the same depth
 * everywhere,
 * a typed array (a vector), or a tensor.
 * @param options The dtype. Left out: `float32` for numbers, `bool` for booleans alone, and for
 * typed
 * arrays and tensors their own: what the array's class says, and `int32` for integers of 64 bits.
 * @returns The tensor; `value` itself when it is a tensor of that dtype.
 * @throws {ShapeError} when nested arrays are ragged.
 * @throws {DtypeError} when an integer dtype cannot hold an element, or there is no such dtype.
 * @throws {ArgumentError} when an element is neither a number nor a boolean.
 *
 * @example A matrix
 * ```ts
 * import { tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = tensor([[1, 2, 3], [4, 5, 6]]);
 * assertTensorsClose(tensor(x.shape), [2, 3]);
 * assertTensorsClose(x.sum(1), [6, 15]);
 * assertTensorsClose(tensor([7, 8], { dtype: "int32" }), new Int32Array([7, 8]));
 * ```
 */
export function tensor(value: TensorLike, options?: DtypeOptions): Tensor {
  const what = "Cannot make a tensor";
  const { dtype } = readOptions(what, options, ["dtype"]);
  if (dtype !== undefined) checkDtype(dtype);
  const x = toTensorOf(value, dtype, what);
  return dtype === undefined ? x : convert(x, dtype);
}

/**
 * A tensor from the bytes of its elements, which are copied: the output of `data`, in its original dtype
 * or in another one, whose numbers have the same bits. As NumPy's `frombuffer`.
 *
 * @category Creation
 * @param buffer An array buffer, or a view of a part of one, in the byte order of the machine. Half
 * floats are 2 bytes, bools one byte that is not 0 where they are true, and complex numbers their
 * real parts and then their imaginary ones.
 * @param dtype The dtype of the elements.
 * @returns A vector.
 * @throws {DtypeError} when there is no such dtype.
 * @throws {ShapeError} when the bytes are not those of a whole number of elements.
 * @throws {ArgumentError} when `buffer` is neither a buffer nor a view of one.
 *
 * @example The bits of half floats
 * ```ts
 * import { fromBuffer, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = tensor([1, -2], { dtype: "bfloat16" });
 * const bits = x.data<Uint16Array>();
 * assertTensorsClose(fromBuffer(bits, "uint16"), new Uint16Array([0x3f80, 0xc000]));
 * assertTensorsClose(fromBuffer(bits, "bfloat16"), x);
 * ```
 */
export function fromBuffer(buffer: ArrayBufferLike | ArrayBufferView, dtype: Dtype): Tensor {
  checkDtype(dtype);
  const bytes = copyBytes(buffer);
  const [size, part] = [byteSize(dtype), partDtype(dtype)];
  if (bytes.length % size !== 0) {
    throw shapeError(
      `Cannot make a tensor of ${bytes.length} bytes: ` +
        `expected a multiple of ${size}, the bytes of an element of ${dtype}`,
    );
  }
  const shape = [bytes.length / size];
  checkSize(shape, "Cannot make a tensor of bytes");
  if (dtype === "bool") return new Concrete(dtype, shape, bytes.map((byte) => byte === 0 ? 0 : 1));
  const held = storedView(part, bytes.buffer);
  if (!isComplex(dtype)) return new Concrete(dtype, shape, held);
  const [re, im] = [0, 1].map((first) =>
    new Concrete(
      part,
      shape,
      allocateFor({ dtype: part, shape }).map((_, i) => held[2 * i + first]),
    )
  );
  return new ComplexTensor(re, im);
}

/** The bytes of a buffer, or of the part of one that a view shows. */
function copyBytes(buffer: unknown): Uint8Array<ArrayBuffer> {
  if (ArrayBuffer.isView(buffer)) {
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength).slice();
  }
  const isShared = typeof SharedArrayBuffer !== "undefined" && buffer instanceof SharedArrayBuffer;
  if (buffer instanceof ArrayBuffer || isShared) return new Uint8Array(buffer).slice();
  throw argumentError(
    `Cannot make a tensor of bytes: expected an ArrayBuffer or a view of one, got ${
      describeValue(buffer)
    }; tensor takes numbers and arrays`,
  );
}

/**
 * The elements converted to another dtype. Floats become integers by truncation towards zero, held at
 * the ends of the range, with NaN becoming 0; integers wrap around the range of others, as in NumPy and
 * JAX; in `bool` everything but zero is true. The derivative between floating-point dtypes is one.
 *
 * @category Creation
 * @param x Any shape.
 * @param dtype The result's dtype.
 * @returns The shape of `x`; `x` itself when it has that dtype.
 * @throws {DtypeError} when there is no such dtype.
 *
 * @example Truncation
 * ```ts
 * import { astype, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(astype([1.75, -1.75], "int32"), tensor([1, -1], { dtype: "int32" }));
 * ```
 */
export function astype(x: TensorLike, dtype: Dtype): Tensor {
  checkDtype(dtype);
  // Numbers are read directly: rounding them to float32 first would lose digits.
  if (x instanceof WeakScalar) return x.as(dtype);
  const value = x instanceof Tensor || ArrayBuffer.isView(x)
    ? toTensor(x, "Cannot convert")
    : tensorFrom(x, isComplex(dtype) ? "complex128" : "float64", "Cannot convert");
  return convert(value, dtype);
}

/**
 * The bits of the elements as numbers of another dtype, as JAX's `lax.bitcast_convert_type`. Of a dtype
 * of another width the shape changes: narrower numbers are along a new last axis, the lowest
 * bytes first, and wider ones are made of the elements of the last axis. The derivative is zero.
 *
 * @category Creation
 * @param x Any shape, not of bools or complex numbers.
 * @param dtype The result's dtype.
 * @returns The shape of `x` where elements of both dtypes take as many bytes; `[...x.shape, k]` where
 * `k` of the result's fit into one of `x`; `x.shape` without its last axis, whose length is `k`, where `k`
 * elements of `x` make one of the result.
 * @throws {DtypeError} when there is no such dtype, or one of both is `bool` or complex.
 * @throws {ShapeError} when elements of the last axis do not make one of the result.
 *
 * @example The bits of a float
 * ```ts
 * import { bitcast, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = tensor([1, -2]);
 * const bits = bitcast(x, "uint32");
 * assertTensorsClose(bits, new Uint32Array([0x3f800000, 0xc0000000]));
 * assertTensorsClose(bitcast(bits, "float32"), x);
 * assertTensorsClose(bitcast(x, "uint16").at(0), new Uint16Array([0, 0x3f80]));
 * ```
 */
export function bitcast(x: TensorLike, dtype: Dtype): Tensor {
  checkDtype(dtype);
  return structure.bitcast(toTensor(x, "Cannot take the bits of"), dtype);
}

/**
 * A tensor with the same elements that stays usable when `x` is donated to a jitted function, and
 * the other way round. Nothing is copied until then.
 *
 * @category Creation
 * @param x Any shape.
 * @returns A tensor of the shape and dtype of `x`; inside of a transform `x` itself, since nothing is
 * donated there.
 *
 * @example The best parameters of a loop that donates them
 * ```ts
 * import { copy, jit, tensor, tree } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const step = jit(({ w }: { w: Tensor }) => ({ w: w.mul(0.5) }), { donateArgnums: 0 });
 * let params = { w: tensor([1, 2]) };
 * const best = tree.map(copy, params);
 * params = step(params);
 * assertTensorsClose(best.w, [1, 2]);
 * assertTensorsClose(params.w, [0.5, 1]);
 * ```
 */
export function copy(x: TensorLike): Tensor {
  const value = toTensor(x, "Cannot copy");
  if (value instanceof ComplexTensor) return new ComplexTensor(copy(value.re), copy(value.im));
  return value instanceof Concrete ? new Concrete(value.dtype, value.shape, value.storage) : value;
}

/** A tensor of `dtype` with a real number everywhere. */
function filled(value: number, dtype: Dtype, shape: Shape): Tensor {
  return convert(splat(value, dtype, shape), dtype);
}

/** A shape given as a list, or as one length. */
function readShape(shape: number | Shape, what: string): Shape {
  return checkShape(typeof shape === "number" ? [shape] : shape, what);
}

/**
 * Zeros. They are held as one element, so that they cost nothing in any shape.
 *
 * @category Creation
 * @param shape The shape, or the length of a vector.
 * @param options The dtype; by default that of `configure({ defaultFloat })`, float32 at first.
 * @returns A tensor of that shape.
 * @throws {ShapeError} when `shape` is not a shape or has more elements than a tensor can.
 *
 * @example Two rows of zeros
 * ```ts
 * import { zeros } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(zeros([2, 3]), [[0, 0, 0], [0, 0, 0]]);
 * ```
 */
export function zeros(shape: number | Shape, options?: DtypeOptions): Tensor {
  const what = "Cannot make zeros";
  return filled(0, readDtype(what, options, defaultFloat()), readShape(shape, what));
}

/**
 * Ones. They are held as one element, so that they cost nothing in any shape.
 *
 * @category Creation
 * @param shape The shape, or the length of a vector.
 * @param options The dtype; by default that of `configure({ defaultFloat })`, float32 at first.
 * @returns A tensor of that shape.
 * @throws {ShapeError} when `shape` is not a shape or has more elements than a tensor can.
 *
 * @example A vector of ones
 * ```ts
 * import { ones } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(ones(3), [1, 1, 1]);
 * ```
 */
export function ones(shape: number | Shape, options?: DtypeOptions): Tensor {
  const what = "Cannot make ones";
  return filled(1, readDtype(what, options, defaultFloat()), readShape(shape, what));
}

/**
 * One value everywhere. A single value is held as one element, so that it costs nothing in any
 * shape.
 *
 * @category Creation
 * @param shape The shape, or the length of a vector.
 * @param value A scalar, or anything that broadcasts to `shape`.
 * @param options The dtype; by default that of `value`, which is `float32` for numbers and `bool`
 * for
 * booleans.
 * @returns A tensor of that shape.
 * @throws {ShapeError} when `shape` is not a shape or `value` does not broadcast to it.
 * @throws {DtypeError} when an integer dtype cannot hold `value`.
 *
 * @example Sevens
 * ```ts
 * import { full } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(full([2, 2], 7), [[7, 7], [7, 7]]);
 * ```
 */
export function full(
  shape: number | Shape,
  value: TensorLike,
  options?: DtypeOptions,
): Tensor {
  const what = "Cannot fill a tensor";
  return fill(readShape(shape, what), value, options, what);
}

function fill(
  shape: Shape,
  value: TensorLike,
  options: DtypeOptions | undefined,
  what: string,
): Tensor {
  const { dtype } = readOptions(what, options, ["dtype"]);
  if (dtype !== undefined) checkDtype(dtype);
  const x = toTensorOf(value, dtype, what);
  checkBroadcast("Cannot broadcast", x, shape);
  return broadcastTo(convert(x, dtype ?? x.dtype), shape);
}

/**
 * Zeros in the shape of another tensor.
 *
 * @category Creation
 * @param x Any shape.
 * @param options The dtype, that of `x` by default.
 * @returns The shape of `x`.
 *
 * @example Zeros like a vector
 * ```ts
 * import { zerosLike } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(zerosLike([1.5, 2.5]), [0, 0]);
 * ```
 */
export function zerosLike(x: TensorLike, options?: DtypeOptions): Tensor {
  const what = "Cannot make zeros";
  const { dtype, shape } = toTensor(x, what);
  return filled(0, readDtype(what, options, dtype), shape);
}

/**
 * Ones in the shape of another tensor.
 *
 * @category Creation
 * @param x Any shape.
 * @param options The dtype, that of `x` by default.
 * @returns The shape of `x`.
 *
 * @example Ones like a vector
 * ```ts
 * import { onesLike } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(onesLike([1.5, 2.5]), [1, 1]);
 * ```
 */
export function onesLike(x: TensorLike, options?: DtypeOptions): Tensor {
  const what = "Cannot make ones";
  const { dtype, shape } = toTensor(x, what);
  return filled(1, readDtype(what, options, dtype), shape);
}

/**
 * One value in the shape of another tensor.
 *
 * @category Creation
 * @param x Any shape.
 * @param value A scalar, or anything that broadcasts to the shape of `x`.
 * @param options The dtype, that of `x` by default.
 * @returns The shape of `x`.
 * @throws {ShapeError} when `value` does not broadcast to the shape of `x`.
 * @throws {DtypeError} when an integer dtype cannot hold `value`.
 *
 * @example Sevens like a vector
 * ```ts
 * import { fullLike } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(fullLike([1.5, 2.5], 7), [7, 7]);
 * ```
 */
export function fullLike(x: TensorLike, value: TensorLike, options?: DtypeOptions): Tensor {
  const what = "Cannot fill a tensor";
  const { dtype, shape } = toTensor(x, what);
  return fill(shape, value, { dtype: readDtype(what, options, dtype) }, what);
}

/** Whether `value` was passed instead of options. */
function isOptions<Options extends object>(value: unknown): value is Options {
  return typeof value === "object" && value !== null;
}

/** Throws unless `value` is a finite number. */
function checkNumber(value: unknown, what: string, name: string): asserts value is number {
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw argumentError(`${what}: ${name} must be a finite number, got ${describeValue(value)}`);
  }
}

/**
 * Numbers from 0 up to but not including `stop`, one apart.
 *
 * @category Creation
 * @param stop The first number left out.
 * @param options The dtype; by default that of `configure({ defaultFloat })`, float32 at first.
 * @returns A vector of `ceil(stop)` numbers, of none when `stop` is negative.
 * @throws {ArgumentError} when `stop` is not finite.
 *
 * @example Counting
 * ```ts
 * import { arange } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(arange(4), [0, 1, 2, 3]);
 * assertTensorsClose(arange(4, { dtype: "int32" }), new Int32Array([0, 1, 2, 3]));
 * ```
 */
export function arange(stop: number, options?: DtypeOptions): Tensor;
/**
 * Numbers from `start` up to but not including `stop`, one apart.
 *
 * @param start The first number.
 * @param stop The first number left out.
 * @param options The dtype; by default that of `configure({ defaultFloat })`, float32 at first.
 * @returns A vector of `ceil(stop - start)` numbers.
 * @throws {ArgumentError} when a bound is not finite.
 *
 * @example Counting from two
 * ```ts
 * import { arange } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(arange(2, 5), [2, 3, 4]);
 * ```
 */
export function arange(start: number, stop: number, options?: DtypeOptions): Tensor;
/**
 * Numbers from `start` up to but not including `stop`, `step` apart.
 *
 * Each is rounded once, from double precision.
 *
 * @param start The first number; the one left out when `stop` is not given, counting from 0.
 * @param stop The first number left out.
 * @param step How far apart they are; may be negative. Default 1.
 * @param options The dtype; by default that of `configure({ defaultFloat })`, float32 at first.
 * @returns A vector of `ceil((stop - start) / step)` numbers.
 * @throws {ArgumentError} when an argument is not finite, or `step` is zero.
 * @throws {DtypeError} when an integer dtype cannot hold the numbers.
 * @throws {ShapeError} when there are more numbers than a tensor can hold.
 *
 * @example Counting down in halves
 * ```ts
 * import { arange } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(arange(1, -1, -0.5), [1, 0.5, 0, -0.5]);
 * ```
 */
export function arange(
  start: number,
  stop?: number,
  step?: number,
  options?: DtypeOptions,
): Tensor;
export function arange(
  first: number,
  second?: number | DtypeOptions,
  third?: number | DtypeOptions,
  fourth?: DtypeOptions,
): Tensor {
  const what = "Cannot make a range";
  const options = [second, third, fourth].find(isOptions<DtypeOptions>);
  const dtype = readDtype(what, options, defaultFloat());
  const [start, stop] = second === undefined || isOptions(second) ? [0, first] : [first, second];
  const step = third === undefined || isOptions(third) ? 1 : third;
  checkNumber(start, what, "start");
  checkNumber(stop, what, "stop");
  checkNumber(step, what, "step");
  if (step === 0) throw argumentError(`${what}: step must not be zero`);
  const length = Math.max(0, Math.ceil((stop - start) / step)) + 0;
  if (length > MAX_SIZE) {
    throw shapeError(
      `${what}: from ${start} to ${stop} by ${step} are ${length} numbers, ` +
        `at most ${MAX_SIZE} fit`,
    );
  }
  if (isInexact(dtype)) {
    // Integers of a magnitude that the dtype holds are exact in it; all else is rounded once, at the
    // end.
    const isExact = Number.isInteger(start) && Number.isInteger(step) &&
      Math.max(Math.abs(start), Math.abs(step), Math.abs(start + length * step)) <=
        2 / epsilonOf(dtype);
    const computed = isExact ? partDtype(dtype) : "float64";
    return convert(offset(scale(iota(length, computed), step), start), dtype);
  }
  if (dtype === "bool") {
    throw dtypeError(`${what} of bool: expected a floating-point or integer dtype`);
  }
  const last = start + Math.max(0, length - 1) * step;
  const [low, high] = rangeOf(dtype);
  const fits = (x: number) => Number.isInteger(x) && x >= low && x <= high;
  if (!fits(start) || !Number.isInteger(step) || !fits(last)) {
    throw dtypeError(
      `${what} of ${dtype} from ${start} to ${stop} by ${step}: ` +
        `its numbers must be integers from ${low} to ${high}`,
    );
  }
  return offset(scale(iota(length, dtype), step), start);
}

/**
 * Evenly spaced numbers between two ends, with NumPy's values.
 *
 * @category Creation
 * @param start The first number, or a tensor of first numbers.
 * @param stop The last number, which is met exactly; the first one left out when `endpoint` is
 * false. A tensor broadcasts with `start`. Gradients flow to ends that are tensors.
 * @param count How many. Default 50.
 * @param options `endpoint`, the axis along which the numbers lie, and the dtype. The default is
 * that of ends that are tensors, if floating-point, otherwise
 * `configure({ defaultFloat })`; integers are rounded down.
 * @returns A vector of `count` numbers, each rounded once, from double precision; between tensors,
 * their common shape with `count` inserted at `axis`.
 * @throws {ArgumentError} when an end is a number, but not finite, or `count` is no length. Tensors
 * are not checked.
 * @throws {DtypeError} when the ends are numbers, and the integer `dtype` cannot hold the range between them.
 * @throws {ShapeError} when the ends do not broadcast.
 * @throws {AxisError} when `axis` is out of range.
 *
 * @example Quarters, and between vectors
 * ```ts
 * import { linspace } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(linspace(0, 1, 5), [0, 0.25, 0.5, 0.75, 1]);
 * assertTensorsClose(linspace(0, 1, 4, { endpoint: false }), [0, 0.25, 0.5, 0.75]);
 * assertTensorsClose(linspace([0, 1], [2, 5], 3), [[0, 1], [1, 3], [2, 5]]);
 * ```
 */
export function linspace(
  start: TensorLike,
  stop: TensorLike,
  count?: number,
  options?: LinspaceOptions,
): Tensor {
  if (count === undefined) count = 50;
  const what = "Cannot make evenly spaced numbers";
  const { dtype, endpoint, axis, ends } = readSpacing(what, start, stop, options);
  if (ends.some((end) => isComplex(end.dtype))) {
    const [from, to] = ends.map((end) => convert(end, "complex128") as ComplexTensor);
    const line = (x: Tensor, y: Tensor) => linspace(x, y, count, { endpoint, axis });
    const common = commonDtype(what, [start, stop]);
    return convert(
      new ComplexTensor(line(from.re, to.re), line(from.im, to.im)),
      dtype ?? (isInexact(common) ? common : complexDtype(defaultFloat())),
    );
  }
  checkLength(count, what, "a number of points");
  const shape = commonShape("Cannot space numbers evenly between", ends);
  const along = checkAxis(axis, shape.length + 1, what);
  checkShape(insertAt(shape, along, count), what);
  const [first, last] = ends.map((end) =>
    broadcastAxis(broadcastTo(convert(end, "float64"), shape), along, count)
  );
  const numbers = spaceEvenly(first, last, along, endpoint);
  const common = commonDtype(what, [start, stop]);
  const result = dtype ?? (isInexact(common) ? common : defaultFloat());
  if (typeof start === "number" && typeof stop === "number" && isInteger(result)) {
    const end = endpoint ? stop : stop - (stop - start) / Math.max(count, 1);
    const [low, high] = rangeOf(result);
    const [first, last] = [start, count === 1 ? start : end].sort((a, b) => a - b);
    if (count > 0 && (Math.floor(first) < low || Math.floor(last) > high)) {
      throw dtypeError(
        `${what} of ${result} from ${start} to ${stop}: they must lie from ${low} to ${high}`,
      );
    }
  }
  return convert(isInexact(result) ? numbers : floor(numbers), result);
}

/** Both ends of spaced numbers, and how they are spaced. */
export function readSpacing(
  what: string,
  start: TensorLike,
  stop: TensorLike,
  options: LinspaceOptions | undefined,
): LinspaceOptions & { endpoint: boolean; axis: number; ends: [Tensor, Tensor] } {
  const names = ["dtype", "endpoint", "axis"] as const;
  const { endpoint = true, axis = 0, ...rest } = readOptions(what, options, names);
  if (rest.dtype !== undefined) checkDtype(rest.dtype);
  checkFlag(endpoint, what, "endpoint");
  const ends: [Tensor, Tensor] = [readEnd(start, what, "start"), readEnd(stop, what, "stop")];
  return { ...rest, endpoint, axis, ends };
}

/** An end of spaced numbers; one that is a number keeps its digits, and is checked. */
function readEnd(end: TensorLike, what: string, name: string): Tensor {
  if (end instanceof WeakScalar) return end.as("float64");
  if (end instanceof Tensor || ArrayBuffer.isView(end)) return toTensor(end, what);
  if (typeof end === "object") {
    const own = tensorFrom(end, undefined, what);
    return tensorFrom(end, isComplex(own.dtype) ? "complex128" : "float64", what);
  }
  checkNumber(end, what, name);
  return splat(end, "float64", []);
}

/** From one end to the other along an axis: float64 tensors of one shape. */
function spaceEvenly(first: Tensor, last: Tensor, axis: number, endpoint: boolean): Tensor {
  const { shape } = first;
  const count = shape[axis];
  const places = broadcast(iota(count, "float64"), shape, [axis]);
  const intervals = Math.max(1, endpoint ? count - 1 : count);
  const divide = (x: Tensor) => div(x, constantLike(x, intervals));
  const distance = sub(last, first);
  const step = divide(distance);
  // A step may underflow that multiples of the distance do not.
  const isLost = equal(step, constantLike(step, 0));
  const steps = add(first, select(isLost, mul(divide(places), distance), mul(places, step)));
  // The difference of two finite numbers may overflow: that of their halves does not.
  const isFinite = less(abs(distance), constantLike(distance, Infinity));
  const [near, far] = [scale(first, 0.5), scale(last, 0.5)];
  const halves = add(near, mul(places, divide(sub(far, near))));
  const spaced = select(isFinite, steps, scale(halves, 2));
  if (!endpoint || count < 2) return spaced;
  return select(equal(places, constantLike(places, count - 1)), last, spaced);
}

/**
 * A square matrix with ones on its diagonal and zeros elsewhere.
 *
 * @category Creation
 * @param rows The number of rows and columns.
 * @param options Which diagonal, and the dtype (`configure({ defaultFloat })` by default).
 * @returns `[rows, rows]`.
 * @throws {ArgumentError} when `rows` is no length.
 *
 * @example The identity
 * ```ts
 * import { eye } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(eye(2), [[1, 0], [0, 1]]);
 * ```
 */
export function eye(rows: number, options?: EyeOptions): Tensor;
/**
 * A matrix with ones on one diagonal and zeros elsewhere.
 *
 * @param rows The number of rows.
 * @param columns The number of columns. Default `rows`.
 * @param options Which diagonal, and the dtype (`configure({ defaultFloat })` by default).
 * @returns `[rows, columns]`.
 * @throws {ArgumentError} when a number is no length, or the diagonal no integer.
 *
 * @example Ones above the main diagonal
 * ```ts
 * import { eye } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(eye(2, 3, { diagonal: 1 }), [[0, 1, 0], [0, 0, 1]]);
 * ```
 */
export function eye(rows: number, columns?: number, options?: EyeOptions): Tensor;
export function eye(
  rows: number,
  second?: number | EyeOptions,
  third?: EyeOptions,
): Tensor {
  const what = "Cannot make an identity matrix";
  const columns = second === undefined || isOptions(second) ? rows : second;
  const { diagonal = 0, dtype = defaultFloat() } = readOptions(
    what,
    isOptions<EyeOptions>(second) ? second : third,
    ["diagonal", "dtype"],
  );
  checkDtype(dtype);
  checkLength(rows, what, "a number of rows");
  checkLength(columns, what, "a number of columns");
  const [height, width] = checkShape([rows, columns], what);
  checkInteger(diagonal, what, "an integer diagonal");
  // Beyond the matrix every diagonal is empty; this one fits int32.
  const shift = Math.max(-height, Math.min(width, diagonal));
  const ownColumn = broadcastAxis(iota(width), 0, height);
  const ownRow = broadcastAxis(iota(height), 1, width);
  return convert(equal(ownColumn, offset(ownRow, shift)), dtype);
}
