/**
 * Complex numbers: made of real and imaginary parts, and taken apart.
 *
 * @module
 */
import { complexDtype, isComplex, partDtype } from "../base/dtype.ts";
import { dtypeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { ComplexTensor } from "../core/complex.ts";
import { zerosOf } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { mul, neg } from "../primitives/arithmetic.ts";
import { convert } from "../primitives/structure.ts";
import { atan2, cos, sin } from "../primitives/transcendental.ts";
import { broadcastTogether, floatOperand } from "./broadcasting.ts";
import { numberOperand } from "./operands.ts";

/** Real operands of one dtype and shape, which is a floating-point one. */
function realOperands(what: string, ...xs: readonly TensorLike[]): Tensor[] {
  const parts = broadcastTogether(what, ...xs);
  const wrong = parts.find(({ dtype }) => isComplex(dtype));
  if (wrong === undefined) {
    const dtype = partDtype(complexDtype(floatOperand(parts[0]).dtype));
    return parts.map((part) => convert(part, dtype));
  }
  throw dtypeError(`${what} ${showType(wrong)}: expected real numbers; take real(x) or imag(x)`);
}

/**
 * Complex numbers of real and imaginary parts.
 *
 * A complex tensor prints as `1.+2.i`; its `item` and `toArray` give `{ re, im }`, which functions take
 * where they take numbers, and its `data` alternates real and imaginary parts. Programs hold the parts:
 * `jit`, control flow and files of programs handle real numbers only.
 *
 * **Derivatives** are those of JAX. `jvp` of a holomorphic function is complex linear. The gradient of a
 * real function by `x + i y` is `df/dx - i df/dy`, the conjugate of PyTorch's: descent goes along
 * `conj(gradient)`.
 *
 * @category Complex numbers
 * @param re The real parts: any shape.
 * @param im The imaginary parts, broadcast together with `re`. Default 0.
 * @returns `complex128` where the parts meet in `float64`, else `complex64`.
 * @throws {DtypeError} when a part is complex itself.
 *
 * @example Descent along the conjugate of the gradient
 * ```ts
 * import { abs, complex, conj, grad, square } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const target = complex(1, 2);
 * const distance = (z: Tensor) => square(abs(z.sub(target)));
 * const z = complex(0, 0);
 * const gradient = grad(distance)(z);
 * assertTensorsClose(gradient, complex(-2, 4));
 * assertTensorsClose(z.sub(conj(gradient).mul(0.5)), target);
 * ```
 */
export function complex(re: TensorLike, im?: TensorLike): Tensor {
  const [first, second] = realOperands("Cannot make complex numbers of", re, im ?? 0);
  return new ComplexTensor(first, second);
}

/**
 * Complex numbers of given absolute values and angles.
 *
 * @category Complex numbers
 * @param size The absolute values: any shape.
 * @param angle The angles in radians, broadcast together with `size`.
 * @returns `complex128` where the arguments meet in `float64`, else `complex64`.
 * @throws {DtypeError} when an argument is complex itself.
 *
 * @example Half a turn
 * ```ts
 * import { complex, polar } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(polar(2, Math.PI), complex(-2, 0));
 * ```
 */
export function polar(size: TensorLike, angle: TensorLike): Tensor {
  const [r, t] = realOperands("Cannot make complex numbers of", size, angle);
  return new ComplexTensor(mul(r, cos(t)), mul(r, sin(t)));
}

/**
 * Real part of each element.
 *
 * @category Complex numbers
 * @param x Any shape.
 * @returns The shape of `x`, in the dtype of its parts; `x` itself where it is real.
 * @throws {DtypeError} when `x` is of dtype `bool`.
 *
 * @example Parts
 * ```ts
 * import { complex, imag, real } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const z = complex([1, 2], [3, 4]);
 * assertTensorsClose(real(z), [1, 2]);
 * assertTensorsClose(imag(z), [3, 4]);
 * ```
 */
export function real(x: TensorLike): Tensor {
  const value = numberOperand("Cannot take the real part of", x);
  return value instanceof ComplexTensor ? value.re : value;
}

/**
 * Imaginary part of each element.
 *
 * @category Complex numbers
 * @param x Any shape.
 * @returns The shape of `x`, in the dtype of its parts; zeros where it is real.
 * @throws {DtypeError} when `x` is of dtype `bool`.
 *
 * @example Of a real tensor
 * ```ts
 * import { imag } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(imag([1, 2]), [0, 0]);
 * ```
 */
export function imag(x: TensorLike): Tensor {
  const value = numberOperand("Cannot take the imaginary part of", x);
  return value instanceof ComplexTensor ? value.im : zerosOf(value);
}

/**
 * Complex conjugate of each element.
 *
 * @category Complex numbers
 * @param x Any shape.
 * @returns The shape and dtype of `x`; `x` itself where it is real.
 * @throws {DtypeError} when `x` is of dtype `bool`.
 *
 * @example The square of the absolute value
 * ```ts
 * import { complex, conj, mul } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const z = complex(3, 4);
 * assertTensorsClose(mul(z, conj(z)), complex(25, 0));
 * ```
 */
export function conj(x: TensorLike): Tensor {
  const value = numberOperand("Cannot take the conjugate of", x);
  return value instanceof ComplexTensor ? new ComplexTensor(value.re, neg(value.im)) : value;
}

/**
 * Angle of each element, from -π to π; that of zero is 0 or π, by the sign of its real part. Its
 * derivative at zero is 0.
 *
 * @category Complex numbers
 * @param x Any shape.
 * @returns The shape of `x`, in the dtype of its parts; integers become `float32`.
 * @throws {DtypeError} when `x` is of dtype `bool`.
 *
 * @example Quarter turns
 * ```ts
 * import { angle, complex } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(angle(complex([1, 0, -1], [0, 2, 0])), [0, Math.PI / 2, Math.PI]);
 * ```
 */
export function angle(x: TensorLike): Tensor {
  const value = floatOperand(numberOperand("Cannot take the angle of", x));
  return value instanceof ComplexTensor ? atan2(value.im, value.re) : atan2(zerosOf(value), value);
}
