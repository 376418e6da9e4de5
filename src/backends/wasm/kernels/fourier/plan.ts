/**
 * How transforms of a length are computed, and the tables of numbers that this takes.
 *
 * All of them are made of transforms of whole vectors, whose lanes go their ways side by side. These lanes
 * are the parts that a long transform divides into, one of each residue of the places; or some neighbouring
 * columns of a transform that is too long for the caches, taken as a matrix (D. H. Bailey, "FFTs in external
 * or hierarchical memory", 1990); or, where the length leaves no other way, transforms of several rows.
 *
 * @module
 */
import { byteSize, type FloatDtype } from "../../../../base/dtype.ts";
import { internalError } from "../../../../base/errors.ts";
import { radicesOf } from "../../../../numeric/fft/lengths.ts";
import { rootOfUnity } from "../../../../numeric/fft/roots.ts";
import { VECTOR } from "../addresses.ts";
import { SCRATCH_BYTES } from "../kernel.ts";

/** One stage of a transform of vectors: from `[radix, rest, before]` to `[rest, radix, before]`. */
export interface StagePlan {
  /** The length of its own transforms. */
  readonly radix: number;
  /** The product of the radices before, times the vectors of a row. */
  readonly before: number;
  /** The product of those behind. */
  readonly rest: number;
  /** Where the roots begin that results are multiplied by, in elements of the table. */
  readonly turns: number;
  /** Where the roots of an odd radix begin. */
  readonly matrix: number;
}

/** A transform of rows of vectors. */
export interface Stages {
  /** The number of rows. */
  readonly length: number;
  /** What is done, in order. */
  readonly stages: readonly StagePlan[];
}

/** The ways of a length. */
export type Plan =
  /** Lanes are rows of the batch. */
  | { readonly way: "rows"; readonly n: number; readonly whole: Stages }
  /** Lanes are parts of one row, which a last stage joins; its roots begin at `turns`. */
  | { readonly way: "parts"; readonly n: number; readonly part: Stages; readonly turns: number }
  /**
   * The row is a matrix. Columns of it are transformed, `BLOCK` bytes of each row at a time, turned by the
   * products of the roots that begin at `coarse` and `fine`, and become the rows of another matrix.
   */
  | {
    readonly way: "matrix";
    readonly n: number;
    readonly columns: Stages;
    readonly rows: Stages;
    readonly coarse: number;
    readonly fine: number;
  };

/** Bytes of the rows of matrices that are transformed at a time. */
export const BLOCK = 64;

/** Bytes of a transform of vectors from which on it is taken as a matrix, where that is possible. */
const LARGE = 2 ** 19;

/** Bytes at the end of a thread's memory for the sums and differences of a large radix. */
export const SPARE_BYTES = 200 * 2 * VECTOR;

/** Bytes between two arrays in which equal places are in other sets of the caches. */
export const GAP = 17 * 64;

/** The most rows of a matrix: two times the parts of a block of columns are in a thread's memory. */
const MOST_ROWS = Math.floor(((SCRATCH_BYTES - SPARE_BYTES) / 4 - GAP) / BLOCK);

/** Odd radices up to this one are written out. */
export const LARGEST_WRITTEN = 7;

/** Vectors of elements of a dtype. */
export function lanesOf(dtype: FloatDtype): number {
  return VECTOR / byteSize(dtype);
}

/** The two factors of `n`, nearly equal, that are multiples of a unit; `null` if there are none. */
function factorsOf(n: number, unit: number): readonly [number, number] | null {
  for (let first = Math.floor(Math.sqrt(n)); first >= 64; first--) {
    if (n / first > MOST_ROWS) return null;
    if (n % first === 0 && first % unit === 0 && (n / first) % unit === 0) {
      return [n / first, first];
    }
  }
  return null;
}

