/**
 * How the functions of linear algebra read matrices.
 *
 * @module
 */
import { complexDtype, isComplex } from "../base/dtype.ts";
import { shapeError } from "../base/errors.ts";
import { broadcastShapes, range, showShape, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { broadcastTo, floatOperand, promoteTogether } from "../functions/broadcasting.ts";
import { checkMatrices, checkSquare, leading, transposed } from "../primitives/matrices.ts";
import { convert, reshape, transpose } from "../primitives/structure.ts";
import "../primitives/complex_matrices.ts";

/** `x` as matrices of floats; `what` begins messages: "Cannot factorise". */
export function readMatrices(x: TensorLike, what: string): Tensor {
  const value = floatOperand(toTensor(x, what));
  checkMatrices(value, what);
  return value;
}

/** `x` as square matrices of floats. */
export function readSquare(x: TensorLike, what: string): Tensor {
  const value = floatOperand(toTensor(x, what));
  checkSquare(value, what);
  return value;
}

/** Tensors as complex ones. */
export function asComplex(x: Tensor): Tensor {
  return isComplex(x.dtype) ? x : convert(x, complexDtype(x.dtype));
}

/** Arguments of one floating-point dtype, complex ones if one of them is. */
export function readTogether(what: string, xs: readonly TensorLike[]): Tensor[] {
  const values = promoteTogether(what, xs).map(floatOperand);
  return values.some((x) => isComplex(x.dtype)) ? values.map(asComplex) : values;
}

/** Matrices, and what stands right of the equations. */
export interface System {
  /** The matrices, `[..., m, n]`. */
  readonly a: Tensor;
  /** The right sides, `[..., m, k]`. */
  readonly b: Tensor;
  /** From solutions `[..., n, k]` to what the user gets. */
  readonly finish: (x: Tensor) => Tensor;
  /** From one number per column, `[..., k]`, to what the user gets. */
  readonly finishSums: (sums: Tensor) => Tensor;
}

/**
 * Reads the arguments of what solves `a x = b`, or `x a = b` where `isLeft` is false. The right side is
 * a vector when it has one axis, and matrices otherwise; leading axes are broadcast. Where all right
 * sides meet one matrix, their leading axes become columns, so that it is not repeated.
 */
export function readSystem(
  what: string,
  left: TensorLike,
  right: TensorLike,
  check: (a: Tensor, what: string) => void,
  isLeft = true,
): System {
  const [a, b] = promoteTogether(what, [left, right]).map(floatOperand);
  check(a, what);
  const shown = `${what} ${showType(a)} with ${showType(b)} on the right`;
  if (b.ndim === 0) throw shapeError(`${shown}: expected a vector or a matrix there`);
  const isVector = b.ndim === 1;
  const matrix = isVector ? reshape(b, [b.size, 1]) : isLeft ? b : transposed(b);
  const [rows, own] = [a.shape[a.ndim - 2], matrix.shape[matrix.ndim - 2]];
  if (rows !== own) {
    const name = isLeft || isVector ? "rows" : "columns";
    throw shapeError(`${shown}: expected as many ${name}, current numbers are ${rows} and ${own}`);
  }
  const batch = broadcastShapes(leading(a), leading(matrix));
  if (batch === null) {
    throw shapeError(
      `${shown}: leading axes must broadcast, ` +
        `current ones are ${showShape(leading(a))} and ${showShape(leading(matrix))}`,
    );
  }
  const finish = (x: Tensor): Tensor =>
    isVector ? reshape(x, x.shape.slice(0, -1)) : isLeft ? x : transposed(x);
  if (a.ndim === 2 && matrix.ndim > 2) {
    const system = gatherColumns(a, matrix);
    return { ...system, finish: (x) => finish(system.finish(x)) };
  }
  const columns = matrix.shape[matrix.ndim - 1];
  return {
    a: broadcastTo(a, [...batch, ...a.shape.slice(-2)]),
    b: broadcastTo(matrix, [...batch, own, columns]),
    finish,
    finishSums: (sums) => sums,
  };
}

/** A batch of right sides as the columns of one. */
function gatherColumns(a: Tensor, b: Tensor): System {
  const batch = leading(b);
  const [rows, columns] = b.shape.slice(-2);
  const [row, column] = [b.ndim - 2, b.ndim - 1];
  const wide = transpose(b, [row, ...range(row), column]);
  const width = batch.reduce((product, length) => product * length, columns);
  return {
    a,
    b: reshape(wide, [rows, width]),
    finish(x) {
      const full = reshape(x, [x.shape[0], ...batch, columns]);
      return transpose(full, [...range(1, column), 0, column]);
    },
    finishSums: (sums) => reshape(sums, [...batch, columns]),
  };
}
