/**
 * JavaScript values as tensors.
 *
 * @module
 */
import { argumentError, dtypeError, shapeError, treeError } from "../base/errors.ts";
import {
  complexDtype,
  defaultFloat,
  describeValue,
  DTYPES,
  isComplex,
  isFloat,
  isForeignTensor,
  isInexact,
  partDtype,
  rangeOf,
} from "../base/dtype.ts";
import type { ComplexDtype, Dtype, Elements } from "../base/dtype.ts";
import { checkSize, MAX_NDIM } from "../base/shape.ts";
import { ComplexTensor, isComplexNumber } from "./complex.ts";
import { allocateFor, Concrete, Tensor, zerosOf } from "./tensor.ts";
import type { TensorLike } from "./tensor.ts";
import { currentTrace, WeakScalar } from "./trace.ts";
import { showPath } from "./tree.ts";

/**
 * `value` as a tensor: itself, or a concrete copy of a number, nested array or typed array.
 *
 * @param what The start of the message when `value` is none of these: "Cannot add".
 */
export function toTensor(value: TensorLike, what: string): Tensor {
  if (value instanceof Tensor) {
    return value instanceof WeakScalar ? value.as(defaultFloat()) : value;
  }
  return tensorFrom(value, undefined, what);
}

/** Whether `x` is a number, or a tracer for one. */
export function isNumber(x: unknown): x is number | WeakScalar {
  return typeof x === "number" || x instanceof WeakScalar;
}

/**
 * `value` as a tensor: itself, or of dtype `dtype` when it is not a tensor or is a traced number.
 *
 * @param what The start of the message when `dtype` cannot hold a number: "Cannot fill a tensor".
 */
export function toTensorOf(value: TensorLike, dtype: Dtype | undefined, what: string): Tensor {
  if (value instanceof WeakScalar) {
    const own = dtype ?? defaultFloat();
    if (!isInexact(own) && own !== "bool") toElement(value.peekNumber(own), own, [], what);
    return value.as(own);
  }
  return value instanceof Tensor ? value : tensorFrom(value, dtype, what);
}

/**
 * A tensor from a JavaScript value, as returned by `fromJavaScript`; a complex one for complex numbers
 * or a complex dtype.
 */
export function tensorFrom(value: unknown, dtype: Dtype | undefined, what: string): Tensor {
  if (dtype !== undefined && isComplex(dtype)) return complexFrom(value, dtype, what);
  try {
    return fromJavaScript(value, dtype, what);
  } catch (error) {
    if (!holdsComplex(value)) throw error;
    if (dtype === undefined) return complexFrom(value, complexDtype(defaultFloat()), what);
    throw dtypeError(`${what}: ${dtype} does not hold complex numbers; choose a complex dtype`);
  }
}

/**
 * The number of array entries that are searched: a sparse array, or one that contains itself, may have
 * any number.
 */
const MOST_SEARCHED = 2 ** 24;

/** Whether a value is a complex number, or an array that contains one. */
function holdsComplex(value: unknown): boolean {
  let left = MOST_SEARCHED;
  const search = (part: unknown, depth: number): boolean => {
    if (!Array.isArray(part)) return isComplexNumber(part);
    left -= part.length;
    return left > 0 && depth < MAX_NDIM && part.some((one) => search(one, depth + 1));
  };
  return search(value, 0);
}

function complexFrom(value: unknown, dtype: ComplexDtype, what: string): ComplexTensor {
  const part = partDtype(dtype);
  const read = (change: (x: unknown) => unknown): Concrete => {
    const visit = (x: unknown): unknown => Array.isArray(x) ? x.map(visit) : change(x);
    return fromJavaScript(visit(value), part, what);
  };
  if (!holdsComplex(value)) {
    const re = fromJavaScript(value, part, what);
    return new ComplexTensor(re, zerosOf(re));
  }
  return new ComplexTensor(
    read((x) => isComplexNumber(x) ? x.re : x),
    read((x) => isComplexNumber(x) ? x.im : typeof x === "number" ? 0 : x),
  );
}

/**
 * A traced number as an integer tensor, in the dtype that holds it: int32, or uint32. Any other `value`
 * is returned unchanged, as is a number that is not an integer of 32 bits.
 */
export function toInteger<T>(value: T): T | Tensor {
  if (!(value instanceof WeakScalar)) return value;
  const number = value.peekNumber();
  if (!Number.isInteger(number) || number < -0x80000000 || number > 0xffffffff) return value;
  return value.as(number > 0x7fffffff ? "uint32" : "int32");
}

/** A concrete tensor from a number, boolean, nested array or typed array, converted to `dtype`. */
export function fromJavaScript(value: unknown, dtype: Dtype | undefined, what: string): Concrete {
  if (typeof value === "number" || typeof value === "boolean") {
    const type = {
      dtype: dtype ?? (typeof value === "boolean" ? "bool" : defaultFloat()),
      shape: [],
    };
    const elements = allocateFor(type);
    elements[0] = toElement(value, type.dtype, [], what);
    return new Concrete(type.dtype, type.shape, elements);
  }
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return fromTypedArray(value as ArrayLike<number | bigint> & ArrayBufferView, dtype, what);
  }
  if (Array.isArray(value)) return fromNestedArray(value, dtype, what);
  throw argumentError(
    `${what}: expected a tensor, number, boolean, nested array or typed array, ` +
      `got ${describeValue(value)}${hintFor(value)}`,
  );
}

