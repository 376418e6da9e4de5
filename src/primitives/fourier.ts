/**
 * Discrete Fourier transforms along the last axis, on real and imaginary parts as separate tensors.
 * Nothing is divided by the length.
 *
 * As a real linear map of pairs, the transpose of a transform is the one with the other sign. The
 * transpose of the transform of real numbers, restricted to the part that symmetry does not determine,
 * is a sum of real parts. So the family is closed under adjoints.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import { dtypeError, shapeError } from "../base/errors.ts";
import { sameShape, showType, sizeOf } from "../base/shape.ts";
import { halfLength, transformReal, transformToReal } from "../numeric/fft/real.ts";
import type { Pair } from "../numeric/fft/roots.ts";
import { transform, transformBack } from "../numeric/fft/transform.ts";
import type { Primitive } from "../core/primitive.ts";
import { withinMemory } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bind, bindOne } from "../core/trace.ts";
import { batchLeading, doublesFor, fromDoubles, inDoubles } from "./matrices.ts";

/** Parameters of `fourier`. */
export interface FourierParams {
  /** Whether the exponent is positive, as in an inverse transform. */
  readonly inverse: boolean;
}

/** Parameters of `realOfFourier`. */
export interface RealParams {
  /** The length of the result's last axis. */
  readonly length: number;
}

/** Throws unless the operands are floats of one type with a last axis that is not empty. */
function checkParts(parts: readonly Type[]): void {
  const [first] = parts;
  if (parts.some(({ dtype }) => !isFloat(dtype) || dtype !== first.dtype)) {
    throw dtypeError(
      `Cannot transform ${parts.map(showType).join(" and ")}: expected one floating-point dtype`,
    );
  }
  if (parts.some(({ shape }) => !sameShape(shape, first.shape))) {
    throw shapeError(
      `Cannot transform ${parts.map(showType).join(" and ")}: expected equal shapes`,
    );
  }
  if (first.shape.length === 0 || lengthOf(first) === 0) {
    throw shapeError(`Cannot transform ${showType(first)}: expected a last axis with elements`);
  }
}

function lengthOf({ shape }: Type): number {
  return shape[shape.length - 1];
}

/** The type with another length of the last axis. */
function withLength({ dtype, shape }: Type, length: number): Type {
  return { dtype, shape: [...shape.slice(0, -1), length] };
}

/** Row `i` of a pair of batches. */
function rowOf([re, im]: readonly Float64Array[], i: number, length: number): Pair {
  const [from, to] = [i * length, (i + 1) * length];
  return { re: re.subarray(from, to), im: im.subarray(from, to) };
}

/**
 * Real and imaginary parts `[..., n]` of `Σ x[j] e^(∓2πi jk / n)`, from those of `x`. Compiled programs
 * may pass tables as further arguments.
 */
export const fourierPrimitive: Primitive<FourierParams> = {
  name: "fourier",
  type([re, im]) {
    checkParts([re, im]);
    return [re, im].map(({ dtype, shape }) => ({ dtype, shape }));
  },
  evaluate([re, im], { inverse }, types) {
    return withinMemory(types[0], () => {
      const parts = [inDoubles(re), inDoubles(im)];
      const n = lengthOf(re);
      const count = sizeOf(re.shape.slice(0, -1));
      for (let i = 0; i < count; i++) (inverse ? transformBack : transform)(rowOf(parts, i, n));
      return parts.map((part, i) => fromDoubles(part, types[i]));
    });
  },
  batch: (args, axes, size, params) => batchLeading(fourierPrimitive, args, axes, size, params),
  derivative: {
    kind: "linear",
    transpose: ([re, im], _args, { inverse }) => fourier(re, im, { inverse: !inverse }),
  },
  isTotal: true,
};

/** Strict transforms of pairs. */
export function fourier(re: Tensor, im: Tensor, params: FourierParams): [re: Tensor, im: Tensor] {
  const [a, b] = bind(fourierPrimitive, [re, im], params);
  return [a, b];
}

/** Real and imaginary parts `[..., floor(n / 2) + 1]` of the transform of real `x` `[..., n]`. */
export const fourierOfRealPrimitive: Primitive<null> = {
  name: "fourierOfReal",
  type([x]) {
    checkParts([x]);
    const type = withLength(x, halfLength(lengthOf(x)));
    return [type, type];
  },
  evaluate([x], _params, types) {
    return withinMemory(x, () => {
      const source = inDoubles(x);
      const parts = types.map(doublesFor);
      const [n, half] = [lengthOf(x), lengthOf(types[0])];
      const count = sizeOf(x.shape.slice(0, -1));
      for (let i = 0; i < count; i++) {
        transformReal(source.subarray(i * n, (i + 1) * n), rowOf(parts, i, half));
      }
      return parts.map((part, i) => fromDoubles(part, types[i]));
    });
  },
  batch: (args, axes, size) => batchLeading(fourierOfRealPrimitive, args, axes, size, null),
  derivative: {
    kind: "linear",
    transpose: ([re, im], [x]) => [realOfFourier(re, im, { length: lengthOf(x) })],
  },
  isTotal: true,
};

/** Strict transform of real numbers. */
export function fourierOfReal(x: Tensor): [re: Tensor, im: Tensor] {
  const [re, im] = bind(fourierOfRealPrimitive, [x], null);
  return [re, im];
}

/**
 * `Σ Re(y[k] e^(2πi jk / n))` `[..., n]`, from the real and imaginary parts `[..., floor(n / 2) + 1]`
 * of `y`. If all numbers except the first and the middle one are doubled, it is `n` times the inverse
 * of the transform of real numbers.
 */
export const realOfFourierPrimitive: Primitive<RealParams> = {
  name: "realOfFourier",
  type([re, im], { length }) {
    checkParts([re, im]);
    if (lengthOf(re) !== halfLength(length)) {
      throw shapeError(
        `Cannot transform ${showType(re)} to ${length} real numbers: expected ` +
          `${halfLength(length)} in the last axis`,
      );
    }
    return [withLength(re, length)];
  },
  evaluate([re, im], { length }, [type]) {
    return withinMemory(type, () => {
      const parts = [inDoubles(re), inDoubles(im)];
      const out = doublesFor(type);
      const half = lengthOf(re);
      const count = sizeOf(re.shape.slice(0, -1));
      for (let i = 0; i < count; i++) {
        transformToReal(rowOf(parts, i, half), out.subarray(i * length, (i + 1) * length));
      }
      return [fromDoubles(out, type)];
    });
  },
  batch: (args, axes, size, params) =>
    batchLeading(realOfFourierPrimitive, args, axes, size, params),
  derivative: { kind: "linear", transpose: ([x]) => fourierOfReal(x) },
  isTotal: true,
};

/** Strict sums of real parts. */
export function realOfFourier(re: Tensor, im: Tensor, params: RealParams): Tensor {
  return bindOne(realOfFourierPrimitive, [re, im], params);
}
