/**
 * Special functions as formulas of other operations, for compiled programs. The number of steps is
 * fixed, so that they are loops like all elementwise work. In the evaluator the number of steps depends
 * on the argument; errors are of the same size.
 *
 * @module
 */
import { ERFCX_FAR, ERFCX_MIDDLE, ERFCX_NEAR } from "../numeric/special.ts";
import * as bessel from "../numeric/special/bessel.ts";
import type { Tensor } from "../core/tensor.ts";
import { div, mul, neg, offset, reciprocal, scale, sqrt, square, sub } from "./arithmetic.ts";
import { equal, less, lessEqual, select } from "./comparison.ts";
import type { OrderParams } from "./special_gamma.ts";
import { constantLike, convert } from "./structure.ts";
import { erfc, gaussian, log } from "./transcendental.ts";

/** A polynomial, with its constant first. */
function polynomial(coefficients: readonly number[], x: Tensor): Tensor {
  const [last, ...rest] = coefficients.toReversed();
  return rest.reduce<Tensor>((sum, c) => offset(mul(sum, x), c), constantLike(x, last));
}

interface Quotient {
  readonly numerator: readonly number[];
  readonly denominator: readonly number[];
}

function quotient({ numerator, denominator }: Quotient, x: Tensor): Tensor {
  return div(polynomial(numerator, x), polynomial(denominator, x));
}

const below = (x: Tensor, value: number): Tensor => less(x, constantLike(x, value));

/** `exp(x²) erfc(x)` */
function scaledTail(x: Tensor): Tensor {
  const far = div(quotient(ERFCX_FAR, reciprocal(square(x))), x);
  const middle = select(below(x, 8), quotient(ERFCX_MIDDLE, x), far);
  const right = select(below(x, 2), quotient(ERFCX_NEAR, x), middle);
  return select(below(x, 0.5), div(erfc(x), gaussian(x)), right);
}

// M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution", 1988.
const CENTRE: Quotient = {
  numerator: [
    3.3871328727963666080,
    1.3314166789178437745e2,
    1.9715909503065514427e3,
    1.3731693765509461125e4,
    4.5921953931549871457e4,
    6.7265770927008700853e4,
    3.3430575583588128105e4,
    2.5090809287301226727e3,
  ],
  denominator: [
    1,
    4.2313330701600911252e1,
    6.8718700749205790830e2,
    5.3941960214247511077e3,
    2.1213794301586595867e4,
    3.9307895800092710610e4,
    2.8729085735721942674e4,
    5.2264952788528545610e3,
  ],
};
const NEAR: Quotient = {
  numerator: [
    1.42343711074968357734,
    4.63033784615654529590,
    5.76949722146069140550,
    3.64784832476320460504,
    1.27045825245236838258,
    2.41780725177450611770e-1,
    2.27238449892691845833e-2,
    7.74545014278341407640e-4,
  ],
  denominator: [
    1,
    2.05319162663775882187,
    1.67638483018380384940,
    6.89767334985100004550e-1,
    1.48103976427480074590e-1,
    1.51986665636164571966e-2,
    5.47593808499534494600e-4,
    1.05075007164441684324e-9,
  ],
};
const FAR: Quotient = {
  numerator: [
    6.65790464350110377720,
    5.46378491116411436990,
    1.78482653991729133580,
    2.96560571828504891230e-1,
    2.65321895265761230930e-2,
    1.24266094738807843860e-3,
    2.71155556874348757815e-5,
    2.01033439929228813265e-7,
  ],
  denominator: [
    1,
    5.99832206555887937690e-1,
    1.36929880922735805310e-1,
    1.48753612908506148525e-2,
    7.86869131145613259100e-4,
    1.84631831751005468180e-5,
    1.42151175831644588870e-7,
    2.04426310338993978564e-15,
  ],
};

/** The quantile of the normal distribution. */
function normalQuantile(p: Tensor): Tensor {
  const gap = offset(p, -0.5);
  const rest = sub(constantLike(gap, 0.180625), square(gap));
  const centre = mul(gap, quotient(CENTRE, rest));
  const isLow = less(gap, constantLike(gap, 0));
  const least = select(isLow, p, sub(constantLike(p, 1), p));
  const depth = sqrt(neg(log(least)));
  const near = quotient(NEAR, offset(depth, -1.6));
  const far = select(
    equal(least, constantLike(least, 0)),
    constantLike(least, Infinity),
    quotient(FAR, offset(depth, -5)),
  );
  const size = select(lessEqual(depth, constantLike(depth, 5)), near, far);
  const tail = select(isLow, neg(size), size);
  // 0.425² from the middle; outside of 0 and 1 there is no logarithm.
  return select(lessEqual(constantLike(rest, 0), rest), centre, tail);
}

/** The Chebyshev coefficients of a smooth function on [-1, 1], to full precision. */
function chebyshevOf(count: number, f: (t: number) => number): readonly number[] {
  const angles = Array.from({ length: count }, (_, k) => (k + 0.5) * Math.PI / count);
  const values = angles.map((angle) => f(Math.cos(angle)));
  return angles.map((_, j) => {
    const sum = values.reduce((sum, value, k) => sum + value * Math.cos(j * angles[k]), 0);
    return sum * (j === 0 ? 1 : 2) / count;
  });
}

/** Their sum at `t` (Clenshaw's method). */
function chebyshev(coefficients: readonly number[], t: Tensor): Tensor {
  const twice = scale(t, 2);
  let [next, above]: Tensor[] = [constantLike(t, 0), constantLike(t, 0)];
  for (const c of coefficients.slice(1).toReversed()) {
    [next, above] = [offset(sub(mul(twice, next), above), c), next];
  }
  return offset(sub(mul(t, next), above), coefficients[0]);
}

/** The boundary between series in `x` and in `1/x`. */
const MEETING = 8;

/** The evaluator's function for `x >= 0`, as Chebyshev series. */
function besselScaled(x: Tensor, m: number): Tensor {
  const of = (x: number) => bessel.besselScaled(m, x);
  const near = chebyshevOf(34, (t) => of((t + 1) * MEETING / 2));
  // Approaches a constant times x^(-m - 1/2).
  const far = chebyshevOf(30, (t) => {
    const x = 2 * MEETING / (t + 1);
    return of(x) * Math.sqrt(x) * (x / MEETING) ** m;
  });
  const part = scale(reciprocal(x), MEETING);
  let outer = mul(
    scale(sqrt(part), Math.sqrt(1 / MEETING)),
    chebyshev(far, offset(scale(part, 2), -1)),
  );
  for (let k = 1; k <= m; k++) outer = mul(outer, part);
  const inner = chebyshev(near, offset(scale(x, 2 / MEETING), -1));
  const value = select(below(x, MEETING), inner, outer);
  return select(lessEqual(constantLike(x, 0), x), value, constantLike(x, NaN));
}

/** The formulas, with the highest derivative for which they are valid. */
const formulas: Readonly<
  Record<string, { readonly most: number; readonly of: (x: Tensor, order: number) => Tensor }>
> = {
  scaledTail: { most: 0, of: scaledTail },
  normalQuantile: { most: 0, of: normalQuantile },
  besselScaled: { most: 4, of: besselScaled },
};

/** The formula of a special function for compiled programs; `null` if the evaluator computes it. */
export function formulaOf(name: string, params: unknown): ((x: Tensor) => Tensor) | null {
  if (!Object.hasOwn(formulas, name)) return null;
  const { most, of } = formulas[name];
  const order = (params as OrderParams | null)?.order ?? 0;
  return order > most ? null : (x) => convert(of(convert(x, "float64"), order), x.dtype);
}
