/**
 * Used by `std.ts` when `@std/testing` cannot be loaded: the parts of `types` and `mock` that are in use.
 *
 * @module
 */
import { AssertionError } from "./fallback_assert.ts";

/** One call of a spied function. */
export interface SpyCall<Args extends unknown[], Return> {
  /** The arguments of the call. */
  args: Args;
  /** The result of the function, unless it threw. */
  returned?: Return;
  /** The value thrown by the function, if any. */
  error?: Error;
}

/** A function that records its calls. */
export interface Spy<Args extends unknown[], Return> {
  (...args: Args): Return;
  /** The spied function. */
  original: (...args: Args) => Return;
  /** The calls so far, oldest first. */
  calls: SpyCall<Args, Return>[];
  /** Whether the original has been restored: never, since nothing was replaced. */
  restored: boolean;
  /** Throws: there is nothing to restore. */
  restore(): void;
}

/** Wraps `run` so that its calls are recorded. */
export function spy<Args extends unknown[], Return>(
  run: (...args: Args) => Return,
): Spy<Args, Return> {
  const calls: SpyCall<Args, Return>[] = [];
  function spied(...args: Args): Return {
    try {
      const returned = run(...args);
      calls.push({ args, returned });
      return returned;
    } catch (error) {
      calls.push({ args, error: error as Error });
      throw error;
    }
  }
  function restore(): never {
    throw new TypeError("Cannot restore a spied function: nothing was replaced");
  }
  return Object.assign(spied, { original: run, calls, restored: false, restore });
}

/** Fails unless the spy was called `expected` times. */
export function assertSpyCalls<Args extends unknown[], Return>(
  spied: Spy<Args, Return>,
  expected: number,
): void {
  const actual = spied.calls.length;
  if (actual === expected) return;
  throw new AssertionError(`Expected ${expected} calls of the spy, got ${actual}`);
}

/** Compiles only if the type argument equals the argument: `assertType<IsExact<A, B>>(true)`. */
export function assertType<T extends boolean>(_expected: T): void {}
