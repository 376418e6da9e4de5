/**
 * Operands of functions of each element: which dtypes they take, and what becomes a float first.
 *
 * @module
 */
import { defaultFloat, isComplex, isInexact } from "../base/dtype.ts";
import { dtypeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { realOnlyError } from "../core/complex.ts";
import { isNumber, toTensor } from "../core/convert.ts";
import { Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { convert } from "../primitives/structure.ts";
import { applyBinary, floatOperand, promote } from "./broadcasting.ts";

/** `x` as a tensor of numbers; bools are refused. */
export function numberOperand(what: string, x: TensorLike, hint = ""): Tensor {
  const value = toTensor(x, what);
  if (value.dtype === "bool") {
    throw dtypeError(`${what} ${showType(value)}: expected numbers; ${hint}convert with astype`);
  }
  return value;
}

/** `x`, an argument of the function `name`; complex numbers, which have no order, are refused. */
export function realOperand(name: string, x: Tensor): Tensor {
  if (isComplex(x.dtype)) throw realOnlyError(name, [x]);
  return x;
}

/** Throws where one of `operands`, which were made of `given`, is complex. */
export function checkReal(
  name: string,
  operands: readonly Tensor[],
  given: readonly TensorLike[],
): void {
  if (!operands.some(({ dtype }) => isComplex(dtype))) return;
  throw realOnlyError(name, given.map((x) => toTensor(x, `Cannot apply ${name}`)));
}

/** A strict function, named `name` in the API, of operands that were made of `given`: none is complex. */
export function ofReals(
  name: string,
  strict: (x: Tensor, y: Tensor) => Tensor,
  ...given: readonly TensorLike[]
): (x: Tensor, y: Tensor) => Tensor {
  return (x, y) => {
    checkReal(name, [x, y], given);
    return strict(x, y);
  };
}

/** A strict function, named `name` in the API, of two numbers that have an order, or bools. */
export function applyReal(
  what: string,
  name: string,
  strict: (x: Tensor, y: Tensor) => Tensor,
  x: TensorLike,
  y: TensorLike,
): Tensor {
  return applyBinary(what, ofReals(name, strict, x, y), x, y);
}

/** A strict function of floats: integers and bools become float32 first. */
export function applyFloat(what: string, strict: (x: Tensor) => Tensor, x: TensorLike): Tensor {
  return strict(floatOperand(toTensor(x, what)));
}

/** A strict function of two floats: after promotion, integers and bools become float32. */
export function applyFloatBinary(
  what: string,
  strict: (x: Tensor, y: Tensor) => Tensor,
  x: TensorLike,
  y: TensorLike,
): Tensor {
  const [first, second] = promote(what, floatBeside(x, y), floatBeside(y, x));
  return strict(floatOperand(first), floatOperand(second));
}

/** A tensor that meets a number only: a float already, so that the number becomes one with it. */
function floatBeside(x: TensorLike, y: TensorLike): TensorLike {
  if (!(x instanceof Tensor) || isInexact(x.dtype) || !isNumber(y)) return x;
  return convert(x, defaultFloat());
}

/** A strict function of two numbers; bools are refused. */
export function applyNumbers(
  what: string,
  strict: (x: Tensor, y: Tensor) => Tensor,
  x: TensorLike,
  y: TensorLike,
  hint = "",
): Tensor {
  const [first, second] = promote(what, x, y);
  if (first.dtype === "bool") {
    const [left, right] = [x, y].map((z) => showType(toTensor(z, what)));
    throw dtypeError(
      `${what} ${left} and ${right}: expected numbers; ${hint}convert with astype`,
    );
  }
  return strict(first, second);
}
