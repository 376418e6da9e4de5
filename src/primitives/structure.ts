/**
 * Primitives that rearrange or repeat elements and the sum that is the transpose of repetition:
 * reshape, transpose, broadcast, reduceSum; and conversion, stopGradient and iota.
 *
 * @module
 */
import {
  byteSize,
  isComplex,
  isFloat,
  isNarrow,
  partDtype,
  rangeOf,
  storedView,
  wideDtype,
} from "../base/dtype.ts";
import type { Dtype, Elements } from "../base/dtype.ts";
import { dtypeError, internalError, shapeError } from "../base/errors.ts";
import {
  checkSize,
  insertAt,
  inversePermutation,
  lengthAlong,
  movePermutation,
  range,
  removeAt,
  sameShape,
  showShape,
  showType,
  sizeOf,
  stridesOf,
  withoutAxes,
} from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { floatSum } from "../numeric/sums.ts";
import { readView } from "../numeric/strided.ts";
import type { BatchAxis, Primitive } from "../core/primitive.ts";
import { ComplexTensor } from "../core/complex.ts";
import {
  allocateFor,
  Concrete,
  dense,
  denseStored,
  isSplat,
  splat,
  zerosOf,
} from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";

/** Parameters of `reshape`. */
export interface ReshapeParams {
  /** The result's shape. */
  readonly shape: Shape;
}

/** The same elements in row-major order, in another shape of the same size. */
export const reshapePrimitive: Primitive<ReshapeParams> = {
  name: "reshape",
  isTotal: true,
  narrow: "own",
  type([x], { shape }) {
    if (sizeOf(x.shape) !== sizeOf(shape)) {
      throw shapeError(
        `Cannot reshape ${showType(x)} to ${showShape(shape)}: ` +
          `the sizes are ${sizeOf(x.shape)} and ${sizeOf(shape)}`,
      );
    }
    return [{ dtype: x.dtype, shape }];
  },
  evaluate: ([x], { shape }) => [new Concrete(x.dtype, shape, x.storage)],
  batch([x], [axis], size, { shape }) {
    return [[reshape(moveAxis(x, axis!, 0), [size, ...shape]), 0]];
  },
  derivative: {
    kind: "linear",
    transpose: ([ct], [x]) => [reshape(ct, x.shape)],
    isPermutation: true,
  },
};

/** Strict reshape: no -1. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : bindOne(reshapePrimitive, [x], { shape });
}

/** Parameters of `transpose`. */
export interface TransposeParams {
  /** Axis `i` of the result is axis `permutation[i]` of the argument. */
  readonly permutation: readonly number[];
}

/** Axes in another order. */
export const transposePrimitive: Primitive<TransposeParams> = {
  name: "transpose",
  isTotal: true,
  narrow: "moved",
  type([x], { permutation }) {
    if (!sameShape([...permutation].sort((a, b) => a - b), range(x.shape.length))) {
      throw shapeError(
        `Cannot transpose ${showType(x)} by ${showShape(permutation)}: ` +
          `expected each axis from 0 to ${x.shape.length - 1} once`,
      );
    }
    return [{ dtype: x.dtype, shape: permutation.map((axis) => x.shape[axis]) }];
  },
  evaluate([x], { permutation }, [type]) {
    if (isSplat(x)) return [new Concrete(type.dtype, type.shape, x.elements)];
    const strides = stridesOf(x.shape);
    const out = allocateFor(type);
    readView(out, x.elements, {
      shape: type.shape,
      strides: permutation.map((axis) => strides[axis]),
      offset: 0,
    });
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch([x], [axis], _size, { permutation }) {
    const shifted = permutation.map((p) => p < axis! ? p : p + 1);
    return [[transpose(x, [axis!, ...shifted]), 0]];
  },
  derivative: {
    kind: "linear",
    transpose: ([ct], _args, { permutation }) => [transpose(ct, inversePermutation(permutation))],
    isPermutation: true,
  },
};

/** Strict transpose; no operation when the permutation is the identity. */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  if (permutation.every((axis, i) => axis === i)) return x;
  return bindOne(transposePrimitive, [x], { permutation });
}

/** `x` with axis `from` at position `to`. */
export function moveAxis(x: Tensor, from: number, to: number): Tensor {
  return from === to ? x : transpose(x, movePermutation(x.ndim, from, to));
}

