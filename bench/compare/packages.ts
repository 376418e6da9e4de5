/**
 * The versions of the packages in the comparison.
 *
 * @module
 */

/** Of `@jax-js/jax`. */
export const JAX_JS = "0.1.25";
/** Of `@tensorflow/tfjs` and its backends. */
export const TFJS = "4.22.0";
