/**
 * Quotients and remainders of all kinds, and choices that NaN does not win.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import * as arithmetic from "../primitives/arithmetic.ts";
import { and, equal, isNan, less, not, select, xor } from "../primitives/comparison.ts";
import { constantLike, stopGradient } from "../primitives/structure.ts";
import { div, mod } from "./arithmetic.ts";
import { copysign } from "./floats.ts";
import { applyFloatBinary, applyNumbers, applyReal, checkReal } from "./operands.ts";

/**
 * Quotient of each pair of elements, rounded down: `div` with `roundingMode: "floor"`, Python's `//`.
 *
 * @category Arithmetic
 * @param x The dividends, of any shape.
 * @param y The divisors, of any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to. Its derivative is 0.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Down
 * ```ts
 * import { floorDivide } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(floorDivide([7, -7], 2), [3, -4]);
 * ```
 */
export function floorDivide(x: TensorLike, y: TensorLike): Tensor {
  return div(x, y, { roundingMode: "floor" });
}

/**
 * Quotient of each pair of elements, rounded down, and the remainder: `[floorDivide(x, y), mod(x, y)]`.
 *
 * @category Arithmetic
 * @param x The dividends, of any shape.
 * @param y The divisors, of any shape that broadcasts with `x`.
 * @returns The quotients and the remainders, each in the common dtype and shape.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Both at once
 * ```ts
 * import { divmod } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [quotient, remainder] = divmod([7, -7], 2);
 * assertTensorsClose(quotient, [3, -4]);
 * assertTensorsClose(remainder, [1, 1]);
 * ```
 */
export function divmod(x: TensorLike, y: TensorLike): [quotients: Tensor, remainders: Tensor] {
  return [floorDivide(x, y), mod(x, y)];
}

/**
 * Remainder of each pair of elements, with the sign of the dividend `x`, as C's `fmod` and JavaScript's `%`:
 * `x - trunc(x / y) * y`. The remainder of an integer by 0 is 0, that of a float NaN.
 *
 * @category Arithmetic
 * @param x The dividends, of any shape.
 * @param y The divisors, of any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {DtypeError} when both are of dtype `bool`, or either is complex.
 *
 * @example The sign of the dividend
 * ```ts
 * import { fmod } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(fmod([7, -7], 3), [1, -1]);
 * ```
 */
export function fmod(x: TensorLike, y: TensorLike): Tensor {
  return applyNumbers(
    "Cannot take the remainder of",
    (dividend, divisor) => {
      checkReal("fmod", [dividend, divisor], [x, y]);
      const zero = constantLike(dividend, 0);
      if (isFloat(dividend.dtype)) {
        const rest = arithmetic.mod(arithmetic.abs(dividend), arithmetic.abs(divisor));
        return copysign(rest, dividend);
      }
      const rest = arithmetic.mod(dividend, divisor);
      const isOther = xor(less(rest, zero), less(dividend, zero));
      const isMoved = and(not(equal(rest, zero)), isOther);
      return select(isMoved, arithmetic.sub(rest, divisor), rest);
    },
    x,
    y,
  );
}

/**
 * Larger of each pair of elements; where one is NaN, the other one. A tie splits the derivative in halves.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {DtypeError} when either is complex.
 *
 * @example Past NaN
 * ```ts
 * import { fmax } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(fmax([1, NaN, 3], [2, 5, NaN]), [2, 5, 3]);
 * ```
 */
export function fmax(x: TensorLike, y: TensorLike): Tensor {
  return pastNan("fmax", "Cannot take the maximum of", arithmetic.maximum, x, y);
}

/**
 * Smaller of each pair of elements; where one is NaN, the other one. A tie splits the derivative in halves.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @param y Any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {DtypeError} when either is complex.
 *
 * @example Past NaN
 * ```ts
 * import { fmin } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(fmin([1, NaN, 3], [2, 5, NaN]), [1, 5, 3]);
 * ```
 */
export function fmin(x: TensorLike, y: TensorLike): Tensor {
  return pastNan("fmin", "Cannot take the minimum of", arithmetic.minimum, x, y);
}

/** A choice between two elements that never chooses NaN if the other one is a number. */
function pastNan(
  name: string,
  what: string,
  choose: (x: Tensor, y: Tensor) => Tensor,
  x: TensorLike,
  y: TensorLike,
): Tensor {
  return applyReal(
    what,
    name,
    (a, b) => {
      if (!isFloat(a.dtype)) return choose(a, b);
      const [first, second] = [select(isNan(a), b, a), select(isNan(b), a, b)];
      return choose(first, second);
    },
    x,
    y,
  );
}

/**
 * 0 where an element is negative, 1 where it is positive, `y` where it is 0, and NaN where it is NaN. Its derivative by `x` is 0.
 *
 * @category Arithmetic
 * @param x Any shape.
 * @param y The values at 0, of any shape that broadcasts with `x`.
 * @returns The common dtype, in the shape that both broadcast to. Integers and bools become floats.
 * @throws {ShapeError} when the shapes do not broadcast.
 * @throws {DtypeError} when either is complex.
 *
 * @example A step
 * ```ts
 * import { heaviside } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(heaviside([-1.5, 0, 2], 0.5), [0, 0.5, 1]);
 * ```
 */
export function heaviside(x: TensorLike, y: TensorLike): Tensor {
  return applyFloatBinary(
    "Cannot take the step of",
    (value, middle) => {
      checkReal("heaviside", [value, middle], [x, y]);
      const [zero, one] = [0, 1].map((number) => constantLike(value, number));
      const held = stopGradient(value);
      const step = select(less(held, zero), zero, select(less(zero, held), one, held));
      return select(equal(held, zero), middle, step);
    },
    x,
    y,
  );
}