/** Parameters of `broadcast`. */
export interface BroadcastParams {
  /** The result's shape. */
  readonly shape: Shape;
  /** The position of each axis of the argument: increasing positions in `shape`, equal lengths. */
  readonly axes: readonly number[];
}

/** Repetition along new axes. */
export const broadcastPrimitive: Primitive<BroadcastParams> = {
  name: "broadcast",
  isTotal: true,
  narrow: "moved",
  type([x], { shape, axes }) {
    const fits = axes.length === x.shape.length &&
      axes.every((axis, i) =>
        axis < shape.length && shape[axis] === x.shape[i] && (i === 0 || axes[i - 1] < axis)
      );
    if (!fits) {
      throw shapeError(
        `Cannot broadcast ${showType(x)} to ${showShape(shape)} along axes ${showShape(axes)}`,
      );
    }
    checkSize(shape, `Cannot broadcast ${showType(x)}`);
    return [{ dtype: x.dtype, shape }];
  },
  evaluate([x], { shape, axes }, [type]) {
    if (x.elements.length === 1 && sizeOf(shape) > 0) {
      return [new Concrete(x.dtype, shape, x.elements)];
    }
    const own = stridesOf(x.shape);
    const strides = shape.map(() => 0);
    axes.forEach((axis, i) => strides[axis] = own[i]);
    const out = allocateFor(type);
    readView(out, x.elements, { shape, strides, offset: 0 });
    return [new Concrete(x.dtype, shape, out)];
  },
  batch([x], [axis], size, { shape, axes }) {
    const front = moveAxis(x, axis!, 0);
    return [[broadcast(front, [size, ...shape], [0, ...axes.map((a) => a + 1)]), 0]];
  },
  derivative: {
    kind: "linear",
    transpose: ([ct], _args, { axes }) => [
      reduceSum(ct, withoutAxes(range(ct.ndim), axes)),
    ],
  },
};

/** Strict broadcast along new axes. */
export function broadcast(x: Tensor, shape: Shape, axes: readonly number[]): Tensor {
  if (axes.length === shape.length && sameShape(x.shape, shape)) return x;
  return bindOne(broadcastPrimitive, [x], { shape, axes });
}

/** `x` repeated `size` times along a new axis at position `axis`. */
export function broadcastAxis(x: Tensor, axis: number, size: number): Tensor {
  const shape = insertAt(x.shape, axis, size);
  return broadcast(x, shape, removeAt(range(shape.length), axis));
}

/** `x` with its mapped axis at `target`; repeated there if it is not batched. */
export function alignBatch(x: Tensor, axis: BatchAxis, target: number, size: number): Tensor {
  return axis === null ? broadcastAxis(x, target, size) : moveAxis(x, axis, target);
}

/** Parameters of reductions. */
export interface ReduceParams {
  /** The axes that are removed, increasing. */
  readonly axes: readonly number[];
}

/** The result type of a reduction. */
export function reducedType(x: Type, axes: readonly number[], dtype: Dtype = x.dtype): Type {
  return { dtype, shape: withoutAxes(x.shape, axes) };
}

/** The elements of `x` as rows to be reduced: all reduced axes are made innermost. */
export function reductionRows(x: Concrete, axes: readonly number[]): Concrete {
  const permutation = [...withoutAxes(range(x.ndim), axes), ...axes];
  if (permutation.every((axis, i) => axis === i)) return x;
  const shape = permutation.map((axis) => x.shape[axis]);
  return transposePrimitive.evaluate([x], { permutation }, [{ dtype: x.dtype, shape }])[0];
}

/** One value for each row of a tensor like `x`, repeated along the axes of the rows. */
export function spreadRows(rows: Tensor, x: Type, axes: readonly number[]): Tensor {
  return broadcast(rows, x.shape, withoutAxes(range(x.shape.length), axes));
}

/**
 * A tensor of the same type, each row of which is written by `write`: from a row's elements to those of
 * the result from a position on. It receives the number of the row.
 */
export function mapRows(
  x: Concrete,
  axes: readonly number[],
  write: (row: Elements, out: Elements, at: number, number: number) => void,
): Concrete {
  const permutation = [...withoutAxes(range(x.ndim), axes), ...axes];
  const shape = permutation.map((axis) => x.shape[axis]);
  const rows = dense(reductionRows(x, axes));
  const out = allocateFor({ dtype: x.dtype, shape });
  const count = sizeOf(axes.map((axis) => x.shape[axis]));
  for (let at = 0, number = 0; at < rows.length; at += count, number++) {
    write(rows.subarray(at, at + count), out, at, number);
  }
  const result = new Concrete(x.dtype, shape, out);
  if (permutation.every((axis, i) => axis === i)) return result;
  const back = permutation.map((_, axis) => permutation.indexOf(axis));
  return transposePrimitive.evaluate([result], { permutation: back }, [x])[0];
}

