/**
 * Linear algebra.
 *
 * @example The length of a vector
 * ```ts
 * import { norm } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(norm([3, 4]), 5);
 * ```
 *
 * @module
 */
export { norm } from "./functions/mod.ts";
