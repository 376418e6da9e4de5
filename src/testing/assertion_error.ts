/**
 * The error of a failed assertion.
 *
 * @module
 */
import type { AnyFunction } from "../core/tree_types.ts";

/**
 * What the assertions of this module throw. Its name is that of other libraries' assertion errors,
 * so that test runners show it as a failure rather than as a fault.
 *
 * See docs/errors.md#assertionerror.
 *
 * @category Testing
 * @example Telling a failed assertion from other errors
 * ```ts
 * import { AssertionError, assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * try {
 *   assertTensorsClose([1], [2]);
 *   throw new Error("unreachable");
 * } catch (error) {
 *   if (!(error instanceof AssertionError)) throw error;
 * }
 * ```
 */
export class AssertionError extends Error {
  /** The class's name, as printed before the message. */
  override name = "AssertionError";
}

/** Engines without this show the library's own frames first. */
const engine: ErrorConstructor & { captureStackTrace?(error: Error, from: unknown): void } = Error;

/** An assertion error whose stack begins at the caller of `from`, which is the user's line. */
export function failure(message: string, from: AnyFunction): AssertionError {
  const error = new AssertionError(message);
  engine.captureStackTrace?.(error, from);
  return error;
}
