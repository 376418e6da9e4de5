/**
 * Shared parts of the kernels of linear algebra: matrices in double precision, whose sides are
 * whole blocks, and the steps of blocked algorithms (E. Anderson et al., "LAPACK Users' Guide",
 * 1999, section 3.4): triangular systems of one block, and products of a block of columns and a
 * block of rows that are subtracted from the rest of the matrix.
 *
 * Within a block, elements are computed one operation after another, as in the evaluator; only
 * products use multiply-add.
 *
 * @module
 */
import type { Dtype } from "../../../../base/dtype.ts";
import { range } from "../../../../base/shape.ts";
import type { Code } from "../../assembler/code.ts";
import type { Effect } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f32, f32x4, f64, f64x2, i32, v128 } from "../../assembler/operations.ts";
import { advance, type Pointer, times, VECTOR } from "../addresses.ts";
import type { Builder } from "../kernel.ts";
import { emitPanels, emitRows, MICRO_BYTES, panelColumns, storeLanes } from "../panels.ts";

/** Rows and columns of a block: whole tiles of six rows, and of four or eight columns. */
export const BLOCK = 24;

/** Bytes of a number. */
export const DOUBLE = 8;

/** The number of columns that are solved together. */
export const STRIP = 8;

/** Rows of a tile. */
const TILE = 6;

/** The side of a working matrix for one of `n` rows and columns. */
export function paddedSide(n: number): number {
  return n <= BLOCK ? roundUp(n, 2) : roundUp(n, BLOCK);
}

/** The next multiple of a unit. */
export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** The address `rows` rows and `columns` columns further, for rows of `pitch` doubles. */
export function elementAt(
  base: Pointer,
  pitch: number,
  row: Pointer | number,
  column: Pointer | number,
): Pointer {
  return offsetBy(offsetBy(base, row, pitch * DOUBLE), column, DOUBLE);
}

/** An address advanced by `count` times a number of bytes. */
export function offsetBy(base: Pointer, count: Pointer | number, bytes: number): Pointer {
  return typeof count === "number"
    ? advance(base, count * bytes)
    : i32.add(base, times(count, bytes));
}

/** A function of two addresses and a number of elements. */
export type RowFunction = FunctionReference<readonly ["i32", "i32", "i32"], "none">;

/** The copy of adjacent elements as doubles. */
export function emitWiden(builder: Builder, dtype: Dtype): RowFunction {
  return builder.module.function(
    "linalg widen",
    ["i32", "i32", "i32"],
    "none",
    (code, from, to, count) => {
      if (dtype === "float64") {
        code.do(builder.memory.copy(to, from, times(count, DOUBLE)));
        return;
      }
      const end = code.let(i32.add(to, times(i32.and(count, i32.const(-2)), DOUBLE)));
      code.for({ from: to, below: end, step: VECTOR }, (place) => {
        const pair = v128.load64Zero(from, { align: 4 });
        code.do(v128.store(place, f64x2.promoteLowF32x4(pair), { align: 8 }));
        code.set(from, advance(from, 8));
      });
      code.if(i32.and(count, i32.const(1)), () => {
        code.do(f64.store(end, f64.promoteF32(f32.load(from))));
      });
    },
  );
}

/** The copy of adjacent doubles as elements of a dtype. */
export function emitNarrow(builder: Builder, dtype: Dtype): RowFunction {
  return builder.module.function(
    "linalg narrow",
    ["i32", "i32", "i32"],
    "none",
    (code, from, to, count) => {
      if (dtype === "float64") {
        code.do(builder.memory.copy(to, from, times(count, DOUBLE)));
        return;
      }
      const end = code.let(i32.add(from, times(i32.and(count, i32.const(-2)), DOUBLE)));
      code.for({ from, below: end, step: VECTOR }, (place) => {
        const pair = code.let(f32x4.demoteF64x2Zero(v128.load(place, { align: 8 })));
        code.do(v128.store64Lane(to, pair, 0, { align: 4 }));
        code.set(to, advance(to, 8));
      });
      code.if(i32.and(count, i32.const(1)), () => {
        code.do(f32.store(to, f32.demoteF64(f64.load(end))));
      });
    },
  );
}

