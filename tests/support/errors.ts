/**
 * Assertions on the library's errors.
 *
 * @module
 */
import { assertEquals, assertInstanceOf, fail } from "./std.ts";

/** A class of errors. */
// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

/** Fails unless `run` throws an error of this class with exactly this message; returns the error. */
export function assertRefused<E extends Error>(
  run: () => unknown,
  type: ErrorClass<E>,
  message: string,
): E {
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  if (thrown === undefined) fail(`Expected an error: ${message}`);
  assertInstanceOf(thrown, type);
  assertEquals(thrown.message, message);
  return thrown;
}

/** The source locations in an error's stack, first to last. */
export function framesOf(error: Error): string[] {
  return (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
}
