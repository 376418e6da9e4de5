/**
 * The kernels of the QR factorisation, and of the columns that complete orthonormal ones: reflections
 * in blocks.
 *
 * Source: A. S. Householder, "Unitary triangularization of a nonsymmetric matrix", 1958; in blocks
 * as in `reflections.ts`.
 *
 * @module
 */
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import { sizeOf } from "../../../../base/shape.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f32, f32x4, f64, f64x2, i32, select, v128 } from "../../assembler/operations.ts";
import { advance, type Pointer, smaller, times, VECTOR } from "../addresses.ts";
import type { Buffer, Builder, Kernel } from "../kernel.ts";
import { BLOCK, DOUBLE, elementAt, emitReadMatrix, MOST_COLUMNS } from "./blocks.ts";
import { offsetBy, roundUp } from "./blocks.ts";
import { emitPhases, nothing, type Phase } from "./phases.ts";
import { emitSmallQr } from "./qr_small.ts";
import type { Task } from "./qr_small.ts";
import { emitReflectColumns, emitReflectPanel } from "./reflections.ts";
import { type Reflected, TRIANGLE } from "./reflections.ts";
import { storeLanes } from "../panels.ts";

/** Rows that a thread reads or writes at once, if several threads share a matrix. */
const ROWS = 96;

/** The same for columns of an update. */
const COLUMNS = 144;

/** The longest side of matrices that are too small for blocks. */
const SMALL = 16;

/** The kernel of `qr`: `a` to both factors. */
export function emitQr(
  builder: Builder,
  [{ dtype, shape }]: readonly Buffer[],
  _params: null,
  _outputs: readonly Buffer[],
): Kernel {
  const [m, n] = shape.slice(-2);
  const count = sizeOf(shape.slice(0, -2));
  return emitTask(builder, { name: "qr", dtype, count, m, n, first: 0, end: Math.min(m, n) });
}

/** The kernel of `complement`: `q` to more columns. */
export function emitComplement(
  builder: Builder,
  [{ dtype, shape }]: readonly Buffer[],
  _params: null,
  _output: Buffer,
): Kernel {
  const [m, n] = shape.slice(-2);
  const count = sizeOf(shape.slice(0, -2));
  return emitTask(builder, { name: "complement", dtype, count, m, n, first: n, end: m });
}

function emitTask(builder: Builder, task: Task): Kernel {
  const { name, dtype, count, m, n, first, end } = task;
  if (count * m * (end - first) === 0) return nothing;
  if (Math.max(m, n) <= SMALL) return emitSmallQr(builder, task);
  const size = byteSize(dtype);
  const reflections = Math.min(m, n);
  const height = roundUp(m, BLOCK);
  const vectors = roundUp(reflections, BLOCK);
  const widths = [roundUp(n, BLOCK), roundUp(end, BLOCK)];
  const pitch = Math.max(...widths);
  const sizes = { m, height, count: reflections, pitch, vectors };
  const outputs = name === "qr" ? [m * end * size, end * n * size] : [m * (end - first) * size];
  return emitPhases(builder, {
    name,
    count,
    buffers: [m * n * size, ...outputs],
    workspaces: [
      height * pitch * DOUBLE,
      height * pitch * DOUBLE,
      height * vectors * DOUBLE,
      vectors / BLOCK * TRIANGLE,
      BLOCK * pitch * DOUBLE,
      height * DOUBLE,
    ],
    operations: 4 * m * reflections * (n + end) + 20 * m * n,
    phases: (isShared) => factorize(builder, task, sizes, widths, isShared),
  });
}

