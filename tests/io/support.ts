/**
 * Files from JSON fixtures, and what they hold.
 *
 * @module
 */
import * as api from "../../mod.ts";
import { Tensor } from "../../mod.ts";
import { assert, assertEquals, fail } from "../support/std.ts";

/** A tensor as the fixtures write it: its dtype is that of the file. */
export interface TensorFixture {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: readonly (number | boolean | string)[];
}

/** A file and its contents. */
export interface FileFixture {
  readonly name: string;
  readonly base64: string;
  readonly contents?: unknown;
}

/** The bytes that a text in base64 stands for. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function isTensorFixture(value: unknown): value is TensorFixture {
  return typeof value === "object" && value !== null && "dtype" in value && "values" in value;
}

function readNumber(value: number | boolean | string): number {
  return value === "nan"
    ? NaN
    : value === "inf" || value === "-inf"
    ? (value === "inf" ? Infinity : -Infinity)
    : Number(value);
}

/** Fails unless `actual` is what the fixture says, to the bit. */
export function assertContents(
  actual: unknown,
  expected: unknown,
  int64: "int32" | "float64" = "int32",
  path: string = "",
): void {
  if (isTensorFixture(expected)) {
    if (!(actual instanceof Tensor)) fail(`Expected a tensor at ${path}`);
    const wide = expected.dtype === "int64" || expected.dtype === "uint64";
    assertEquals(actual.dtype, wide ? int64 : expected.dtype, path);
    assertEquals([...actual.shape], [...expected.shape], path);
    const values = [...actual.astype("float64").data()];
    assertEquals(values.length, expected.values.length, path);
    values.forEach((value, i) => {
      const wanted = readNumber(expected.values[i]);
      assert(Object.is(value, wanted), `${path}[${i}] is ${value}, expected ${wanted}`);
    });
  } else if (Array.isArray(expected)) {
    assert(Array.isArray(actual), `Expected an array at ${path}`);
    assertEquals(actual.length, expected.length, path);
    expected.forEach((part, i) => assertContents(actual[i], part, int64, `${path}.${i}`));
  } else if (typeof expected === "object" && expected !== null) {
    if ("uint8Array" in expected) {
      assert(actual instanceof Uint8Array, `Expected bytes at ${path}`);
      assertEquals([...actual], expected.uint8Array);
      return;
    }
    assertEquals(Object.keys(actual as object).sort(), Object.keys(expected).sort(), path);
    for (const [key, part] of Object.entries(expected)) {
      assertContents((actual as Record<string, unknown>)[key], part, int64, `${path}.${key}`);
    }
  } else if (typeof actual === "bigint") {
    assertEquals(String(actual), expected, path);
  } else {
    assertEquals(actual, expected, path);
  }
}

/** The classes of the library's own errors. */
const ownErrors = Object.values(api).filter((value) =>
  typeof value === "function" && value.prototype instanceof Error
) as (new (message: string) => Error)[];

/** Fails unless `run` returns or throws one of the library's errors; gives that error. */
export function runOrRefuse(run: () => unknown): Error | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    const isOwn = ownErrors.some((type) => error instanceof type);
    if (!isOwn) throw error;
    return error as Error;
  }
}
