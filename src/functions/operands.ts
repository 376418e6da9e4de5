/**
 * Operands of functions of each element: which dtypes they take, and what becomes a float first.
 *
 * @module
 */
import { defaultFloat, isInexact } from "../base/dtype.ts";
import { dtypeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { isNumber, toTensor } from "../core/convert.ts";
import { Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { convert } from "../primitives/structure.ts";
import { floatOperand, promote } from "./broadcasting.ts";

/** `x` as a tensor of numbers; bools are refused. */
export function numberOperand(what: string, x: TensorLike, hint = ""): Tensor {
  const value = toTensor(x, what);
  if (value.dtype === "bool") {
    throw dtypeError(`${what} ${showType(value)}: expected numbers; ${hint}convert with astype`);
  }
  return value;
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
