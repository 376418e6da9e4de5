/**
 * Elementwise operations on vectors of two doubles.
 *
 * @module
 */
import { basicOperations } from "./basic.ts";
import { rootOperations } from "./cube_root.ts";
import { errorOperations } from "./error.ts";
import { exponentialOperations } from "./exponential.ts";
import { gammaOperations } from "./gamma.ts";
import { hyperbolicOperations } from "./hyperbolic.ts";
import { inverseTrigonometricOperations } from "./inverse_trigonometric.ts";
import { logarithmOperations } from "./logarithm.ts";
import { polygammaOperations } from "./polygamma.ts";
import { powerOperations } from "./power.ts";
import { remainderOperations } from "./remainder.ts";
import { trigonometricOperations } from "./trigonometric.ts";
import type { Operation } from "../operation.ts";

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
  ...rootOperations,
  ...trigonometricOperations,
  ...inverseTrigonometricOperations,
  ...hyperbolicOperations,
  ...errorOperations,
  ...gammaOperations,
  ...polygammaOperations,
};
