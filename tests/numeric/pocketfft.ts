/**
 * Transforms whose errors are held to pocketfft's: `fixtures/fft.py` says how those were measured.
 *
 * @module
 */
import fixture from "../fixtures/fft.json" with { type: "json" };
import type { Pair } from "../../src/numeric/fft/roots.ts";
import { ErrorSum, exactTransform, numbers, ofRealParts } from "./exact_transform.ts";
import { assert } from "../support/std.ts";
import { isWhole } from "../support/part.ts";

/** Some numbers of a long row. */
interface Samples {
  readonly places: readonly number[];
  readonly re: readonly (readonly number[])[];
  readonly im: readonly (readonly number[])[];
}

/** Rows of a length. */
export interface Case {
  /** The length. */
  readonly n: number;
  /** How many rows give a mean that does not depend on chance. */
  readonly count: number;
  /** Real and imaginary parts, row after row. */
  readonly rows: Pair;
  /** Throws where the error of their transforms is more than twice pocketfft's. */
  check(what: string, dtype: "float32" | "float64", result: Pair): void;
  /** The same for the transforms of their real parts. */
  checkReal(what: string, dtype: "float32" | "float64", result: Pair): void;
}

/** Errors of results beside rows, all of them or samples of the first one. */
function errorOf({ re, im }: Pair, exact: readonly Pair[] | Samples): number {
  const error = new ErrorSum();
  if ("places" in exact) {
    const at = (part: Float64Array) => Float64Array.from(exact.places, (place) => part[place]);
    const [[a, aRest], [b, bRest]] = [exact.re, exact.im].map((parts) =>
      parts.map((part) => Float64Array.from(part))
    );
    error.add({ re: at(re), im: at(im) }, { re: a, reRest: aRest, im: b, imRest: bRest });
    return error.relative;
  }
  const length = re.length / exact.length;
  exact.forEach((row, i) => {
    const [from, to] = [i * length, (i + 1) * length];
    error.add({ re: re.subarray(from, to), im: im.subarray(from, to) }, row);
  });
  return error.relative;
}

/** The lengths of the fixture; the longest ones in whole runs only. */
const checked = fixture.errors.filter(({ n }) => isWhole || n < 100_000);

/** A case for each of these lengths. */
export const cases: readonly Case[] = checked.map((row): Case => {
  const { n } = row;
  const count = Math.ceil(4096 / n);
  const parts = [1, n + 1].map((seed) => {
    const whole = new Float64Array(count * n);
    for (let i = 0; i < count; i++) whole.set(numbers(n, seed + 2 * n * i), i * n);
    return whole;
  });
  const rows = { re: parts[0], im: parts[1] };
  let made: ReturnType<typeof exactTransform>[] | undefined;
  const exact = () =>
    made ??= Array.from({ length: count }, (_, i) => {
      const [re, im] = parts.map((part) => part.slice(i * n, (i + 1) * n));
      return exactTransform({ re, im });
    });
  const check = (what: string, error: number, bound: number) =>
    assert(error <= 2 * bound, `${what} of ${n}: ${error} beside ${bound}`);
  return {
    n,
    count,
    rows,
    check: (what, dtype, result) =>
      check(`${what}, ${dtype}`, errorOf(result, row.exact ?? exact()), row[dtype]),
    checkReal: (what, dtype, result) =>
      check(
        `${what}, real ${dtype}`,
        errorOf(result, row.exactReal ?? exact().map(ofRealParts)),
        dtype === "float32" ? row.real32 : row.real64,
      ),
  };
});
