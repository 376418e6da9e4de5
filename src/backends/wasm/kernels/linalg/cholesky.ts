/**
 * The kernel of the Cholesky factorisation: right-looking, in blocks of rows of the transposed factor,
 * so that all work runs along rows.
 *
 * Source: E. Anderson et al., "LAPACK Users' Guide", 1999, section 3.4.
 *
 * @module
 */
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import { sizeOf } from "../../../../base/shape.ts";
import type { Code } from "../../assembler/code.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f32, f32x4, f64, f64x2, i32, v128 } from "../../assembler/operations.ts";
import { advance, type Pointer, smaller, times, VECTOR } from "../addresses.ts";
import type { Buffer, Builder, Kernel } from "../kernel.ts";
import {
  BLOCK,
  DOUBLE,
  elementAt,
  emitSolveBlock,
  emitUpdate,
  MOST_COLUMNS,
  offsetBy,
  paddedSide,
} from "./blocks.ts";
import { emitPhases, nothing, type Phase } from "./phases.ts";
import { transposeLanes } from "../panels.ts";

/** Rows that a thread reads or writes at once, if several threads share a matrix. */
const ROWS = 96;

/** The same for columns of an update. */
const COLUMNS = 144;

/** The kernel of `cholesky`: `a` to the lower triangular factor. */
export function emitCholesky(
  builder: Builder,
  [a]: readonly Buffer[],
  _params: null,
  _output: Buffer,
): Kernel {
  const { dtype, shape } = a;
  const n = shape[shape.length - 1];
  const count = sizeOf(shape.slice(0, -2));
  if (n * count === 0) return nothing;
  const side = paddedSide(n);
  const bytes = n * n * byteSize(dtype);
  return emitPhases(builder, {
    name: "cholesky",
    count,
    buffers: [bytes, bytes],
    workspaces: [side * side * DOUBLE, 4],
    operations: n * n * (n / 3 + 5) + 20 * n,
    phases: (isShared) => cholesky(builder, dtype, n, side, isShared),
  });
}

function cholesky(
  builder: Builder,
  dtype: Dtype,
  n: number,
  side: number,
  isShared: boolean,
): Phase[] {
  const read = builder.once(emitRead, { dtype, n, side });
  const write = builder.once(emitWrite, { dtype, n, side });
  const factor = builder.once(emitFactor, { n, side });
  const rows = isShared ? ROWS : side;
  const columns = isShared ? COLUMNS : MOST_COLUMNS;
  const phases: Phase[] = [{
    name: "cholesky: read",
    parts: Math.ceil(side / rows),
    run: ([a, , work, fails], part) =>
      read.call(a, work, fails, times(part, rows), i32.const(rows)),
  }];
  for (let k = 0; k < n; k += BLOCK) {
    phases.push({
      name: "cholesky: rows",
      parts: 1,
      run: ([, , work, fails]) => factor.call(work, fails, i32.const(k)),
    });
    const next = k + BLOCK;
    if (next >= n) continue;
    const update = builder.once(emitSymmetric, { side, columns });
    phases.push({
      name: "cholesky: update",
      parts: Math.ceil((side - next) / columns),
      run: ([, , work], part) =>
        update.call(work, i32.const(k), offsetBy(i32.const(next), part, columns)),
    });
  }
  phases.push({
    name: "cholesky: write",
    parts: Math.ceil(side / rows),
    run: ([, out, work, fails], part) =>
      write.call(work, out, fails, times(part, rows), i32.const(rows)),
  });
  return phases;
}

type Walk = FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32"], "none">;

/** Runs `whole` for the even rows whose neighbour exists, and `single` for a last odd one. */
function eachPair(
  code: Code,
  from: Pointer,
  below: Pointer,
  n: number,
  whole: (row: Pointer) => void,
  single: (row: number) => void,
): void {
  const even = n - n % 2;
  code.for({ from, below: smaller(below, i32.const(even)), step: 2 }, whole);
  if (n === even) return;
  const isHere = i32.and(i32.leU(from, i32.const(even)), i32.ltU(i32.const(even), below));
  code.if(isHere, () => single(even));
}

/**
 * Reads some rows of the lower triangle as columns of the upper one, followed by an identity
 * matrix: a function of both matrices, the failure flag, the first row and the number of rows.
 */