function factorize(
  builder: Builder,
  task: Task,
  sizes: Reflected,
  [right, width]: readonly number[],
  isShared: boolean,
): Phase[] {
  const { name, dtype, m, n, first } = task;
  const { height, count, pitch, vectors } = sizes;
  const rows = isShared ? ROWS : height;
  const columns = isShared ? COLUMNS : MOST_COLUMNS;
  const source = { dtype, rows: m, columns: n, pitch, isUnit: false };
  const read = builder.once(emitReadMatrix, source);
  const panel = builder.once(emitReflectPanel, sizes);
  const reflect = builder.once(emitReflectColumns, { reflected: sizes, isTransposed: true });
  const basis = builder.once(emitBasis, sizes);
  const buffers = name === "qr" ? 3 : 2;
  const places = (at: readonly Pointer[]) => {
    const [work, basis, all, triangles, room, column] = at.slice(buffers);
    return { work, basis, all, triangles, room, column };
  };
  const share = (part: Pointer, step: number, from: number, end: number) => {
    const start = offsetBy(i32.const(from), part, step);
    return [start, smaller(offsetBy(i32.const(from + step), part, step), i32.const(end))] as const;
  };
  const phases: Phase[] = [{
    name: `${name}: read`,
    parts: Math.ceil(height / rows),
    run: (at, part) => read.call(at[0], places(at).work, ...share(part, rows, 0, height)),
  }, {
    name: `${name}: clear`,
    parts: 1,
    run: (at) =>
      builder.memory.fill(
        places(at).all,
        i32.const(0),
        i32.const(height * vectors * DOUBLE),
      ),
  }];
  for (let k = 0; k < count; k += BLOCK) {
    const triangleOf = (triangles: Pointer) => advance(triangles, k / BLOCK * TRIANGLE);
    phases.push({
      name: `${name}: columns`,
      parts: 1,
      run(at) {
        const { work, all, triangles, column } = places(at);
        return panel.call(work, all, triangleOf(triangles), column, i32.const(k));
      },
    });
    const next = k + BLOCK;
    if (next >= right) continue;
    phases.push({
      name: `${name}: update`,
      parts: Math.ceil((right - next) / columns),
      run(at, part) {
        const { work, all, triangles, room } = places(at);
        const [from, end] = share(part, columns, next, right);
        const triangle = triangleOf(triangles);
        return reflect.call(all, triangle, work, room, i32.const(k), from, end);
      },
    });
  }
  const start = Math.floor(first / BLOCK) * BLOCK;
  phases.push({
    name: `${name}: basis`,
    parts: Math.ceil((width - start) / columns),
    run(at, part) {
      const { basis: to, all, triangles, room } = places(at);
      return basis.call(to, all, triangles, room, ...share(part, columns, start, width));
    },
  });
  const write = builder.once(emitWrite, { task, pitch });
  phases.push({
    name: `${name}: write`,
    parts: Math.ceil(m / rows),
    run(at, part) {
      const { work, basis, column } = places(at);
      const [from, end] = share(part, rows, 0, m);
      // An unused result has no buffer.
      return write.call(work, basis, at[1], name === "qr" ? at[2] : at[1], column, from, end);
    },
  });
  if (name === "qr") {
    const signs = builder.once(emitSigns, sizes);
    phases.splice(-1, 0, {
      name: "qr: signs",
      parts: 1,
      run(at) {
        const { work, column } = places(at);
        return signs.call(work, column);
      },
    });
  }
  return phases;
}

/**
 * Columns of the orthogonal matrix: a function of the address for them, the vectors, the triangles,
 * a workspace, and the numbers of the first column and the end.
 */
function emitBasis(
  builder: Builder,
  sizes: Reflected,
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32", "i32"], "none"> {
  const { height, count, pitch } = sizes;
  const reflect = builder.once(emitReflectColumns, { reflected: sizes, isTransposed: false });
  const parameters = ["i32", "i32", "i32", "i32", "i32", "i32"] as const;
  const blocks = Math.ceil(count / BLOCK);
  return builder.module.function("qr basis", parameters, "none", (
    code,
    basis,
    all,
    triangles,
    room,
    first,
    end,
  ) => {
    const bytes = code.let(times(i32.sub(end, first), DOUBLE));
    code.for({ below: height }, (row) => {
      const from = code.let(elementAt(basis, pitch, row, first));
      code.do(builder.memory.fill(from, i32.const(0), bytes));
      code.if(i32.and(i32.geU(row, first), i32.ltU(row, end)), () => {
        code.do(f64.store(elementAt(basis, pitch + 1, row, 0), f64.const(1)));
      });
    });
    code.for({ below: blocks }, (round) => {
      const block = code.let(i32.sub(i32.const(blocks - 1), round));
      const k = code.let(times(block, BLOCK));
      // Columns before a block are not yet changed by it.
      code.if(i32.gtU(end, k), () => {
        const from = code.let(first);
        code.if(i32.gtU(k, from), () => code.set(from, k));
        const triangle = offsetBy(triangles, block, TRIANGLE);
        code.do(reflect.call(all, triangle, basis, room, k, from, end));
      });
    });
  });
}

