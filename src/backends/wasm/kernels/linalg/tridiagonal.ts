/**
 * The reduction of symmetric matrices to tridiagonal ones by reflections.
 *
 * The lower triangle is stored, with full squares of four rows along its diagonal, so that four
 * rows can be read together for any end column. Elements left of the remaining part are included
 * with factors of 0.
 *
 * Source: R. S. Martin, C. Reinsch and J. H. Wilkinson, "Householder's tridiagonalization of a
 * symmetric matrix", 1968.
 *
 * @module
 */
import { range } from "../../../../base/shape.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f64, f64x2, i32, v128 } from "../../assembler/operations.ts";
import { advance, VECTOR } from "../addresses.ts";
import type { Builder } from "../kernel.ts";
import { DOUBLE, elementAt, offsetBy } from "./blocks.ts";
import { emitReflection, sumLanes, TOGETHER } from "./reflection.ts";

const lanes = range(TOGETHER);

/** The location of a reduction's vectors, in rows of `pitch` doubles. */
export const vectorRows = { diagonal: 0, beside: 1, factors: 2, product: 3, count: 4 } as const;

/**
 * Reduces a matrix in place: a function of the working matrix, of the address for the vectors of
 * the reflections, row after row, and of the address of those of `vectorRows`.
 */
export function emitTridiagonalize(
  builder: Builder,
  { n, pitch }: { readonly n: number; readonly pitch: number },
): FunctionReference<readonly ["i32", "i32", "i32"], "none"> {
  const rowBytes = pitch * DOUBLE;
  const height = Math.ceil(n / TOGETHER) * TOGETHER;
  const multiply = builder.once(emitSymmetricProduct, { height, pitch });
  const update = builder.once(emitRankTwo, { height, pitch });
  const reflect = builder.once(emitReflection);
  const { memory } = builder;
  return builder.module.function("tridiagonal", ["i32", "i32", "i32"], "none", (
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
      // The first element of the reflected vector was replaced by that of the reflection.
      code.do(f64.store(offsetBy(beside, k, DOUBLE), f64.load(to)));
      code.do(f64.store(to, f64.const(1)));
      code.if(f64.ne(factor, f64.const(0)), () => {
        const first = code.let(
          i32.and(i32.add(k, i32.const(1)), i32.const(-TOGETHER)),
        );
        code.do(multiply.call(work, v, product, first));
        code.do(builder.once(weigh, pitch).call(v, product, first, k, factor));
        code.do(update.call(work, v, product, first));
      });
    });
    const last = elementAt(work, pitch + 1, n - 1, 0);
    code.do(f64.store(advance(diagonal, (n - 1) * DOUBLE), f64.load(last)));
  });
}

/**
 * The product of the symmetric matrix from a row on and a vector: a function of the matrix, the
 * vector, the address for the product and the row's number.
 */
function emitSymmetricProduct(
  builder: Builder,
  { height, pitch }: { readonly height: number; readonly pitch: number },
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  const rowBytes = pitch * DOUBLE;
  return builder.module.function("product", ["i32", "i32", "i32", "i32"], "none", (
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
  });
}

/**
 * Computes `w = factor (p - ½ factor (pᵀ v) v)` from a product, with zeros up to column `k`: a
 * function of the vector, the product, the number of the first column, `k` and the factor.
 */
function weigh(
  builder: Builder,
  pitch: number,
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "f64"], "none"> {
  return builder.module.function("weigh", ["i32", "i32", "i32", "i32", "f64"], "none", (
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
  });
}

/**
 * Subtracts `v wᵀ + w vᵀ` from the matrix from a row on: a function of all three and the row's
 * number.
 */
function emitRankTwo(
  builder: Builder,
  { height, pitch }: { readonly height: number; readonly pitch: number },
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  const rowBytes = pitch * DOUBLE;
  return builder.module.function("rank two", ["i32", "i32", "i32", "i32"], "none", (
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
  });
}
