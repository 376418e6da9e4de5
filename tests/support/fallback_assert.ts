/**
 * Used by `std.ts` when `@std/assert` cannot be loaded. Equality is that of `@std/assert`: deep, by
 * own enumerable keys, `NaN` equals itself, `0` equals `-0`, and `undefined` is not a missing key.
 * `assertStrictEquals` alone uses `Object.is`.
 *
 * @module
 */

/** Thrown by every assertion here. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

// deno-lint-ignore no-explicit-any
type AnyClass<T = any> = abstract new (...args: any[]) => T;

function throwFailure(message: string, note?: string): never {
  throw new AssertionError(note ? `${message}: ${note}` : message);
}

function show(value: unknown): string {
  // These tests also run in other runtimes than Deno.
  if (!("Deno" in globalThis)) return String(value);
  return Deno.inspect(value, { depth: 8, iterableLimit: 64, strAbbreviateSize: 2000 });
}

function sameClass(a: object, b: object): boolean {
  const [first, second] = [a.constructor, b.constructor];
  return first === second || (first === Object && !second) || (!first && second === Object);
}

function sameNumber(a: number, b: number): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}

type TypedArray = ArrayBufferView & ArrayLike<number | bigint>;

function isTypedArray(value: object): value is TypedArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function enumerableKeys(value: object): PropertyKey[] {
  return Reflect.ownKeys(value).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(value, key)
  );
}

/** Whether two values are deeply equal. */
export function equal(actual: unknown, expected: unknown): boolean {
  // Pairs that are being compared further up: a cycle counts as equal as far as it has been followed.
  const open = new Map<object, object>();

  function compareTypedArrays(a: TypedArray, b: TypedArray): boolean {
    if (a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) {
      const x = a[i];
      const y = b[i];
      if (x !== y && !(Number.isNaN(x) && Number.isNaN(y))) return false;
    }
    return true;
  }

  function compareSets(a: Set<unknown>, b: Set<unknown>): boolean {
    if (a.size !== b.size) return false;
    const rest = [...b];
    for (const item of a) {
      const found = rest.findIndex((other) => compare(item, other));
      if (found < 0) return false;
      rest.splice(found, 1);
    }
    return true;
  }

  function compareMaps(a: Map<unknown, unknown>, b: Map<unknown, unknown>): boolean {
    if (a.size !== b.size) return false;
    const rest = [...b];
    for (const [key, value] of a) {
      const found = rest.findIndex(([k, v]) => compare(key, k) && compare(value, v));
      if (found < 0) return false;
      rest.splice(found, 1);
    }
    return true;
  }

  function compareProperties(a: object, b: object): boolean {
    const keys = enumerableKeys(a);
    if (keys.length !== enumerableKeys(b).length) return false;
    return keys.every((key) =>
      Object.prototype.propertyIsEnumerable.call(b, key) &&
      compare(Reflect.get(a, key), Reflect.get(b, key))
    );
  }

  function compare(a: unknown, b: unknown): boolean {
    if (typeof a === "number" && typeof b === "number") return sameNumber(a, b);
    if (Object.is(a, b)) return true;
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
    if (!sameClass(a, b)) return false;
    if (a instanceof Date && b instanceof Date) return sameNumber(a.getTime(), b.getTime());
    if (a instanceof RegExp || a instanceof URL) return String(a) === String(b);
    if (a instanceof WeakMap || a instanceof WeakSet) {
      throw new TypeError(`Cannot compare ${a.constructor.name} instances`);
    }
    if (isTypedArray(a) && isTypedArray(b)) return compareTypedArrays(a, b);
    if (a instanceof ArrayBuffer && b instanceof ArrayBuffer) {
      return compareTypedArrays(new Uint8Array(a), new Uint8Array(b));
    }
    if (open.get(a) === b) return true;
    // `message` and `cause` are own properties, but not enumerable ones.
    if (a instanceof Error && b instanceof Error && a.message !== b.message) return false;
    if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) return false;
    open.set(a, b);
    try {
      if (a instanceof Set && b instanceof Set && !compareSets(a, b)) return false;
      if (a instanceof Map && b instanceof Map && !compareMaps(a, b)) return false;
      return compareProperties(a, b);
    } finally {
      open.delete(a);
    }
  }

  return compare(actual, expected);
}

/** Fails unless `value` is truthy. */
export function assert(value: unknown, note?: string): asserts value {
  if (!value) throwFailure(note || "Expected a truthy value");
}

