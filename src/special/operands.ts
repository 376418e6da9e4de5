/**
 * What special functions do with their arguments.
 *
 * @module
 */
import { isComplex, isInexact } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { dtypeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { ComplexTensor, realPart } from "../core/complex.ts";
import { toTensor } from "../core/convert.ts";
import { zerosOf } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import {
  broadcastTo,
  broadcastTogether,
  commonShape,
  floatOperand,
} from "../functions/broadcasting.ts";
import { checkReal } from "../functions/operands.ts";
import { convert } from "../primitives/structure.ts";

/**
 * A strict function of floats of one type, which users know as `name`. Those of 32 bits and less are
 * computed in double precision and rounded once: intermediate values often need more digits, or a wider
 * range, than the result.
 */
export function floats(
  name: string,
  given: readonly TensorLike[],
  strict: (args: readonly Tensor[]) => Tensor,
): Tensor {
  const [args, dtype] = floatsOf(name, given);
  return convert(strict(args), dtype);
}

/** The arguments as doubles of one shape, and the dtype that they meet in. */
function floatsOf(name: string, given: readonly TensorLike[]): [readonly Tensor[], Dtype] {
  const together = broadcastTogether(`Cannot take ${name} of`, ...given);
  checkReal(name, together, given);
  const args = together.map(floatOperand);
  return [args.map((x) => convert(x, "float64")), args[0].dtype];
}

/** A function of the parts of a complex number of doubles, which users know as `name`; the result is complex. */
export function complexOperand(
  name: string,
  z: TensorLike,
  strict: (re: Tensor, im: Tensor) => readonly [re: Tensor, im: Tensor],
): Tensor {
  const value = floatOperand(toTensor(z, `Cannot take ${name} of`));
  const [re, im] = [realPart(value), value instanceof ComplexTensor ? value.im : zerosOf(value)]
    .map((part) => convert(part, "float64"));
  const parts = strict(re, im);
  const dtype = value.dtype === "float64" || value.dtype === "complex128" ? "float64" : "float32";
  return new ComplexTensor(convert(parts[0], dtype), convert(parts[1], dtype));
}

/** Whether an argument is complex. */
export function isComplexLike(name: string, x: TensorLike): boolean {
  return isComplex(toTensor(x, `Cannot take ${name} of`).dtype);
}

/** The same for functions with integers before the floats; the result may be complex. */
export function integersBeside(
  name: string,
  integers: Readonly<Record<string, TensorLike>>,
  reals: Readonly<Record<string, TensorLike>>,
  strict: (integers: readonly Tensor[], reals: readonly Tensor[]) => Tensor,
): Tensor {
  const what = `Cannot take ${name}`;
  const whole = Object.entries(integers).map(([key, value]) => {
    const x = toTensor(value, what);
    if (!isInexact(x.dtype)) return convert(x, "int32");
    const elements = typeof value === "number" || Array.isArray(value) ? x.data() : [NaN];
    if (isComplex(x.dtype) || !Array.from(elements).every(Number.isInteger)) {
      throw dtypeError(`${what}: ${key} is ${showType(x)}; expected integers, convert with astype`);
    }
    return convert(x, "int32");
  });
  const [args, dtype] = floatsOf(name, Object.values(reals));
  const shape = commonShape(what, [...whole, ...args]);
  const [first, last] = [whole, args].map((list) => list.map((x) => broadcastTo(x, shape)));
  const result = strict(first, last);
  return convert(result, isComplex(result.dtype) ? complexOf(dtype) : dtype);
}

/** The dtype of complex numbers with parts like these. */
function complexOf(dtype: Dtype): Dtype {
  return dtype === "float64" ? "complex128" : "complex64";
}
