/**
 * Right sides read as doubles, and solutions written, with reordered rows.
 *
 * @module
 */
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f32, f64, i32 } from "../../assembler/operations.ts";
import { advance, smaller, times } from "../addresses.ts";
import type { Builder } from "../kernel.ts";
import { DOUBLE, elementAt, emitNarrow, emitWiden, offsetBy } from "./blocks.ts";
import { roundUp, STRIP } from "./blocks.ts";

/** Right sides, one for each column. */
export interface RightSides {
  readonly dtype: Dtype;
  /** The number of rows. */
  readonly n: number;
  readonly columns: number;
  /** Whether an order gives the row of the right sides for each row. */
  readonly isOrdered: boolean;
}

/** The row at position `i` of an order. */
function orderedRow(order: Local<"i32">, i: Local<"i32">): Expression<"i32"> {
  return i32.load(offsetBy(order, i, 4));
}

type Mover = FunctionReference<readonly ["i32", "i32", "i32"], "none">;

/**
 * Reads a column: a function of its first element, of the target address, and of the order of its
 * rows.
 */
export function emitGatherColumn(
  builder: Builder,
  { dtype, n, columns, isOrdered }: RightSides,
): Mover {
  const size = byteSize(dtype);
  return builder.module.function(
    "linalg gather",
    ["i32", "i32", "i32"],
    "none",
    (code, b, x, order) => {
      code.for({ below: n }, (i) => {
        const place = offsetBy(b, isOrdered ? orderedRow(order, i) : i, columns * size);
        const value = size === 8 ? f64.load(place) : f64.promoteF32(f32.load(place));
        code.do(f64.store(x, value));
        code.set(x, advance(x, DOUBLE));
      });
    },
  );
}

/** The inverse: writes a column, its elements to the rows given by the order. */
export function emitScatterColumn(
  builder: Builder,
  { dtype, n, columns, isOrdered }: RightSides,
): Mover {
  const size = byteSize(dtype);
  return builder.module.function(
    "linalg scatter",
    ["i32", "i32", "i32"],
    "none",
    (code, x, out, order) => {
      code.for({ below: n }, (i) => {
        const place = offsetBy(out, isOrdered ? orderedRow(order, i) : i, columns * size);
        const value = f64.load(x);
        code.do(size === 8 ? f64.store(place, value) : f32.store(place, f32.demoteF64(value)));
        code.set(x, advance(x, DOUBLE));
      });
    },
  );
}

type RowsMover = FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32"], "none">;

/**
 * Reads some columns of the right sides, with zeros around them: a function of both matrices, the
 * order of the rows, and the numbers of the first column and of the end.
 */
export function emitGatherRows(
  builder: Builder,
  { dtype, n, side, columns, isOrdered }: RightSides & { readonly side: number },
): RowsMover {
  const size = byteSize(dtype);
  const pitch = roundUp(columns, STRIP);
  const widen = builder.once(emitWiden, dtype);
  const { memory } = builder;
  return builder.module.function(
    "linalg gather rows",
    ["i32", "i32", "i32", "i32", "i32"],
    "none",
    (code, b, x, order, first, end) => {
      const count = code.let(i32.sub(smaller(end, i32.const(columns)), first));
      const missing = code.let(times(i32.sub(i32.sub(end, first), count), DOUBLE));
      const to = code.let(elementAt(x, 0, 0, first));
      code.for({ below: n }, (i) => {
        const row = isOrdered ? orderedRow(order, i) : i;
        const from = offsetBy(offsetBy(b, row, columns * size), first, size);
        code.do(widen.call(from, to, count));
        code.do(memory.fill(offsetBy(to, count, DOUBLE), i32.const(0), missing));
        code.set(to, advance(to, pitch * DOUBLE));
      });
      if (side === n) return;
      code.for({ below: side - n }, () => {
        code.do(memory.fill(to, i32.const(0), times(i32.sub(end, first), DOUBLE)));
        code.set(to, advance(to, pitch * DOUBLE));
      });
    },
  );
}

/** The inverse: writes some columns of the solutions. */
export function emitScatterRows(
  builder: Builder,
  { dtype, n, columns, isOrdered }: RightSides,
): RowsMover {
  const size = byteSize(dtype);
  const pitch = roundUp(columns, STRIP);
  const narrow = builder.once(emitNarrow, dtype);
  return builder.module.function(
    "linalg scatter rows",
    ["i32", "i32", "i32", "i32", "i32"],
    "none",
    (code, x, out, order, first, end) => {
      const count = code.let(i32.sub(smaller(end, i32.const(columns)), first));
      const from = code.let(elementAt(x, 0, 0, first));
      code.for({ below: n }, (i) => {
        const row = isOrdered ? orderedRow(order, i) : i;
        const to = offsetBy(offsetBy(out, row, columns * size), first, size);
        code.do(narrow.call(from, to, count));
        code.set(from, advance(from, pitch * DOUBLE));
      });
    },
  );
}
