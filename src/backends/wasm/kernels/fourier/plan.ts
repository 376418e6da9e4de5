/**
 * Plans for transforms of a given length, and the tables of numbers that they need.
 *
 * All of them consist of transforms of whole vectors, whose lanes are independent. These lanes are
 * the parts of a row, one for each residue of the positions; or, if the length does not permit
 * that, several rows.
 *
 * @module
 */
import { byteSize, type FloatDtype } from "../../../../base/dtype.ts";
import { internalError } from "../../../../base/errors.ts";
import { radicesOf } from "../../../../numeric/fft/lengths.ts";
import { rootOfUnity } from "../../../../numeric/fft/roots.ts";
import { VECTOR } from "../addresses.ts";

/** One stage of a transform of vectors: from `[radix, rest, before]` to `[rest, radix, before]`. */
export interface StagePlan {
  /** The length of its own transforms. */
  readonly radix: number;
  /** The product of the radices before this stage. */
  readonly before: number;
  /** The product of the radices after it. */
  readonly rest: number;
  /** The offset of the roots that results are multiplied by, in elements of the table. */
  readonly turns: number;
  /** The offset of the roots of an odd radix. */
  readonly matrix: number;
}

/** A transform of vectors. */
export interface Stages {
  /** The number of vectors. */
  readonly length: number;
  /** The stages, in order. */
  readonly stages: readonly StagePlan[];
}

/** The conversion of complex numbers, or of pairs of real ones, at one of the ends. */
export interface Halves {
  /** The offset of the roots, in elements of the table. */
  readonly turns: number;
  /** Whether the result is real, instead of the input. */
  readonly isBack: boolean;
}

/** The plan of a length. */
export interface Plan {
  /** The number of complex numbers, or pairs. */
  readonly n: number;
  /** The transform of vectors. */
  readonly whole: Stages;
  /**
   * The offset of the roots of a last stage that joins the parts of a row, which are lanes; `null`
   * if lanes are rows of the batch.
   */
  readonly turns: number | null;
  /** The conversion that makes it a transform of real numbers. */
  readonly halves: Halves | null;
}

/** The number of numbers at a time that are joined with those from the other end of a row. */
export function widthOf(dtype: FloatDtype, n: number): number {
  return n >= 2 * lanesOf(dtype) ? lanesOf(dtype) : 1;
}

/** The number of repetitions. */
export function blocksOf(dtype: FloatDtype, n: number): number {
  return Math.ceil(Math.floor(n / 2) / widthOf(dtype, n));
}

/** Bytes at the end of a thread's memory for the sums and differences of a large radix. */
export const SPARE_BYTES = 200 * 2 * VECTOR;

/** Bytes between two arrays such that equal positions map to different sets of the caches. */
export const GAP = 17 * 64;

/** Whether the transforms of a radix are written out: even ones and small odd ones are. */
export function isWritten(radix: number): boolean {
  return radix % 2 === 0 || radix <= 7;
}

/** Vectors of elements of a dtype. */
export function lanesOf(dtype: FloatDtype): number {
  return VECTOR / byteSize(dtype);
}

/**
 * The plan of a length with given radices, or of twice as many real numbers, from or to them; and
 * the number of elements of its table.
 */
export function planOf(
  dtype: FloatDtype,
  n: number,
  real: "from" | "back" | null,
): { readonly plan: Plan; readonly elements: number } {
  let elements = 0;
  const take = (count: number): number => (elements += count) - count;
  const stagesOf = (length: number): Stages => {
    const radices = radicesOf(length);
    if (radices === null) throw internalError(`Cannot transform ${length} elements by stages`);
    let before = 1;
    const stages = radices.map((radix): StagePlan => {
      const rest = length / before / radix;
      const half = radix % 2 === 1 ? (radix - 1) / 2 : 0;
      const stage = {
        radix,
        before,
        rest,
        turns: take(rest === 1 ? 0 : 2 * rest * (radix - 1)),
        matrix: take(isWritten(radix) ? 0 : 2 * half * half),
      };
      before *= radix;
      return stage;
    });
    return { length, stages };
  };
  const lanes = lanesOf(dtype);
  const areParts = n % (lanes * lanes) === 0;
  const whole = stagesOf(areParts ? n / lanes : n);
  const turns = areParts ? take(2 * n / lanes * (lanes - 1)) : null;
  const halves = real === null ? null : {
    turns: take(2 * blocksOf(dtype, n) * widthOf(dtype, n)),
    isBack: real === "back",
  };
  return { plan: { n, whole, turns, halves }, elements };
}

/** Fills the table of a plan. */
export function fillTable(table: Float32Array | Float64Array, dtype: FloatDtype, plan: Plan): void {
  const lanes = lanesOf(dtype);
  const put = (at: number, k: number, n: number): void => {
    const [cos, sin] = rootOfUnity(k, n);
    table[at] = cos;
    table[at + 1] = -sin;
  };
  const { n, whole: { length, stages } } = plan;
  for (const { radix, before, rest, turns, matrix } of stages) {
    for (let p = 0; p < rest && rest > 1; p++) {
      for (let k = 1; k < radix; k++) {
        put(turns + 2 * (p * (radix - 1) + k - 1), p * k * before, length);
      }
    }
    if (isWritten(radix)) continue;
    const half = (radix - 1) / 2;
    for (let k = 1; k <= half; k++) {
      for (let j = 1; j <= half; j++) {
        put(matrix + 2 * ((k - 1) * half + j - 1), (j * k) % radix, radix);
      }
    }
  }
  /** Vectors of cosines, each followed by one of sines. */
  const putVectors = (
    at: number,
    width: number,
    count: number,
    rootOf: (i: number) => readonly [cos: number, sin: number],
  ): void => {
    for (let i = 0; i < count; i++) {
      const place = at + i + Math.floor(i / width) * width;
      [table[place], table[place + width]] = rootOf(i);
    }
  };
  if (plan.turns !== null) {
    // For each group of positions, the vectors of each part but the first.
    putVectors(plan.turns, lanes, length * (lanes - 1), (i) => {
      const vector = Math.floor(i / lanes);
      const place = Math.floor(vector / (lanes - 1)) * lanes + i % lanes;
      const [cos, sin] = rootOfUnity((vector % (lanes - 1) + 1) * place, n);
      return [cos, -sin];
    });
  }
  if (plan.halves === null) return;
  const { turns, isBack } = plan.halves;
  const width = widthOf(dtype, n);
  putVectors(turns, width, blocksOf(dtype, n) * width, (i) => {
    const [cos, sin] = rootOfUnity(i + 1, 2 * n);
    return [isBack ? -cos / 2 : cos / 2, sin / 2];
  });
}