/** The signs that make the diagonal positive: a function of the matrix and of the address for them. */
function emitSigns(
  builder: Builder,
  { count, pitch }: Reflected,
): FunctionReference<readonly ["i32", "i32"], "none"> {
  return builder.module.function("signs", ["i32", "i32"], "none", (code, work, signs) => {
    code.for({ below: count }, (k) => {
      const isNegative = f64.lt(f64.load(elementAt(work, pitch + 1, k, 0)), f64.const(0));
      const sign = select(isNegative, f64.const(-1), f64.const(1));
      code.do(f64.store(offsetBy(signs, k, DOUBLE), sign));
    });
  });
}

/**
 * Writes some rows of the orthogonal matrix, and of the triangular one if requested: a function of
 * both working matrices, both results, the signs, and the numbers of the first row and the end.
 */
function emitWrite(
  builder: Builder,
  { task: { name, dtype, n, first, end }, pitch }: {
    readonly task: Task;
    readonly pitch: number;
  },
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32", "i32", "i32"], "none"> {
  const size = byteSize(dtype);
  const width = end - first;
  const isQr = name === "qr";
  const parameters = ["i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return builder.module.function("write", parameters, "none", (
    code,
    work,
    basis,
    q,
    r,
    signs,
    from,
    below,
  ) => {
    code.for({ from, below }, (row) => {
      const source = code.let(elementAt(basis, pitch, row, first));
      const sign = code.let(signs);
      copySigned(
        code,
        dtype,
        source,
        code.let(offsetBy(q, row, width * size)),
        i32.const(width),
        {
          scalar: () => isQr ? f64.load(sign) : f64.const(1),
          vector: () => isQr ? v128.load(sign, { align: 8 }) : f64x2.const(1),
          next: (bytes) => code.set(sign, advance(sign, bytes)),
        },
      );
      if (!isQr) return;
      code.if(i32.ltU(row, i32.const(end)), () => {
        const to = code.let(offsetBy(r, row, n * size));
        code.do(builder.memory.fill(to, i32.const(0), times(row, size)));
        code.set(to, offsetBy(to, row, size));
        code.set(source, elementAt(work, pitch + 1, row, 0));
        const own = code.let(f64.load(offsetBy(signs, row, DOUBLE)));
        copySigned(code, dtype, source, to, i32.sub(i32.const(n), row), {
          scalar: () => own,
          vector: () => f64x2.splat(own),
          next: () => undefined,
        });
      });
    });
  });
}

/** The signs of the elements that are copied. */
interface Signs {
  /** Of one element. */
  readonly scalar: () => Expression<"f64">;
  /** Of two. */
  readonly vector: () => Expression<"v128">;
  /** Advances by a number of bytes. */
  readonly next: (bytes: number) => void;
}

/** Writes doubles with signs as elements of a dtype; zeros are positive. */
function copySigned(
  code: Code,
  dtype: Dtype,
  from: Local<"i32">,
  to: Local<"i32">,
  count: Expression<"i32">,
  { scalar, vector, next }: Signs,
): void {
  const size = byteSize(dtype);
  const end = code.let(offsetBy(from, count, DOUBLE));
  const whole = i32.and(i32.sub(end, from), i32.const(-VECTOR));
  const last = code.let(i32.add(from, whole));
  code.for({ from, below: last, step: VECTOR }, (from) => {
    const signed = f64x2.mul(v128.load(from, { align: 8 }), vector());
    const value = f64x2.add(signed, f64x2.const(0));
    const pair = code.let(size === 8 ? value : f32x4.demoteF64x2Zero(value));
    code.do(...storeLanes(dtype, to, pair, 2, 0));
    code.set(to, advance(to, 2 * size));
    next(VECTOR);
  });
  code.if(i32.ltU(last, end), () => {
    const value = f64.add(f64.mul(f64.load(last), scalar()), f64.const(0));
    code.do(size === 8 ? f64.store(to, value) : f32.store(to, f32.demoteF64(value)));
  });
}