/** The part of a matrix that is read into a working matrix. */
export interface Source {
  /** The type of the elements. */
  readonly dtype: Dtype;
  /** The number of rows. */
  readonly rows: number;
  /** The number of columns. */
  readonly columns: number;
  /** Doubles from one row of the working matrix to the next. */
  readonly pitch: number;
  /** Whether the padding is an identity matrix; otherwise it is zero. */
  readonly isUnit: boolean;
}

/**
 * Reads rows from number `from` up to `below` into a working matrix, pads them with zeros, and
 * fills the rows after the matrix: a function of both addresses and both numbers.
 */
export function emitReadMatrix(
  builder: Builder,
  { dtype, rows, columns, pitch, isUnit }: Source,
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  const widen = builder.once(emitWiden, dtype);
  const size = dtype === "float64" ? 8 : 4;
  return builder.module.function("linalg read", ["i32", "i32", "i32", "i32"], "none", (
    code,
    source,
    work,
    from,
    below,
  ) => {
    code.for({ from, below }, (row) => {
      const to = code.let(elementAt(work, pitch, row, 0));
      code.if(i32.ltU(row, i32.const(rows)), () => {
        code.do(widen.call(offsetBy(source, row, columns * size), to, i32.const(columns)));
        if (pitch > columns) {
          const rest = i32.const((pitch - columns) * DOUBLE);
          code.do(builder.memory.fill(advance(to, columns * DOUBLE), i32.const(0), rest));
        }
      }, () => {
        code.do(builder.memory.fill(to, i32.const(0), i32.const(pitch * DOUBLE)));
        if (isUnit) code.do(f64.store(elementAt(to, 0, 0, row), f64.const(1)));
      });
    });
  });
}

/** A triangular system of one block. */
export interface BlockSystem {
  /** Doubles from one row of the triangle to the next. */
  readonly row: number;
  /** Doubles from one column of the triangle to the next. */
  readonly column: number;
  /** Whether the first unknown is solved for first. */
  readonly isForward: boolean;
  /** Whether the diagonal is assumed to be all ones. */
  readonly isUnit: boolean;
  /** Doubles from one row of the unknowns to the next. */
  readonly pitch: number;
}

/**
 * Solves a triangular system of one block in place: a function of the addresses of the triangle, of
 * the first right side and of the end of its first row, which is whole strips away, and of the number
 * of equations.
 */
export function emitSolveBlock(
  builder: Builder,
  { row, column, isForward, isUnit, pitch }: BlockSystem,
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  const vectors = range(STRIP * DOUBLE / VECTOR);
  return builder.module.function("linalg solve", ["i32", "i32", "i32", "i32"], "none", (
    code,
    triangle,
    x,
    end,
    count,
  ) => {
    const sums = vectors.map(() => code.local("v128"));
    code.for({ from: x, below: end, step: STRIP * DOUBLE }, (strip) => {
      code.for({ below: count }, (step) => {
        const i = isForward ? step : code.let(i32.sub(i32.sub(count, i32.const(1)), step));
        const to = code.let(elementAt(strip, pitch, i, 0));
        sums.forEach((sum, v) => code.set(sum, v128.load(to, { offset: v * VECTOR, align: 8 })));
        // The unknowns that are already known: those above, or those below.
        const diagonal = code.let(offsetBy(triangle, i, (row + column) * DOUBLE));
        const factor = code.let(
          isForward ? offsetBy(triangle, i, row * DOUBLE) : advance(diagonal, column * DOUBLE),
        );
        const known = code.let(isForward ? strip : advance(to, pitch * DOUBLE));
        const last = code.let(
          isForward ? to : elementAt(strip, pitch, count, 0),
        );
        code.for({ from: known, below: last, step: pitch * DOUBLE }, (known) => {
          const value = code.let(v128.load64Splat(factor));
          sums.forEach((sum, v) => {
            const other = v128.load(known, { offset: v * VECTOR, align: 8 });
            code.set(sum, f64x2.sub(sum, f64x2.mul(value, other)));
          });
          code.set(factor, advance(factor, column * DOUBLE));
        });
        if (!isUnit) {
          const pivot = code.let(v128.load64Splat(diagonal));
          for (const sum of sums) code.set(sum, f64x2.div(sum, pivot));
        }
        sums.forEach((sum, v) => {
          code.do(...storeLanes("float64", to, sum, 2, v * VECTOR));
        });
      });
    });
  });
}

/** Bytes of the panels of a block of rows for each of its columns. */
const COLUMN_BYTES = BLOCK * DOUBLE;

