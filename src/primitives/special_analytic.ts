/**
 * Functions of complex numbers, as separate real and imaginary parts, with the derivatives of each.
 *
 * @module
 */
import { faddeeva as faddeevaOf, logGamma as logGammaOf } from "../numeric/special/analytic.ts";
import type { Pair } from "../numeric/special/analytic.ts";
import type { Primitive } from "../core/primitive.ts";
import type { Tensor } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { mul, neg, scale } from "./arithmetic.ts";
import { mapped } from "./elementwise.ts";

/** Parameters of a part of an analytic function. */
export interface PartParams {
  /** The order of the derivative, in the scale of its family. */
  readonly order: number;
  /** Whether it is the imaginary part. */
  readonly isImaginary: boolean;
}

/**
 * The parts of a family of analytic functions of `x + iy`, whose derivatives are a number times the
 * next one: `slopeOf` returns the factor, and whether it is imaginary.
 */
function analytic(
  name: string,
  of: (order: number, x: number, y: number) => Pair,
  slopeOf: (order: number) => { readonly factor: number; readonly isTurned: boolean },
): Primitive<PartParams> {
  // By the Cauchy-Riemann equations: f' dz is i f' for a step along the imaginary axis.
  const tangent = (isAcross: boolean) =>
  (
    step: Tensor,
    args: readonly Tensor[],
    _out: readonly Tensor[],
    { order, isImaginary }: PartParams,
  ) => {
    const { factor, isTurned } = slopeOf(order);
    const turns = Number(isTurned) + Number(isAcross);
    // The part of iᵗ g, which is that of g or the other one.
    const part = bindOne(primitive, args, {
      order: order + 1,
      isImaginary: isImaginary !== (turns === 1),
    });
    const isNegative = turns === 2 || (turns === 1 && !isImaginary);
    const product = mul(step, factor === 1 ? part : scale(part, factor));
    return isNegative ? neg(product) : product;
  };
  const primitive: Primitive<PartParams> = mapped<PartParams>({
    name,
    arity: 2,
    apply: ({ order, isImaginary }) => (x, y) => of(order, x, y)[isImaginary ? 1 : 0],
    derivative: { kind: "smooth", tangents: [tangent(false), tangent(true)] },
  });
  return primitive;
}

/** Faddeeva's function, or a derivative over `(2i)ⁿ n!`. */
export const faddeevaPrimitive: Primitive<PartParams> = analytic(
  "faddeeva",
  faddeevaOf,
  (order) => ({ factor: 2 * (order + 1), isTurned: true }),
);

/** The logarithm of the gamma function, or a derivative. */
export const complexLogGammaPrimitive: Primitive<PartParams> = analytic(
  "complexLogGamma",
  logGammaOf,
  () => ({ factor: 1, isTurned: false }),
);

/** Both parts of a function of `x + iy`. */
export function partsOf(
  primitive: Primitive<PartParams>,
  x: Tensor,
  y: Tensor,
): readonly [re: Tensor, im: Tensor] {
  const part = (isImaginary: boolean) => bindOne(primitive, [x, y], { order: 0, isImaginary });
  return [part(false), part(true)];
}
