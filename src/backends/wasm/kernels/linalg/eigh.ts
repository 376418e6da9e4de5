/**
 * The kernel of eigenvalues and eigenvectors of symmetric matrices, by the evaluator's method.
 *
 * Source: R. S. Martin, C. Reinsch and J. H. Wilkinson, "Householder's tridiagonalization of a
 * symmetric matrix", 1968; A. Dubrulle, R. S. Martin and J. H. Wilkinson, "The implicit QL
 * algorithm", 1968.
 *
 * @module
 */
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import { sizeOf } from "../../../../base/shape.ts";
import type { Code } from "../../assembler/code.ts";
import type { Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f64, i32 } from "../../assembler/operations.ts";
import { advance, type Pointer, smaller, times } from "../addresses.ts";
import type { Buffer, Builder, Kernel } from "../kernel.ts";
import { DOUBLE, elementAt, emitReadMatrix, offsetBy, roundUp } from "./blocks.ts";
import { emitPhases, nothing, type Phase } from "./phases.ts";
import { emitIterateQl } from "./ql.ts";
import { emitBasis, TOGETHER } from "./reflection.ts";
import { beginIteration, COLUMNS, emitSort, emitWriteColumns } from "./spectrum.ts";
import { scaleOf, state } from "./spectrum.ts";
import { emitTridiagonalize, vectorRows } from "./tridiagonal.ts";
import { emitTurns, pitchOf, ROUNDS, STRIP_COLUMNS, turnBytes } from "./turns.ts";

/** Rows that a thread computes at once. */
const ROWS = 16;

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
  const sizes = { dtype, n, pitch: pitchOf(n), height: roundUp(n, TOGETHER) };
  const size = byteSize(dtype);
  const square = sizes.height * sizes.pitch * DOUBLE;
  return emitPhases(builder, {
    name: "eigh",
    count,
    buffers: [n * n * size, n * size, n * n * size],
    workspaces: [
      square,
      square,
      vectorRows.count * sizes.pitch * DOUBLE,
      turnBytes(n),
      state.order + 4 * n,
    ],
    operations: 9 * n * n * n + 100 * n * n,
    phases: () => eigh(builder, sizes),
  });
}

function eigh(builder: Builder, sizes: Sizes): Phase[] {
  const { dtype, n, pitch, height } = sizes;
  const reduce = builder.once(emitReduce, sizes);
  const basis = builder.once(emitBasis, { count: n - 1, offset: 1, pitch });
  const iterate = builder.once(emitIterateQl, n);
  const turns = builder.once(emitTurns, pitch);
  const sort = builder.once(emitSort, { dtype, count: n, isSingular: false });
  const write = builder.once(emitWriteColumns, { dtype, count: n, length: n, pitch });
  const steps: Phase = {
    name: "eigh: steps",
    parts: 1,
    run([, , , , , vectors, list, known]) {
      const beside = advance(vectors, vectorRows.beside * pitch * DOUBLE);
      return iterate.call(vectors, beside, list, known);
    },
  };
  const turn: Phase = {
    name: "eigh: turn",
    parts: Math.ceil(n / STRIP_COLUMNS),
    run: ([, , , work, , , list, known], part) =>
      turns.call(
        offsetBy(work, part, STRIP_COLUMNS * DOUBLE),
        list,
        i32.load(known, { offset: state.end }),
      ),
  };
  return [
    {
      name: "eigh: reduce",
      parts: 1,
      run: ([a, , , work, reflections, vectors, , known]) =>
        reduce.call(a, work, reflections, vectors, known),
    },
    {
      name: "eigh: basis",
      parts: Math.ceil(height / ROWS),
      run([, , , work, reflections, vectors], part) {
        const first = times(part, ROWS);
        const end = smaller(i32.add(first, i32.const(ROWS)), i32.const(height));
        const factors = advance(vectors, vectorRows.factors * pitch * DOUBLE);
        return basis.call(work, reflections, factors, first, end);
      },
    },
    // All but the first rounds usually have nothing to do.
    ...Array.from({ length: ROUNDS }, () => [steps, turn]).flat(),
    {
      name: "eigh: sort",
      parts: 1,
      run: ([, w, , , , vectors, , known]) => sort.call(vectors, w, known),
    },
    {
      name: "eigh: write",
      parts: Math.ceil(n / COLUMNS),
      run: ([, , v, work, , , , known], part) => write.call(work, v, known, times(part, COLUMNS)),
    },
  ];
}

/**
 * Reads the matrix and reduces it. If an element is not finite, the matrix is replaced by zeros and
 * the scale by NaN.
 */
function emitReduce(
  builder: Builder,
  { dtype, n, pitch, height }: Sizes,
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32"], "none"> {
  const source = { dtype, rows: n, columns: n, pitch, isUnit: false };
  const read = builder.once(emitReadMatrix, source);
  const tridiagonalize = builder.once(emitTridiagonalize, { n, pitch });
  return builder.module.function("reduce", ["i32", "i32", "i32", "i32", "i32"], "none", (
    code,
    a,
    work,
    reflections,
    vectors,
    known,
  ) => {
    code.do(read.call(a, work, i32.const(0), i32.const(height)));
    const scale = scaleLower(code, work, n, pitch);
    code.do(f64.store(known, scale, { offset: state.scale }));
    beginIteration(code, known, 0);
    code.if(f64.ne(scale, scale), () => {
      code.do(builder.memory.fill(work, i32.const(0), i32.const(height * pitch * DOUBLE)));
    });
    code.do(tridiagonalize.call(work, reflections, vectors));
  });
}

/**
 * Divides the lower triangle by the largest power of two up to its largest element, and completes
 * the squares along its diagonal; returns the power, 1 for zeros, or NaN if an element is not
 * finite.
 */
function scaleLower(code: Code, work: Pointer, n: number, pitch: number): Local<"f64"> {
  const largest = code.let(f64.const(0));
  const eachLower = (body: (place: Pointer, row: Local<"i32">, from: Local<"i32">) => void) =>
    code.for({ below: n }, (row) => {
      const from = code.let(elementAt(work, pitch, row, 0));
      const below = code.let(advance(offsetBy(from, row, DOUBLE), DOUBLE));
      code.for({ from, below, step: DOUBLE }, (place) => body(place, row, from));
    });
  // The maximum of NaN and any number is NaN.
  eachLower((place) => code.set(largest, f64.max(largest, f64.abs(f64.load(place)))));
  const scale = scaleOf(code, largest);
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
