/**
 * Elimination with complete pivoting, with the same bits as the evaluator.
 *
 * Source: J. H. Wilkinson, "Error analysis of direct methods of matrix inversion", 1961.
 *
 * @module
 */
import type { Dtype } from "../../../../base/dtype.ts";
import { range } from "../../../../base/shape.ts";
import { TINY_PIVOT } from "../../../../primitives/lu.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f32, f64, f64x2, i32, i64, i64x2, select, v128 } from "../../assembler/operations.ts";
import { advance, type Pointer, times, VECTOR } from "../addresses.ts";
import type { Builder } from "../kernel.ts";
import { DOUBLE, elementAt, offsetBy } from "./blocks.ts";

/** Rows that are updated together. */
const TOGETHER = 4;

/** The bits of a magnitude, which have its order as integers, with NaN as the largest. */
const MAGNITUDE = 2n ** 63n - 1n;
const INFINITE = 0x7ff0_0000_0000_0000n;

/** The largest element so far. */
interface Largest {
  /** The bits of its magnitude; -1 before the first. */
  readonly bits: Local<"i64">;
  /** The number of its row. */
  readonly row: Local<"i32">;
}

/**
 * Eliminates in place: a function of the working matrix, of the addresses for the orders of rows
 * and columns, and for their sign. The factors are stored below and above the diagonal.
 */
export function emitEliminate(
  builder: Builder,
  { dtype, n, side }: { readonly dtype: Dtype; readonly n: number; readonly side: number },
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  const step = builder.once(emitStep, { n, side });
  return builder.module.function("eliminate", ["i32", "i32", "i32", "i32"], "none", (
    code,
    work,
    rows,
    columns,
    sign,
  ) => {
    code.for({ below: n }, (i) => {
      for (const order of [rows, columns]) code.do(i32.store(offsetBy(order, i, 4), i));
    });
    const value = code.local("f64");
    code.set(value, f64.const(1));
    const place = code.local("i32");
    code.set(place, step.call(work, i32.const(-1)));
    code.for({ below: n }, (k) => {
      const i = code.let(i32.divU(place, i32.const(side)));
      const j = code.let(i32.remU(place, i32.const(side)));
      code.if(i32.ne(i, k), () => {
        code.set(value, f64.neg(value));
        swapNumbers(code, rows, i, k);
        const q = code.let(elementAt(work, side, i, 0));
        const p = code.let(elementAt(work, side, k, 0));
        code.for({ from: p, below: code.let(advance(p, side * DOUBLE)), step: VECTOR }, (p) => {
          const kept = code.let(v128.load(p, { align: 8 }));
          code.do(v128.store(p, v128.load(q, { align: 8 }), { align: 8 }));
          code.do(v128.store(q, kept, { align: 8 }));
          code.set(q, advance(q, VECTOR));
        });
      });
      code.if(i32.ne(j, k), () => {
        code.set(value, f64.neg(value));
        swapNumbers(code, columns, j, k);
        const shift = code.let(times(i32.sub(j, k), DOUBLE));
        const from = elementAt(work, 0, 0, k);
        const below = elementAt(work, side, n, k);
        code.for({ from, below, step: side * DOUBLE }, (p) => {
          const q = code.let(i32.add(p, shift));
          const kept = code.let(f64.load(p));
          code.do(f64.store(p, f64.load(q)), f64.store(q, kept));
        });
      });
      code.set(place, step.call(work, k));
    });
    replaceZeros(code, work, n, side, TINY_PIVOT[dtype as keyof typeof TINY_PIVOT]);
    code.do(dtype === "float64" ? f64.store(sign, value) : f32.store(sign, f32.demoteF64(value)));
  });
}

function swapNumbers(code: Code, order: Pointer, i: Pointer, k: Pointer): void {
  const [p, q] = [i, k].map((number) => code.let(offsetBy(order, number, 4)));
  const kept = code.let(i32.load(p));
  code.do(i32.store(p, i32.load(q)), i32.store(q, kept));
}

/** Replaces all pivots of 0 but the last by a value far below rounding. */
function replaceZeros(code: Code, work: Pointer, n: number, side: number, tiny: number): void {
  if (n < 2) return;
  const first = code.local("f64");
  const below = elementAt(work, side + 1, n - 1, 0);
  code.for({ from: work, below, step: (side + 1) * DOUBLE }, (place) => {
    const isZero = f64.eq(f64.load(place), f64.const(0));
    code.if(isZero, () => {
      // The first pivot may have been replaced itself.
      code.set(first, f64.abs(f64.load(work)));
      const unit = select(f64.gt(first, f64.const(0)), first, f64.const(1));
      code.do(f64.store(place, f64.mul(f64.const(tiny), unit)));
    });
  });
}

/**
 * Clears the column below a pivot, or none if its number is -1: a function of the matrix and the
 * pivot's number. Returns the position of the largest remaining element (row times `side` plus
 * column): the first of several, or the last element if one is NaN.
 */
