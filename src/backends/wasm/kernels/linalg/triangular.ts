/**
 * The kernels of triangular systems, and of systems solved by LU factors: two consecutive
 * triangular systems. Few right sides are solved for one at a time, as in the evaluator; many are
 * solved together, in blocks.
 *
 * Source: G. Golub and C. Van Loan, "Matrix computations", 2013, section 3.1; E. Anderson et al.,
 * "LAPACK Users' Guide", 1999, section 3.4.
 *
 * @module
 */
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import { sizeOf } from "../../../../base/shape.ts";
import type { LuSolveParams } from "../../../../primitives/lu.ts";
import type { TriangularSolveParams } from "../../../../primitives/triangular.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32 } from "../../assembler/operations.ts";
import { advance, type Pointer, smaller, times } from "../addresses.ts";
import type { Buffer, Builder, Kernel } from "../kernel.ts";
import {
  BLOCK,
  DOUBLE,
  elementAt,
  emitReadMatrix,
  emitSolveBlock,
  emitUpdate,
  MOST_COLUMNS,
  offsetBy,
  paddedSide,
  roundUp,
  STRIP,
} from "./blocks.ts";
import { emitPhases, nothing, type Phase } from "./phases.ts";
import { emitGatherColumn, emitGatherRows } from "./right_sides.ts";
import { emitScatterColumn, emitScatterRows } from "./right_sides.ts";
import { emitSolveVector } from "./vector.ts";

/** The maximum number of right sides that are solved for one at a time. */
const FEW = 4;

/** Rows that a thread reads at once, if several threads share a matrix. */
const ROWS = 96;

/** The minimum number of right sides of a part, if threads share them. */
const LEAST_COLUMNS = 48;

/** Consecutive systems: the right side of each is the solution of the one before. */
interface Systems {
  /** Its name. */
  readonly name: string;
  /** The type of all numbers. */
  readonly dtype: Dtype;
  /** The number of systems, each with separate matrices. */
  readonly count: number;
  /** The number of equations. */
  readonly n: number;
  /** The number of right sides. */
  readonly columns: number;
  /** The triangles, and the numbers of their buffers. */
  readonly triangles: readonly (readonly [buffer: number, triangle: TriangularSolveParams])[];
  /** The number of the buffer of the right sides; the solutions are in the next one. */
  readonly right: number;
  /** The buffers of the orders of the equations, and of the unknowns, if there are any. */
  readonly orders: readonly [from: number, to: number] | null;
  /** Bytes of one matrix in each buffer. */
  readonly buffers: readonly number[];
}

/** The kernel of `triangularSolve`: a triangle and right sides to solutions. */
export function emitTriangularSolve(
  builder: Builder,
  inputs: readonly Buffer[],
  params: TriangularSolveParams,
  output: Buffer,
): Kernel {
  const systems = readSystems("triangularSolve", [...inputs, output], [[0, params]], null);
  return emitSystems(builder, systems);
}

/** The kernel of `luSolve`: a matrix, its factors and their orders, and right sides to solutions. */
export function emitLuSolve(
  builder: Builder,
  inputs: readonly Buffer[],
  { transpose }: LuSolveParams,
  output: Buffer,
): Kernel {
  const lower = { lower: true, transpose, unitDiagonal: true };
  const upper = { lower: false, transpose, unitDiagonal: false };
  const buffers = [...inputs, output];
  const systems = transpose
    ? readSystems("luSolve", buffers, [[2, upper], [1, lower]], [4, 3])
    : readSystems("luSolve", buffers, [[1, lower], [2, upper]], [3, 4]);
  return emitSystems(builder, systems);
}

function readSystems(
  name: string,
  buffers: readonly Buffer[],
  triangles: Systems["triangles"],
  orders: Systems["orders"],
): Systems {
  const right = buffers.length - 2;
  const { dtype, shape } = buffers[right];
  const [n, columns] = shape.slice(-2);
  const count = sizeOf(shape.slice(0, -2));
  return {
    name,
    dtype,
    count,
    n,
    columns,
    triangles,
    right,
    orders,
    buffers: buffers.map((one) =>
      count === 0 ? 0 : sizeOf(one.shape) / count * byteSize(one.dtype)
    ),
  };
}

function emitSystems(builder: Builder, systems: Systems): Kernel {
  const { name, count, n, columns, triangles, buffers } = systems;
  if (count * n * columns === 0) return nothing;
  const isFew = columns <= FEW;
  const side = paddedSide(n);
  const width = roundUp(columns, STRIP);
  const area = isFew ? n : side * width;
  const matrices = isFew ? [] : triangles.map(() => side * side * DOUBLE);
  return emitPhases(builder, {
    name,
    count,
    buffers,
    workspaces: [area * DOUBLE, ...matrices],
    operations: triangles.length * n * (n + 8) * (columns + 2),
    phases: (isShared) =>
      isFew
        ? builder.once(solveOneByOne, systems)
        : builder.once(solveTogether, { systems, isShared }),
  });
}

/** The addresses of the orders of a system, or a number that represents none. */
function ordersOf({ orders }: Systems, at: readonly Pointer[]): readonly [Pointer, Pointer] {
  return orders === null ? [i32.const(0), i32.const(0)] : [at[orders[0]], at[orders[1]]];
}

