/**
 * Assertions for tests of numerical code: that values are close, and that derivatives are right.
 *
 * @example A test
 * ```ts
 * import { sin } from "@jacobi/jacobi";
 * import { assertTensorsClose, checkGrads } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(sin([0, Math.PI / 2]), [0, 1]);
 * checkGrads(sin, [0.5]);
 * ```
 *
 * @module
 */
export { AssertionError } from "./assertion_error.ts";
export { assertTensorsClose } from "./assert_tensors_close.ts";
export type { ClosenessOptions } from "./assert_tensors_close.ts";
export { checkGrads } from "./check_grads.ts";
export type { CheckGradsOptions, DifferentiationMode } from "./check_grads.ts";
