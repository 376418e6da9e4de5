import * as fallback from "./fallback_assert.ts";
import * as fallbackTesting from "./fallback_testing.ts";
import * as std from "./std.ts";
import type { IsExact } from "./std.ts";

// Every test runs twice: on the substitutes, and on the choice of `std.ts`. If `@std/assert` can
// be reached, the two differ, and this file checks that they have the same meaning. Expectations are
// checked by hand-thrown errors, not by the assertions under test.

type Assertions = Pick<typeof fallback, keyof typeof fallback & keyof typeof std>;

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

function failure(run: () => unknown): Error | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof Error && error.name === "AssertionError") return error;
    throw error;
  }
  return undefined;
}

async function failureOf(run: () => PromiseLike<unknown>): Promise<Error | undefined> {
  try {
    await run();
  } catch (error) {
    if (error instanceof Error && error.name === "AssertionError") return error;
    throw error;
  }
  return undefined;
}

function passes(run: () => unknown): void {
  const error = failure(run);
  if (error !== undefined) throw new Error(`Expected ${run} to pass: ${error.message}`);
}

function fails(run: () => unknown): void {
  expect(failure(run) !== undefined, `Expected ${run} to fail`);
}

class Point {
  readonly x: number;
  readonly y: number;

  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
}

class OtherPoint {
  readonly x: number;
  readonly y: number;

  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
}

function cycle(value: number): unknown {
  const object: Record<string, unknown> = { value };
  object["self"] = object;
  return object;
}

function withKeys(keys: Record<string, unknown>): unknown {
  return Object.assign(Object.create(null), keys);
}

const equalPairs: readonly (readonly [string, unknown, unknown])[] = [
  ["numbers", 1, 1],
  ["NaN and NaN", NaN, NaN],
  ["zero and negative zero", 0, -0],
  ["zeros of both signs inside an array", [0], [-0]],
  ["bigints", 1n, 1n],
  ["nested arrays", [1, [2, [3]]], [1, [2, [3]]]],
  ["objects with keys in another order", { a: 1, b: 2 }, { b: 2, a: 1 }],
  ["an object without a prototype and a plain one", withKeys({ a: 1 }), { a: 1 }],
  ["instances of one class", new Point(1, 2), new Point(1, 2)],
  ["typed arrays", new Float32Array([1, NaN, -0]), new Float32Array([1, NaN, 0])],
  ["big typed arrays", new BigInt64Array([1n]), new BigInt64Array([1n])],
  ["views at different offsets", new Int32Array([1, 2]).subarray(1), new Int32Array([2])],
  ["dates", new Date(5), new Date(5)],
  ["invalid dates", new Date(NaN), new Date(NaN)],
  ["patterns", /a/g, /a/g],
  ["sets", new Set([1, 2]), new Set([2, 1])],
  ["sets of objects", new Set([{ a: 1 }]), new Set([{ a: 1 }])],
  ["maps", new Map([["a", [1]]]), new Map([["a", [1]]])],
  ["cycles", cycle(1), cycle(1)],
  ["null and null", null, null],
];

const symbol = Symbol("key");

const unequalPairs: readonly (readonly [string, unknown, unknown])[] = [
  ["different numbers", 1, 2],
  ["a number and its string", 1, "1"],
  ["a number and a bigint", 1, 1n],
  ["null and undefined", null, undefined],
  ["null and an object", null, {}],
  ["arrays of different lengths", [1, 2], [1]],
  ["an array with a hole and one with undefined", new Array(1), [undefined]],
  ["an array and an object with its keys", [1], { 0: 1 }],
  ["undefined and a missing key", { a: undefined }, {}],
  ["two objects that each miss a key", { a: undefined }, { b: undefined }],
  ["different symbol keys", { [symbol]: 1 }, { [symbol]: 2 }],
  ["instances of different classes", new Point(1, 2), new OtherPoint(1, 2)],
  ["an instance and a plain object", new Point(1, 2), { x: 1, y: 2 }],
  ["different elements", new Float32Array([1, 2]), new Float32Array([1, 3])],
  ["a typed array and a longer one", new Float32Array([1]), new Float32Array([1, 0])],
  ["typed arrays of different types", new Float32Array([1]), new Float64Array([1])],
  ["a typed array and an array", new Float32Array([1]), [1]],
  ["different dates", new Date(5), new Date(6)],
  ["different flags", /a/g, /a/],
  ["different sets", new Set([1]), new Set([2])],
  ["different maps", new Map([["a", 1]]), new Map([["a", 2]])],
  ["cycles with different values", cycle(1), cycle(2)],
];

