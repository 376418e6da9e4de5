/**
 * The parts of elimination with partial pivoting: a block of columns, and the update of the other
 * columns.
 *
 * Source: G. Golub and C. Van Loan, "Matrix computations", 2013, section 3.4; E. Anderson et al.,
 * "LAPACK Users' Guide", 1999, section 3.4.
 *
 * @module
 */
import { range } from "../../../../base/shape.ts";
import type { Code } from "../../assembler/code.ts";
import type { Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f64, f64x2, i32, select, v128 } from "../../assembler/operations.ts";
import { advance, type Pointer, smaller, VECTOR } from "../addresses.ts";
import type { Builder } from "../kernel.ts";
import { BLOCK, DOUBLE, elementAt, emitSolveBlock, emitUpdate, offsetBy } from "./blocks.ts";

/**
 * Factorises a block of columns, from the diagonal down: a function of the matrix, of the address
 * for the number of the row that each row of the block was exchanged with, and of the number of the
 * first column.
 */
export function emitPanel(
  builder: Builder,
  { n, side }: { readonly n: number; readonly side: number },
): FunctionReference<readonly ["i32", "i32", "i32"], "none"> {
  const width = Math.min(side, BLOCK);
  const swap = builder.once(emitSwap, width);
  const rowBytes = side * DOUBLE;
  return builder.module.function(
    "columns",
    ["i32", "i32", "i32"],
    "none",
    (code, work, swaps, k) => {
      const end = code.let(elementAt(work, side, n, k));
      const row = code.let(elementAt(work, side + 1, k, 0));
      // The address of the pivot's row, found while the previous step updates the column.
      const largest = code.local("f64");
      const pivot = code.local("i32");
      const look = (value: Local<"f64">, at: Pointer) => {
        const magnitude = code.let(f64.abs(value));
        // NaN counts as the largest.
        code.if(i32.eqz(f64.le(magnitude, largest)), () => {
          code.set(largest, magnitude);
          code.set(pivot, at);
        });
      };
      code.set(largest, f64.const(-1));
      code.for(
        { from: row, below: end, step: rowBytes },
        (at) => look(code.let(f64.load(at)), at),
      );
      code.block((exit) => {
        for (const j of range(Math.min(n, BLOCK))) {
          if (n > BLOCK && n % BLOCK <= j) {
            code.branchIf(exit, i32.geU(row, end));
          }
          const number = i32.divU(i32.sub(pivot, work), i32.const(rowBytes));
          code.do(i32.store(offsetBy(swaps, k, 4), number, { offset: 4 * j }));
          code.if(i32.ne(pivot, row), () => code.do(swap.call(row, pivot)));
          const first = Math.floor((j + 1) / 2);
          const places = range(width / 2 - first).map((v) => ({
            offset: (first + v) * VECTOR,
            align: 8,
          }));
          const top = places.map((place) => code.let(v128.load(row, place)));
          const own = { offset: j * DOUBLE };
          const head = code.let(f64.load(row, own));
          const isZero = code.let(f64.eq(head, f64.const(0)));
          code.set(row, advance(row, rowBytes));
          code.set(largest, f64.const(-1));
          code.set(pivot, row);
          code.for({ from: row, below: end, step: rowBytes }, (at) => {
            // If the largest element of a column is 0, all of its elements are.
            const factor = code.let(
              select(isZero, f64.const(0), f64.div(f64.load(at, own), head)),
            );
            const both = code.let(f64x2.splat(factor));
            places.forEach((place, v) => {
              const value = code.let(f64x2.sub(v128.load(at, place), f64x2.mul(both, top[v])));
              code.do(v128.store(at, value, place));
              if (v === 0) look(code.let(f64x2.extractLane(value, (j + 1) % 2)), at);
            });
            // The first vector may start one column too early.
            code.do(f64.store(at, factor, own));
          });
        }
      });
    },
  );
}

/** Exchanges two rows: a function of their addresses. */
function emitSwap(
  builder: Builder,
  width: number,
): FunctionReference<readonly ["i32", "i32"], "none"> {
  return builder.module.function("lu exchange", ["i32", "i32"], "none", (code, p, q) => {
    for (const v of range(width / 2)) {
      const place = { offset: v * VECTOR, align: 8 };
      const kept = code.let(v128.load(p, place));
      code.do(v128.store(p, v128.load(q, place), place), v128.store(q, kept, place));
    }
  });
}

/** Exchanges the rows of a block, between two columns, as given by the numbers. */
function exchangeRows(
  code: Code,
  side: number,
  { work, swaps, k, count }: Readonly<Record<"work" | "swaps" | "k" | "count", Pointer>>,
  first: Pointer,
  end: Pointer,
): void {
  code.for({ from: k, below: i32.add(k, count) }, (row) => {
    const other = code.let(i32.load(offsetBy(swaps, row, 4)));
    code.if(i32.ne(row, other), () => {
      const q = code.let(elementAt(work, side, other, first));
      const p = code.let(elementAt(work, side, row, first));
      const bytes = i32.mul(i32.sub(end, first), i32.const(DOUBLE));
      code.for({ from: p, below: code.let(i32.add(p, bytes)), step: VECTOR }, (p) => {
        const kept = code.let(v128.load(p, { align: 8 }));
        code.do(v128.store(p, v128.load(q, { align: 8 }), { align: 8 }));
        code.do(v128.store(q, kept, { align: 8 }));
        code.set(q, advance(q, VECTOR));
      });
    });
  });
}

/**
 * Updates some of the other columns by a block of columns: a function of the matrix, of the numbers
 * that its rows were exchanged with, and of the numbers of the block's first column and of the
 * first of the others. The call for the first columns after the block also exchanges the rows of
 * the columns before it.
 */
export function emitFollow(
  builder: Builder,
  { n, side, columns }: { readonly n: number; readonly side: number; readonly columns: number },
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  const system = { row: side, column: 1, isForward: true, isUnit: true, pitch: side };
  const solve = builder.once(emitSolveBlock, system);
  const layout = { row: side, column: 1, pitch: side, result: side };
  const { pack, apply } = emitUpdate(builder, layout);
  return builder.module.function("update", ["i32", "i32", "i32", "i32"], "none", (
    code,
    work,
    swaps,
    k,
    first,
  ) => {
    const next = code.let(i32.add(k, i32.const(BLOCK)));
    const count = code.let(smaller(i32.const(BLOCK), i32.sub(i32.const(n), k)));
    const block = { work, swaps, k, count };
    code.if(i32.eq(first, next), () => exchangeRows(code, side, block, i32.const(0), k));
    code.if(i32.ltU(first, i32.const(side)), () => {
      const end = code.let(smaller(i32.add(first, i32.const(columns)), i32.const(side)));
      exchangeRows(code, side, block, first, end);
      const corner = code.let(elementAt(work, side + 1, k, 0));
      const from = code.let(elementAt(work, side, k, first));
      const to = code.let(elementAt(work, side, k, end));
      code.do(solve.call(corner, from, to, i32.const(BLOCK)));
      code.do(pack(from, to));
      const below = elementAt(work, side, side, k);
      const rest = advance(corner, BLOCK * side * DOUBLE);
      const result = advance(from, BLOCK * side * DOUBLE);
      code.do(apply(rest, below, result, i32.sub(end, first)));
    });
  });
}