/** The maximum number of columns whose panels are packed at once. */
export const MOST_COLUMNS = 480;

/** A block of columns, a block of rows, and the matrix that their product is subtracted from. */
export interface Update {
  /** Doubles from one row of the columns to the next. */
  readonly row: number;
  /** Doubles from one of the columns to the next. */
  readonly column: number;
  /** Doubles from one row of the block of rows to the next. */
  readonly pitch: number;
  /** The same for the matrix that the product is subtracted from. */
  readonly result: number;
}

/** The steps of an update. */
export interface UpdateCode {
  /** Packs the columns between two addresses of the block's first row, at most `MOST_COLUMNS`. */
  readonly pack: (from: Pointer, below: Pointer) => Effect;
  /**
   * Subtracts the product from the rows from one address of their columns' block up to another;
   * their results begin at the third address. The first packed column is number `skipped`, a
   * multiple of eight.
   */
  readonly apply: (from: Pointer, below: Pointer, result: Pointer, columns: Pointer) => Effect;
  /** The same for a single tile of rows, and the columns from one number up to another. */
  readonly tile: (code: Code, from: Pointer, result: Pointer, first: Pointer, end: Pointer) => void;
}

/** `C -= A B` for `A` of `BLOCK` columns and `B` of `BLOCK` rows, of which whole tiles are computed. */
export function emitUpdate(builder: Builder, { row, column, pitch, result }: Update): UpdateCode {
  const pack = builder.once(emitPackNegative, pitch);
  const apply = builder.once(emitApply, { row, column, result });
  const tile = updateTile(builder, { row, column, result });
  return {
    pack: (from, below) => pack.call(from, below),
    apply: (from, below, to, count) => apply.call(from, below, to, count),
    tile,
  };
}

/** A function of two addresses in a block of rows: packs the columns between them, negated. */
function emitPackNegative(
  builder: Builder,
  pitch: number,
): FunctionReference<readonly ["i32", "i32"], "none"> {
  const columns = panelColumns(builder, "float64");
  const vectors = columns * DOUBLE / VECTOR;
  return builder.module.function("linalg pack", ["i32", "i32"], "none", (code, from, below) => {
    const { scratch: memory } = builder;
    const to = code.let(i32.const(MICRO_BYTES));
    code.for({ from, below, step: columns * DOUBLE }, (from) => {
      const place = code.let(from);
      code.for({ below: BLOCK }, () => {
        for (const v of range(vectors)) {
          const value = v128.load(place, { offset: v * VECTOR, align: 8 });
          code.do(v128.store(to, f64x2.neg(value), { offset: v * VECTOR, memory }));
        }
        code.set(place, advance(place, pitch * DOUBLE));
        code.set(to, advance(to, vectors * VECTOR));
      });
    });
  });
}

/** The strides of an update without those of the packed operand. */
type Applied = Omit<Update, "pitch">;

/** Writes the update of one tile of rows. */
function updateTile(builder: Builder, { row, column, result }: Applied): UpdateCode["tile"] {
  const spec = { dtype: "float64", rows: TILE, depth: BLOCK } as const;
  const columns = panelColumns(builder, "float64");
  const rows = { held: spec.dtype, rows: TILE, depth: BLOCK };
  const copy = emitRows(builder, { ...rows, rowStride: row, depthStride: column });
  const panels = builder.once(emitPanels, { ...spec, columns, first: false, packed: "scratch" });
  const packed = (number: Pointer) => offsetBy(i32.const(MICRO_BYTES), number, COLUMN_BYTES);
  return (code, from, to, first, end) => {
    code.do(copy(from));
    code.do(panels.call(packed(first), packed(end), to, i32.const(result * DOUBLE)));
  };
}

/** A function of both ends of the rows of `A`, their results and the number of columns: all tiles. */
function emitApply(
  builder: Builder,
  strides: Applied,
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  const tile = updateTile(builder, strides);
  return builder.module.function("linalg update", ["i32", "i32", "i32", "i32"], "none", (
    code,
    from,
    below,
    to,
    count,
  ) => {
    code.for({ from, below, step: TILE * strides.row * DOUBLE }, (from) => {
      tile(code, from, to, i32.const(0), count);
      code.set(to, advance(to, TILE * strides.result * DOUBLE));
    });
  });
}