const subjects: readonly (readonly [string, Assertions])[] = [
  ["the substitute", fallback],
  ["the choice", std],
];

for (const [name, subject] of subjects) {
  // Calls of assertion functions need an explicitly typed name.
  const assertions: Assertions = subject;

  for (const [what, a, b] of equalPairs) {
    Deno.test(`${name}: ${what} are equal`, () => {
      passes(() => assertions.assertEquals(a, b));
      fails(() => assertions.assertNotEquals(a, b));
      expect(assertions.equal(b, a), "equality is symmetric");
    });
  }

  for (const [what, a, b] of unequalPairs) {
    Deno.test(`${name}: ${what} are not equal`, () => {
      fails(() => assertions.assertEquals(a, b));
      passes(() => assertions.assertNotEquals(a, b));
      expect(!assertions.equal(b, a), "equality is symmetric");
    });
  }

  Deno.test(`${name}: assertStrictEquals compares identities and the sign of zero`, () => {
    passes(() => assertions.assertStrictEquals(NaN, NaN));
    fails(() => assertions.assertStrictEquals(0, -0));
    fails(() => assertions.assertStrictEquals([1], [1]));
  });

  Deno.test(`${name}: assert and assertExists narrow what they accept`, () => {
    passes(() => assertions.assert(1));
    fails(() => assertions.assert(""));
    passes(() => assertions.assertExists(0));
    fails(() => assertions.assertExists(null));
    fails(() => assertions.assertExists(undefined));
  });

  Deno.test(`${name}: assertAlmostEquals takes an absolute tolerance`, () => {
    passes(() => assertions.assertAlmostEquals(0.1 + 0.2, 0.3));
    passes(() => assertions.assertAlmostEquals(1, 1.05, 0.1));
    passes(() => assertions.assertAlmostEquals(NaN, NaN));
    passes(() => assertions.assertAlmostEquals(Infinity, Infinity));
    fails(() => assertions.assertAlmostEquals(1, 1.001));
    fails(() => assertions.assertAlmostEquals(1, NaN, 1));
    fails(() => assertions.assertAlmostEquals(NaN, 1, 1));
    fails(() => assertions.assertAlmostEquals(1e-9, 0));
    fails(() => assertions.assertAlmostEquals(Infinity, -Infinity, 1));
  });

  Deno.test(`${name}: assertThrows returns the error and checks its class and message`, () => {
    const error = new RangeError("Out of range");
    const run = () => {
      throw error;
    };
    expect(assertions.assertThrows(run) === error, "the error itself is returned");
    expect(assertions.assertThrows(run, RangeError, "of range") === error, "also with a class");
    passes(() => assertions.assertThrows(run, Error));
    fails(() => assertions.assertThrows(run, TypeError));
    fails(() => assertions.assertThrows(run, RangeError, "in range"));
    fails(() => assertions.assertThrows(() => 1));
    fails(() =>
      assertions.assertThrows(() => {
        throw "a string";
      }, Error)
    );
  });

  Deno.test(`${name}: assertRejects returns the error and wants a promise`, async () => {
    const error = new RangeError("Out of range");
    const run = () => Promise.reject(error);
    const rejects = assertions.assertRejects;
    expect(await rejects(run) === error, "the error itself is returned");
    expect(await rejects(run, RangeError, "range") === error, "also with a class");
    expect(await failureOf(() => rejects(run, TypeError)) !== undefined, "another class");
    expect(await failureOf(() => rejects(run, RangeError, "x")) !== undefined, "another text");
    expect(await failureOf(() => rejects(() => Promise.resolve())) !== undefined, "resolved");
    const synchronous = () =>
      rejects(() => {
        throw error;
      });
    expect(await failureOf(synchronous) !== undefined, "thrown synchronously");
  });

  Deno.test(`${name}: assertMatch and assertStringIncludes look for a part`, () => {
    passes(() => assertions.assertMatch("float32[2,3]", /\[\d,\d\]$/));
    fails(() => assertions.assertMatch("float32[2,3]", /^\[/));
    passes(() => assertions.assertStringIncludes("float32[2,3]", "[2"));
    fails(() => assertions.assertStringIncludes("float32[2,3]", "int"));
  });

  Deno.test(`${name}: assertInstanceOf knows subclasses`, () => {
    passes(() => assertions.assertInstanceOf(new RangeError("x"), Error));
    fails(() => assertions.assertInstanceOf(new Error("x"), RangeError));
    fails(() => assertions.assertInstanceOf(null, Error));
  });

  Deno.test(`${name}: fail always fails, and a note ends up in the message`, () => {
    fails(() => assertions.fail());
    const messages = [
      failure(() => assertions.fail("the note")),
      failure(() => assertions.assertEquals(1, 2, "the note")),
      failure(() => assertions.assertThrows(() => 1, "the note")),
      failure(() => assertions.assertAlmostEquals(1, 2, 0, "the note")),
    ].map((error) => error?.message ?? "");
    expect(messages.every((message) => message.includes("the note")), messages.join("\n"));
  });
}

for (
  const [name, { assertSpyCalls, spy }] of [["the substitute", fallbackTesting], [
    "the choice",
    std,
  ]] as const
) {
  Deno.test(`${name}: a spy passes calls through and records them`, () => {
    const add = spy((a: number, b: number) => a + b);
    assertSpyCalls(add, 0);
    expect(add(1, 2) === 3, "the result is passed through");
    assertSpyCalls(add, 1);
    fails(() => assertSpyCalls(add, 2));
    expect(fallback.equal(add.calls[0], { args: [1, 2], returned: 3 }), "the call is recorded");
  });

  Deno.test(`${name}: a spy records what was thrown and throws it on`, () => {
    const error = new RangeError("x");
    const thrower = spy(() => {
      throw error;
    });
    expect(fallback.assertThrows(thrower, RangeError) === error, "the error is thrown on");
    expect(thrower.calls[0]?.error === error, "the error is recorded");
  });
}

Deno.test("errors are equal if their messages are", () => {
  passes(() => fallback.assertEquals(new RangeError("a"), new RangeError("a")));
  fails(() => fallback.assertEquals(new RangeError("a"), new RangeError("b")));
});

Deno.test("a failed equality shows both values", () => {
  const error = failure(() => fallback.assertEquals([1, 2], [1, 3]));
  fallback.assertStrictEquals(
    error?.message,
    "Values are not equal\n  actual:   [ 1, 2 ]\n  expected: [ 1, 3 ]",
  );
});

Deno.test("IsExact tells types apart at compile time", () => {
  std.assertType<IsExact<number, number>>(true);
  std.assertType<IsExact<number, string>>(false);
  std.assertType<IsExact<number, number | string>>(false);
  // deno-lint-ignore no-explicit-any
  std.assertType<IsExact<any, number>>(false);
  std.assertType<IsExact<{ a: number }, { a?: number }>>(false);
  std.assertType<IsExact<{ a: number }, { readonly a: number }>>(false);
  // @ts-expect-error the types differ
  std.assertType<IsExact<number, string>>(true);
});

Deno.test("assertions narrow types", () => {
  const value: unknown = 1;
  std.assert(typeof value === "number");
  std.assertType<IsExact<typeof value, number>>(true);
  const maybe: string | undefined = ["a"].at(0);
  std.assertExists(maybe);
  std.assertType<IsExact<typeof maybe, string>>(true);
  const error: unknown = new RangeError("x");
  std.assertInstanceOf(error, RangeError);
  std.assertType<IsExact<typeof error, RangeError>>(true);
});
