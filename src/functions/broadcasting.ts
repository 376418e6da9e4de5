/**
 * How the arguments of a function meet: in one dtype (promotion) and in one shape (broadcasting).
 * Primitives are strict; all that is implicit happens here.
 *
 * Numbers and booleans, alone or in nested arrays, are weak: they adopt the dtype of the tensors
 * that they meet, as far as its category can hold them. So do the numbers that a transform follows.
 *
 * @module
 */
import {
  complexDtype,
  defaultFloat,
  isComplex,
  isInexact,
  isInteger,
  partDtype,
  promoteDtypes,
  rangeOf,
  scalarDtype,
} from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { shapeError } from "../base/errors.ts";
import { broadcastShapes, checkSize, sameShape, showType, sizeOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { fromJavaScript, tensorFrom, toTensor } from "../core/convert.ts";
import { isComplexNumber } from "../core/complex.ts";
import { Concrete, splat, Tensor } from "../core/tensor.ts";
import type { TensorLike, Type } from "../core/tensor.ts";
import { WeakScalar } from "../core/trace.ts";
import { broadcast, convert, meet, reshape } from "../primitives/structure.ts";

/** Whether `x` is a JavaScript number or boolean. */
function isScalar(x: unknown): x is number | boolean {
  return typeof x === "number" || typeof x === "boolean";
}

/**
 * Two arguments in a common dtype and a common shape. Tensors that agree already pass as they are,
 * and a number combined with a tensor becomes a constant of its shape, so that no broadcast is recorded.
 *
 * @param what Begins the message when they do not fit: "Cannot add".
 */
export function promote(what: string, x: TensorLike, y: TensorLike): [Tensor, Tensor] {
  if (x instanceof Tensor) {
    if (y instanceof Tensor) {
      if (x.dtype === y.dtype && sameShape(x.shape, y.shape)) return [x, y];
    } else if (isScalar(y)) {
      const dtype = promoteDtypes(x.dtype, scalarDtype(y, x.dtype, what));
      return [meet(x, dtype), splat(Number(y), dtype, x.shape)];
    }
  } else if (y instanceof Tensor && isScalar(x)) {
    const dtype = promoteDtypes(y.dtype, scalarDtype(x, y.dtype, what));
    return [splat(Number(x), dtype, y.shape), meet(y, dtype)];
  }
  return broadcastTogether(what, x, y) as [Tensor, Tensor];
}

/**
 * Applies a strict function of two arguments after {@linkcode promote}.
 *
 * @param what Begins the message when they do not fit: "Cannot add".
 */
export function applyBinary(
  what: string,
  strict: (x: Tensor, y: Tensor) => Tensor,
  x: TensorLike,
  y: TensorLike,
): Tensor {
  if (
    x instanceof Tensor && y instanceof Tensor && x.dtype === y.dtype && sameShape(x.shape, y.shape)
  ) {
    return strict(x, y);
  }
  const [first, second] = promote(what, x, y);
  return strict(first, second);
}

/**
 * The arguments in a common dtype and a common shape.
 *
 * @param what Begins the message when they do not fit: "Cannot stack".
 */
export function broadcastTogether(what: string, ...xs: readonly TensorLike[]): Tensor[] {
  const read = xs.map((x) => isWeak(x) ? x : toTensor(x, what));
  const dtype = commonDtype(what, read);
  const tensors = read.map((x) => weakTensor(what, x, dtype));
  const shape = commonShape(what, tensors);
  return tensors.map((x) => broadcastTo(meet(x, dtype), shape));
}

/**
 * The arguments in a common dtype, each in its own shape.
 *
 * @param what Begins the message when an argument is not a tensor: "Cannot concatenate".
 * @param isWide Whether integer tensors are widened, or become float64, if they cannot represent the numbers
 * combined with them; otherwise that is an error, since the dtype of the result would be unexpected.
 */
export function promoteTogether(
  what: string,
  xs: readonly TensorLike[],
  isWide = false,
): Tensor[] {
  const read = xs.map((x) => isWeak(x) ? x : toTensor(x, what));
  const dtype = commonDtype(what, read, isWide);
  return read.map((x) => meet(weakTensor(what, x, dtype), dtype));
}

/**
 * The dtype in which the arguments meet. Tensors and typed arrays decide; numbers, booleans and
 * nested arrays of them follow, and meet in their own dtypes only among themselves.
 */
export function commonDtype(what: string, xs: readonly TensorLike[], isWide = false): Dtype {
  let strong: Dtype | null = null;
  for (const x of xs) {
    if (isWeak(x)) continue;
    const { dtype } = toTensor(x, what);
    strong = strong === null ? dtype : promoteDtypes(strong, dtype, what);
  }
  let common = strong;
  for (const x of xs) {
    if (!isWeak(x)) continue;
    const dtype = weakDtype(what, x, strong, isWide);
    common = common === null ? dtype : promoteDtypes(common, dtype, what);
  }
  return common ?? defaultFloat();
}

/** Whether `x` adopts the dtype of the other operand. */
function isWeak(x: TensorLike): boolean {
  return isScalar(x) || Array.isArray(x) || x instanceof WeakScalar || isComplexNumber(x);
}

/** The dtype of a weak argument combined with tensors of dtype `strong`, or alone. */
function weakDtype(
  what: string,
  x: TensorLike,
  strong: Dtype | null,
  isWide: boolean,
): Dtype {
  if (isScalar(x)) {
    if (strong === null) return typeof x === "boolean" ? "bool" : defaultFloat();
    return scalarDtype(x, isWide ? widerDtype([Number(x)], strong) : strong, what);
  }
  if (x instanceof WeakScalar) {
    if (strong === null) return defaultFloat();
    if (isInexact(strong)) return partDtype(strong);
    const number = x.peekNumber(strong);
    return scalarDtype(number, isWide ? widerDtype([number], strong) : strong, what);
  }
  const own = tensorFrom(x, undefined, what);
  if (isComplex(own.dtype)) return complexDtype(strong ?? own.dtype);
  if (strong === null || own.dtype === "bool") return own.dtype;
  if (isInexact(strong)) return partDtype(strong);
  // Looked at in double precision, which holds every integer that an integer dtype does.
  const { elements } = fromJavaScript(x, "float64", what);
  const least = isWide ? widerDtype(elements, strong) : strong;
  let dtype = least;
  for (const element of elements) dtype = promoteDtypes(dtype, scalarDtype(element, least, what));
  return dtype;
}

/** `dtype`, or, where that cannot hold all integers among these numbers, one of 32 bits that can, or float64. */
function widerDtype(numbers: ArrayLike<number>, dtype: Dtype): Dtype {
  if (!isInteger(dtype)) return dtype;
  let [low, high] = rangeOf(dtype);
  for (let i = 0; i < numbers.length; i++) {
    if (!Number.isInteger(numbers[i])) continue;
    low = Math.min(low, numbers[i]);
    high = Math.max(high, numbers[i]);
  }
  const holds = (one: Dtype) => rangeOf(one)[0] <= low && rangeOf(one)[1] >= high;
  return ([dtype, "int32", "uint32"] as const).find(holds) ?? "float64";
}

/** `x` as a tensor; of dtype `dtype`, so that nothing is rounded twice, when it is weak. */
function weakTensor(what: string, x: TensorLike, dtype: Dtype): Tensor {
  if (x instanceof WeakScalar) return x.as(partDtype(dtype));
  return isWeak(x) ? weakFrom(what, x, dtype) : toTensor(x, what);
}

/** A JavaScript value in a dtype; a real value combined with complex numbers has the dtype of their parts. */
function weakFrom(what: string, x: TensorLike, dtype: Dtype): Tensor {
  if (!isComplex(dtype)) return fromJavaScript(x, dtype, what);
  const isReal = !isComplex(tensorFrom(x, undefined, what).dtype);
  return tensorFrom(x, isReal ? partDtype(dtype) : dtype, what);
}

/**
 * The shape that all arguments broadcast to.
 *
 * @param what Begins the message when there is none: "Cannot add".
 */
export function commonShape(what: string, xs: readonly Type[]): Shape {
  let shape: Shape = [];
  for (const x of xs) {
    const next = broadcastShapes(shape, x.shape);
    if (next === null) throw mismatch(what, xs, shape, x.shape);
    shape = next;
  }
  checkSize(shape, what);
  return shape;
}

/**
 * The error for shapes that do not broadcast: `before`, that of the arguments so far, and `own`.
 */
function mismatch(what: string, xs: readonly Type[], before: Shape, own: Shape): Error {
  let axis = -1;
  for (;; axis--) {
    const [x, y] = [before[before.length + axis], own[own.length + axis]];
    if (x !== y && x !== 1 && y !== 1) break;
  }
  const types = xs.map(showType);
  const shown = `${types.slice(0, -1).join(", ")} and ${types[types.length - 1]}`;
  return shapeError(
    `${what} ${shown}: shapes must broadcast, axis ${axis} has lengths ` +
      `${before[before.length + axis]} and ${own[own.length + axis]}`,
  );
}

/** `x` with integers and bools converted to float32, for functions that have no integer form. */
export function floatOperand(x: Tensor): Tensor {
  return isInexact(x.dtype) ? x : convert(x, defaultFloat());
}

/**
 * Strict broadcast by NumPy's rule: aligned at the last axis, and axes of length one stretched. A
 * constant that is held as one element stays one, at no cost.
 *
 * @param shape A shape that `x` broadcasts to: the caller has checked.
 */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const size = sizeOf(shape);
  if (x instanceof Concrete && x.placement === null && x.held === 1 && size > 0) {
    return new Concrete(x.dtype, shape, x.stored);
  }
  if (x.size === size && size > 0) return reshape(x, shape);
  const added = shape.length - x.ndim;
  const kept: number[] = [];
  const axes: number[] = [];
  x.shape.forEach((length, i) => {
    if (length !== shape[added + i]) return;
    kept.push(length);
    axes.push(added + i);
  });
  return broadcast(reshape(x, kept), shape, axes);
}
