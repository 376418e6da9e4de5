import fixture from "../fixtures/functions.json" with { type: "json" };
import { tensor } from "../../src/functions/mod.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import type { NestedArray } from "../../src/core/methods.ts";

// PyTorch's values and derivatives; `functions.py` beside the file says what is in it.

/** A number, one of the words that stand for what JSON lacks, or lists of these. */
export type Written = number | string | boolean | null | readonly Written[];

/** Options of a reduction, as written. */
export interface WrittenOptions {
  readonly axis?: number | readonly number[];
  readonly keepdims?: boolean;
  readonly correction?: number;
  readonly ord?: number | string;
  readonly descending?: boolean;
  readonly k?: number;
}

export interface UnaryCase {
  readonly name: string;
  readonly x: Written;
  readonly y: Written;
  readonly dx: Written;
}

export interface BinaryCase {
  readonly name: string;
  readonly a: Written;
  readonly b: Written;
  readonly y: Written;
  readonly da: Written;
  readonly db: Written;
}

export interface ReductionCase {
  readonly name: string;
  readonly options: WrittenOptions;
  readonly x: Written;
  readonly y: Written;
  readonly cotangent: Written;
  readonly dx: Written;
}

interface Sections {
  readonly unary: readonly UnaryCase[];
  readonly binary: readonly BinaryCase[];
  readonly clip: readonly (UnaryCase & { readonly min: Written; readonly max: Written })[];
  readonly where: readonly (BinaryCase & { readonly condition: readonly boolean[] })[];
  readonly predicates: readonly UnaryCase[];
  readonly comparisons: readonly BinaryCase[];
  readonly reductions: readonly ReductionCase[];
  readonly selections: readonly ReductionCase[];
  readonly ordering: readonly (Omit<ReductionCase, "y"> & {
    readonly values: Written;
    readonly indices: Written;
  })[];
}

/** Everything in the file. */
export const sections = fixture as unknown as Sections;

/** The numbers that are written: `"inf"`, `"-inf"` and `"nan"` among them; null is left as NaN. */
export function numbers(written: Written): number | NestedArray {
  if (Array.isArray(written)) return written.map(numbers);
  if (written === "inf") return Infinity;
  if (written === "-inf") return -Infinity;
  return written === "nan" || written === null ? NaN : Number(written);
}

/** The written numbers as a float64 tensor. */
export function float64(written: Written): Tensor {
  return tensor(numbers(written), { dtype: "float64" });
}