function emitRead(
  builder: Builder,
  { dtype, n, side }: { readonly dtype: Dtype; readonly n: number; readonly side: number },
): Walk {
  const size = byteSize(dtype);
  const rowBytes = n * size;
  return builder.module.function("read", ["i32", "i32", "i32", "i32", "i32"], "none", (
    code,
    a,
    work,
    fails,
    from,
    count,
  ) => {
    code.if(i32.eqz(from), () => code.do(i32.store(fails, i32.const(0))));
    const below = code.let(smaller(i32.add(from, count), i32.const(side)));
    const load = (at: Pointer) =>
      size === 8
        ? v128.load(at, { align: 8 })
        : f64x2.promoteLowF32x4(v128.load64Zero(at, { align: 4 }));
    eachPair(code, from, below, n, (row) => {
      const p = code.let(offsetBy(a, row, rowBytes));
      const to = code.let(elementAt(work, side, 0, row));
      code.for({ below: i32.add(row, i32.const(1)), step: 2 }, () => {
        const pair = [code.let(load(p)), code.let(load(advance(p, rowBytes)))];
        const [first, second] = transposeLanes(code, "float64", pair);
        code.do(v128.store(to, first, { align: 8 }));
        code.do(v128.store(to, second, { offset: side * DOUBLE, align: 8 }));
        code.set(p, advance(p, 2 * size));
        code.set(to, advance(to, 2 * side * DOUBLE));
      });
    }, (row) => {
      const p = code.let(advance(a, row * rowBytes));
      const to = code.let(advance(work, row * DOUBLE));
      code.for({ below: n }, () => {
        const value = size === 8 ? f64.load(p) : f64.promoteF32(f32.load(p));
        code.do(f64.store(to, value));
        code.set(p, advance(p, size));
        code.set(to, advance(to, side * DOUBLE));
      });
    });
    if (side === n) return;
    code.for({ from, below }, (row) => {
      const to = code.let(elementAt(work, side, row, n));
      const { memory } = builder;
      code.do(memory.fill(to, i32.const(0), i32.const((side - n) * DOUBLE)));
      code.if(i32.geU(row, i32.const(n)), () => {
        code.do(f64.store(elementAt(work, side + 1, row, 0), f64.const(1)));
      });
    });
  });
}

/**
 * Writes some rows of the factor: a function of both matrices, the failure flag, the first row and
 * the number of rows.
 */
function emitWrite(
  builder: Builder,
  { dtype, n, side }: { readonly dtype: Dtype; readonly n: number; readonly side: number },
): Walk {
  const size = byteSize(dtype);
  const rowBytes = n * size;
  return builder.module.function("write", ["i32", "i32", "i32", "i32", "i32"], "none", (
    code,
    work,
    out,
    fails,
    from,
    count,
  ) => {
    const below = code.let(smaller(i32.add(from, count), i32.const(n)));
    const store = (at: Pointer, value: ReturnType<typeof v128.load>) =>
      size === 8
        ? v128.store(at, value, { align: 8 })
        : v128.store64Lane(at, f32x4.demoteF64x2Zero(value), 0, { align: 4 });
    eachPair(code, from, below, n, (row) => {
      const p = code.let(elementAt(work, side, 0, row));
      const to = code.let(offsetBy(out, row, rowBytes));
      code.for({ below: i32.add(row, i32.const(1)), step: 2 }, () => {
        const pair = [0, side * DOUBLE].map((offset) =>
          code.let(v128.load(p, { offset, align: 8 }))
        );
        const [first, second] = transposeLanes(code, "float64", pair);
        code.do(store(to, first), store(advance(to, rowBytes), second));
        code.set(p, advance(p, 2 * side * DOUBLE));
        code.set(to, advance(to, 2 * size));
      });
    }, (row) => {
      const p = code.let(advance(work, row * DOUBLE));
      const to = code.let(advance(out, row * rowBytes));
      code.for({ below: n }, () => {
        const value = f64.load(p);
        code.do(size === 8 ? f64.store(to, value) : f32.store(to, f32.demoteF64(value)));
        code.set(p, advance(p, side * DOUBLE));
        code.set(to, advance(to, size));
      });
    });
    code.for({ from, below }, (row) => {
      const to = code.let(offsetBy(out, row, rowBytes));
      const rest = code.let(offsetBy(advance(to, size), row, size));
      const left = i32.sub(i32.const(n - 1), row);
      code.do(builder.memory.fill(rest, i32.const(0), times(left, size)));
      code.if(i32.load(fails), () => {
        code.for({ from: to, below: rest, step: size }, (to) => {
          code.do(size === 8 ? f64.store(to, f64.const(NaN)) : f32.store(to, f32.const(NaN)));
        });
      });
    });
  });
}

