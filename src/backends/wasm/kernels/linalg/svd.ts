/**
 * The kernel of the singular value decomposition, by the evaluator's method.
 *
 * Source: G. Golub and W. Kahan, "Calculating the singular values and pseudo-inverse of a matrix",
 * 1965; G. Golub and C. Reinsch, "Singular value decomposition and least squares solutions", 1970.
 *
 * @module
 */
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import { sizeOf } from "../../../../base/shape.ts";
import type { Code } from "../../assembler/code.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f32, f64, f64x2, i32, v128 } from "../../assembler/operations.ts";
import { advance, type Pointer, smaller, times, VECTOR } from "../addresses.ts";
import type { Buffer, Builder, Kernel } from "../kernel.ts";
import { bidiagonalRows, emitBidiagonalize, type Tall } from "./bidiagonal.ts";
import { DOUBLE, elementAt, emitReadMatrix, offsetBy, roundUp } from "./blocks.ts";
import { emitPhases, nothing, type Phase } from "./phases.ts";
import { emitBasis, type Reflections, TOGETHER } from "./reflection.ts";
import { emitIterateQr } from "./singular.ts";
import { beginIteration, COLUMNS, emitSort, emitWriteColumns, emitWriteRows } from "./spectrum.ts";
import { scaleOf, state } from "./spectrum.ts";
import { emitTurns, pitchOf, ROUNDS, STRIP_COLUMNS, turnBytes } from "./turns.ts";

/** Rows that a thread computes at once. */
const ROWS = 16;

/** The sizes of a matrix, or of the transpose of a wide one. */
interface Sizes extends Tall {
  /** The type of all elements. */
  readonly dtype: Dtype;
  /** The rows of the working matrix. */
  readonly height: number;
  /** Whether it is the transpose. */
  readonly isFlipped: boolean;
}

/** The kernel of `svd`: `a` to left vectors, values and right vectors. */
export function emitSvd(
  builder: Builder,
  [{ dtype, shape }]: readonly Buffer[],
  _params: null,
  _outputs: readonly Buffer[],
): Kernel {
  const [rows, columns] = shape.slice(-2);
  const count = sizeOf(shape.slice(0, -2));
  if (count * rows * columns === 0) return nothing;
  const [m, n] = [Math.max(rows, columns), Math.min(rows, columns)];
  const [leftPitch, pitch] = [m, n].map(pitchOf);
  const height = roundUp(m, TOGETHER);
  const sizes = { dtype, m, n, leftPitch, pitch, height, isFlipped: rows < columns };
  const size = byteSize(dtype);
  return emitPhases(builder, {
    name: "svd",
    count,
    buffers: [rows * columns, rows * n, n, n * columns].map((one) => one * size),
    workspaces: [
      height * pitch * DOUBLE,
      n * leftPitch * DOUBLE,
      n * pitch * DOUBLE,
      bidiagonalRows.count * pitch * DOUBLE,
      roundUp(n, TOGETHER) * leftPitch * DOUBLE,
      turnBytes(n),
      turnBytes(n),
      state.order + 4 * n,
    ],
    operations: 8 * m * n * n + 12 * n * n * n + 100 * m * n,
    phases: () => decompose(builder, sizes),
  });
}

/** The buffers and workspaces of a matrix. */
function placesOf(
  [a, u, s, vt, work, left, right, vectors, leftRows, ...rest]: readonly Pointer[],
) {
  const [leftTurns, rightTurns, known] = rest;
  return { a, u, s, vt, work, left, right, vectors, leftRows, leftTurns, rightTurns, known };
}

/** The vectors of one kind that are in the row with this number. */
function rowOf(vectors: Pointer, row: number, { pitch }: Sizes): Pointer {
  return advance(vectors, row * pitch * DOUBLE);
}

