/**
 * The QR factorisation of small matrices, reflection by reflection.
 *
 * Source: A. S. Householder, "Unitary triangularization of a nonsymmetric matrix", 1958.
 *
 * @module
 */
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f32, f64, f64x2, i32, select, v128 } from "../../assembler/operations.ts";
import { advance, type Pointer, VECTOR } from "../addresses.ts";
import type { Builder, Kernel } from "../kernel.ts";
import { emitWeigh, groupOf } from "./bidiagonal.ts";
import { DOUBLE, elementAt, emitReadMatrix, offsetBy, roundUp } from "./blocks.ts";
import { emitPhases } from "./phases.ts";
import { emitBasis, emitReflection, TOGETHER } from "./reflection.ts";

/** The parameters of the computation. */
export interface Task {
  /** Its name. */
  readonly name: "qr" | "complement";
  /** The type of all elements. */
  readonly dtype: Dtype;
  /** The number of matrices. */
  readonly count: number;
  /** The number of rows. */
  readonly m: number;
  /** The number of columns. */
  readonly n: number;
  /** The first column of the orthogonal matrix to compute. */
  readonly first: number;
  /** The end of its columns. */
  readonly end: number;
}

/** The kernel of a task; its matrices have elements. */
export function emitSmallQr(builder: Builder, task: Task): Kernel {
  const { name, dtype, count, m, n, first, end } = task;
  const size = byteSize(dtype);
  const outputs = name === "qr" ? [m * end * size, end * n * size] : [m * (end - first) * size];
  const { pitch, length, height, reflections } = sizesOf(task);
  const factorize = builder.once(emitFactorize, task);
  return emitPhases(builder, {
    name,
    count,
    buffers: [m * n * size, ...outputs],
    workspaces: [
      height * pitch * DOUBLE,
      reflections * length * DOUBLE,
      // Factors, and the weights of columns.
      2 * pitch * DOUBLE,
      roundUp(end, TOGETHER) * length * DOUBLE,
    ],
    operations: 4 * m * reflections * (n + end) + 20 * m * n + 100,
    phases: () => [{
      name,
      parts: 1,
      run(at) {
        const [a, q] = at;
        // An unused result has no buffer.
        const [work, left, vectors, rows] = at.slice(-4);
        return factorize.call(a, q, name === "qr" ? at[2] : q, work, left, vectors, rows);
      },
    }],
  });
}

function sizesOf({ m, n }: Task) {
  const height = roundUp(m, TOGETHER);
  return { height, length: height, pitch: roundUp(n, 2), reflections: Math.min(m, n) };
}

type Seven = readonly ["i32", "i32", "i32", "i32", "i32", "i32", "i32"];

/** A function of the matrix, both results and the workspaces. */
function emitFactorize(builder: Builder, task: Task): FunctionReference<Seven, "none"> {
  const { dtype, m, n, end } = task;
  const { pitch, length, height, reflections } = sizesOf(task);
  const rowBytes = pitch * DOUBLE;
  const source = { dtype, rows: m, columns: n, pitch, isUnit: false };
  const read = builder.once(emitReadMatrix, source);
  const reflect = builder.once(emitReflection);
  const weigh = builder.once(emitWeigh, { m, pitch });
  const update = builder.once(emitRankOne, { m, pitch });
  const basis = builder.once(emitBasis, { count: reflections, offset: 0, pitch: length });
  const parameters: Seven = ["i32", "i32", "i32", "i32", "i32", "i32", "i32"];
  return builder.module.function("", parameters, "none", (
    code,
    a,
    q,
    r,
    work,
    left,
    factors,
    rows,
  ) => {
    const leftBytes = i32.const(reflections * length * DOUBLE);
    const weights = code.let(advance(factors, rowBytes));
    code.do(read.call(a, work, i32.const(0), i32.const(height)));
    code.do(builder.memory.fill(left, i32.const(0), leftBytes));
    code.for({ below: reflections }, (k) => {
      const diagonal = code.let(elementAt(work, pitch + 1, k, 0));
      const v = code.let(offsetBy(left, k, length * DOUBLE));
      const head = code.let(offsetBy(v, k, DOUBLE));
      const place = code.let(head);
      const below = elementAt(work, pitch, m, k);
      code.for({ from: diagonal, below, step: rowBytes }, (from) => {
        code.do(f64.store(place, f64.load(from)));
        code.set(place, advance(place, DOUBLE));
      });
      const factor = code.let(reflect.call(head, place));
      const image = code.let(f64.load(head));
      code.do(f64.store(head, f64.const(1)));
      code.do(f64.store(offsetBy(factors, k, DOUBLE), factor));
      code.if(i32.ltU(k, i32.const(n - 1)), () => {
        const column = code.let(i32.and(i32.add(k, i32.const(1)), i32.const(-2)));
        code.do(weigh.call(work, v, weights, k, column, factor));
        code.do(update.call(work, v, weights, k, column));
      });
      code.do(f64.store(diagonal, image));
    });
    const last = i32.const(roundUp(end, TOGETHER));
    code.do(basis.call(rows, left, factors, i32.const(0), last));
    write(code, task, q, r, work, rows);
  });
}