/** The plan of a length with radices, and the number of elements of its table. */
export function planOf(
  dtype: FloatDtype,
  n: number,
): { readonly plan: Plan; readonly elements: number } {
  let elements = 0;
  const take = (count: number): number => (elements += count) - count;
  const stagesOf = (length: number, width: number): Stages => {
    const radices = radicesOf(length);
    if (radices === null) throw internalError(`Cannot transform ${length} elements by stages`);
    let before = width;
    const stages = radices.map((radix): StagePlan => {
      const rest = length * width / before / radix;
      const half = radix % 2 === 1 ? (radix - 1) / 2 : 0;
      const stage = {
        radix,
        before,
        rest,
        turns: take(rest === 1 ? 0 : 2 * rest * (radix - 1)),
        matrix: take(radix > LARGEST_WRITTEN ? 2 * half * half : 0),
      };
      before *= radix;
      return stage;
    });
    return { length, stages };
  };
  const lanes = lanesOf(dtype);
  const unit = BLOCK / byteSize(dtype);
  const factors = 2 * n * byteSize(dtype) >= LARGE ? factorsOf(n, unit) : null;
  let plan: Plan;
  if (factors !== null) {
    const [first, second] = factors;
    const columns = stagesOf(first, BLOCK / VECTOR);
    const rows = stagesOf(second, BLOCK / VECTOR);
    const coarse = take(2 * n / unit);
    plan = { way: "matrix", n, columns, rows, coarse, fine: take(2 * first * unit) };
  } else if (n % (lanes * lanes) === 0) {
    const part = stagesOf(n / lanes, 1);
    plan = { way: "parts", n, part, turns: take(2 * n / lanes * (lanes - 1)) };
  } else plan = { way: "rows", n, whole: stagesOf(n, 1) };
  return { plan, elements };
}

/** Fills the table of a plan. */
export function fillTable(table: Float32Array | Float64Array, dtype: FloatDtype, plan: Plan): void {
  const lanes = lanesOf(dtype);
  const put = (at: number, k: number, n: number): void => {
    const [cos, sin] = rootOfUnity(k, n);
    table[at] = cos;
    table[at + 1] = -sin;
  };
  const fillStages = ({ length, stages }: Stages): void => {
    const width = stages.length === 0 ? 1 : stages[0].before;
    for (const { radix, before, rest, turns, matrix } of stages) {
      for (let p = 0; p < rest && rest > 1; p++) {
        for (let k = 1; k < radix; k++) {
          put(turns + 2 * (p * (radix - 1) + k - 1), p * k * before / width, length);
        }
      }
      if (radix <= LARGEST_WRITTEN || radix % 2 === 0) continue;
      const half = (radix - 1) / 2;
      for (let k = 1; k <= half; k++) {
        for (let j = 1; j <= half; j++) {
          put(matrix + 2 * ((k - 1) * half + j - 1), (j * k) % radix, radix);
        }
      }
    }
  };
  const { n } = plan;
  switch (plan.way) {
    case "rows":
      return fillStages(plan.whole);
    case "parts": {
      fillStages(plan.part);
      // For each group of places the vectors of each part but the first: real parts, then imaginary ones.
      const length = n / lanes;
      let at = plan.turns;
      for (let first = 0; first < length; first += lanes) {
        for (let part = 1; part < lanes; part++, at += 2 * lanes) {
          for (let lane = 0; lane < lanes; lane++) {
            const [cos, sin] = rootOfUnity(part * (first + lane), n);
            table[at + lane] = cos;
            table[at + lanes + lane] = -sin;
          }
        }
      }
      return;
    }
    case "matrix": {
      fillStages(plan.columns);
      fillStages(plan.rows);
      const unit = BLOCK / byteSize(dtype);
      const { length } = plan.columns;
      const blocks = n / length / unit;
      for (let block = 0; block < blocks; block++) {
        for (let k = 0; k < length; k++) {
          put(plan.coarse + 2 * (block * length + k), k * block * unit, n);
        }
      }
      for (let k = 0, at = plan.fine; k < length; k++) {
        for (let first = 0; first < unit; first += lanes, at += 2 * lanes) {
          for (let lane = 0; lane < lanes; lane++) {
            const [cos, sin] = rootOfUnity(k * (first + lane), n);
            table[at + lane] = cos;
            table[at + lanes + lane] = -sin;
          }
        }
      }
    }
  }
}
