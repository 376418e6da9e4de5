/**
 * Gamma distributed numbers, and their derivatives with respect to the concentration.
 *
 * @module
 */
import { describeValue, isFloat } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { sameShape, showType } from "../base/shape.ts";
import { sampleGamma } from "../numeric/gamma_sampler.ts";
import { gammaSlope } from "../numeric/gamma_slope.ts";
import { mapTwo } from "../numeric/map.ts";
import type { Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { add, mul, neg, scale, sub } from "./arithmetic.ts";
import { equal, select } from "./comparison.ts";
import { batchElementwise, storedLength } from "./elementwise.ts";
import { constantLike } from "./structure.ts";
import { exp, log, polygamma } from "./transcendental.ts";

/** Parameters of `randomGamma`. */
export interface RandomGammaParams {
  /** Whether the results are logarithms, which do not underflow where concentrations are small. */
  readonly logSpace: boolean;
}

/** The types of two words and a float of one shape. */
function randomGammaType(args: readonly Type[]): Type[] {
  const what = `Cannot apply randomGamma to ${args.map(showType).join(", ")}`;
  const [high, low, concentration] = args;
  if (args.length !== 3 || high.dtype !== "uint32" || low.dtype !== "uint32") {
    throw dtypeError(`${what}: expected two words uint32 of a key and a concentration`);
  }
  if (!isFloat(concentration.dtype)) {
    throw dtypeError(`${what}: the concentration must be of a floating-point dtype`);
  }
  if (args.some((arg) => !sameShape(arg.shape, high.shape))) {
    throw shapeError(`${what}: shapes must be equal`);
  }
  return [{ dtype: concentration.dtype, shape: concentration.shape }];
}

/**
 * A gamma distributed number for each key and concentration. A draw by rejection is not a smooth
 * function of the concentration; its derivative is that of the number with the same rank (Figurnov et
 * al., "Implicit reparameterization gradients", 2018), and so are all higher ones.
 */
export const randomGammaPrimitive: Primitive<RandomGammaParams> = {
  name: "randomGamma",
  type: randomGammaType,
  evaluate(args, { logSpace }, [type]) {
    const [high, low, concentration] = args.map(({ elements }) => elements);
    const length = storedLength([high, low, concentration]);
    const out = allocateFor({ dtype: type.dtype, shape: [length] });
    const [stepHigh, stepLow, step] = [high, low, concentration]
      .map((elements) => elements.length === 1 ? 0 : 1);
    const isDouble = type.dtype === "float64";
    for (let i = 0; i < length; i++) {
      const a = concentration[i * step];
      out[i] = sampleGamma(high[i * stepHigh], low[i * stepLow], a, logSpace, isDouble);
    }
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch: (args, axes, size, params) =>
    batchElementwise(randomGammaPrimitive, args, axes, size, params),
  derivative: {
    kind: "smooth",
    tangents: [null, null, (da, args, [out], { logSpace }) => {
      const a = args[2];
      if (logSpace) return mul(da, randomGammaSlope(a, out, 1));
      // Where the number is 0 it remains so; the logarithm of 1 avoids NaN in the product.
      const isZero = equal(out, constantLike(out, 0));
      const held = select(isZero, constantLike(out, 1), out);
      return mul(da, mul(out, randomGammaSlope(a, log(held), 1)));
    }],
  },
};

/** A gamma distributed number, or its logarithm, for keys and concentrations of one shape. */
export function randomGamma(
  high: Tensor,
  low: Tensor,
  concentration: Tensor,
  logSpace: boolean,
): Tensor {
  return bindOne(randomGammaPrimitive, [high, low, concentration], { logSpace });
}

/** Parameters of `randomGammaSlope`. */
export interface RandomGammaSlopeParams {
  /** The order of the derivative of the cumulative distribution: a positive integer. */
  readonly order: number;
}

/**
 * `Rₙ = -∂ⁿG/∂aⁿ / g` of concentrations `a` and logarithms `y` of numbers, where `G(a, y)` is the
 * cumulative distribution of `y` and `g` its density; order 1 is the derivative of `y` with respect to
 * `a`. By the quotient rule the derivatives of one order are functions of it and the next, so that all
 * orders exist.
 */
export const randomGammaSlopePrimitive: Primitive<RandomGammaSlopeParams> = {
  name: "randomGammaSlope",
  type(args, { order }) {
    const what = `Cannot apply randomGammaSlope to ${args.map(showType).join(" and ")}`;
    if (!Number.isSafeInteger(order) || order < 1) {
      throw argumentError(`${what}: order must be a positive integer, got ${describeValue(order)}`);
    }
    const [a, y] = args;
    if (args.some(({ dtype }) => !isFloat(dtype)) || a.dtype !== y.dtype) {
      throw dtypeError(`${what}: expected two tensors of one floating-point dtype`);
    }
    if (!sameShape(a.shape, y.shape)) throw shapeError(`${what}: shapes must be equal`);
    return [{ dtype: a.dtype, shape: a.shape }];
  },
  evaluate([a, y], { order }, [type]) {
    const length = storedLength([a.elements, y.elements]);
    const out = allocateFor({ dtype: type.dtype, shape: [length] });
    mapTwo(out, a.elements, y.elements, (u, v) => gammaSlope(order, u, v));
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch: (args, axes, size, params) =>
    batchElementwise(randomGammaSlopePrimitive, args, axes, size, params),
  derivative: {
    kind: "smooth",
    tangents: [
      (da, [a, y], [out], { order }) =>
        mul(da, sub(randomGammaSlope(a, y, order + 1), mul(out, sub(y, polygamma(a, 0))))),
      (dy, [a, y], [out], { order }) =>
        mul(dy, neg(add(densitySlope(a, y, order), mul(out, sub(a, exp(y)))))),
    ],
  },
};

/** Strict `Rₙ` of concentrations and logarithms of numbers. */
export function randomGammaSlope(concentration: Tensor, logarithm: Tensor, order: number): Tensor {
  return bindOne(randomGammaSlopePrimitive, [concentration, logarithm], { order });
}

/** `∂ⁿg/∂aⁿ / g`: the complete Bell polynomial of the derivatives of `log g = a y - e^y - log Γ(a)`. */
function densitySlope(a: Tensor, y: Tensor, order: number): Tensor {
  const first = sub(y, polygamma(a, 0));
  const values = [constantLike(a, 1), first];
  for (let n = 2; n <= order; n++) {
    let sum = mul(first, values[n - 1]);
    let binomial = 1;
    for (let k = 2; k <= n; k++) {
      binomial *= (n - k + 1) / (k - 1);
      sum = sub(sum, scale(mul(polygamma(a, k - 1), values[n - k]), binomial));
    }
    values.push(sum);
  }
  return values[order];
}
