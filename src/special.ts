/**
 * Special functions: those of `scipy.special` that JAX has, each with its derivatives. Arguments are real, but
 * for `gamma`, `loggamma` and `wofz`, which take complex numbers too.
 *
 * They are computed in double precision, to twelve digits and more (Bessel functions, and the cosine
 * integral near its zeros, relative to their amplitude), and rounded to the dtype of their arguments. Those that take
 * as many steps as an argument wants are left to the evaluator where programs are compiled.
 *
 * - Gamma: `gamma lgamma loggamma gammasgn digamma polygamma zeta factorial comb poch beta betaln multigammaln
 *   gammainc gammaincc betainc`.
 * - Bessel: `i0 i0e i1 i1e besselJn`.
 * - Normal distribution: `erf erfc erfinv erfcx wofz dawsn ndtr logNdtr ndtri owensT`.
 * - Integrals: `expi exp1 expn sici fresnel spence`.
 * - Logarithms: `xlogy xlog1py entr relEntr klDiv logit boxcox boxcox1p logsumexp`.
 * - Series: `hyp1f1 hyp2f1 sphHarmY bernoulli`.
 *
 * @example How a tail depends on the shape of a distribution
 * ```ts
 * import { grad } from "@jacobi/jacobi";
 * import { gammaincc } from "@jacobi/jacobi/special";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(grad((a) => gammaincc(a, 10))(2), 0.00098833);
 * ```
 *
 * @module
 */
export { logsumexp } from "./functions/reduction.ts";
export { digamma, erf, erfc, erfinv, lgamma } from "./functions/special.ts";
export { besselJn, i0, i0e, i1, i1e } from "./special/bessel.ts";
export {
  beta,
  betainc,
  betaln,
  comb,
  factorial,
  gamma,
  gammainc,
  gammaincc,
  gammasgn,
  loggamma,
  multigammaln,
  poch,
  polygamma,
  zeta,
} from "./special/gamma.ts";
export type { CombOptions } from "./special/gamma.ts";
export {
  boxcox,
  boxcox1p,
  entr,
  klDiv,
  logit,
  relEntr,
  xlog1py,
  xlogy,
} from "./special/information.ts";
export { exp1, expi, expn, fresnel, sici, spence } from "./special/integrals.ts";
export { dawsn, erfcx, logNdtr, ndtr, ndtri, owensT, wofz } from "./special/normal.ts";
export { bernoulli, hyp1f1, hyp2f1, sphHarmY } from "./special/series.ts";
export type { BernoulliOptions } from "./special/series.ts";
