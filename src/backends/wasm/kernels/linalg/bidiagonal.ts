/**
 * The reduction of matrices with at least as many rows as columns to upper bidiagonal ones, by
 * reflections of columns and of rows in turn.
 *
 * Source: G. Golub and W. Kahan, "Calculating the singular values and pseudo-inverse of a matrix",
 * 1965.
 *
 * @module
 */
import { range } from "../../../../base/shape.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f64, f64x2, i32, v128 } from "../../assembler/operations.ts";
import { advance, type Pointer, VECTOR } from "../addresses.ts";
import type { Builder } from "../kernel.ts";
import { DOUBLE, elementAt, offsetBy } from "./blocks.ts";
import { emitReflection, sumLanes, TOGETHER } from "./reflection.ts";

const lanes = range(TOGETHER);

/** The location of a reduction's vectors, in rows of `pitch` doubles. */
export const bidiagonalRows = {
  diagonal: 0,
  beside: 1,
  leftFactors: 2,
  rightFactors: 3,
  weights: 4,
  count: 5,
} as const;

/** The sizes of a matrix. */
export interface Tall {
  /** The number of rows. */
  readonly m: number;
  /** The number of columns. */
  readonly n: number;
  /** Doubles from one row to the next, also of the reflections of rows. */
  readonly pitch: number;
  /** The same for the reflections of columns. */
  readonly leftPitch: number;
}

/**
 * Reduces a matrix in place: a function of it, of the addresses for the vectors of the reflections
 * of columns and of rows, and of the address of those of `bidiagonalRows`. The matrix is followed
 * by zeros, up to whole groups of rows.
 */
export function emitBidiagonalize(
  builder: Builder,
  { m, n, pitch, leftPitch }: Tall,
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  const [rowBytes, leftBytes] = [pitch * DOUBLE, leftPitch * DOUBLE];
  const reflect = builder.once(emitReflection);
  const weigh = builder.once(emitWeigh, { m, pitch });
  const update = builder.once(emitUpdateBoth, { m, pitch });
  const { memory } = builder;
  return builder.module.function("bidiagonal", ["i32", "i32", "i32", "i32"], "none", (
    code,
    work,
    left,
    right,
    vectors,
  ) => {
    const [diagonal, beside, leftFactors, rightFactors, weights] = range(5).map((row) =>
      code.let(advance(vectors, row * rowBytes))
    );
    code.do(memory.fill(left, i32.const(0), i32.const(n * leftBytes)));
    code.do(memory.fill(right, i32.const(0), i32.const(n * rowBytes)));
    code.do(memory.fill(vectors, i32.const(0), i32.const(bidiagonalRows.count * rowBytes)));
    code.for({ below: n }, (k) => {
      const corner = code.let(elementAt(work, pitch + 1, k, 0));
      const v = code.let(offsetBy(left, k, leftBytes));
      const head = code.let(offsetBy(v, k, DOUBLE));
      const place = code.let(head);
      const below = elementAt(work, pitch, m, k);
      code.for({ from: corner, below, step: rowBytes }, (from) => {
        code.do(f64.store(place, f64.load(from)));
        code.set(place, advance(place, DOUBLE));
      });
      const factor = code.let(reflect.call(head, place));
      code.do(f64.store(offsetBy(diagonal, k, DOUBLE), f64.load(head)));
      code.do(f64.store(offsetBy(leftFactors, k, DOUBLE), factor));
      code.do(f64.store(head, f64.const(1)));
      code.if(i32.ltU(k, i32.const(n - 1)), () => {
        const next = code.let(i32.add(k, i32.const(1)));
        const column = code.let(i32.and(next, i32.const(-2)));
        code.do(weigh.call(work, v, weights, k, column, factor));
        // The row of the diagonal as the reflection of columns leaves it.
        const u = code.let(offsetBy(right, k, rowBytes));
        const first = code.let(offsetBy(u, next, DOUBLE));
        const row = code.let(elementAt(work, pitch, k, next));
        const weight = code.let(offsetBy(weights, next, DOUBLE));
        const end = code.let(advance(u, n * DOUBLE));
        code.for({ from: first, below: end, step: DOUBLE }, (to) => {
          code.do(f64.store(to, f64.sub(f64.load(row), f64.load(weight))));
          code.set(row, advance(row, DOUBLE));
          code.set(weight, advance(weight, DOUBLE));
        });
        const other = code.let(reflect.call(first, end));
        code.do(f64.store(offsetBy(beside, k, DOUBLE), f64.load(first)));
        code.do(f64.store(offsetBy(rightFactors, k, DOUBLE), other));
        code.do(f64.store(first, f64.const(1)));
        code.do(update.call(work, v, weights, u, k, column, other));
      });
    });
  });
}