function emitStep(
  builder: Builder,
  { n, side }: { readonly n: number; readonly side: number },
): FunctionReference<readonly ["i32", "i32"], "i32"> {
  return builder.module.function("step", ["i32", "i32"], "i32", (code, work, k) => {
    const largest = { bits: code.local("i64"), row: code.local("i32") };
    code.set(largest.bits, i64.const(-1));
    const next = code.let(i32.add(k, i32.const(1)));
    const isFirst = i32.eq(next, i32.const(0));
    code.if(isFirst, () => {
      code.for({ below: n }, (row) => look(code, work, side, row, largest));
    }, () => {
      const top = code.let(elementAt(work, side, k, 0));
      const whole = code.let(i32.sub(i32.const(n), next));
      const end = code.let(
        i32.add(next, i32.and(whole, i32.const(-TOGETHER))),
      );
      code.for({ from: next, below: end, step: TOGETHER }, (row) => {
        clearRows(code, work, side, n, top, k, row, TOGETHER, largest);
      });
      code.for({ from: end, below: n }, (row) => {
        clearRows(code, work, side, n, top, k, row, 1, largest);
      });
    });
    const last = i32.const(Math.max(0, n - 1) * side + Math.max(0, n - 1));
    code.if(i64.gtS(largest.bits, i64.const(INFINITE)), () => code.return(last));
    const column = code.let(next);
    code.block((exit) => {
      code.branchIf(exit, i32.geU(column, i32.const(n)));
      const at = code.let(elementAt(work, side, largest.row, column));
      code.loop((again) => {
        code.branchIf(exit, i64.eq(magnitudeOf(f64.load(at)), largest.bits));
        code.set(column, i32.add(column, i32.const(1)));
        code.set(at, advance(at, DOUBLE));
        code.branchIf(again, i32.ltU(column, i32.const(n)));
      });
    });
    return i32.add(times(largest.row, side), column);
  });
}

function magnitudeOf(value: Expression<"f64">): Expression<"i64"> {
  return i64.and(i64.reinterpretF64(value), i64.const(MAGNITUDE));
}

/** The larger magnitudes, lane by lane; the code of the given value is written twice. */
function largerLanes(code: Code, most: Local<"v128">, value: Expression<"v128">): void {
  const bits = code.let(v128.and(value, i64x2.const(MAGNITUDE)));
  code.set(most, v128.bitselect(bits, most, i64x2.gtS(bits, most)));
}

/** Examines the lanes of a row that belong to the matrix. */
function compare(code: Code, most: Local<"v128">, row: Pointer, largest: Largest): void {
  for (const lane of [0, 1]) {
    const bits = code.let(i64x2.extractLane(most, lane));
    code.if(i64.gtS(bits, largest.bits), () => {
      code.set(largest.bits, bits);
      code.set(largest.row, row);
    });
  }
}

/** Examines a whole row. */
function look(code: Code, work: Pointer, side: number, row: Pointer, largest: Largest): void {
  const from = code.let(elementAt(work, side, row, 0));
  const most = code.local("v128");
  code.set(most, i64x2.const(0));
  code.for({ from, below: code.let(advance(from, side * DOUBLE)), step: VECTOR }, (place) => {
    largerLanes(code, most, v128.load(place, { align: 8 }));
  });
  compare(code, most, row, largest);
}

/** Subtracts multiples of the pivot's row from some rows, and examines the remaining elements. */
function clearRows(
  code: Code,
  work: Pointer,
  side: number,
  n: number,
  top: Pointer,
  k: Pointer,
  row: Pointer,
  count: number,
  largest: Largest,
): void {
  const rowBytes = side * DOUBLE;
  const head = code.let(f64.load(elementAt(top, 0, 0, k)));
  const first = code.let(elementAt(work, side, row, k));
  const isZero = code.let(f64.eq(head, f64.const(0)));
  const rows = range(count).map((i) => {
    const place = { offset: i * rowBytes };
    // If the largest element is 0, all remaining elements are.
    const ratio = f64.div(f64.load(first, place), head);
    const factor = code.let(select(isZero, f64.const(0), ratio));
    code.do(f64.store(first, factor, place));
    const most = code.local("v128");
    code.set(most, i64x2.const(0));
    return { place: { ...place, align: 8 }, factor, both: code.let(f64x2.splat(factor)), most };
  });
  const from = code.let(elementAt(top, 0, 0, i32.add(k, i32.const(1))));
  const end = code.let(advance(top, rowBytes));
  const shift = code.let(i32.sub(elementAt(work, side, row, 0), top));
  // Vectors begin at even columns.
  code.if(i32.and(i32.eqz(i32.and(k, i32.const(1))), i32.ltU(from, end)), () => {
    const at = code.let(i32.add(from, shift));
    for (const { place: { offset }, factor, most } of rows) {
      const product = f64.mul(factor, f64.load(from));
      const value = code.let(f64.sub(f64.load(at, { offset }), product));
      code.do(f64.store(at, value, { offset }));
      code.set(most, i64x2.replaceLane(most, 0, magnitudeOf(value)));
    }
    code.set(from, advance(from, DOUBLE));
  });
  code.for({ from, below: end, step: VECTOR }, (p) => {
    const at = code.let(i32.add(p, shift));
    const other = code.let(v128.load(p, { align: 8 }));
    for (const { place, both, most } of rows) {
      const value = code.let(f64x2.sub(v128.load(at, place), f64x2.mul(both, other)));
      code.do(v128.store(at, value, place));
      largerLanes(code, most, value);
    }
  });
  // The last row has no elements to its right.
  code.if(i32.ltU(k, i32.const(n - 1)), () => {
    rows.forEach(({ most }, i) => compare(code, most, i32.add(row, i32.const(i)), largest));
  });
}
