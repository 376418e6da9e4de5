/**
 * The assertions of all tests: `@std/assert` and `@std/testing` if JSR can be reached, otherwise
 * small substitutes with the same meaning. Nothing else in the repository imports
 * either package. A static `jsr:` import would stop the whole run without a network; a dynamic one
 * can be caught.
 *
 * @module
 */
import type * as fallbackAssert from "./fallback_assert.ts";
import type * as fallbackTesting from "./fallback_testing.ts";

export type { Spy, SpyCall } from "./fallback_testing.ts";

/** The part of `@std/assert` that the tests may use. */
type Assertions = Pick<
  typeof fallbackAssert,
  | "assert"
  | "assertAlmostEquals"
  | "assertEquals"
  | "assertExists"
  | "assertInstanceOf"
  | "assertMatch"
  | "assertNotEquals"
  | "assertRejects"
  | "assertStrictEquals"
  | "assertStringIncludes"
  | "assertThrows"
  | "equal"
  | "fail"
>;

/** The part of `@std/testing/mock` that the tests may use. */
type Mocks = Pick<typeof fallbackTesting, "assertSpyCalls" | "spy">;

/** The part of `@std/testing/types` that the tests may use. */
type TypeAssertions = Pick<typeof fallbackTesting, "assertType">;

// Assigning each to an interface of ours checks the real package's types if it is reachable,
// and gives the same types to the tests if it is not.
const assertions: Assertions = await import("@std/assert")
  .catch(() => import("./fallback_assert.ts"));
const mocks: Mocks = await import("@std/testing/mock")
  .catch(() => import("./fallback_testing.ts"));
const types: TypeAssertions = await import("@std/testing/types")
  .catch(() => import("./fallback_testing.ts"));

/** Fails unless the value is truthy. */
export const assert: Assertions["assert"] = assertions.assert;
/** Fails unless two numbers are close; by default within 1e-7 of the expected value. */
export const assertAlmostEquals: Assertions["assertAlmostEquals"] = assertions.assertAlmostEquals;
/** Fails unless two values are deeply equal. */
export const assertEquals: Assertions["assertEquals"] = assertions.assertEquals;
/** Fails if the value is `null` or `undefined`. */
export const assertExists: Assertions["assertExists"] = assertions.assertExists;
/** Fails unless the value is an instance of the class. */
export const assertInstanceOf: Assertions["assertInstanceOf"] = assertions.assertInstanceOf;
/** Fails unless the string matches the pattern. */
export const assertMatch: Assertions["assertMatch"] = assertions.assertMatch;
/** Fails if two values are deeply equal. */
export const assertNotEquals: Assertions["assertNotEquals"] = assertions.assertNotEquals;
/** Fails unless the function's promise rejects; returns the error. */
export const assertRejects: Assertions["assertRejects"] = assertions.assertRejects;
/** Fails unless two values are the same by `Object.is`. */
export const assertStrictEquals: Assertions["assertStrictEquals"] = assertions.assertStrictEquals;
/** Fails unless the second string is a part of the first. */
export const assertStringIncludes: Assertions["assertStringIncludes"] =
  assertions.assertStringIncludes;
/** Fails unless the function throws; returns the error. */
export const assertThrows: Assertions["assertThrows"] = assertions.assertThrows;
/** Whether two values are deeply equal. */
export const equal: Assertions["equal"] = assertions.equal;
/** Always fails. */
export const fail: Assertions["fail"] = assertions.fail;

/** Wraps a function so that its calls are recorded. */
export const spy: Mocks["spy"] = mocks.spy;
/** Fails unless the spy was called the given number of times. */
export const assertSpyCalls: Mocks["assertSpyCalls"] = mocks.assertSpyCalls;

/** Compiles only if the type argument equals the argument: `assertType<IsExact<A, B>>(true)`. */
export const assertType: TypeAssertions["assertType"] = types.assertType;

/** `true` if `T` and `U` are the same type, `false` otherwise; `any` equals only `any`. */
export type IsExact<T, U> = (<X>() => X extends T ? 1 : 2) extends (<X>() => X extends U ? 1 : 2)
  ? true
  : false;
