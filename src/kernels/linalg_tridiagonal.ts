/**
 * The reduction of symmetric matrices to tridiagonal ones by reflections, and the orthogonal matrix
 * that they make.
 *
 * The lower triangle is kept, and in full the squares of four rows along its diagonal, so that four
 * rows are read together whatever column they end at. What stands left of the part that is left
 * takes part with factors of 0.
 *
 * @module
 */
import { range } from "../base/shape.ts";
import type { Code } from "../wasm/code.ts";
import type { Expression, Local } from "../wasm/expression.ts";
import type { FunctionReference } from "../wasm/module.ts";
import { f64, f64x2, i32, i64, v128 } from "../wasm/operations.ts";
import { advance, type Pointer, VECTOR } from "./addresses.ts";
import type { Builder } from "./kernel.ts";
import { DOUBLE, elementAt, offsetBy } from "./linalg_blocks.ts";
import { transposeLanes } from "./panels.ts";

/** Rows that are read together. */
export const TOGETHER = 4;

const lanes = range(TOGETHER);

/** The bits of a number's sign and exponent. */
const EXPONENT = 0x7ffn << 52n;

/** Where the vectors of a reduction stand, in rows of `pitch` doubles. */
export const vectorRows = { diagonal: 0, beside: 1, factors: 2, product: 3, count: 4 } as const;

/**
 * Reduces a matrix in place: a function of the working matrix, of where the vectors of the reflections
 * go, row after row, and of where those of `vectorRows` stand.
 */
export function emitTridiagonalize(
  builder: Builder,
  n: number,
  pitch: number,
): FunctionReference<readonly ["i32", "i32", "i32"], "none"> {
  const rowBytes = pitch * DOUBLE;
  const height = Math.ceil(n / TOGETHER) * TOGETHER;
  const multiply = emitSymmetricProduct(builder, height, pitch);
  const update = emitRankTwo(builder, height, pitch);
  const reflect = emitReflection(builder);
  const { memory } = builder;
  return builder.once(
    `tridiagonal ${n}`,
    () =>
      builder.module.function("tridiagonal", ["i32", "i32", "i32"], "none", (
        code,
        work,
        reflections,
        vectors,
      ) => {
        const [diagonal, beside, factors, product] = range(vectorRows.count).map((row) =>
          code.let(advance(vectors, row * rowBytes))
        );
        code.do(memory.fill(reflections, i32.const(0), i32.const(n * rowBytes)));
        code.do(memory.fill(product, i32.const(0), i32.const(rowBytes)));
        code.for({ below: n }, (k) => {
          const corner = code.let(elementAt(work, pitch + 1, k, 0));
          code.do(f64.store(offsetBy(diagonal, k, DOUBLE), f64.load(corner)));
        });
        if (n < 2) return;
        code.for({ below: n - 1 }, (k) => {
          const corner = code.let(elementAt(work, pitch + 1, k, 0));
          code.do(f64.store(offsetBy(diagonal, k, DOUBLE), f64.load(corner)));
          const v = code.let(offsetBy(reflections, k, rowBytes));
          const to = code.let(offsetBy(v, i32.add(k, i32.const(1)), DOUBLE));
          const place = code.let(to);
          const below = elementAt(work, pitch, n, k);
          code.for({ from: advance(corner, rowBytes), below, step: rowBytes }, (from) => {
            code.do(f64.store(place, f64.load(from)));
            code.set(place, advance(place, DOUBLE));
          });
          const factor = code.let(reflect.call(to, place));
          code.do(f64.store(offsetBy(factors, k, DOUBLE), factor));
          // Where the reflected vector's first element was, the reflection has left its own.
          code.do(f64.store(offsetBy(beside, k, DOUBLE), f64.load(to)));
          code.do(f64.store(to, f64.const(1)));
          code.if(f64.ne(factor, f64.const(0)), () => {
            const first = code.let(
              i32.and(i32.add(k, i32.const(1)), i32.const(-TOGETHER)),
            );
            code.do(multiply.call(work, v, product, first));
            code.do(weigh(builder, pitch).call(v, product, first, k, factor));
            code.do(update.call(work, v, product, first));
          });
        });
        const last = elementAt(work, pitch + 1, n - 1, 0);
        code.do(f64.store(advance(diagonal, (n - 1) * DOUBLE), f64.load(last)));
      }),
  );
}

