/**
 * Elementwise operations on vectors of two doubles.
 *
 * @module
 */
import { basicOperations } from "./float64_basic.ts";
import { errorOperations } from "./float64_error.ts";
import { exponentialOperations } from "./float64_exponential.ts";
import { gammaOperations } from "./float64_gamma.ts";
import { hyperbolicOperations } from "./float64_hyperbolic.ts";
import { inverseTrigonometricOperations } from "./float64_inverse_trigonometric.ts";
import { logarithmOperations } from "./float64_logarithm.ts";
import { polygammaOperations } from "./float64_polygamma.ts";
import { powerOperations } from "./float64_power.ts";
import { remainderOperations } from "./float64_remainder.ts";
import { trigonometricOperations } from "./float64_trigonometric.ts";
import type { Operation } from "./operation.ts";

/**
 * The operations, by the names of their primitives. Comparisons leave masks of 64-bit lanes, and
 * `select` takes one.
 */
export const float64Operations: Readonly<Record<string, Operation>> = {
  ...basicOperations,
  ...remainderOperations,
  ...exponentialOperations,
  ...logarithmOperations,
  ...powerOperations,
  ...trigonometricOperations,
  ...inverseTrigonometricOperations,
  ...hyperbolicOperations,
  ...errorOperations,
  ...gammaOperations,
  ...polygammaOperations,
};
