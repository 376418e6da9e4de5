import type { Dtype } from "../../src/base/dtype.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import type { NestedArray } from "../../src/core/methods.ts";
import { tensor } from "../../src/functions/mod.ts";
import { assertEquals, assertThrows } from "../support/std.ts";

/** Numbers as the fixtures write them: "inf", "-inf" and "nan" are strings. */
export type Written = number | string | readonly Written[];

const names: Readonly<Record<string, number>> = { inf: Infinity, "-inf": -Infinity, nan: NaN };

function read(written: Written): number | NestedArray {
  if (typeof written === "number") return written;
  if (typeof written === "string") return names[written];
  return written.map(read);
}

/** An array of a fixture as a tensor. */
export function fromFixture(written: Written, dtype: Dtype = "float64"): Tensor {
  return tensor(read(written), { dtype });
}

/** Asserts that a call ends in an error of this name with exactly this message. */
export function assertRefused(call: () => unknown, name: string, message: string): void {
  const error = assertThrows(call) as Error;
  assertEquals([error.name, error.message], [name, message]);
}

/** A value that the types forbid. */
// deno-lint-ignore no-explicit-any
export function wrong(value: unknown): any {
  return value;
}