/** Fails unless both values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, note?: string): void {
  if (equal(actual, expected)) return;
  throwFailure(
    `Values are not equal\n  actual:   ${show(actual)}\n  expected: ${show(expected)}`,
    note,
  );
}

/** Fails if both values are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, note?: string): void {
  if (equal(actual, expected)) throwFailure(`Both values are equal: ${show(actual)}`, note);
}

/** Fails unless both values are the same by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  note?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  throwFailure(
    `Values are not the same\n  actual:   ${show(actual)}\n  expected: ${show(expected)}`,
    note,
  );
}

/** Fails unless `|actual - expected| <= tolerance`; by default 1e-7 times the expected value. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance: number = Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7,
  note?: string,
): void {
  if (Object.is(actual, expected)) return;
  const distance = Math.abs(expected - actual);
  if (distance <= tolerance) return;
  throwFailure(
    `Expected ${actual} to be within ${tolerance} of ${expected}, the distance is ${distance}`,
    note,
  );
}

interface Thrown {
  readonly errorClass: AnyClass<Error> | undefined;
  readonly part: string | undefined;
  readonly note: string | undefined;
}

function readThrown(
  classOrNote: AnyClass<Error> | string | undefined,
  part: string | undefined,
  note: string | undefined,
): Thrown {
  return typeof classOrNote === "string"
    ? { errorClass: undefined, part: undefined, note: classOrNote }
    : { errorClass: classOrNote, part, note };
}

function checkThrown(error: unknown, { errorClass, part, note }: Thrown): void {
  if (errorClass === undefined) return;
  if (!(error instanceof Error)) {
    throwFailure(`Expected an error to be thrown, got ${show(error)}`, note);
  }
  if (!(error instanceof errorClass)) {
    const { name, message }: Error = error;
    throwFailure(`Expected an error of class ${errorClass.name}, got ${name}: ${message}`, note);
  }
  if (part && !error.message.includes(part)) {
    throwFailure(
      `Expected an error message with ${JSON.stringify(part)}, got ${
        JSON.stringify(error.message)
      }`,
      note,
    );
  }
}

/** Fails unless `run` throws (an error of the class, with the text in its message); returns it. */
export function assertThrows(run: () => unknown, note?: string): unknown;
export function assertThrows<E extends Error = Error>(
  run: () => unknown,
  errorClass: AnyClass<E>,
  part?: string,
  note?: string,
): E;
export function assertThrows(
  run: () => unknown,
  classOrNote?: AnyClass<Error> | string,
  part?: string,
  note?: string,
): unknown {
  const thrown = readThrown(classOrNote, part, note);
  try {
    run();
  } catch (error) {
    checkThrown(error, thrown);
    return error;
  }
  throwFailure("Expected the function to throw", thrown.note);
}

/** Fails unless the promise of `run` rejects, as `assertThrows`; a synchronous throw also fails. */
export function assertRejects(run: () => PromiseLike<unknown>, note?: string): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  run: () => PromiseLike<unknown>,
  errorClass: AnyClass<E>,
  part?: string,
  note?: string,
): Promise<E>;
export async function assertRejects(
  run: () => PromiseLike<unknown>,
  classOrNote?: AnyClass<Error> | string,
  part?: string,
  note?: string,
): Promise<unknown> {
  const thrown = readThrown(classOrNote, part, note);
  let promise: PromiseLike<unknown>;
  try {
    promise = run();
  } catch {
    throwFailure("Expected a rejected promise, the function threw synchronously", thrown.note);
  }
  try {
    await promise;
  } catch (error) {
    checkThrown(error, thrown);
    return error;
  }
  throwFailure("Expected the promise to reject", thrown.note);
}

/** Fails unless the pattern is found in `actual`. */
export function assertMatch(actual: string, expected: RegExp, note?: string): void {
  // A global or sticky pattern would start at its `lastIndex`.
  if (new RegExp(expected.source, expected.flags.replace(/[gy]/g, "")).test(actual)) return;
  throwFailure(`Expected ${JSON.stringify(actual)} to match ${expected}`, note);
}

/** Fails unless `expected` is a part of `actual`. */
export function assertStringIncludes(actual: string, expected: string, note?: string): void {
  if (actual.includes(expected)) return;
  throwFailure(`Expected ${JSON.stringify(actual)} to contain ${JSON.stringify(expected)}`, note);
}

/** Fails unless `actual` is an instance of the class. */
export function assertInstanceOf<T extends AnyClass>(
  actual: unknown,
  expected: T,
  note?: string,
): asserts actual is InstanceType<T> {
  if (actual instanceof expected) return;
  throwFailure(`Expected an instance of ${expected.name}, got ${show(actual)}`, note);
}

/** Fails if `actual` is `null` or `undefined`. */
export function assertExists<T>(actual: T, note?: string): asserts actual is NonNullable<T> {
  if (actual === null || actual === undefined) {
    throwFailure(`Expected a value, got ${actual}`, note);
  }
}

/** Always fails. */
export function fail(note?: string): never {
  throwFailure("Failed", note);
}
