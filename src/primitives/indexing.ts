/**
 * Primitives that read and write at positions given by integer tensors: gather, scatterAdd,
 * scatterLast.
 *
 * @module
 */
import { isInteger } from "../base/dtype.ts";
import { dtypeError, indexError, shapeError } from "../base/errors.ts";
import { checkSize, sameShape, showType, sizeOf } from "../base/shape.ts";
import type { BatchAxis, Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete, dense, splat } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { alignBatch, moveAxis } from "./structure.ts";

/** Parameters of `gather`. */
export interface GatherParams {
  /** How many leading axes the arguments share. */
  readonly batch: number;
}

/**
 * `out[b, m, r] = x[b, indices[b, m], r]` for `x` of shape `[B..., n, R...]` and `indices` of shape
 * `[B..., M...]`; the result has shape `[B..., M..., R...]`.
 */
export const gatherPrimitive: Primitive<GatherParams> = {
  name: "gather",
  type([x, indices], { batch }) {
    const what = `Cannot gather from ${showType(x)} at ${showType(indices)}`;
    checkIndices(indices, batch, what);
    const fits = x.shape.length > batch &&
      sameShape(x.shape.slice(0, batch), indices.shape.slice(0, batch));
    if (!fits) {
      throw shapeError(`${what}: the shared leading axes must be equal, and one more left`);
    }
    const shape = [...indices.shape, ...x.shape.slice(batch + 1)];
    checkSize(shape, what);
    return [{ dtype: x.dtype, shape }];
  },
  evaluate([x, indices], { batch }, [type]) {
    const n = x.shape[batch];
    const rows = sizeOf(indices.shape.slice(batch));
    const width = sizeOf(x.shape.slice(batch + 1));
    checkRange(indices, n, (index) => `Cannot gather index ${index} from an axis of length ${n}`);
    if (x.elements.length === 1) return [splat(x.elements[0], type.dtype, type.shape)];
    const out = allocateFor(type);
    const source = x.elements;
    const at = dense(indices);
    if (width > 0) {
      for (let row = 0, to = 0; row < at.length; row++, to += width) {
        const from = (Math.floor(row / rows) * n + at[row]) * width;
        for (let i = 0; i < width; i++) out[to + i] = source[from + i];
      }
    }
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch([x, indices], [axisX, axisI], _size, { batch }) {
    if (axisX !== null && axisI !== null) {
      const result = gather(moveAxis(x, axisX, 0), moveAxis(indices, axisI, 0), batch + 1);
      return [[result, 0]];
    }
    if (axisX !== null) {
      // An axis behind the indexed one is carried along wherever it stands.
      const place = axisX > batch ? axisX : x.ndim - 1;
      const result = gather(moveAxis(x, axisX, place), indices, batch);
      return [[result, indices.ndim + place - batch - 1]];
    }
    const place = Math.max(axisI!, batch);
    return [[gather(x, moveAxis(indices, axisI!, place), batch), place]];
  },
  derivative: {
    kind: "linear",
    transpose: ([ct], [x, indices], { batch }) => [
      scatterAdd(ct, indices as Tensor, x.shape[batch], batch),
      null,
    ],
  },
};

/** Strict gather: `x` `[B..., n, R...]` at `indices` `[B..., M...]` gives `[B..., M..., R...]`. */
export function gather(x: Tensor, indices: Tensor, batch = 0): Tensor {
  return bindOne(gatherPrimitive, [x, indices], { batch });
}

/** Parameters of `scatterAdd` and `scatterLast`. */
export interface ScatterParams {
  /** How many leading axes of `indices` the result shares. */
  readonly batch: number;
  /** The length of the axis that the indices point into. */
  readonly size: number;
}

/**
 * The adjoint of `gather`: `out[b, indices[b, m], r]` is the sum of the `updates[b, m, r]` that point
 * there. `updates` has shape `[B..., M..., R...]`, `indices` `[B..., M...]`, the result
 * `[B..., size, R...]`. Floats accumulate in double precision, integers modulo 2^32.
 */
export const scatterAddPrimitive: Primitive<ScatterParams> = {
  name: "scatterAdd",
  type([updates, indices], { batch, size }) {
    const what = `Cannot scatter ${showType(updates)} to ${showType(indices)}`;
    if (updates.dtype === "bool") {
      throw dtypeError(`${what}: expected numbers; convert bool with astype`);
    }
    checkIndices(indices, batch, what);
    const ndim = indices.shape.length;
    if (!sameShape(updates.shape.slice(0, ndim), indices.shape)) {
      throw shapeError(`${what}: the updates must begin with the axes of the indices`);
    }
    const shape = slotShape(indices, { batch, size }, updates.shape.slice(ndim), what);
    return [{ dtype: updates.dtype, shape }];
  },
  evaluate([updates, indices], { batch, size }, [type]) {
    const rows = sizeOf(indices.shape.slice(batch));
    const width = sizeOf(updates.shape.slice(indices.ndim));
    checkScatter(indices, size);
    if (updates.elements.length === 1 && updates.elements[0] === 0) {
      return [splat(0, type.dtype, type.shape)];
    }
    const out = allocateFor(type);
    const sums = type.dtype === "float32"
      ? allocateFor({ dtype: "float64", shape: type.shape })
      : out;
    const source = dense(updates);
    const at = dense(indices);
    if (width > 0) {
      for (let row = 0, from = 0; row < at.length; row++, from += width) {
        const to = (Math.floor(row / rows) * size + at[row]) * width;
        for (let i = 0; i < width; i++) sums[to + i] += source[from + i];
      }
    }
    if (sums !== out) out.set(sums);
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch([updates, indices], axes, length, { batch, size }) {
    const [axisU, axisI] = axes;
    if (axisU !== null && axisI === null) {
      // An axis behind those of the indices is carried along wherever it stands.
      const place = axisU >= indices.ndim ? axisU : updates.ndim - 1;
      const result = scatterAdd(moveAxis(updates, axisU, place), indices, size, batch);
      return [[result, batch + 1 + place - indices.ndim]];
    }
    const [first, second] = alignFront([updates, indices], axes, length);
    return [[scatterAdd(first, second, size, batch + 1), 0]];
  },
  derivative: {
    kind: "linear",
    transpose: ([ct], [, indices], { batch }) => [gather(ct, indices as Tensor, batch), null],
  },
};

/** Strict scatter: `updates` `[B..., M..., R...]` summed into `[B..., size, R...]`. */
export function scatterAdd(updates: Tensor, indices: Tensor, size: number, batch = 0): Tensor {
  return bindOne(scatterAddPrimitive, [updates, indices], { batch, size });
}

/**
 * For each slot of `[B..., size]`, the flat position among `M...` of the last of the `indices`
 * `[B..., M...]` that points there, or -1: which update stays when several are written to one place.
 */
export const scatterLastPrimitive: Primitive<ScatterParams> = {
  name: "scatterLast",
  type([indices], params) {
    const what = `Cannot scatter to ${showType(indices)}`;
    checkIndices(indices, params.batch, what);
    return [{ dtype: "int32", shape: slotShape(indices, params, [], what) }];
  },
  evaluate([indices], { batch, size }, [type]) {
    const rows = sizeOf(indices.shape.slice(batch));
    checkScatter(indices, size);
    const out = allocateFor(type).fill(-1);
    const at = dense(indices);
    for (let row = 0; row < at.length; row++) {
      const outer = Math.floor(row / rows);
      out[outer * size + at[row]] = row - outer * rows;
    }
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch([indices], [axis], _length, { batch, size }) {
    return [[scatterLast(moveAxis(indices, axis!, 0), size, batch + 1), 0]];
  },
  derivative: { kind: "zero" },
};

/** For each of `size` slots, the last position in `indices` that points at it, or -1; int32. */
export function scatterLast(indices: Tensor, size: number, batch = 0): Tensor {
  return bindOne(scatterLastPrimitive, [indices], { batch, size });
}

function alignFront(args: readonly Tensor[], axes: readonly BatchAxis[], length: number): Tensor[] {
  return args.map((arg, i) => alignBatch(arg, axes[i], 0, length));
}

function checkIndices(indices: Type, batch: number, what: string): void {
  if (!isInteger(indices.dtype)) {
    throw dtypeError(`${what}: expected integer indices; convert with astype`);
  }
  if (!Number.isInteger(batch) || batch < 0 || batch > indices.shape.length) {
    throw shapeError(`${what}: the indices do not have ${batch} leading axes to share`);
  }
}

/** The shape `[B..., size, R...]` of a scatter's result. */
function slotShape(
  indices: Type,
  { batch, size }: ScatterParams,
  rest: readonly number[],
  what: string,
): number[] {
  if (!Number.isSafeInteger(size) || size < 0) {
    throw shapeError(`${what}: expected a non-negative integer as the axis's length, got ${size}`);
  }
  const shape = [...indices.shape.slice(0, batch), size, ...rest];
  checkSize(shape, what);
  return shape;
}

function checkScatter(indices: Concrete, size: number): void {
  checkRange(
    indices,
    size,
    (index) => `Cannot scatter to index ${index} of an axis of length ${size}`,
  );
}

/** Throws unless every index lies from 0 to `length - 1`. */
function checkRange(indices: Concrete, length: number, message: (index: number) => string): void {
  for (const index of indices.elements) {
    if (index < 0 || index >= length) throw indexError(message(index));
  }
}