/** Hints for values that are often passed by mistake. */
export function hintFor(value: unknown): string {
  if (value instanceof Promise) return "; await it first";
  if (typeof value === "bigint") return "; use Number(x) to convert it";
  if (typeof value === "function") return "; call it first";
  if (typeof value === "object" && value !== null && ("re" in value || "im" in value)) {
    const { re, im } = value as { re?: unknown; im?: unknown };
    if (re instanceof Tensor && im instanceof Tensor) {
      return "; as an argument { re, im } is a tree of two tensors: pass tensor({ re, im }), " +
        "or join them with complex(re, im)";
    }
    return "; a complex number is { re, im }, both of them numbers";
  }
  if (isForeignTensor(value)) {
    return "; import the library from one place and in one version, or pass x.toArray()";
  }
  return "";
}

/** The dtype that a typed array becomes. */
function dtypeOfArray(array: ArrayBufferView): Dtype {
  // Also for subclasses of the built-in typed arrays.
  const [, name] = /(Uint\d+|Int\d+|Float\d+)/.exec(Object.prototype.toString.call(array)) ?? [];
  return DTYPES.find((dtype) => dtype === name?.toLowerCase()) ?? "int32";
}

function fromTypedArray(
  array: ArrayLike<number | bigint> & ArrayBufferView,
  dtype: Dtype | undefined,
  what: string,
): Concrete {
  const type = { dtype: dtype ?? dtypeOfArray(array), shape: [array.length] };
  const elements = allocateFor(type);
  if (elements.constructor === array.constructor && type.dtype !== "bool") {
    elements.set(array as unknown as Elements);
  } else {
    for (let i = 0; i < array.length; i++) {
      elements[i] = toElement(Number(array[i]), type.dtype, [i], what);
    }
  }
  return new Concrete(type.dtype, type.shape, elements);
}

function fromNestedArray(array: unknown[], dtype: Dtype | undefined, what: string): Concrete {
  const shape: number[] = [];
  for (let part: unknown = array; Array.isArray(part); part = part[0]) {
    shape.push(part.length);
    if (shape.length > MAX_NDIM) {
      throw shapeError(`${what}: the array is nested deeper than ${MAX_NDIM} levels`);
    }
    if (part.length === 0) break;
  }
  // Checked before any element is read: an array that contains the same array many times may be
  // arbitrarily large when unfolded.
  checkSize(shape, what);
  const type = { dtype: dtype ?? defaultFloat(), shape };
  const elements = allocateFor(type);
  let next = 0;
  let allBooleans = elements.length > 0;
  const path: number[] = [];
  const visit = (part: unknown, axis: number): void => {
    if (axis === shape.length) {
      if (typeof part === "number") allBooleans = false;
      else if (typeof part !== "boolean") throw misfit(part, axis);
      elements[next++] = toElement(part, type.dtype, path, what);
      return;
    }
    if (!Array.isArray(part) || part.length !== shape[axis]) throw misfit(part, axis);
    for (let i = 0; i < part.length; i++) {
      path.push(i);
      visit(part[i], axis + 1);
      path.pop();
    }
  };
  const misfit = (part: unknown, axis: number): Error => {
    const place = showPath(path);
    if (Array.isArray(part) || typeof part === "number" || typeof part === "boolean") {
      const expected = axis === shape.length ? "a number" : `an array of ${shape[axis]}`;
      const got = Array.isArray(part) ? `an array of ${part.length}` : part;
      return shapeError(
        `${what}: the nested array is ragged: expected ${expected} at ${place}, got ${got}`,
      );
    }
    const got = part instanceof Tensor ? "a tensor" : describeValue(part);
    const hint = part instanceof Tensor ? "; use stack to join tensors" : hintFor(part);
    return argumentError(`${what}: expected a number or boolean at ${place}, got ${got}${hint}`);
  };
  visit(array, 0);
  if (dtype === undefined && allBooleans) {
    return new Concrete("bool", shape, new Uint8Array(elements));
  }
  return new Concrete(type.dtype, shape, elements);
}

/** `value` as an element of `dtype`; throws when an integer dtype cannot hold it. */
function toElement(
  value: number | boolean,
  dtype: Dtype,
  path: readonly number[],
  what: string,
): number {
  const number = Number(value);
  if (isFloat(dtype)) return number;
  if (dtype === "bool") return number !== 0 ? 1 : 0;
  const [low, high] = rangeOf(dtype);
  if (!Number.isInteger(number) || number < low || number > high) {
    const place = path.length === 0 ? "" : ` at ${showPath(path)}`;
    throw dtypeError(
      `${what}: ${describeValue(value)}${place} is not an integer from ${low} to ${high}, ` +
        `as ${dtype} needs; convert with astype or choose another dtype`,
    );
  }
  return number;
}

/**
 * A leaf of an argument tree as a value that a transform can trace: a number keeps its full precision,
 * and takes the dtype of the tensor it is combined with.
 */
export function leafToInput(
  leaf: unknown,
  path: readonly (string | number)[],
  what: string,
): Tensor {
  if (leaf instanceof Tensor) return leaf;
  if (typeof leaf !== "number") return leafToTensor(leaf, path, what);
  const wide = new Concrete("float64", [], Float64Array.of(leaf));
  return new WeakScalar(currentTrace(), wide, leaf);
}

/** A leaf of an argument tree as a tensor; error messages name its path. */
export function leafToTensor(
  leaf: unknown,
  path: readonly (string | number)[],
  what: string,
): Tensor {
  if (leaf instanceof Tensor) return toTensor(leaf, what);
  const isArray = ArrayBuffer.isView(leaf) && !(leaf instanceof DataView);
  if (typeof leaf === "number" || typeof leaf === "boolean" || isArray) {
    return fromJavaScript(leaf, undefined, what);
  }
  throw treeError(
    `${what}: expected a tensor or number at ${showPath(path)}, got ${describeValue(leaf)}${
      hintFor(leaf)
    }`,
  );
}
