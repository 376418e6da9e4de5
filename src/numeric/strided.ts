/**
 * Copies between a row-major array and a strided view of another: the one kernel behind transposes,
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
  /** Where the first element lies. */
  readonly offset: number;
}

/** Calls `row(position, start)` for each innermost row of the view: its place in row-major order, and in the array. */
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

/** `out` becomes the elements of the view of `source`, in row-major order. */
export function readView(out: Elements, source: Elements, view: View): void {
  const last = view.shape.length - 1;
  const width = last < 0 ? 1 : view.shape[last];
  const step = last < 0 ? 0 : view.strides[last];
  forEachRow(view, (position, start) => {
    for (let i = 0; i < width; i++) out[position + i] = source[start + i * step];
  });
}

/** Writes the row-major elements of `source` to their places in the view of `out`. */
export function writeView(out: Elements, source: Elements, view: View): void {
  const last = view.shape.length - 1;
  const width = last < 0 ? 1 : view.shape[last];
  const step = last < 0 ? 0 : view.strides[last];
  forEachRow(view, (position, start) => {
    for (let i = 0; i < width; i++) out[start + i * step] = source[position + i];
  });
}
