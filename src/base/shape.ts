/**
 * Pure arithmetic on shapes and axes.
 *
 * @module
 */
import { axisError, shapeError } from "./errors.ts";
import { byteSize, describeValue } from "./dtype.ts";
import type { Dtype } from "./dtype.ts";

/**
 * The lengths of a tensor's axes, outermost first.
 *
 * @category Tensors
 */
export type Shape = readonly number[];

/** The maximum number of elements of a tensor: flat positions are int32. */
export const MAX_SIZE = 2 ** 31 - 1;

/** The maximum number of bytes of the elements of one tensor: 4 GiB. */
export const MAX_BYTES = 2 ** 32;

/** The maximum number of axes of a tensor, as in PyTorch. */
export const MAX_NDIM = 64;

/** The number of elements along some axes of a shape together. */
export function lengthAlong(shape: Shape, axes: readonly number[]): number {
  return axes.reduce((product, axis) => product * shape[axis], 1);
}

/** The number of elements of a tensor of this shape. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i];
  // The product overflowed to infinity before a length of 0.
  return Number.isNaN(size) ? 0 : size;
}

/** The number of bytes of the elements of a type. */
export function bytesOf(
  { dtype, shape }: { readonly dtype: Dtype; readonly shape: Shape },
): number {
  return byteSize(dtype) * sizeOf(shape);
}

/** Whether two shapes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** `float32[2,3]`: the printed form of types. */
export function showType(type: { readonly dtype: Dtype; readonly shape: Shape }): string {
  return `${type.dtype}[${type.shape.join(",")}]`;
}

/** `[2,3]`: the printed form of shapes. */
export function showShape(shape: Shape): string {
  return `[${shape.join(",")}]`;
}

/**
 * A frozen copy of `shape`, checked: every entry is a non-negative integer, there are no holes, and the
 * number of elements does not exceed the limit for a tensor. `what` is the start of the message:
 * "Cannot reshape".
 */
export function checkShape(shape: unknown, what: string): Shape {
  if (!Array.isArray(shape)) {
    throw shapeError(`${what}: expected a shape such as [2, 3], got ${describeValue(shape)}`);
  }
  const checked: number[] = [];
  for (let i = 0; i < shape.length; i++) {
    const length = shape[i];
    if (!Number.isSafeInteger(length) || length < 0) {
      const shown = i in shape ? describeValue(length) : "a hole";
      throw shapeError(`${what}: axis ${i} must be a non-negative integer, got ${shown}`);
    }
    checked.push(length === 0 ? 0 : length);
  }
  checkNdim(checked, what);
  checkSize(checked, what);
  return Object.freeze(checked);
}

/** Throws when a shape has more axes than the limit for a tensor. */
export function checkNdim(shape: Shape, what: string): void {
  if (shape.length > MAX_NDIM) {
    throw shapeError(`${what}: expected at most ${MAX_NDIM} axes, got ${shape.length}`);
  }
}

/** Throws when the number of elements of this shape exceeds the limit for a tensor. */
export function checkSize(shape: Shape, what: string): void {
  if (sizeOf(shape) > MAX_SIZE) {
    throw shapeError(
      `${what}: shape ${showShape(shape)} has ${sizeOf(shape)} elements, at most ${MAX_SIZE} fit`,
    );
  }
}

/** `axis` counted from the front, for a tensor of `ndim` axes; negative axes count from the back. */
export function checkAxis(axis: unknown, ndim: number, what: string): number {
  if (typeof axis !== "number" || !Number.isInteger(axis)) {
    throw axisError(`${what}: expected an integer axis, got ${describeValue(axis)}`);
  }
  if (axis < -ndim || axis >= ndim) {
    const range = ndim === 0 ? "a scalar has no axes" : `expected ${-ndim} to ${ndim - 1}`;
    throw axisError(`${what}: axis ${axis} is out of range, ${range}`);
  }
  return axis < 0 ? axis + ndim : axis === 0 ? 0 : axis;
}

/**
 * An axis argument of a reduction: one axis, several, or all of them.
 *
 * @category Tensors
 */
export type AxisArgument = number | readonly number[] | null | undefined;

/** The sorted, distinct axes in `axis`; all axes when it is omitted. */
export function checkAxes(axis: AxisArgument, ndim: number, what: string): number[] {
  if (axis === undefined || axis === null) return range(ndim);
  const axes = Array.from(Array.isArray(axis) ? axis : [axis], (a) => checkAxis(a, ndim, what));
  axes.sort((a, b) => a - b);
  for (let i = 1; i < axes.length; i++) {
    if (axes[i] === axes[i - 1]) {
      throw axisError(`${what}: axis ${axes[i]} is named twice in ${describeValue(axis)}`);
    }
  }
  return axes;
}

/** 0, 1, …, n - 1, or `start` to `stop - 1`. */
export function range(start: number, stop?: number): number[] {
  if (stop === undefined) [start, stop] = [0, start];
  const numbers: number[] = [];
  for (let i = start; i < stop; i++) numbers.push(i);
  return numbers;
}

/**
 * The shape that the given shapes broadcast to (NumPy's rule: aligned at the last axis, a length of
 * one stretches), or `null` when they do not.
 */
export function broadcastShapes(a: Shape, b: Shape): Shape | null {
  if (sameShape(a, b)) return a;
  const ndim = Math.max(a.length, b.length);
  const out: number[] = new Array(ndim);
  for (let i = 1; i <= ndim; i++) {
    const x = i <= a.length ? a[a.length - i] : 1;
    const y = i <= b.length ? b[b.length - i] : 1;
    if (x !== y && x !== 1 && y !== 1) return null;
    out[ndim - i] = x === 1 ? y : x;
  }
  return out;
}

/** Row-major strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides: number[] = new Array(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/** `shape` without the given axes. */
export function withoutAxes(shape: Shape, axes: readonly number[]): number[] {
  return shape.filter((_, i) => !axes.includes(i));
}

/** `list` with `value` inserted before position `at`. */
export function insertAt<T>(list: readonly T[], at: number, value: T): T[] {
  return [...list.slice(0, at), value, ...list.slice(at)];
}

/** `list` without the entry at position `at`. */
export function removeAt<T>(list: readonly T[], at: number): T[] {
  return [...list.slice(0, at), ...list.slice(at + 1)];
}

/** The inverse of `permutation`. */
export function inversePermutation(permutation: readonly number[]): number[] {
  const inverse: number[] = new Array(permutation.length);
  permutation.forEach((from, to) => inverse[from] = to);
  return inverse;
}

/** The permutation that moves axis `from` to position `to` among `ndim` axes. */
export function movePermutation(ndim: number, from: number, to: number): number[] {
  return insertAt(removeAt(range(ndim), from), to, from);
}
