/**
 * The kernel of eigenvalues and eigenvectors of symmetric matrices, by the evaluator's method.
 *
 * @module
 */
import { byteSize, type Dtype } from "../base/dtype.ts";
import { sizeOf } from "../base/shape.ts";
import type { Code } from "../wasm/code.ts";
import type { Expression, Local } from "../wasm/expression.ts";
import type { FunctionReference } from "../wasm/module.ts";
import { f32, f32x4, f64, f64x2, i32, i64, select, v128 } from "../wasm/operations.ts";
import { advance, type Pointer, smaller, times, VECTOR } from "./addresses.ts";
import type { Buffer, Builder, Kernel } from "./kernel.ts";
import { DOUBLE, elementAt, emitReadMatrix, offsetBy, roundUp } from "./linalg_blocks.ts";
import { emitPhases, nothing, type Phase } from "./linalg_phases.ts";
import { emitIterateQl, emitTurns, STRIP_COLUMNS, turnBytes } from "./linalg_ql.ts";
import { emitBasis, emitTridiagonalize, TOGETHER, vectorRows } from "./linalg_tridiagonal.ts";
import { transposeLanes } from "./panels.ts";

/** Rows that a thread makes at once. */
const ROWS = 16;

/** Columns that a thread turns or writes at once. */
const COLUMNS = 2 * STRIP_COLUMNS;

/** Signs are told by the first element that is as large as the largest, but for rounding. */
const NEARLY = 1 - 1e-6;

/** The sizes of a matrix and its working copies. */
interface Sizes {
  readonly dtype: Dtype;
  readonly n: number;
  /** Doubles from one row to the next. */
  readonly pitch: number;
  /** The rows of working copies. */
  readonly height: number;
}

/** The kernel of `eigh`: `a` to eigenvalues and eigenvectors. */
export function emitEigh(
  builder: Builder,
  [a]: readonly Buffer[],
  _params: null,
  _outputs: readonly Buffer[],
): Kernel {
  const { dtype, shape } = a;
  const n = shape[shape.length - 1];
  const count = sizeOf(shape.slice(0, -2));
  if (n * count === 0) return nothing;
  const sizes = { dtype, n, pitch: roundUp(n, 8), height: roundUp(n, TOGETHER) };
  const size = byteSize(dtype);
  const square = sizes.height * sizes.pitch * DOUBLE;
  return emitPhases(builder, {
    key: `eigh ${dtype} ${n}`,
    count,
    buffers: [n * n * size, n * size, n * n * size],
    workspaces: [
      square,
      square,
      vectorRows.count * sizes.pitch * DOUBLE,
      turnBytes(n),
      ENTRIES + 4 * n,
    ],
    operations: 9 * n * n * n + 100 * n * n,
    phases: () => eigh(builder, sizes),
  });
}

/** What stands in the last workspace: the end of the turns, the scale, then the order. */
const END = 0;
const SCALE = 8;
const ENTRIES = 16;

function eigh(builder: Builder, sizes: Sizes): Phase[] {
  const { n, pitch, height } = sizes;
  const reduce = emitReduce(builder, sizes);
  const basis = emitBasis(builder, n, pitch);
  const turns = emitTurns(builder, pitch);
  const sort = emitSort(builder, sizes);
  const write = emitWrite(builder, sizes);
  return [
    {
      name: "eigh: reduce",
      parts: 1,
      run: ([a, , , ...work]) =>
        reduce.call(a, ...work as [Pointer, Pointer, Pointer, Pointer, Pointer]),
    },
    {
      name: "eigh: basis",
      parts: Math.ceil(height / ROWS),
      run([, , , work, reflections, vectors], part) {
        const first = times(part, ROWS);
        const end = smaller(i32.add(first, i32.const(ROWS)), i32.const(height));
        return basis.call(work, reflections, vectors, first, end);
      },
    },
    {
      name: "eigh: turn",
      parts: Math.ceil(n / STRIP_COLUMNS),
      run: ([, , , work, , , list, state], part) =>
        turns.call(
          offsetBy(work, part, STRIP_COLUMNS * DOUBLE),
          list,
          i32.load(state, { offset: END }),
        ),
    },
    {
      name: "eigh: sort",
      parts: 1,
      run: ([, w, , , , vectors, , state]) => sort.call(vectors, w, state),
    },
    {
      name: "eigh: write",
      parts: Math.ceil(n / COLUMNS),
      run: ([, , v, work, , , , state], part) => write.call(work, v, state, times(part, COLUMNS)),
    },
  ];
}