/** The first of the rows that are read together with a given row. */
export function groupOf(row: Pointer): Pointer {
  return i32.and(row, i32.const(-TOGETHER));
}

/**
 * `w = factor Aᵀ v` from a row and a column on: a function of the matrix, the vector, the address
 * for the result, the numbers of the row and of the column, which is even, and the factor.
 */
export function emitWeigh(
  builder: Builder,
  { m, pitch }: { readonly m: number; readonly pitch: number },
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32", "f64"], "none"> {
  const rowBytes = pitch * DOUBLE;
  return builder.module.function(
    "bidiagonal weigh",
    ["i32", "i32", "i32", "i32", "i32", "f64"],
    "none",
    (
      code,
      work,
      v,
      weights,
      k,
      column,
      factor,
    ) => {
      const start = code.let(offsetBy(weights, column, DOUBLE));
      const end = code.let(advance(weights, rowBytes));
      code.do(builder.memory.fill(start, i32.const(0), i32.sub(end, start)));
      code.for({ from: groupOf(k), below: m, step: TOGETHER }, (row) => {
        const from = code.let(elementAt(work, pitch, row, column));
        const own = code.let(offsetBy(v, row, DOUBLE));
        const values = lanes.map((i) =>
          code.let(f64x2.splat(f64.mul(factor, f64.load(own, { offset: i * DOUBLE }))))
        );
        code.for({ from: start, below: end, step: VECTOR }, (to) => {
          const sum = code.let(v128.load(to, { align: 8 }));
          values.forEach((value, i) => {
            const element = v128.load(from, { offset: i * rowBytes, align: 8 });
            code.set(sum, f64x2.relaxedMadd(value, element, sum));
          });
          code.do(v128.store(to, sum, { align: 8 }));
          code.set(from, advance(from, VECTOR));
        });
      });
    },
  );
}

/**
 * Reflects columns, then rows: subtracts `v wᵀ` from the matrix from a row and a column on, then
 * applies the reflection of `u` and its factor. A function of the matrix, `v`, `w`, `u`, both
 * numbers and the factor. Rows before it, which are not read again, may change.
 */
function emitUpdateBoth(
  builder: Builder,
  { m, pitch }: { readonly m: number; readonly pitch: number },
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32", "i32", "f64"], "none"> {
  const rowBytes = pitch * DOUBLE;
  const parameters = ["i32", "i32", "i32", "i32", "i32", "i32", "f64"] as const;
  return builder.module.function("bidiagonal update", parameters, "none", (
    code,
    work,
    v,
    w,
    u,
    k,
    column,
    factor,
  ) => {
    const start = code.let(offsetBy(w, column, DOUBLE));
    const end = code.let(advance(w, rowBytes));
    const shift = code.let(i32.sub(u, w));
    const both = code.let(f64x2.splat(factor));
    const sums = lanes.map(() => code.local("v128"));
    code.for({ from: groupOf(k), below: m, step: TOGETHER }, (row) => {
      const first = code.let(elementAt(work, pitch, row, column));
      const own = code.let(offsetBy(v, row, DOUBLE));
      const values = lanes.map((i) => code.let(v128.load64Splat(own, { offset: i * DOUBLE })));
      for (const sum of sums) code.set(sum, f64x2.const(0));
      const from = code.let(first);
      code.for({ from: start, below: end, step: VECTOR }, (weight) => {
        const other = code.let(v128.load(weight, { align: 8 }));
        const reflected = code.let(v128.load(i32.add(weight, shift), { align: 8 }));
        values.forEach((value, i) => {
          const place = { offset: i * rowBytes, align: 8 };
          const rest = code.let(f64x2.relaxedNmadd(value, other, v128.load(from, place)));
          code.do(v128.store(from, rest, place));
          code.set(sums[i], f64x2.relaxedMadd(rest, reflected, sums[i]));
        });
        code.set(from, advance(from, VECTOR));
      });
      const pairs = sumLanes(code, sums).map((pair) => code.let(f64x2.mul(pair, both)));
      const weights = lanes.map((i) =>
        code.let(f64x2.splat(f64x2.extractLane(pairs[i >> 1], i & 1)))
      );
      code.set(from, first);
      code.for({ from: start, below: end, step: VECTOR }, (weight) => {
        const reflected = code.let(v128.load(i32.add(weight, shift), { align: 8 }));
        weights.forEach((value, i) => {
          const place = { offset: i * rowBytes, align: 8 };
          const rest = f64x2.relaxedNmadd(value, reflected, v128.load(from, place));
          code.do(v128.store(from, rest, place));
        });
        code.set(from, advance(from, VECTOR));
      });
    });
  });
}