/** The batching rule that all reductions share. */
export function batchReduction<P extends ReduceParams>(
  primitive: Primitive<P>,
  x: Tensor,
  axis: number,
  params: P,
): readonly [Tensor, number] {
  const axes = params.axes.map((a) => a < axis ? a : a + 1);
  const place = axis - params.axes.filter((a) => a < axis).length;
  return [bindOne(primitive, [x], { ...params, axes }), place];
}

/** The sum of `rows[start]` to `rows[end - 1]` modulo 2^32. */
function integerSum(rows: Elements, start: number, end: number): number {
  let sum = 0;
  for (let at = start; at < end; at++) sum = (sum + rows[at]) | 0;
  return sum;
}

/** Sum over axes. Floats accumulate in double precision, integers modulo 2^32. */
export const reduceSumPrimitive: Primitive<ReduceParams> = {
  name: "reduceSum",
  isTotal: true,
  type([x], { axes }) {
    if (x.dtype === "bool") throw internalError("reduceSum of bool");
    return [reducedType(x, axes)];
  },
  evaluate([x], { axes }, [type]) {
    const count = lengthAlong(x.shape, axes);
    const isInt = !isFloat(x.dtype);
    if (x.elements.length === 1) {
      const [value] = x.elements;
      const sum = isInt ? Math.imul(value, count) : count === 0 ? 0 : 0 + value * count;
      return [splat(sum, type.dtype, type.shape)];
    }
    const rows = reductionRows(x, axes).elements;
    const out = allocateFor(type);
    const add = isInt ? integerSum : floatSum;
    for (let i = 0; i < out.length; i++) out[i] = add(rows, i * count, (i + 1) * count);
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch: ([x], [axis], _size, params) => [batchReduction(reduceSumPrimitive, x, axis!, params)],
  derivative: {
    kind: "linear",
    transpose: ([ct], [x], { axes }) => [
      broadcast(ct, x.shape, withoutAxes(range(x.shape.length), axes)),
    ],
  },
};

/** Sum over the given axes. */
export function reduceSum(x: Tensor, axes: readonly number[]): Tensor {
  return axes.length === 0 ? x : bindOne(reduceSumPrimitive, [x], { axes });
}

/** Parameters of `convert`. */
export interface ConvertParams {
  /** The result's dtype. */
  readonly dtype: Dtype;
}

/**
 * Conversion between dtypes. Floats become integers by truncation, saturating at the ends, and NaN
 * becomes 0 (WebAssembly's `trunc_sat`). For bool, every number except zero becomes true.
 */
export const convertPrimitive: Primitive<ConvertParams> = {
  name: "convert",
  isTotal: true,
  narrow: "own",
  type: ([x], { dtype }) => [{ dtype, shape: x.shape }],
  evaluate([x], { dtype }) {
    const source = x.elements;
    const out = allocateFor({ dtype, shape: [source.length] });
    const [low, high] = rangeOf(dtype);
    const saturates = isFloat(x.dtype) && !isFloat(dtype);
    for (let i = 0; i < source.length; i++) {
      const value = source[i];
      out[i] = dtype === "bool"
        ? (value !== 0 ? 1 : 0)
        : saturates
        ? Math.min(Math.max(value, low), high)
        : value;
    }
    return [new Concrete(dtype, x.shape, out)];
  },
  batch: ([x], [axis], _size, params) => [[bindOne(convertPrimitive, [x], params), axis]],
  derivative: {
    kind: "linear",
    transpose: ([ct], [x]) => [convert(ct, x.dtype)],
  },
};

/** `x` as `dtype`; unchanged if it has that dtype. */
export function convert(x: Tensor, dtype: Dtype): Tensor {
  if (x.dtype === dtype) return x;
  // A real tensor becomes the real part; a complex one has its own rule.
  if (isComplex(dtype) && !isComplex(x.dtype)) {
    const re = convert(x, partDtype(dtype));
    return new ComplexTensor(re, zerosOf(re));
  }
  return bindOne(convertPrimitive, [x], { dtype });
}

/** Parameters of `bitcast`. */
export interface BitcastParams {
  /** The result's dtype. */
  readonly dtype: Dtype;
}

/** The shape of the bits of `x` in another dtype; throws if there is none. */
function bitcastShape({ dtype: from, shape }: Type, dtype: Dtype): Shape {
  const [own, other] = [byteSize(from), byteSize(dtype)];
  if (own === other) return shape;
  if (own > other) return [...shape, own / other];
  if (shape[shape.length - 1] === other / own) return shape.slice(0, -1);
  throw shapeError(
    `Cannot take the bits of ${
      showType({ dtype: from, shape })
    } as ${dtype}: expected a last axis ` +
      `of length ${other / own}, the elements of one ${dtype}`,
  );
}

/**
 * The same bytes as numbers of another dtype. Narrower numbers are along a new last axis; a wider
 * number is formed from the whole last axis, the lowest bytes first.
 */
export const bitcastPrimitive: Primitive<BitcastParams> = {
  name: "bitcast",
  isTotal: true,
  narrow: "own",
  type([x], { dtype }) {
    for (const one of [x.dtype, dtype]) {
      if (one !== "bool" && !isComplex(one)) continue;
      throw dtypeError(
        `Cannot take the bits of ${showType(x)} as ${dtype}: expected real numbers; ` +
          (one === "bool" ? "convert with astype" : "take real(x) and imag(x) by themselves"),
      );
    }
    return [{ dtype, shape: bitcastShape(x, dtype) }];
  },
  evaluate([x], { dtype }, [{ shape }]) {
    const stored = denseStored(x);
    const bytes = new Uint8Array(sizeOf(shape) * byteSize(dtype));
    bytes.set(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
    return [new Concrete(dtype, shape, storedView(dtype, bytes.buffer))];
  },
  batch: ([x], [axis], size, { dtype }) => [[bitcast(alignBatch(x, axis, 0, size), dtype), 0]],
  derivative: { kind: "zero" },
};

/** Strict bits of `x` as another dtype. */
export function bitcast(x: Tensor, dtype: Dtype): Tensor {
  return bindOne(bitcastPrimitive, [x], { dtype });
}

/** `x` converted for operands of `dtype`: a real tensor remains real in combination with complex numbers. */
export function meet(x: Tensor, dtype: Dtype): Tensor {
  return convert(x, isComplex(x.dtype) ? dtype : partDtype(dtype));
}

/** Parameters of `stopGradient`: `"unused"` if the result does not affect other results. */
export type StopParams = "unused" | null;

/** The identity, with derivative zero. */
export const stopGradientPrimitive: Primitive<StopParams> = {
  name: "stopGradient",
  isTotal: true,
  narrow: "own",
  type: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  evaluate: ([x]) => [x],
  batch: ([x], [axis], _size, params) => [[stopGradient(x, params), axis]],
  derivative: { kind: "zero", isIdentity: true },
};

/** `x`, as a constant for every differentiation; an unused one is allowed in linear functions. */
export function stopGradient(x: Tensor, params: StopParams = null): Tensor {
  return bindOne(stopGradientPrimitive, [x], params);
}

/** Parameters of `iota`. */
export interface IotaParams {
  /** The length of the result. */
  readonly length: number;
  /** Its dtype. */
  readonly dtype: Dtype;
}

/** 0, 1, 2, … as a vector. */
export const iotaPrimitive: Primitive<IotaParams> = {
  name: "iota",
  isTotal: true,
  type(_args, { length, dtype }) {
    if (dtype === "bool" || isNarrow(dtype)) throw internalError(`iota of ${dtype}`);
    return [{ dtype, shape: [length] }];
  },
  evaluate(_args, { dtype }, [type]) {
    const out = allocateFor(type);
    for (let i = 0; i < out.length; i++) out[i] = i;
    return [new Concrete(dtype, type.shape, out)];
  },
  batch() {
    throw internalError("iota has no arguments that could be batched");
  },
  derivative: { kind: "zero" },
};

/** 0, 1, …, length - 1. */
export function iota(length: number, dtype: Dtype = "int32"): Tensor {
  return convert(bindOne(iotaPrimitive, [], { length, dtype: wideDtype(dtype) }), dtype);
}

/** A constant like `x`, with `value` everywhere. */
export function constantLike(x: Type, value: number): Concrete {
  return splat(value, x.dtype, x.shape);
}
