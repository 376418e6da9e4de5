/**
 * Triangular systems of one right side, which read each element of the matrix once, in place.
 *
 * @module
 */
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import type { Triangle } from "../../../../numeric/linalg/triangular.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f32, f64, f64x2, i32, i8x16, v128 } from "../../assembler/operations.ts";
import { advance, type Pointer, VECTOR } from "../addresses.ts";
import type { Builder } from "../kernel.ts";
import { DOUBLE, offsetBy } from "./blocks.ts";

/** Elements of a round. */
const ROUND = 4;

/** The last two of four floats. */
const HIGH = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];

/** A function of the matrix and of the right side, which becomes the solution. */
export function emitSolveVector(
  builder: Builder,
  { dtype, n, triangle: { lower, transpose, unitDiagonal } }: {
    readonly dtype: Dtype;
    readonly n: number;
    readonly triangle: Triangle;
  },
): FunctionReference<readonly ["i32", "i32"], "none"> {
  const size = byteSize(dtype);
  const isForward = lower !== transpose;
  return builder.module.function("linalg vector", ["i32", "i32"], "none", (code, matrix, x) => {
    code.for({ below: n }, (step) => {
      const i = isForward ? step : code.let(i32.sub(i32.const(n - 1), step));
      const row = code.let(offsetBy(matrix, i, n * size));
      const own = code.let(offsetBy(x, i, DOUBLE));
      const diagonal = offsetBy(row, i, size);
      const pivot = size === 8 ? f64.load(diagonal) : f64.promoteF32(f32.load(diagonal));
      const run = {
        from: code.let(lower ? row : advance(diagonal, size)),
        x: code.let(lower ? x : advance(own, DOUBLE)),
        end: lower ? own : code.let(advance(x, n * DOUBLE)),
      };
      if (!transpose) takeKnown(code, dtype, run, own);
      if (!unitDiagonal) code.do(f64.store(own, f64.div(f64.load(own), pivot)));
      if (transpose) takeOut(code, dtype, run, own);
    });
  });
}

/** Elements of a row, and the elements of the vector that they are multiplied by, up to an end. */
interface Run {
  /** The first element of the row. */
  readonly from: Local<"i32">;
  /** The first element of the vector. */
  readonly x: Local<"i32">;
  /** The end of the vector. */
  readonly end: Pointer;
}

/**
 * Runs `whole` for pairs of elements of a row, and `single` for the remaining ones; both receive
 * the matching elements of the vector.
 */
function eachElement(
  code: Code,
  dtype: Dtype,
  { from, x, end }: Run,
  whole: (row: Expression<"v128">, x: Local<"i32">, offset: number) => void,
  single: (row: Expression<"f64">, x: Local<"i32">) => void,
): void {
  const size = byteSize(dtype);
  const whole4 = i32.and(i32.sub(end, x), i32.const(-ROUND * DOUBLE));
  const last = code.let(i32.add(x, whole4));
  code.for({ from: x, below: last, step: ROUND * DOUBLE }, (x) => {
    if (size === 8) {
      for (const offset of [0, VECTOR]) whole(v128.load(from, { offset, align: 8 }), x, offset);
    } else {
      const four = code.let(v128.load(from, { align: 4 }));
      whole(f64x2.promoteLowF32x4(four), x, 0);
      whole(f64x2.promoteLowF32x4(i8x16.shuffle(four, four, HIGH)), x, VECTOR);
    }
    code.set(from, advance(from, ROUND * size));
  });
  code.for({ from: last, below: end, step: DOUBLE }, (x) => {
    single(size === 8 ? f64.load(from) : f64.promoteF32(f32.load(from)), x);
    code.set(from, advance(from, size));
  });
}

/** Subtracts the product of a row and the known unknowns from a right side. */
function takeKnown(code: Code, dtype: Dtype, run: Run, own: Pointer): void {
  const sums = [0, 1].map(() => code.local("v128"));
  for (const sum of sums) code.set(sum, f64x2.const(0));
  const rest = code.local("f64");
  code.set(rest, f64.const(0));
  eachElement(code, dtype, run, (row, x, offset) => {
    const sum = sums[offset / VECTOR];
    code.set(sum, f64x2.add(sum, f64x2.mul(row, v128.load(x, { offset, align: 8 }))));
  }, (row, x) => code.set(rest, f64.add(rest, f64.mul(row, f64.load(x)))));
  const both = code.let(f64x2.add(sums[0], sums[1]));
  const lanes = f64.add(f64x2.extractLane(both, 0), f64x2.extractLane(both, 1));
  code.do(f64.store(own, f64.sub(f64.load(own), f64.add(lanes, rest))));
}

/** Subtracts the products of a row and an unknown from other right sides. */
function takeOut(code: Code, dtype: Dtype, run: Run, own: Pointer): void {
  const value = code.let(f64.load(own));
  const values = code.let(f64x2.splat(value));
  eachElement(code, dtype, run, (row, x, offset) => {
    const place = { offset, align: 8 };
    const product = f64x2.mul(values, row);
    code.do(v128.store(x, f64x2.sub(v128.load(x, place), product), place));
  }, (row, x) => code.do(f64.store(x, f64.sub(f64.load(x), f64.mul(value, row)))));
}
