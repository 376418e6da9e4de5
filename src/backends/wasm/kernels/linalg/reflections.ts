/**
 * Blocks of reflections, `I - V T Vᵀ` (R. Schreiber and C. Van Loan, "A storage-efficient WY
 * representation for products of Householder transformations", 1989): their construction from a
 * block of columns, and their application to other columns by products of blocks.
 *
 * @module
 */
import { range } from "../../../../base/shape.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f64, f64x2, i32, v128 } from "../../assembler/operations.ts";
import { advance, type Pointer, VECTOR } from "../addresses.ts";
import type { Builder } from "../kernel.ts";
import { BLOCK, DOUBLE, elementAt, emitUpdate, offsetBy, STRIP } from "./blocks.ts";
import { emitReflection } from "./reflection.ts";

/** Vectors in a row of a block. */
const VECTORS = BLOCK * DOUBLE / VECTOR;

/** Bytes of the triangle of a block. */
export const TRIANGLE = BLOCK * BLOCK * DOUBLE;

/** The sizes of matrices that are reflected. */
export interface Reflected {
  /** The number of rows. */
  readonly m: number;
  /** The same, rounded up to whole blocks. */
  readonly height: number;
  /** The number of reflections. */
  readonly count: number;
  /** Doubles from one row of the matrix to the next. */
  readonly pitch: number;
  /** The same for the vectors of the reflections. */
  readonly vectors: number;
}

/**
 * Finds the reflections that clear a block of columns below the diagonal: a function of the matrix,
 * of the vectors, of the triangle `-T`, of a workspace for one column, and of the number of the
 * block's first column. Elements that the vectors do not reach must be zero beforehand.
 */
export function emitReflectPanel(
  builder: Builder,
  { m, count, pitch, vectors }: Reflected,
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32"], "none"> {
  const [rowBytes, vectorBytes] = [pitch * DOUBLE, vectors * DOUBLE];
  const reflect = builder.once(emitReflection);
  return builder.module.function(
    "linalg reflect panel",
    ["i32", "i32", "i32", "i32", "i32"],
    "none",
    (
      code,
      work,
      all,
      triangle,
      column,
      k,
    ) => {
      const corner = code.let(elementAt(work, pitch + 1, k, 0));
      const below = code.let(elementAt(work, pitch, m, k));
      const own = code.let(elementAt(all, vectors, k, k));
      code.do(builder.memory.fill(triangle, i32.const(0), i32.const(TRIANGLE)));
      code.block((exit) => {
        for (const j of range(BLOCK)) {
          if (j > 0 && j === count % BLOCK) {
            code.branchIf(exit, i32.geU(k, i32.const(count - j)));
          }
          const diagonal = code.let(advance(corner, j * (rowBytes + DOUBLE)));
          const end = code.let(column);
          code.for({ from: diagonal, below, step: rowBytes }, (from) => {
            code.do(f64.store(end, f64.load(from)));
            code.set(end, advance(end, DOUBLE));
          });
          const factor = code.let(reflect.call(column, end));
          const head = code.let(f64.load(column));
          code.do(f64.store(column, f64.const(1)));
          // The vector's products with the columns on the right, and with the vectors before.
          const first = Math.floor((j + 1) / 2);
          const right = range(VECTORS - first).map((v) => ({
            v: first + v,
            sum: code.local("v128"),
          }));
          const left = range(Math.ceil(j / 2)).map((v) => ({ v, sum: code.local("v128") }));
          for (const { sum } of [...right, ...left]) code.set(sum, f64x2.const(0));
          const place = (v: number) => ({ offset: v * VECTOR, align: 8 });
          const rowStart = code.let(advance(diagonal, -j * DOUBLE));
          const from = code.let(rowStart);
          const vector = code.let(advance(own, j * vectorBytes));
          code.for({ from: column, below: end, step: DOUBLE }, (element) => {
            const value = code.let(v128.load64Splat(element));
            for (const { v, sum } of right) {
              code.set(sum, f64x2.relaxedMadd(value, v128.load(from, place(v)), sum));
            }
            for (const { v, sum } of left) {
              code.set(sum, f64x2.relaxedMadd(value, v128.load(vector, place(v)), sum));
            }
            code.set(from, advance(from, rowBytes));
            code.set(vector, advance(vector, vectorBytes));
          });
          const weight = code.let(f64x2.splat(factor));
          for (const { sum } of right) code.set(sum, f64x2.mul(weight, sum));
          code.set(from, rowStart);
          code.set(vector, advance(own, j * (vectorBytes + DOUBLE)));
          code.for({ from: column, below: end, step: DOUBLE }, (element) => {
            const value = code.let(v128.load64Splat(element));
            for (const { v, sum } of right) {
              const rest = f64x2.relaxedNmadd(value, sum, v128.load(from, place(v)));
              code.do(v128.store(from, rest, place(v)));
            }
            code.do(f64.store(vector, f64.load(element)));
            code.set(from, advance(from, rowBytes));
            code.set(vector, advance(vector, vectorBytes));
          });
          code.do(f64.store(diagonal, head));
          // Column j of -T.
          const inner = left.flatMap(({ sum }) =>
            [0, 1].map((lane) => f64x2.extractLane(sum, lane))
          ).slice(0, j).map((value) => code.let(value));
          const negative = code.let(f64.neg(factor));
          const entry = (i: number, j: number) => ({ offset: (i * BLOCK + j) * DOUBLE });
          for (const i of range(j)) {
            const sum = range(j - i).map((l) =>
              f64.mul(f64.load(triangle, entry(i, i + l)), inner[i + l])
            ).reduce((x, y) => f64.add(x, y));
            code.do(f64.store(triangle, f64.mul(negative, sum), entry(i, j)));
          }
          code.do(f64.store(triangle, negative, entry(j, j)));
        }
      });
    },
  );
}

