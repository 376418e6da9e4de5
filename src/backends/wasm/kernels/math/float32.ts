/**
 * Elementwise operations on float32, four at a time.
 *
 * @module
 */
import { basicOperations } from "./float32_basic.ts";
import { errorOperations } from "./float32_error.ts";
import { exponentialOperations } from "./float32_exponential.ts";
import { inDoublesOperations } from "./float32_in_doubles.ts";
import { inverseTrigonometricOperations } from "./float32_inverse_trigonometric.ts";
import { logarithmOperations } from "./float32_logarithm.ts";
import { specialOperations } from "./float32_special.ts";
import { tangentOperations } from "./float32_tangent.ts";
import { trigonometricOperations } from "./float32_trigonometric.ts";
import type { Operation } from "./operation.ts";

/** The operations, by the name of their primitive. Comparisons leave masks; `select` takes one. */
export const float32Operations: Readonly<Record<string, Operation>> = {
  ...basicOperations,
  ...exponentialOperations,
  ...logarithmOperations,
  ...inDoublesOperations,
  ...trigonometricOperations,
  ...tangentOperations,
  ...inverseTrigonometricOperations,
  ...errorOperations,
  ...specialOperations,
};