function solveOneByOne(builder: Builder, systems: Systems): Phase[] {
  const { name, dtype, n, columns, triangles, right, buffers, orders } = systems;
  const size = byteSize(dtype);
  const isOrdered = orders !== null;
  const gather = builder.once(emitGatherColumn, { dtype, n, columns, isOrdered });
  const scatter = builder.once(emitScatterColumn, { dtype, n, columns, isOrdered });
  const solvers = triangles.map(([, triangle]) =>
    builder.once(emitSolveVector, { dtype, n, triangle })
  );
  const operands = [...buffers, 0, 0].map(() => "i32" as const);
  const all = builder.module.function(
    "linalg one by one",
    operands.slice(1),
    "none",
    (code, ...at) => {
      const x = at[buffers.length];
      const [from, to] = ordersOf(systems, at);
      code.for({ below: columns }, (column) => {
        code.do(gather.call(offsetBy(at[right], column, size), x, from));
        triangles.forEach(([buffer], i) => code.do(solvers[i].call(at[buffer], x)));
        code.do(scatter.call(x, offsetBy(at[right + 1], column, size), to));
      });
    },
  );
  return [{ name, parts: 1, run: (at) => all.call(...at) }];
}

function solveTogether(
  builder: Builder,
  { systems, isShared }: { readonly systems: Systems; readonly isShared: boolean },
): Phase[] {
  const { name, dtype, n, columns, triangles, right, buffers, orders } = systems;
  const side = paddedSide(n);
  const isOrdered = orders !== null;
  const rows = isShared ? ROWS : side;
  const least = Math.max(LEAST_COLUMNS, roundUp(columns / 8, STRIP));
  const width = isShared ? Math.min(MOST_COLUMNS, least) : MOST_COLUMNS;
  const source = { dtype, rows: n, columns: n, pitch: side, isUnit: true };
  const read = builder.once(emitReadMatrix, source);
  const phases = triangles.map(([buffer], i): Phase => ({
    name: `${name}: read`,
    parts: Math.ceil(side / rows),
    run(at, part) {
      const from = times(part, rows);
      const below = smaller(i32.add(from, i32.const(rows)), i32.const(side));
      return read.call(at[buffer], at[buffers.length + 1 + i], from, below);
    },
  }));
  const gather = builder.once(emitGatherRows, { dtype, n, side, columns, isOrdered });
  const scatter = builder.once(emitScatterRows, { dtype, n, columns, isOrdered });
  const solvers = triangles.map(([, triangle]) =>
    builder.once(emitSolveColumns, { n, side, pitch: roundUp(columns, STRIP), triangle })
  );
  const operands = [...buffers, 0, ...triangles, 0].map(() => "i32" as const);
  const all = builder.module.function(
    "linalg together",
    [...operands, "i32"],
    "none",
    (code, ...locals) => {
      const at = locals.slice(0, -2);
      const [first, end] = locals.slice(-2);
      const x = at[buffers.length];
      const [from, to] = ordersOf(systems, at);
      code.do(gather.call(at[right], x, from, first, end));
      solvers.forEach((solve, i) => code.do(solve.call(at[buffers.length + 1 + i], x, first, end)));
      code.do(scatter.call(x, at[right + 1], to, first, end));
    },
  );
  const total = roundUp(columns, STRIP);
  phases.push({
    name,
    parts: Math.ceil(total / width),
    run(at, part) {
      const first = times(part, width);
      const end = smaller(i32.add(first, i32.const(width)), i32.const(total));
      return all.call(...at, first, end);
    },
  });
  return phases;
}

/**
 * Solves in place for some columns: a function of the triangle, the right sides, and the numbers of
 * the first column and of the end, at most `MOST_COLUMNS` away.
 */
function emitSolveColumns(
  builder: Builder,
  { n, side, pitch, triangle: { lower, transpose, unitDiagonal } }: {
    readonly n: number;
    readonly side: number;
    readonly pitch: number;
    readonly triangle: TriangularSolveParams;
  },
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  const isForward = lower !== transpose;
  const [row, column] = transpose ? [1, side] : [side, 1];
  const system = { row, column, isForward, isUnit: unitDiagonal, pitch };
  const solve = builder.once(emitSolveBlock, system);
  const blocks = Math.ceil(n / BLOCK);
  return builder.module.function("linalg columns", ["i32", "i32", "i32", "i32"], "none", (
    code,
    triangle,
    x,
    first,
    end,
  ) => {
    code.for({ below: blocks }, (step) => {
      const block = isForward ? step : i32.sub(i32.const(blocks - 1), step);
      const k = code.let(times(block, BLOCK));
      const corner = code.let(offsetBy(triangle, k, (row + column) * DOUBLE));
      const rows = code.let(elementAt(x, pitch, k, 0));
      const [from, to] = [first, end].map((number) => code.let(elementAt(rows, 0, 0, number)));
      const count = smaller(i32.const(BLOCK), i32.sub(i32.const(n), k));
      code.do(solve.call(corner, from, to, count));
      if (blocks === 1) return;
      const { pack, apply } = emitUpdate(builder, { row, column, pitch, result: pitch });
      code.do(pack(from, to));
      const rest = (number: Pointer | number) =>
        offsetBy(offsetBy(triangle, number, row * DOUBLE), k, column * DOUBLE);
      const width = i32.sub(end, first);
      if (isForward) {
        const next = advance(from, BLOCK * pitch * DOUBLE);
        code.do(apply(rest(i32.add(k, i32.const(BLOCK))), rest(side), next, width));
      } else {
        code.do(apply(rest(0), rest(k), elementAt(x, 0, 0, first), width));
      }
    });
  });
}
