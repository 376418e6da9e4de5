/**
 * Elementwise operations on float32, four at a time.
 *
 * @module
 */
import { basicOperations } from "./basic.ts";
import { errorOperations } from "./error.ts";
import { exponentialOperations } from "./exponential.ts";
import { inDoublesOperations } from "./in_doubles.ts";
import { inverseTrigonometricOperations } from "./inverse_trigonometric.ts";
import { logarithmOperations } from "./logarithm.ts";
import { specialOperations } from "./special.ts";
import { tangentOperations } from "./tangent.ts";
import { trigonometricOperations } from "./trigonometric.ts";
import type { Operation } from "../operation.ts";

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