/**
 * Turns a vector into that of the reflection that maps it to a multiple of the first unit vector, in
 * whose first element it leaves the image instead of 1 (scaled as LAPACK's `dlarfg`): a function of
 * the vector and its end, that gives the reflection's factor.
 */
function emitReflection(
  builder: Builder,
): FunctionReference<readonly ["i32", "i32"], "f64"> {
  return builder.once(
    "linalg reflection",
    () =>
      builder.module.function("reflection", ["i32", "i32"], "f64", (code, v, end) => {
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
      }),
  );
}

/** The sums of the lanes of four vectors, two by two. */
function sumLanes(code: Code, sums: readonly Local<"v128">[]): Expression<"v128">[] {
  return [0, 2].map((i) => {
    const [low, high] = transposeLanes(code, "float64", [sums[i], sums[i + 1]]);
    return f64x2.add(low, high);
  });
}

/**
 * The product of the symmetric matrix from a row on and a vector: a function of the matrix, the
 * vector, where the product goes and the row's number.
 */
function emitSymmetricProduct(
  builder: Builder,
  height: number,
  pitch: number,
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  const rowBytes = pitch * DOUBLE;
  return builder.once(
    `linalg symmetric product ${height} ${pitch}`,
    () =>
      builder.module.function("product", ["i32", "i32", "i32", "i32"], "none", (
        code,
        work,
        v,
        product,
        first,
      ) => {
        const sums = lanes.map(() => code.local("v128"));
        const start = code.let(offsetBy(product, first, DOUBLE));
        const bytes = i32.sub(advance(product, rowBytes), start);
        code.do(builder.memory.fill(start, i32.const(0), bytes));
        const shift = code.let(i32.sub(v, product));
        code.for({ from: first, below: height, step: TOGETHER }, (row) => {
          const from = code.let(elementAt(work, pitch, row, first));
          const end = code.let(offsetBy(product, row, DOUBLE));
          const own = lanes.map((i) =>
            code.let(v128.load64Splat(i32.add(end, shift), { offset: i * DOUBLE }))
          );
          for (const sum of sums) code.set(sum, f64x2.const(0));
          const element = (i: number, offset = 0) =>
            v128.load(from, { offset: i * rowBytes + offset, align: 8 });
          code.for({ from: start, below: end, step: VECTOR }, (to) => {
            const other = code.let(v128.load(i32.add(to, shift), { align: 8 }));
            const sum = code.let(v128.load(to, { align: 8 }));
            for (const i of lanes) {
              const value = code.let(element(i));
              code.set(sums[i], f64x2.relaxedMadd(value, other, sums[i]));
              code.set(sum, f64x2.relaxedMadd(value, own[i], sum));
            }
            code.do(v128.store(to, sum, { align: 8 }));
            code.set(from, advance(from, VECTOR));
          });
          for (const offset of [0, VECTOR]) {
            const other = code.let(v128.load(i32.add(end, shift), { offset, align: 8 }));
            for (const i of lanes) {
              code.set(sums[i], f64x2.relaxedMadd(element(i, offset), other, sums[i]));
            }
          }
          sumLanes(code, sums).forEach((pair, i) => {
            const place = { offset: i * VECTOR, align: 8 };
            code.do(v128.store(end, f64x2.add(v128.load(end, place), pair), place));
          });
        });
      }),
  );
}

/**
 * Makes `w = factor (p - ½ factor (pᵀ v) v)` of a product, with zeros up to column `k`: a function of
 * the vector, the product, the number of the first column, `k` and the factor.
 */