/**
 * Subtracts `v wᵀ` from the matrix from a row and a column on: a function of the matrix, both
 * vectors and both numbers.
 */
function emitRankOne(
  builder: Builder,
  { m, pitch }: { readonly m: number; readonly pitch: number },
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32"], "none"> {
  return builder.module.function("linalg rank one", ["i32", "i32", "i32", "i32", "i32"], "none", (
    code,
    work,
    v,
    weights,
    k,
    column,
  ) => {
    const start = code.let(offsetBy(weights, column, DOUBLE));
    const end = code.let(advance(weights, pitch * DOUBLE));
    code.for({ from: groupOf(k), below: m }, (row) => {
      const from = code.let(elementAt(work, pitch, row, column));
      const value = code.let(v128.load64Splat(offsetBy(v, row, DOUBLE)));
      code.for({ from: start, below: end, step: VECTOR }, (weight) => {
        const product = f64x2.mul(value, v128.load(weight, { align: 8 }));
        const rest = f64x2.sub(v128.load(from, { align: 8 }), product);
        code.do(v128.store(from, rest, { align: 8 }));
        code.set(from, advance(from, VECTOR));
      });
    });
  });
}

/** Writes both factors, with the signs that make the diagonal positive. */
function write(
  code: Code,
  task: Task,
  q: Pointer,
  r: Local<"i32">,
  work: Pointer,
  rows: Pointer,
): void {
  const { name, dtype, m, n, first, end } = task;
  const { pitch, length, reflections } = sizesOf(task);
  const size = byteSize(dtype);
  const store = (to: Pointer, value: Expression<"f64">) =>
    size === 8 ? f64.store(to, value) : f32.store(to, f32.demoteF64(value));
  // Zeros are positive.
  const signed = (value: Expression<"f64">, sign: Expression<"f64">) =>
    f64.add(f64.mul(value, sign), f64.const(0));
  const sign = code.local("f64");
  const findSign = (k: Pointer) => {
    const isNegative = f64.lt(f64.load(elementAt(work, pitch + 1, k, 0)), f64.const(0));
    code.set(sign, select(isNegative, f64.const(-1), f64.const(1)));
  };
  code.for({ from: first, below: end }, (column) => {
    code.set(sign, f64.const(1));
    if (first < reflections) findSign(column);
    const to = code.let(offsetBy(advance(q, -first * size), column, size));
    const from = code.let(offsetBy(rows, column, length * DOUBLE));
    code.for({ from, below: code.let(advance(from, m * DOUBLE)), step: DOUBLE }, (place) => {
      code.do(store(to, signed(f64.load(place), sign)));
      code.set(to, advance(to, (end - first) * size));
    });
  });
  if (name !== "qr") return;
  code.for({ below: end }, (row) => {
    findSign(row);
    const from = code.let(elementAt(work, pitch, row, 0));
    code.for({ below: n }, (column) => {
      const value = signed(f64.load(offsetBy(from, column, DOUBLE)), sign);
      code.do(store(r, select(i32.ltU(column, row), f64.const(0), value)));
      code.set(r, advance(r, size));
    });
  });
}
