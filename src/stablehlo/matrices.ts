/**
 * Shared operations of the rules of factorisations: batches of matrices in double precision, `[count,
 * m, n]`, and rows, columns and masks of them.
 *
 * @module
 */
import { sizeOf } from "../base/shape.ts";
import type { Type } from "../core/tensor.ts";
import type { Builder, Direction, Operand } from "./builder.ts";
import { gatherRows } from "./indexing.ts";
import type { Kind, Value, ValueType } from "./writer.ts";

/** The axes of rows and of columns. */
export const [ROWS, COLUMNS] = [1, 2] as const;

/** Matrices, in the last two axes, as a batch with one leading axis, in double precision. */
export function asMatrices(b: Builder, x: Value): Value {
  const [m, n] = x.shape.slice(-2);
  const shape = [sizeOf(x.shape.slice(0, -2)), m, n];
  return b.convert(b.reshape(x, shape), "float64");
}

/** A result of one of these rules as the type of the primitive's result. */
export function asResult(b: Builder, x: Value, { dtype, shape }: Type): Value {
  return b.convert(b.reshape(x, shape), dtype);
}

/** A value repeated to the shape of `type`: along axes where it has length 1, or everywhere for a scalar. */
export function stretch(b: Builder, x: Value, { shape }: ValueType): Value {
  if (x.shape.every((length, axis) => length === shape[axis]) && x.shape.length === shape.length) {
    return x;
  }
  const kept = x.shape.flatMap((length, axis) => length === shape[axis] ? [axis] : []);
  const squeezed = b.reshape(x, kept.map((axis) => shape[axis]));
  return b.broadcast(squeezed, { dtype: x.dtype, shape }, kept);
}

/** The position of each element along an axis of `like`, int32. */
export function placesIn(b: Builder, like: ValueType, axis: number): Value {
  return b.iota({ dtype: "int32", shape: like.shape }, axis);
}

/** Which elements of `like` are at a position along an axis, before it, or after it. */
export function standing(
  b: Builder,
  like: ValueType,
  axis: number,
  direction: Direction,
  place: Operand,
): Value {
  const places = placesIn(b, like, axis);
  return b.compare(
    direction,
    places,
    typeof place === "number" ? place : stretch(b, place, places),
  );
}

/** The rows or columns from a position on, `count` of them. */
export function partOf(b: Builder, x: Value, axis: number, place: Value, count = 1): Value {
  const zero = b.scalar(0, "int32");
  return b.dynamicSlice(
    x,
    x.shape.map((_, i) => i === axis ? place : zero),
    x.shape.map((length, i) => i === axis ? count : length),
  );
}

/** `x` with the rows or columns from a position on replaced. */
export function withPart(b: Builder, x: Value, part: Value, axis: number, place: Value): Value {
  const zero = b.scalar(0, "int32");
  return b.updateSlice(x, part, x.shape.map((_, i) => i === axis ? place : zero));
}

/** The sum along an axis, which is kept with length 1. */
export function sumAlong(b: Builder, x: Value, axis: number): Value {
  return reduceAlong(b, "stablehlo.add", x, 0, axis);
}

/** Elements along an axis combined; the axis is kept with length 1. */
export function reduceAlong(
  b: Builder,
  operation: string,
  x: Value,
  initial: number,
  axis: number,
): Value {
  return b.reshape(
    b.reduceBy(operation, x, initial, [axis]),
    x.shape.map((length, i) => i === axis ? 1 : length),
  );
}

/** Rows, columns or elements of each matrix of the batch in another order, `[count, n]`. */
export function reordered(b: Builder, x: Value, order: Value, axis: number): Value {
  const outer = axis === COLUMNS ? [ROWS] : [];
  return gatherRows(b, x, order, { batch: 1, outer }, x);
}

/** The products of two batches of matrices, along the given axes of both. */
export function productOf(
  b: Builder,
  x: Value,
  y: Value,
  axes: readonly [number, number] = [COLUMNS, ROWS],
): Value {
  const free = axes.map((axis) => axis === ROWS ? COLUMNS : ROWS);
  return b.short(
    "stablehlo.dot_general",
    [x, y],
    `batching_dims = [0] x [0], contracting_dims = [${axes[0]}] x [${axes[1]}], ` +
      "precision = [HIGHEST, HIGHEST]",
    { dtype: x.dtype, shape: [x.shape[0], x.shape[free[0]], y.shape[free[1]]] },
  );
}

/** A number everywhere in a type derived from these. */
export function filled(b: Builder, value: number, dtype: Kind, shape: readonly number[]): Value {
  return b.splat(value, { dtype, shape });
}

/** Matrices with ones on the diagonal and zeros elsewhere. */
export function identity(b: Builder, count: number, rows: number, columns: number): Value {
  const one = filled(b, 1, "float64", [count, rows, columns]);
  return b.select(b.compare("EQ", placesIn(b, one, ROWS), placesIn(b, one, COLUMNS)), one, 0);
}