function weigh(
  builder: Builder,
  pitch: number,
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "f64"], "none"> {
  return builder.once(
    `linalg weigh ${pitch}`,
    () =>
      builder.module.function("weigh", ["i32", "i32", "i32", "i32", "f64"], "none", (
        code,
        v,
        product,
        first,
        k,
        factor,
      ) => {
        const from = code.let(offsetBy(product, first, DOUBLE));
        const shift = code.let(i32.sub(v, product));
        const end = code.let(advance(product, pitch * DOUBLE));
        const own = offsetBy(product, k, DOUBLE);
        code.for({ from, below: advance(own, DOUBLE), step: DOUBLE }, (place) => {
          code.do(f64.store(place, f64.const(0)));
        });
        const sum = code.local("v128");
        code.for({ from, below: end, step: VECTOR }, (place) => {
          const other = v128.load(i32.add(place, shift), { align: 8 });
          code.set(sum, f64x2.relaxedMadd(v128.load(place, { align: 8 }), other, sum));
        });
        const inner = f64.add(f64x2.extractLane(sum, 0), f64x2.extractLane(sum, 1));
        const half = f64.mul(f64.mul(f64.const(0.5), factor), inner);
        const halves = code.let(f64x2.splat(half));
        const factors = code.let(f64x2.splat(factor));
        code.for({ from, below: end, step: VECTOR }, (place) => {
          const other = v128.load(i32.add(place, shift), { align: 8 });
          const rest = f64x2.sub(v128.load(place, { align: 8 }), f64x2.mul(halves, other));
          code.do(v128.store(place, f64x2.mul(factors, rest), { align: 8 }));
        });
      }),
  );
}

/** Takes `v wᵀ + w vᵀ` from the matrix from a row on: a function of all three and the row's number. */
function emitRankTwo(
  builder: Builder,
  height: number,
  pitch: number,
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  const rowBytes = pitch * DOUBLE;
  return builder.once(
    `linalg rank two ${height} ${pitch}`,
    () =>
      builder.module.function("rank two", ["i32", "i32", "i32", "i32"], "none", (
        code,
        work,
        v,
        w,
        first,
      ) => {
        const start = code.let(offsetBy(w, first, DOUBLE));
        const shift = code.let(i32.sub(v, w));
        code.for({ from: first, below: height, step: TOGETHER }, (row) => {
          const from = code.let(elementAt(work, pitch, row, first));
          const own = code.let(offsetBy(w, row, DOUBLE));
          const pairs = lanes.map((i) => {
            const place = { offset: i * DOUBLE };
            return {
              w: code.let(v128.load64Splat(own, place)),
              v: code.let(v128.load64Splat(i32.add(own, shift), place)),
              place: { offset: i * rowBytes, align: 8 },
            };
          });
          const end = code.let(advance(own, TOGETHER * DOUBLE));
          code.for({ from: start, below: end, step: VECTOR }, (place) => {
            const otherW = code.let(v128.load(place, { align: 8 }));
            const otherV = code.let(v128.load(i32.add(place, shift), { align: 8 }));
            for (const { w, v, place } of pairs) {
              const value = f64x2.relaxedNmadd(v, otherW, v128.load(from, place));
              code.do(v128.store(from, f64x2.relaxedNmadd(w, otherV, value), place));
            }
            code.set(from, advance(from, VECTOR));
          });
        });
      }),
  );
}

/**
 * Rows of the transpose of the orthogonal matrix that the reflections make: a function of where they
 * go, of the reflections, of those of `vectorRows`, and of the numbers of the first row and the end,
 * which are multiples of four.
 */
export function emitBasis(
  builder: Builder,
  n: number,
  pitch: number,
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32"], "none"> {
  const rowBytes = pitch * DOUBLE;
  return builder.once(
    `linalg basis ${n}`,
    () =>
      builder.module.function("basis", ["i32", "i32", "i32", "i32", "i32"], "none", (
        code,
        rows,
        reflections,
        vectors,
        first,
        end,
      ) => {
        const sums = lanes.map(() => code.local("v128"));
        const factors = code.let(advance(vectors, vectorRows.factors * rowBytes));
        code.for({ from: first, below: end, step: TOGETHER }, (row) => {
          const base = code.let(offsetBy(rows, row, rowBytes));
          const all = i32.const(TOGETHER * rowBytes);
          code.do(builder.memory.fill(base, i32.const(0), all));
          for (const i of lanes) {
            const place = offsetBy(base, row, DOUBLE);
            code.do(f64.store(place, f64.const(1), { offset: i * (rowBytes + DOUBLE) }));
          }
          // Row i is not changed by reflections from number i on.
          const k = code.let(i32.add(row, i32.const(TOGETHER - 1)));
          code.if(i32.gtU(k, i32.const(n - 1)), () => code.set(k, i32.const(n - 1)));
          code.block((exit) => {
            code.branchIf(exit, i32.eqz(k));
            code.loop((again) => {
              code.set(k, i32.sub(k, i32.const(1)));
              const v = code.let(offsetBy(reflections, k, rowBytes));
              const column = i32.and(i32.add(k, i32.const(1)), i32.const(-2));
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
      }),
  );
}
