/**
 * Views into stored elements: an offset and a stride per axis, as in PyTorch and in files of arrays
 * in Fortran's order.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { showShape, sizeOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { ComplexTensor } from "../core/complex.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Budget } from "./bytes.ts";
import { makeTensor, storedBytes, tensorBytes } from "./elements.ts";
import type { StoredType } from "./elements.ts";

/** Where the elements of a view are, counted in elements. */
export interface View {
  /** The position of the first. */
  readonly offset: number;
  /** How far apart neighbours along each axis are. */
  readonly strides: readonly number[];
}

/** A tensor of the elements that `view` picks from `storage`, copied once. */
export function gatherTensor(
  type: StoredType,
  storage: Uint8Array,
  view: View,
  budget: Budget,
): Tensor {
  const { shape, kind, label } = type;
  const width = storedBytes(kind);
  const size = sizeOf(shape);
  checkInside(type, Math.floor(storage.length / width), view);
  if (size === 0) return makeTensor(type, new Uint8Array(0));
  const start = view.offset * width;
  // An expanded single element is held as one.
  if (size > 1 && shape.every((length, axis) => length === 1 || view.strides[axis] === 0)) {
    const one = makeTensor({ ...type, shape: [] }, storage.subarray(start, start + width));
    const spread = (x: Tensor) => splat(x.concrete("read").elements[0], x.dtype, shape);
    return one instanceof ComplexTensor
      ? new ComplexTensor(spread(one.re), spread(one.im))
      : spread(one);
  }
  budget.spend(tensorBytes(type));
  if (isRowMajor(shape, view.strides)) {
    return makeTensor(type, storage.subarray(start, start + size * width));
  }
  let gathered: Uint8Array;
  try {
    gathered = new Uint8Array(size * width);
  } catch {
    throw argumentError(`${label}: its ${size * width} bytes do not fit in memory`);
  }
  copyStrided(gathered, storage, shape, view, width);
  return makeTensor(type, gathered);
}

/** Throws unless all elements of the view are among the storage's `held`. */
function checkInside(type: StoredType, held: number, { offset, strides }: View): void {
  const { shape, label } = type;
  const isCount = (n: unknown) => Number.isSafeInteger(n) && n as number >= 0;
  if (!isCount(offset) || !strides.every(isCount) || strides.length !== shape.length) {
    throw argumentError(`${label}: its offset and strides do not describe a view`);
  }
  if (shape.includes(0)) return;
  const last = shape.reduce((at, length, axis) => at + (length - 1) * strides[axis], offset);
  if (!(last < held)) {
    throw argumentError(
      `${label}: its elements ${offset} to ${last} with shape ${showShape(shape)} lie outside of ` +
        `its storage of ${held}`,
    );
  }
}

/** Whether elements of these strides are in row-major order, next to each other. */
function isRowMajor(shape: Shape, strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

/** Copies the view's elements, of `width` bytes each, to `target` in row-major order. */
function copyStrided(
  target: Uint8Array,
  source: Uint8Array,
  shape: Shape,
  { offset, strides }: View,
  width: number,
): void {
  const last = shape.length - 1;
  const [length, stride] = [shape[last], strides[last] * width];
  const counters = shape.map(() => 0);
  let row = offset * width;
  let to = 0;
  while (to < target.length) {
    for (let i = 0, from = row; i < length; i++, from += stride) {
      for (let byte = 0; byte < width; byte++) target[to++] = source[from + byte];
    }
    for (let axis = last - 1; axis >= 0; axis--) {
      row += strides[axis] * width;
      if (++counters[axis] < shape[axis]) break;
      row -= counters[axis] * strides[axis] * width;
      counters[axis] = 0;
    }
  }
}