/**
 * Reads the matrix and finds its eigenvalues, and the turns that they need. Where an element is not
 * finite, the scale is NaN and there are no turns.
 */
function emitReduce(
  builder: Builder,
  { dtype, n, pitch, height }: Sizes,
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32", "i32"], "none"> {
  const source = { dtype, rows: n, columns: n, pitch, height, isUnit: false };
  const read = emitReadMatrix(builder, source);
  const tridiagonalize = emitTridiagonalize(builder, n, pitch);
  const iterate = emitIterateQl(builder, n);
  return builder.once(
    `eigh reduce ${dtype} ${n}`,
    () =>
      builder.module.function("reduce", ["i32", "i32", "i32", "i32", "i32", "i32"], "none", (
        code,
        a,
        work,
        reflections,
        vectors,
        turns,
        state,
      ) => {
        code.do(read.call(a, work, i32.const(0), i32.const(height)));
        const scale = scaleLower(code, work, n, pitch);
        code.do(f64.store(state, scale, { offset: SCALE }));
        code.do(i32.store(state, turns, { offset: END }));
        code.if(f64.ne(scale, scale), () => {
          code.do(builder.memory.fill(work, i32.const(0), i32.const(height * pitch * DOUBLE)));
        });
        code.do(tridiagonalize.call(work, reflections, vectors));
        const end = iterate.call(
          vectors,
          advance(vectors, vectorRows.beside * pitch * DOUBLE),
          turns,
        );
        code.do(i32.store(state, end, { offset: END }));
      }),
  );
}

/**
 * Divides the lower triangle by the largest power of two up to its largest element, and completes
 * the squares along its diagonal; gives the power, 1 for zeros, or NaN where an element is not finite.
 */
function scaleLower(code: Code, work: Pointer, n: number, pitch: number): Local<"f64"> {
  const largest = code.let(f64.const(0));
  const eachLower = (body: (place: Pointer, row: Local<"i32">, from: Local<"i32">) => void) =>
    code.for({ below: n }, (row) => {
      const from = code.let(elementAt(work, pitch, row, 0));
      const below = code.let(advance(offsetBy(from, row, DOUBLE), DOUBLE));
      code.for({ from, below, step: DOUBLE }, (place) => body(place, row, from));
    });
  // The larger of NaN and anything is NaN.
  eachLower((place) => code.set(largest, f64.max(largest, f64.abs(f64.load(place)))));
  const bits = i64.and(i64.reinterpretF64(largest), i64.const(0x7ffn << 52n));
  const power = f64.reinterpretI64(bits);
  const clamped = f64.min(f64.max(power, f64.const(2 ** -1022)), f64.const(2 ** 1022));
  const scale = code.let(select(f64.eq(largest, f64.const(0)), f64.const(1), clamped));
  const isFinite = f64.lt(largest, f64.const(Infinity));
  code.if(i32.eqz(isFinite), () => code.set(scale, f64.const(NaN)));
  eachLower((place, row, from) => {
    code.do(f64.store(place, f64.div(f64.load(place), scale)));
    const column = code.let(i32.shrU(i32.sub(place, from), i32.const(3)));
    const isNear = i32.geU(column, i32.and(row, i32.const(-TOGETHER)));
    code.if(isNear, () => {
      code.do(f64.store(elementAt(work, pitch, column, row), f64.load(place)));
    });
  });
  return scale;
}

/** Finds the order of the eigenvalues and writes them: a function of the vectors, them, and the state. */
function emitSort(
  builder: Builder,
  { dtype, n }: Sizes,
): FunctionReference<readonly ["i32", "i32", "i32"], "none"> {
  const size = byteSize(dtype);
  return builder.once(
    `eigh sort ${dtype} ${n}`,
    () =>
      builder.module.function("sort", ["i32", "i32", "i32"], "none", (code, d, w, state) => {
        const scale = code.let(f64.load(state, { offset: SCALE }));
        const order = code.let(advance(state, ENTRIES));
        // By insertion: the steps leave them in order but for a few.
        code.for({ below: n }, (i) => {
          const value = code.let(f64.load(offsetBy(d, i, DOUBLE)));
          const place = code.let(offsetBy(order, i, 4));
          code.block((found) => {
            code.loop((again) => {
              code.branchIf(found, i32.eq(place, order));
              const before = code.let(i32.load(advance(place, -4)));
              code.branchIf(found, f64.le(f64.load(offsetBy(d, before, DOUBLE)), value));
              code.do(i32.store(place, before));
              code.set(place, advance(place, -4));
              code.branch(again);
            });
          });
          code.do(i32.store(place, i));
        });
        code.for({ below: n }, (i) => {
          const from = i32.load(offsetBy(order, i, 4));
          const value = f64.mul(f64.load(offsetBy(d, from, DOUBLE)), scale);
          const to = offsetBy(w, i, size);
          code.do(size === 8 ? f64.store(to, value) : f32.store(to, f32.demoteF64(value)));
        });
      }),
  );
}