/**
 * `X = -T W` or `X = -Tᵀ W` in place: a function of the triangle `-T`, of the first strip of `W` and of
 * the end of its first row.
 */
function emitTriangle(
  builder: Builder,
  { pitch, isTransposed }: { readonly pitch: number; readonly isTransposed: boolean },
): FunctionReference<readonly ["i32", "i32", "i32"], "none"> {
  const vectors = range(STRIP * DOUBLE / VECTOR);
  const step = isTransposed ? BLOCK * DOUBLE : DOUBLE;
  return builder.module.function(
    "linalg triangle",
    ["i32", "i32", "i32"],
    "none",
    (code, triangle, w, end) => {
      const sums = vectors.map(() => code.local("v128"));
      const last = BLOCK - 1;
      code.for({ from: w, below: end, step: STRIP * DOUBLE }, (strip) => {
        code.for({ below: BLOCK }, (round) => {
          // The elements that a row is computed from have not been overwritten yet.
          const i = isTransposed ? code.let(i32.sub(i32.const(last), round)) : round;
          const to = code.let(elementAt(strip, pitch, i, 0));
          const diagonal = offsetBy(triangle, i, (BLOCK + 1) * DOUBLE);
          const factor = code.let(isTransposed ? offsetBy(triangle, i, DOUBLE) : diagonal);
          const from = isTransposed ? strip : to;
          const below = isTransposed ? i32.add(i, i32.const(1)) : i32.const(BLOCK);
          for (const sum of sums) code.set(sum, f64x2.const(0));
          const past = code.let(elementAt(strip, pitch, below, 0));
          code.for({ from, below: past, step: pitch * DOUBLE }, (row) => {
            const value = code.let(v128.load64Splat(factor));
            sums.forEach((sum, v) => {
              const other = v128.load(row, { offset: v * VECTOR, align: 8 });
              code.set(sum, f64x2.relaxedMadd(value, other, sum));
            });
            code.set(factor, advance(factor, step));
          });
          sums.forEach((sum, v) => {
            code.do(v128.store(to, sum, { offset: v * VECTOR, align: 8 }));
          });
        });
      });
    },
  );
}

/**
 * Reflects some columns of a matrix by a block of reflections, or by their transpose: a function of
 * the vectors, of the triangle `-T`, of the matrix, of a workspace for a block of its rows, and of
 * the numbers of the block, of the first column, and of the end, at most `MOST_COLUMNS` away.
 */
export function emitReflectColumns(
  builder: Builder,
  { reflected: { height, pitch, vectors }, isTransposed }: {
    readonly reflected: Reflected;
    readonly isTransposed: boolean;
  },
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32", "i32", "i32"], "none"> {
  const inner = emitUpdate(builder, { row: 1, column: vectors, pitch, result: pitch });
  const outer = emitUpdate(builder, { row: vectors, column: 1, pitch, result: pitch });
  const multiply = builder.once(emitTriangle, { pitch, isTransposed });
  const parameters = ["i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return builder.module.function("linalg reflect columns", parameters, "none", (
    code,
    all,
    triangle,
    work,
    room,
    k,
    first,
    end,
  ) => {
    const width = code.let(i32.sub(end, first));
    const bytes = code.let(i32.mul(width, i32.const(DOUBLE)));
    const w = code.let(elementAt(room, 0, 0, first));
    code.for({ below: BLOCK }, (row) => {
      code.do(builder.memory.fill(elementAt(w, pitch, row, 0), i32.const(0), bytes));
    });
    const corner = code.let(elementAt(all, vectors + 1, k, 0));
    const past = code.let(elementAt(all, vectors, height, k));
    const from = code.let(elementAt(work, pitch, k, first));
    const start = code.let(from);
    // -Vᵀ C, block of rows by block of rows.
    code.for({ from: corner, below: past, step: BLOCK * vectors * DOUBLE }, (v: Pointer) => {
      code.do(inner.pack(from, i32.add(from, bytes)));
      code.do(inner.apply(v, advance(v, BLOCK * DOUBLE), w, width));
      code.set(from, advance(from, BLOCK * pitch * DOUBLE));
    });
    const below = code.let(i32.add(w, bytes));
    code.do(multiply.call(triangle, w, below));
    code.do(outer.pack(w, below));
    code.do(outer.apply(corner, past, start, width));
  });
}