/**
 * The factor's rows of one block: a function of the matrix, of the failure flag, and of the number
 * of the first row.
 */
function emitFactor(
  builder: Builder,
  { n, side }: { readonly n: number; readonly side: number },
): FunctionReference<readonly ["i32", "i32", "i32"], "none"> {
  const system = { row: 1, column: side, isForward: true, isUnit: false, pitch: side };
  const rowBytes = side * DOUBLE;
  return builder.module.function("rows", ["i32", "i32", "i32"], "none", (code, work, fails, k) => {
    const corner = code.let(elementAt(work, side + 1, k, 0));
    const count = code.let(smaller(i32.const(BLOCK), i32.sub(i32.const(n), k)));
    const width = code.let(times(roundEven(count), DOUBLE));
    code.for({ below: count }, (j) => {
      const row = code.let(elementAt(corner, side, j, 0));
      const end = code.let(i32.add(row, width));
      const diagonal = code.let(elementAt(row, 0, 0, j));
      const pivot = code.let(f64.load(diagonal));
      const isGood = i32.and(
        f64.gt(pivot, f64.const(0)),
        f64.lt(pivot, f64.const(Infinity)),
      );
      code.if(i32.eqz(isGood), () => code.do(i32.store(fails, i32.const(1))));
      const root = code.let(f64.sqrt(pivot));
      const divisor = code.let(f64x2.splat(root));
      code.for({ from: evenPlace(row, diagonal), below: end, step: VECTOR }, (place) => {
        const value = v128.load(place, { align: 8 });
        code.do(v128.store(place, f64x2.div(value, divisor), { align: 8 }));
      });
      code.do(f64.store(diagonal, root));
      const other = code.let(row);
      code.for(
        { from: advance(diagonal, DOUBLE), below: elementAt(row, 0, 0, count), step: 8 },
        (
          place,
        ) => {
          code.set(other, advance(other, rowBytes));
          const factor = code.let(v128.load64Splat(place));
          const shift = code.let(i32.sub(other, row));
          code.for({ from: evenPlace(row, place), below: end, step: VECTOR }, (from) => {
            const to = i32.add(from, shift);
            const product = f64x2.mul(factor, v128.load(from, { align: 8 }));
            const value = f64x2.sub(v128.load(to, { align: 8 }), product);
            code.do(v128.store(to, value, { align: 8 }));
          });
        },
      );
    });
    if (side <= BLOCK) return;
    const right = code.let(advance(corner, BLOCK * DOUBLE));
    const end = elementAt(work, side, i32.add(k, i32.const(1)), 0);
    code.do(builder.once(emitSolveBlock, system).call(corner, right, end, i32.const(BLOCK)));
  });
}

/** The even number that is not below one. */
function roundEven(value: Pointer): Pointer {
  return i32.and(i32.add(value, i32.const(1)), i32.const(-2));
}

/**
 * The last position up to a given one that is an even number of doubles after the start of its row.
 */
function evenPlace(row: Pointer, place: Pointer): Pointer {
  return i32.add(row, i32.and(i32.sub(place, row), i32.const(-VECTOR)));
}

/**
 * Subtracts the squares of the rows of a block from the upper triangle of the rest: a function of
 * the matrix, and of the numbers of the block's first row and of the first column to update.
 */
function emitSymmetric(
  builder: Builder,
  { side, columns }: { readonly side: number; readonly columns: number },
): FunctionReference<readonly ["i32", "i32", "i32"], "none"> {
  const layout = { row: 1, column: side, pitch: side, result: side };
  const { pack, tile } = emitUpdate(builder, layout);
  return builder.module.function(
    "update",
    ["i32", "i32", "i32"],
    "none",
    (code, work, k, first) => {
      const end = code.let(smaller(i32.add(first, i32.const(columns)), i32.const(side)));
      const rows = code.let(elementAt(work, side, k, 0));
      code.do(pack(elementAt(rows, 0, 0, first), elementAt(rows, 0, 0, end)));
      const all = code.let(i32.sub(end, first));
      code.for({ from: i32.add(k, i32.const(BLOCK)), below: end, step: 6 }, (row) => {
        // Whole tiles from the diagonal on.
        const skipped = code.let(i32.const(0));
        code.if(i32.gtU(row, first), () => {
          code.set(skipped, i32.and(i32.sub(row, first), i32.const(-8)));
        });
        const column = i32.add(first, skipped);
        const to = code.let(elementAt(elementAt(work, side, row, 0), 0, 0, column));
        tile(code, elementAt(rows, 0, 0, row), to, skipped, all);
      });
    },
  );
}
