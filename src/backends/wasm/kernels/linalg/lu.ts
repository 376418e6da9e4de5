/**
 * The kernel of the LU factorisation. With partial pivoting it is right-looking, in blocks of
 * columns; complete pivoting examines every element after every step, so it uses no blocks.
 *
 * @module
 */
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import { sizeOf } from "../../../../base/shape.ts";
import type { LuParams } from "../../../../primitives/lu.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f32, f64, i32 } from "../../assembler/operations.ts";
import { type Pointer, smaller, times } from "../addresses.ts";
import type { Buffer, Builder, Kernel } from "../kernel.ts";
import { BLOCK, DOUBLE, elementAt, emitNarrow, emitReadMatrix } from "./blocks.ts";
import { MOST_COLUMNS, offsetBy, paddedSide } from "./blocks.ts";
import { emitEliminate } from "./complete.ts";
import { emitFollow, emitPanel } from "./partial.ts";
import { emitPhases, nothing, type Phase } from "./phases.ts";

/** Rows that a thread reads or writes at once, if several threads share a matrix. */
const ROWS = 96;

/** The same for columns of an update. */
const COLUMNS = 144;

/** The kernel of `lu`: `a` to both factors, both orders and their sign. */
export function emitLu(
  builder: Builder,
  [a]: readonly Buffer[],
  { pivoting }: LuParams,
  _outputs: readonly Buffer[],
): Kernel {
  const { dtype, shape } = a;
  const n = shape[shape.length - 1];
  const count = sizeOf(shape.slice(0, -2));
  if (count === 0) return nothing;
  const side = paddedSide(n);
  const bytes = n * n * byteSize(dtype);
  const isPartial = pivoting === "partial";
  return emitPhases(builder, {
    name: "lu",
    count,
    buffers: [bytes, bytes, bytes, 4 * n, 4 * n, byteSize(dtype)],
    workspaces: [side * side * DOUBLE, 4 * n],
    operations: n * n * ((isPartial ? 2 / 3 : 3) * n + 10) + 20 * n,
    phases(isShared) {
      const rows = isShared ? ROWS : Math.max(1, side);
      const source = { dtype, rows: n, columns: n, pitch: side, isUnit: true };
      const read = builder.once(emitReadMatrix, source);
      const write = builder.once(emitWrite, { dtype, n, side });
      const parts = Math.ceil(n / rows);
      return [
        {
          name: "lu: read",
          parts,
          run: ([a, , , , , , work], part) =>
            read.call(a, work, times(part, rows), endOf(part, parts, rows, side)),
        },
        ...isPartial ? eliminateBlocks(builder, dtype, n, side, isShared) : [{
          name: "lu: eliminate",
          parts: 1,
          run: ([, , , order, columns, sign, work]: readonly Pointer[]) =>
            builder.once(emitEliminate, { dtype, n, side }).call(work, order, columns, sign),
        }],
        {
          name: "lu: write",
          parts,
          run: ([, l, u, , , , work], part) =>
            write.call(work, l, u, times(part, rows), endOf(part, parts, rows, n)),
        },
      ];
    },
  });
}

/** The end of a part of a given number of rows; the last part takes all remaining rows. */
function endOf(part: Pointer, parts: number, rows: number, all: number): Pointer {
  if (parts <= 1) return i32.const(all);
  return smaller(times(i32.add(part, i32.const(1)), rows), i32.const(all));
}

/** Elimination with partial pivoting. */
function eliminateBlocks(
  builder: Builder,
  dtype: Dtype,
  n: number,
  side: number,
  isShared: boolean,
): Phase[] {
  const columns = isShared ? COLUMNS : MOST_COLUMNS;
  const phases: Phase[] = [];
  const panel = builder.once(emitPanel, { n, side });
  for (let k = 0; k < n; k += BLOCK) {
    phases.push({
      name: "lu: columns",
      parts: 1,
      run: ([, , , , , , work, swaps]) => panel.call(work, swaps, i32.const(k)),
    });
    const first = k + BLOCK;
    if (n > BLOCK) {
      const follow = builder.once(emitFollow, { n, side, columns });
      phases.push({
        name: "lu: update",
        parts: Math.max(1, Math.ceil((side - first) / columns)),
        run: ([, , , , , , work, swaps], part) =>
          follow.call(work, swaps, i32.const(k), offsetBy(i32.const(first), part, columns)),
      });
    }
  }
  const order = builder.once(emitOrder, { dtype, n });
  phases.push({
    name: "lu: order",
    parts: 1,
    run: ([, , , rows, columns, sign, , swaps]) => order.call(swaps, rows, columns, sign),
  });
  return phases;
}

/** Computes the orders and their sign from the exchanges of rows. */
function emitOrder(
  builder: Builder,
  { dtype, n }: { readonly dtype: Dtype; readonly n: number },
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  return builder.module.function("order", ["i32", "i32", "i32", "i32"], "none", (
    code,
    swaps,
    rows,
    columns,
    sign,
  ) => {
    code.for({ below: n }, (i) => {
      for (const order of [rows, columns]) code.do(i32.store(offsetBy(order, i, 4), i));
    });
    const value = code.local("f64");
    code.set(value, f64.const(1));
    code.for({ below: n }, (i) => {
      const other = code.let(i32.load(offsetBy(swaps, i, 4)));
      code.if(i32.ne(other, i), () => {
        code.set(value, f64.neg(value));
        const [p, q] = [i, other].map((number) => code.let(offsetBy(rows, number, 4)));
        const kept = code.let(i32.load(p));
        code.do(i32.store(p, i32.load(q)), i32.store(q, kept));
      });
    });
    code.do(
      dtype === "float64" ? f64.store(sign, value) : f32.store(sign, f32.demoteF64(value)),
    );
  });
}

/**
 * Writes some rows of both factors: a function of the working matrix, both factors, and the numbers of
 * the first row and of the end.
 */
function emitWrite(
  builder: Builder,
  { dtype, n, side }: { readonly dtype: Dtype; readonly n: number; readonly side: number },
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32"], "none"> {
  const size = byteSize(dtype);
  const narrow = builder.once(emitNarrow, dtype);
  const { memory } = builder;
  return builder.module.function("write", ["i32", "i32", "i32", "i32", "i32"], "none", (
    code,
    work,
    l,
    u,
    first,
    end,
  ) => {
    code.for({ from: first, below: end }, (row) => {
      const from = code.let(elementAt(work, side, row, 0));
      const lower = code.let(offsetBy(l, row, n * size));
      const upper = code.let(offsetBy(u, row, n * size));
      const rest = code.let(i32.sub(i32.const(n), row));
      const diagonal = code.let(offsetBy(lower, row, size));
      code.do(narrow.call(from, lower, row));
      code.do(memory.fill(diagonal, i32.const(0), times(rest, size)));
      const one = size === 8
        ? f64.store(diagonal, f64.const(1))
        : f32.store(diagonal, f32.const(1));
      code.do(one);
      code.do(memory.fill(upper, i32.const(0), times(row, size)));
      code.do(narrow.call(elementAt(from, 0, 0, row), offsetBy(upper, row, size), rest));
    });
  });
}