/**
 * Writes some eigenvectors as columns, with their signs: a function of their rows, of where they go,
 * of the state and of the first one's number.
 */
function emitWrite(
  builder: Builder,
  { dtype, n, pitch }: Sizes,
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  const size = byteSize(dtype);
  return builder.once(`eigh write ${dtype} ${n}`, () => {
    const signOf = emitSign(builder, n);
    return builder.module.function("write", ["i32", "i32", "i32", "i32"], "none", (
      code,
      rows,
      v,
      state,
      first,
    ) => {
      const scale = code.let(f64.load(state, { offset: SCALE }));
      const isBad = code.let(f64.ne(scale, scale));
      const end = code.let(smaller(i32.add(first, i32.const(COLUMNS)), i32.const(n)));
      const rowOf = (number: Expression<"i32">): Local<"i32"> =>
        code.let(elementAt(rows, pitch, i32.load(advance(offsetBy(state, number, 4), ENTRIES)), 0));
      const signed = (row: Local<"i32">): Local<"f64"> =>
        code.let(select(isBad, f64.const(NaN), signOf.call(row)));
      const store = (to: Pointer, value: Expression<"f64">) =>
        size === 8 ? f64.store(to, value) : f32.store(to, f32.demoteF64(value));
      const even = code.let(i32.and(i32.sub(end, first), i32.const(-2)));
      code.for({ from: first, below: i32.add(first, even), step: 2 }, (number) => {
        const [p, q] = [rowOf(number), rowOf(i32.add(number, i32.const(1)))];
        const signs = code.let(f64x2.splat(signed(p)));
        code.set(signs, f64x2.replaceLane(signs, 1, signed(q)));
        const to = code.let(offsetBy(v, number, size));
        const pairs = n - n % 2;
        const last = code.let(advance(p, pairs * DOUBLE));
        const storePair = (value: Local<"v128">) =>
          size === 8
            ? v128.store(to, value, { align: 8 })
            : v128.store64Lane(to, f32x4.demoteF64x2Zero(value), 0, { align: 4 });
        code.for({ from: p, below: last, step: VECTOR }, (from) => {
          const both = [from, q].map((place) => code.let(v128.load(place, { align: 8 })));
          for (const pair of transposeLanes(code, "float64", both)) {
            code.do(storePair(code.let(f64x2.mul(pair, signs))));
            code.set(to, advance(to, n * size));
          }
          code.set(q, advance(q, VECTOR));
        });
        if (n > pairs) {
          [last, q].forEach((place, i) => {
            const value = f64.mul(f64.load(place), f64x2.extractLane(signs, i));
            code.do(store(advance(to, i * size), value));
          });
        }
      });
      code.if(i32.and(i32.sub(end, first), i32.const(1)), () => {
        const number = code.let(i32.sub(end, i32.const(1)));
        const row = rowOf(number);
        const sign = signed(row);
        const to = code.let(offsetBy(v, number, size));
        code.for({ from: row, below: code.let(advance(row, n * DOUBLE)), step: DOUBLE }, (from) => {
          code.do(store(to, f64.mul(sign, f64.load(from))));
          code.set(to, advance(to, n * size));
        });
      });
    });
  });
}

/** The sign that makes a vector's largest element positive: a function of the vector. */
export function emitSign(
  builder: Builder,
  n: number,
): FunctionReference<readonly ["i32"], "f64"> {
  return builder.once(
    `linalg sign ${n}`,
    () =>
      builder.module.function("sign", ["i32"], "f64", (code, x) => {
        const end = code.let(advance(x, n * DOUBLE));
        const largest = code.local("f64");
        code.for({ from: x, below: end, step: DOUBLE }, (place) => {
          code.set(largest, f64.max(largest, f64.abs(f64.load(place))));
        });
        const limit = code.let(f64.mul(largest, f64.const(NEARLY)));
        code.for({ from: x, below: end, step: DOUBLE }, (place) => {
          const value = code.let(f64.load(place));
          code.if(f64.ge(f64.abs(value), limit), () => {
            code.return(select(f64.lt(value, f64.const(0)), f64.const(-1), f64.const(1)));
          });
        });
        return f64.const(1);
      }),
  );
}
