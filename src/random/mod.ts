/**
 * Random numbers as pure functions of explicit keys, in JAX's streams bit for bit.
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
export type { KeyLists, Keys } from "./key.ts";
export { exponential, gumbel, normal, truncatedNormal, uniform } from "./continuous.ts";
export type { UniformOptions } from "./continuous.ts";
export type { SampleOptions } from "./arguments.ts";
export { bernoulli, categorical, randint } from "./discrete.ts";
export type { CategoricalOptions } from "./discrete.ts";
export { permutation } from "./permutation.ts";
export type { PermutationOptions } from "./permutation.ts";