function decompose(builder: Builder, sizes: Sizes): Phase[] {
  const { dtype, m, n, leftPitch, pitch, isFlipped } = sizes;
  const reduce = builder.once(emitReduce, sizes);
  const iterate = builder.once(emitIterateQr, n);
  const sort = builder.once(emitSort, { dtype, count: n, isSingular: true });
  const tall = { dtype, count: n, length: m, pitch: leftPitch };
  const small = { dtype, count: n, length: n, pitch };
  const [left, right] = isFlipped ? [small, tall] : [tall, small];
  const writeLeft = builder.once(emitWriteColumns, left);
  const writeRight = builder.once(emitWriteRows, { vectors: right, left });
  const basis = (kind: string, reflections: Reflections, factors: number): Phase => {
    const make = builder.once(emitBasis, reflections);
    const height = roundUp(n, TOGETHER);
    return {
      name: `svd: ${kind} basis`,
      parts: Math.ceil(height / ROWS),
      run(at, part) {
        const { work, left, right, vectors, leftRows } = placesOf(at);
        const [to, from] = kind === "left" ? [leftRows, left] : [work, right];
        const first = times(part, ROWS);
        const end = smaller(i32.add(first, i32.const(ROWS)), i32.const(height));
        return make.call(to, from, rowOf(vectors, factors, sizes), first, end);
      },
    };
  };
  const turn = (kind: string, length: number, pitch: number): Phase => {
    const turns = builder.once(emitTurns, pitch);
    return {
      name: `svd: turn ${kind}`,
      parts: Math.ceil(length / STRIP_COLUMNS),
      run(at, part) {
        const { work, leftRows, leftTurns, rightTurns, known } = placesOf(at);
        const [rows, list, offset] = kind === "left"
          ? [leftRows, leftTurns, state.end]
          : [work, rightTurns, state.otherEnd];
        const strip = offsetBy(rows, part, STRIP_COLUMNS * DOUBLE);
        return turns.call(strip, list, i32.load(known, { offset }));
      },
    };
  };
  const steps: Phase = {
    name: "svd: steps",
    parts: 1,
    run(at) {
      const { vectors, leftTurns, rightTurns, known } = placesOf(at);
      const beside = rowOf(vectors, bidiagonalRows.beside, sizes);
      return iterate.call(vectors, beside, leftTurns, rightTurns, known);
    },
  };
  const round = [steps, turn("left", m, leftPitch), turn("right", n, pitch)];
  return [
    {
      name: "svd: reduce",
      parts: 1,
      run(at) {
        const { a, work, left, right, vectors, known } = placesOf(at);
        return reduce.call(a, work, left, right, vectors, known);
      },
    },
    basis("left", { count: n, offset: 0, pitch: leftPitch }, bidiagonalRows.leftFactors),
    basis("right", { count: n - 1, offset: 1, pitch }, bidiagonalRows.rightFactors),
    // All but the first rounds usually have nothing to do.
    ...Array.from({ length: ROUNDS }, () => round).flat(),
    {
      name: "svd: sort",
      parts: 1,
      run(at) {
        const { s, vectors, known } = placesOf(at);
        return sort.call(vectors, s, known);
      },
    },
    {
      name: "svd: write left",
      parts: Math.ceil(n / COLUMNS),
      run(at, part) {
        const { u, work, leftRows, known } = placesOf(at);
        return writeLeft.call(isFlipped ? work : leftRows, u, known, times(part, COLUMNS));
      },
    },
    {
      name: "svd: write right",
      parts: Math.ceil(n / COLUMNS),
      run(at, part) {
        const { vt, work, vectors, leftRows, known } = placesOf(at);
        const [own, other] = isFlipped ? [leftRows, work] : [work, leftRows];
        const first = times(part, COLUMNS);
        const end = smaller(i32.add(first, i32.const(COLUMNS)), i32.const(n));
        return writeRight.call(own, other, vectors, vt, known, first, end);
      },
    },
  ];
}

type Six = readonly ["i32", "i32", "i32", "i32", "i32", "i32"];

/**
 * Reads the matrix and reduces it. If an element is not finite, the matrix is replaced by zeros and
 * the scale by NaN.
 */
function emitReduce(builder: Builder, sizes: Sizes): FunctionReference<Six, "none"> {
  const { dtype, m, n, pitch, height, isFlipped } = sizes;
  const source = { dtype, rows: m, columns: n, pitch, isUnit: false };
  const bidiagonalize = builder.once(emitBidiagonalize, sizes);
  const parameters: Six = ["i32", "i32", "i32", "i32", "i32", "i32"];
  return builder.module.function("reduce", parameters, "none", (
    code,
    a,
    work,
    left,
    right,
    vectors,
    known,
  ) => {
    if (isFlipped) readFlipped(code, builder, sizes, a, work);
    else {
      const read = builder.once(emitReadMatrix, source);
      code.do(read.call(a, work, i32.const(0), i32.const(height)));
    }
    const bytes = height * pitch * DOUBLE;
    const end = code.let(advance(work, bytes));
    const largest = code.let(f64.const(0));
    // The maximum of NaN and any number is NaN.
    code.for({ from: work, below: end, step: DOUBLE }, (place) => {
      code.set(largest, f64.max(largest, f64.abs(f64.load(place))));
    });
    const scale = scaleOf(code, largest);
    code.do(f64.store(known, scale, { offset: state.scale }));
    const divisor = code.let(f64x2.splat(scale));
    code.for({ from: work, below: end, step: VECTOR }, (place) => {
      const value = f64x2.div(v128.load(place, { align: 8 }), divisor);
      code.do(v128.store(place, value, { align: 8 }));
    });
    code.if(f64.ne(scale, scale), () => {
      code.do(builder.memory.fill(work, i32.const(0), i32.const(bytes)));
    });
    code.do(bidiagonalize.call(work, left, right, vectors));
    beginIteration(code, known, n);
  });
}

/** Reads the transpose, with zeros around it. */
function readFlipped(
  code: Code,
  builder: Builder,
  { dtype, m, n, pitch, height }: Sizes,
  a: Pointer,
  work: Pointer,
): void {
  const size = byteSize(dtype);
  code.do(builder.memory.fill(work, i32.const(0), i32.const(height * pitch * DOUBLE)));
  code.for({ below: n }, (row) => {
    const from = code.let(offsetBy(a, row, m * size));
    const to = code.let(elementAt(work, 0, 0, row));
    code.for({ from, below: code.let(advance(from, m * size)), step: size }, (place) => {
      code.do(f64.store(to, size === 8 ? f64.load(place) : f64.promoteF32(f32.load(place))));
      code.set(to, advance(to, pitch * DOUBLE));
    });
  });
}
