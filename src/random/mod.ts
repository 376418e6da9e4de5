/**
 * Random numbers as pure functions of explicit keys, in JAX's streams bit for bit (where
 * JAX's numbers have other probabilities than they should, the description of a sampler says so).
 *
 * - Keys: `key`, `split`, `foldIn`, and the words that all else is made of, `bits`.
 * - Floating-point numbers: `uniform normal truncatedNormal exponential gumbel laplace cauchy gamma
 *   logGamma beta`, and vectors from `dirichlet`. Gradients flow to the parameters that are tensors.
 * - Made of these: `chisquare f logistic lognormal pareto rayleigh t triangular wald weibullMin maxwell
 *   doubleSidedMaxwell generalizedNormal`, and vectors and matrices from `ball multivariateNormal
 *   orthogonal`.
 * - Booleans and integers: `bernoulli randint categorical rademacher geometric poisson binomial
 *   multinomial`.
 * - Elements of a tensor: `permutation choice`. Gradients follow the elements.
 *
 * ```ts
 * import { random } from "@jacobi/jacobi";
 *
 * const [weightKey, biasKey] = random.split(random.key(42));
 * const weight = random.normal(weightKey, [3, 2]);
 * const bias = random.uniform(biasKey, [3], { minval: -0.1, maxval: 0.1 });
 * if (String([weight.shape, bias.shape]) !== "3,2,3") throw new Error();
 * ```
 *
 * @module
 */
export { bits, foldIn, key, split } from "./key.ts";
export type { BitsOptions, KeyLists, Keys } from "./key.ts";
export { exponential, gumbel, normal, truncatedNormal, uniform } from "./continuous.ts";
export type { UniformOptions } from "./continuous.ts";
export type { SampleOptions } from "./arguments.ts";
export { cauchy, laplace } from "./heavy_tails.ts";
export { beta, dirichlet, gamma, logGamma } from "./gamma.ts";
export { bernoulli, categorical, randint } from "./discrete.ts";
export type { CategoricalOptions, RandintOptions } from "./discrete.ts";
export { chisquare, f, logistic, lognormal, pareto, rayleigh, t } from "./transformed.ts";
export { triangular, wald, weibullMin } from "./transformed.ts";
export { ball, doubleSidedMaxwell, generalizedNormal, maxwell } from "./vectors.ts";
export { multivariateNormal, orthogonal, rademacher } from "./vectors.ts";
export type { MultivariateNormalOptions, OrthogonalOptions } from "./vectors.ts";
export { binomial, geometric, multinomial, poisson } from "./counts.ts";
export { choice } from "./choice.ts";
export type { ChoiceOptions } from "./choice.ts";
export { permutation } from "./permutation.ts";
export type { PermutationOptions } from "./permutation.ts";
