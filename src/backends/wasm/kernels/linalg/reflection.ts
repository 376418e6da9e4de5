/**
 * Reflections, and the orthogonal matrices that are products of many of them.
 *
 * Source: A. S. Householder, "Unitary triangularization of a nonsymmetric matrix", 1958.
 *
 * @module
 */
import { range } from "../../../../base/shape.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f64, f64x2, i32, i64, v128 } from "../../assembler/operations.ts";
import { advance, type Pointer, VECTOR } from "../addresses.ts";
import type { Builder } from "../kernel.ts";
import { DOUBLE, offsetBy } from "./blocks.ts";
import { transposeLanes } from "../panels.ts";

/** Rows that are read together. */
export const TOGETHER = 4;

const lanes = range(TOGETHER);

/** The bits of a number's sign and exponent. */
const EXPONENT = 0x7ffn << 52n;

/**
 * Replaces a vector by that of the reflection that maps it to a multiple of the first unit vector,
 * with the image in the first element instead of 1 (scaled as in LAPACK's `dlarfg`): a function of
 * the vector and its end, which returns the reflection's factor.
 */
export function emitReflection(
  builder: Builder,
): FunctionReference<readonly ["i32", "i32"], "f64"> {
  return builder.module.function("reflection", ["i32", "i32"], "f64", (code, v, end) => {
    const largest = code.local("f64");
    const rest = advance(v, DOUBLE);
    code.for({ from: rest, below: end, step: DOUBLE }, (place) => {
      code.set(largest, f64.max(largest, f64.abs(f64.load(place))));
    });
    code.if(f64.eq(largest, f64.const(0)), () => code.return(f64.const(0)));
    const head = code.let(f64.load(v));
    const bits = i64.reinterpretF64(f64.max(largest, f64.abs(head)));
    const power = f64.reinterpretI64(i64.and(bits, i64.const(EXPONENT)));
    const scale = code.let(f64.max(power, f64.const(2 ** -1022)));
    const first = code.let(f64.div(head, scale));
    const squares = code.let(f64.mul(first, first));
    code.for({ from: rest, below: end, step: DOUBLE }, (place) => {
      const value = code.let(f64.div(f64.load(place), scale));
      code.do(f64.store(place, value));
      code.set(squares, f64.add(squares, f64.mul(value, value)));
    });
    const norm = f64.sqrt(squares);
    const image = code.let(f64.copysign(norm, f64.neg(first)));
    const divisor = code.let(f64.sub(first, image));
    code.for({ from: rest, below: end, step: DOUBLE }, (place) => {
      code.do(f64.store(place, f64.div(f64.load(place), divisor)));
    });
    code.do(f64.store(v, f64.mul(image, scale)));
    return f64.div(f64.sub(image, first), image);
  });
}

/** The sums of the lanes of four vectors, pairwise. */
export function sumLanes(code: Code, sums: readonly Local<"v128">[]): Expression<"v128">[] {
  return [0, 2].map((i) => {
    const [low, high] = transposeLanes(code, "float64", [sums[i], sums[i + 1]]);
    return f64x2.add(low, high);
  });
}

/** Reflections whose vectors are rows. */
export interface Reflections {
  /** Their number. */
  readonly count: number;
  /** The distance from the number of a vector's row to the column where it begins. */
  readonly offset: number;
  /** Doubles from one row to the next. */
  readonly pitch: number;
}

/**
 * Rows of the transpose of the orthogonal matrix that is the product of the reflections: a function
 * of the address for them, of the vectors of the reflections, of their factors, and of the numbers
 * of the first row and the end, which are multiples of four.
 */
export function emitBasis(
  builder: Builder,
  { count, offset, pitch }: Reflections,
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32"], "none"> {
  const rowBytes = pitch * DOUBLE;
  return builder.module.function("basis", ["i32", "i32", "i32", "i32", "i32"], "none", (
    code,
    rows,
    reflections,
    factors,
    first,
    end,
  ) => {
    const sums = lanes.map(() => code.local("v128"));
    code.for({ from: first, below: end, step: TOGETHER }, (row) => {
      const base = code.let(offsetBy(rows, row, rowBytes));
      const all = i32.const(TOGETHER * rowBytes);
      code.do(builder.memory.fill(base, i32.const(0), all));
      for (const i of lanes) {
        const place = offsetBy(base, row, DOUBLE);
        code.do(f64.store(place, f64.const(1), { offset: i * (rowBytes + DOUBLE) }));
      }
      // Rows are not changed by reflections that begin after them.
      const k = code.let(i32.add(row, i32.const(TOGETHER - offset)));
      code.if(i32.gtU(k, i32.const(count)), () => code.set(k, i32.const(count)));
      code.block((exit) => {
        code.branchIf(exit, i32.eqz(k));
        code.loop((again) => {
          code.set(k, i32.sub(k, i32.const(1)));
          const v = code.let(offsetBy(reflections, k, rowBytes));
          const column = i32.and(i32.add(k, i32.const(offset)), i32.const(-2));
          const from = code.let(offsetBy(v, column, DOUBLE));
          const below = code.let(advance(v, rowBytes));
          const shift = code.let(i32.sub(base, v));
          const element = (place: Pointer, i: number) =>
            v128.load(i32.add(place, shift), { offset: i * rowBytes, align: 8 });
          for (const sum of sums) code.set(sum, f64x2.const(0));
          code.for({ from, below, step: VECTOR }, (place) => {
            const other = code.let(v128.load(place, { align: 8 }));
            for (const i of lanes) {
              code.set(sums[i], f64x2.relaxedMadd(element(place, i), other, sums[i]));
            }
          });
          const factor = code.let(v128.load64Splat(offsetBy(factors, k, DOUBLE)));
          const pairs = sumLanes(code, sums).map((pair) => code.let(f64x2.mul(pair, factor)));
          const weights = lanes.map((i) =>
            code.let(f64x2.splat(f64x2.extractLane(pairs[i >> 1], i & 1)))
          );
          code.for({ from, below, step: VECTOR }, (place) => {
            const other = code.let(v128.load(place, { align: 8 }));
            for (const i of lanes) {
              const value = f64x2.relaxedNmadd(weights[i], other, element(place, i));
              const to = i32.add(place, shift);
              code.do(v128.store(to, value, { offset: i * rowBytes, align: 8 }));
            }
          });
          code.branchIf(again, k);
        });
      });
    });
  });
}
