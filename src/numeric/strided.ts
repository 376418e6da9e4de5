/**
 * Copies between a row-major array and a strided view of another: the common kernel of transposes,
 * slices, reversals, broadcasts and padding.
 *
 * @module
 */
import type { Elements } from "../base/dtype.ts";

/** A view: position `index` of the view is element `offset + sum(index[i] * strides[i])`. */
export interface View {
  /** Axis lengths of the view. */
  readonly shape: readonly number[];
  /** Steps in elements; zero repeats, negative reverses. */
  readonly strides: readonly number[];
  /** The index of the first element. */
  readonly offset: number;
}

/**
 * Calls `row(position, start)` for each innermost row of the view: its position in row-major order,
 * and in the array.
 */
function forEachRow(view: View, row: (position: number, start: number) => void): void {
  const { shape, strides } = view;
  if (shape.some((length) => length === 0)) return;
  const outer = shape.length - 1;
  const width = outer < 0 ? 1 : shape[outer];
  const index = new Array<number>(Math.max(outer, 0)).fill(0);
  let start = view.offset;
  for (let position = 0;; position += width) {
    row(position, start);
    let axis = outer - 1;
    for (; axis >= 0; axis--) {
      start += strides[axis];
      if (++index[axis] < shape[axis]) break;
      start -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

/** The length from which contiguous rows are copied by a single call. */
const LONG = 16;

/** The same view, with neighbouring axes merged if they step through the array as one. */
function joinAxes({ shape, strides, offset }: View): View {
  const lengths: number[] = [];
  const steps: number[] = [];
  for (let axis = 0; axis < shape.length; axis++) {
    const last = lengths.length - 1;
    if (last >= 0 && steps[last] === strides[axis] * shape[axis]) {
      lengths[last] *= shape[axis];
      steps[last] = strides[axis];
    } else {
      lengths.push(shape[axis]);
      steps.push(strides[axis]);
    }
  }
  return { shape: lengths, strides: steps, offset };
}

/**
 * Calls `copy` for each row of the view: its position in row-major order, its position in the
 * array, its length, and the step between its elements in the array.
 */
function forEachRun(
  view: View,
  copy: (position: number, start: number, width: number, step: number) => void,
): void {
  const joined = joinAxes(view);
  const last = joined.shape.length - 1;
  const width = last < 0 ? 1 : joined.shape[last];
  const step = last < 0 ? 0 : joined.strides[last];
  forEachRow(joined, (position, start) => copy(position, start, width, step));
}

/** Writes the elements of the view of `source` to `out`, in row-major order. */
export function readView(out: Elements, source: Elements, view: View): void {
  forEachRun(view, (position, start, width, step) => {
    if (step === 1 && width >= LONG) {
      out.set(source.subarray(start, start + width), position);
      return;
    }
    for (let i = 0; i < width; i++) out[position + i] = source[start + i * step];
  });
}

/** Writes the row-major elements of `source` to their positions in the view of `out`. */
export function writeView(out: Elements, source: Elements, view: View): void {
  forEachRun(view, (position, start, width, step) => {
    if (step === 1 && width >= LONG) {
      out.set(source.subarray(position, position + width), start);
      return;
    }
    for (let i = 0; i < width; i++) out[start + i * step] = source[position + i];
  });
}
