import type { Elements } from "../../../../src/base/dtype.ts";
import { sizeOf } from "../../../../src/base/shape.ts";
import type { Primitive } from "../../../../src/core/primitive.ts";
import { type Concrete, dense } from "../../../../src/core/tensor.ts";
import { emitCholesky } from "../../../../src/backends/wasm/kernels/linalg/cholesky.ts";
import { emitEigh } from "../../../../src/backends/wasm/kernels/linalg/eigh.ts";
import { emitLu } from "../../../../src/backends/wasm/kernels/linalg/lu.ts";
import { emitComplement, emitQr } from "../../../../src/backends/wasm/kernels/linalg/qr.ts";
import { emitSvd } from "../../../../src/backends/wasm/kernels/linalg/svd.ts";
import {
  emitLuSolve,
  emitTriangularSolve,
} from "../../../../src/backends/wasm/kernels/linalg/triangular.ts";
import type {
  Buffer,
  Builder,
  Kernel,
  Tile,
} from "../../../../src/backends/wasm/kernels/kernel.ts";
import { type LuParams, luPrimitive, luSolvePrimitive } from "../../../../src/primitives/lu.ts";
import {
  complementPrimitive,
  eighPrimitive,
  qrPrimitive,
  svdPrimitive,
} from "../../../../src/primitives/orthogonal.ts";
import {
  choleskyPrimitive,
  triangularSolvePrimitive,
} from "../../../../src/primitives/triangular.ts";
import { assert, assertEquals } from "../../../support/std.ts";
import { fillTensor, randomNumbers } from "./against_reference.ts";
import { runKernel, testBuilder } from "./support.ts";

type Float = "float32" | "float64";
const floats: readonly Float[] = ["float32", "float64"];

/** Around the sizes of tiles and blocks: the number of matrices, and their sides. */
const sizes: readonly (readonly [count: number, n: number])[] = [
  [1, 0],
  [0, 3],
  [1, 1],
  [2, 2],
  [3, 3],
  [40, 4],
  [2, 7],
  [1, 23],
  [2, 24],
  [1, 25],
  [20, 31],
  [1, 47],
  [1, 48],
  [2, 49],
  [2, 129],
];

type Emit<P> = (
  builder: Builder,
  inputs: readonly Buffer[],
  params: P,
  outputs: readonly Buffer[],
) => Kernel;

const cholesky: Emit<null> = (builder, inputs, params, [out]) =>
  emitCholesky(builder, inputs, params, out);

/** All results of a primitive: the kernel's, and the evaluator's. */
function runBoth<P>(
  emit: Emit<P>,
  primitive: Primitive<P>,
  inputs: readonly Concrete[],
  params: P,
  tile?: Tile,
) {
  const types = primitive.type(inputs, params);
  const actual = runKernel(
    (builder) => emit(builder, inputs, params, types),
    inputs.map(dense),
    types.map(({ dtype, shape }) => ({ dtype, length: sizeOf(shape) })),
    tile,
  );
  return { actual, expected: primitive.evaluate(inputs, params, types).map(dense) };
}

/** All results of a kernel without parameters. */
function run(emit: Emit<null>, primitive: Primitive<null>, inputs: readonly Concrete[]) {
  const types = primitive.type(inputs, null);
  return runKernel(
    (builder) => emit(builder, inputs, null, types),
    inputs.map(dense),
    types.map(({ dtype, shape }) => ({ dtype, length: sizeOf(shape) })),
  );
}

/** Half a unit in the last place of 1. */
function roundingOf(dtype: string): number {
  return dtype === "float32" ? 2 ** -24 : 2 ** -53;
}

function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** Fails unless two lists differ by no more than a tolerance, and are NaN in the same places. */
function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  assertEquals(actual.length, expected.length, what);
  for (let i = 0; i < actual.length; i++) {
    const isClose = Object.is(actual[i], expected[i]) ||
      Math.abs(actual[i] - expected[i]) <= tolerance;
    assert(isClose, `${what}: element ${i} is ${actual[i]}, not ${expected[i]} (${tolerance})`);
  }
}

function matrices(
  dtype: Float,
  count: number,
  n: number,
  seed: number,
  element: (i: number, j: number, random: () => number) => number,
  columns = n,
): Concrete {
  const random = randomNumbers(seed);
  let place = 0;
  return fillTensor(dtype, [count, n, columns], () => {
    const value = element(Math.floor(place / columns) % n, place % columns, random);
    place++;
    return value;
  });
}

/** Symmetric, positive definite, with rubbish above the diagonal. */
function definite(dtype: Float, count: number, n: number): Concrete {
  return matrices(dtype, count, n, n + 1, (i, j, random) => {
    if (j > i) return NaN;
    return random() - 0.5 + (i === j ? n : 0);
  });
}

Deno.test("cholesky's factors multiply to the matrix, whose upper triangle is not read", () => {
  for (const dtype of floats) {
    for (const [count, n] of [...sizes, [1, 211], [9, 100]] as const) {
      const what = `cholesky of ${count} ${dtype} matrices of ${n} rows`;
      const a = definite(dtype, count, n);
      const { actual: [l], expected: [other] } = runBoth(cholesky, choleskyPrimitive, [a], null);
      assertClose(l, other, 2 * (n + 8) * roundingOf(dtype), what);
      for (let m = 0; m < count; m++) {
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < n; j++) {
            const at = (m * n + i) * n + j;
            if (j > i) {
              assertEquals(l[at], 0, what);
              continue;
            }
            let product = 0;
            for (let k = 0; k <= j; k++) product += l[at - j + k] * l[(m * n + j) * n + k];
            const error = Math.abs(product - a.elements[at]);
            // N. Higham, "Accuracy and Stability of Numerical Algorithms", theorem 10.3.
            assert(error <= (n + 2) * roundingOf(dtype) * 2 * n, `${what}: residual ${error}`);
          }
        }
      }
    }
  }
});

Deno.test("cholesky of a matrix that is not positive definite is NaN, and its neighbours are well", () => {
  for (const n of [1, 5, 24, 60, 129]) {
    for (const bad of [-1, 0, NaN, Infinity]) {
      for (const place of [0, Math.floor(n / 2), n - 1]) {
        const a = definite("float64", 3, n);
        for (let j = 0; j <= place; j++) a.elements[n * n + place * n + j] = j === place ? bad : 0;
        const { actual: [l], expected: [other] } = runBoth(cholesky, choleskyPrimitive, [a], null);
        const what = `${bad} at ${place} of ${n}`;
        assertClose(l, other, 1e-13, what);
        assert(Number.isNaN(l[n * n]) && !Number.isNaN(l[0]) && !Number.isNaN(l[2 * n * n]), what);
      }
    }
  }
});

const flags = [true, false].flatMap((lower) =>
  [true, false].flatMap((transpose) =>
    [true, false].map((unitDiagonal) => ({ lower, transpose, unitDiagonal }))
  )
);

Deno.test("triangularSolve agrees with the evaluator and reads one triangle alone", () => {
  const emit: Emit<typeof flags[number]> = (builder, inputs, params, [out]) =>
    emitTriangularSolve(builder, inputs, params, out);
  for (const dtype of floats) {
    for (const [index, [count, n]] of sizes.entries()) {
      for (const columns of [0, 1, 2 + index % 3, 5 + index, n === 49 ? 500 : 24]) {
        const b = matrices(dtype, count, n, 2, (_i, _j, random) => random() - 0.5, columns);
        for (const params of flags) {
          const { lower, unitDiagonal } = params;
          const a = matrices(dtype, count, n, n, (i, j, random) => {
            if (i === j) return unitDiagonal ? NaN : 1 + random();
            return (j < i) === lower ? (random() - 0.5) / n : NaN;
          });
          const what = `${count} of ${n}x${columns}, ${JSON.stringify(params)}`;
          const { actual: [x], expected: [y] } = runBoth(
            emit,
            triangularSolvePrimitive,
            [a, b],
            params,
          );
          assertClose(x, y, 16 * roundingOf(dtype), what);
        }
      }
    }
  }
});

Deno.test("zeros on a diagonal and NaN in one right side spread as the evaluator has it", () => {
  const emit: Emit<typeof flags[number]> = (builder, inputs, params, [out]) =>
    emitTriangularSolve(builder, inputs, params, out);
  for (const n of [3, 24, 60]) {
    for (const columns of [1, 9]) {
      for (const params of flags.filter(({ unitDiagonal }) => !unitDiagonal)) {
        const a = matrices("float64", 1, n, n, (i, j) => i === j && i !== 1 ? 2 : 0);
        const b = matrices("float64", 1, n, n, (i, j) => i === 0 && j === 0 ? NaN : 1, columns);
        const { actual: [x], expected: [y] } = runBoth(
          emit,
          triangularSolvePrimitive,
          [a, b],
          params,
        );
        assertEquals(x, y, `${n}x${columns}, ${JSON.stringify(params)}`);
      }
    }
  }
});

function any(dtype: Float, count: number, n: number): Concrete {
  return matrices(dtype, count, n, n, (_i, _j, random) => random() - 0.5);
}

Deno.test("lu with complete pivoting is exactly the evaluator's", () => {
  const params: LuParams = { pivoting: "complete" };
  for (const dtype of floats) {
    for (const [count, n] of sizes) {
      const few = matrices(dtype, count, n, 5, (_i, _j, random) => Math.round(3 * random()) - 1);
      const low = matrices(dtype, count, n, 5, (i, j) => (i % 3) * (j % 2) + (i % 2));
      const zero = matrices(dtype, count, n, 5, () => 0);
      const wrong = any(dtype, count, n);
      if (count * n > 1) wrong.elements[count * n * n - 2] = NaN;
      const infinite = any(dtype, count, n);
      if (count * n > 0) infinite.elements[0] = Infinity;
      for (const a of [any(dtype, count, n), few, low, zero, wrong, infinite]) {
        const { actual, expected } = runBoth(emitLu, luPrimitive, [a], params);
        assertEquals(actual, expected, `${count} ${dtype} matrices of ${n} rows`);
      }
    }
  }
});

Deno.test("lu with partial pivoting finds the evaluator's pivots and its factors multiply to the matrix", () => {
  const params: LuParams = { pivoting: "partial" };
  for (const dtype of floats) {
    for (const [count, n] of [...sizes, [1, 211], [9, 100]] as const) {
      const what = `${count} ${dtype} matrices of ${n} rows`;
      const a = any(dtype, count, n);
      const { actual, expected } = runBoth(emitLu, luPrimitive, [a], params);
      const [l, u, rows, columns, sign] = actual;
      assertEquals([rows, columns, sign], expected.slice(2), what);
      // Up to one block, nothing is computed in another order.
      if (n <= 24) assertEquals([l, u], expected.slice(0, 2), what);
      assert(largest(l) <= 1, what);
      const bound = (n + 1) * roundingOf(dtype) * n * Math.max(1, largest(u));
      for (let m = 0; m < count; m++) {
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < n; j++) {
            let product = 0;
            for (let k = 0; k <= Math.min(i, j); k++) {
              product += l[(m * n + i) * n + k] * u[(m * n + k) * n + j];
            }
            const error = Math.abs(product - a.elements[(m * n + rows[m * n + i]) * n + j]);
            assert(error <= bound, `${what}: residual ${error}`);
            const at = (m * n + i) * n + j;
            assert(j <= i ? true : l[at] === 0, what);
            assert(i <= j ? true : u[at] === 0, what);
          }
        }
      }
    }
  }
});

Deno.test("lu with partial pivoting keeps pivots of zero, and NaN spreads", () => {
  const params: LuParams = { pivoting: "partial" };
  for (const n of [2, 5, 24]) {
    const zero = matrices("float64", 1, n, 5, () => 0);
    const column = matrices("float64", 1, n, 5, (_i, j, random) => j === 1 ? 0 : random());
    const wrong = any("float64", 2, n);
    wrong.elements[n + 1] = NaN;
    for (const a of [zero, column, wrong]) {
      const { actual, expected } = runBoth(emitLu, luPrimitive, [a], params);
      assertEquals(actual, expected, `${n}`);
    }
  }
  const a = any("float64", 2, 100);
  a.elements[5050] = NaN;
  const { actual: [, u] } = runBoth(emitLu, luPrimitive, [a], params);
  assert(Number.isNaN(u[100 * 100 - 1]));
  assert(!u.subarray(100 * 100).some(Number.isNaN));
});

Deno.test("luSolve agrees with the evaluator, either way round", () => {
  const emit: Emit<{ transpose: boolean }> = (builder, inputs, params, [out]) =>
    emitLuSolve(builder, inputs, params, out);
  for (const dtype of floats) {
    for (const [index, [count, n]] of sizes.entries()) {
      const a = matrices(dtype, count, n, n, (i, j, random) => {
        return random() - 0.5 + ((i + 1) % n === j ? n : 0);
      });
      for (const pivoting of ["partial", "complete"] as const) {
        const types = luPrimitive.type([a], { pivoting });
        const factors = luPrimitive.evaluate([a], { pivoting }, types).slice(0, 4);
        for (const columns of [0, 1, 4, 5 + 3 * index]) {
          const b = matrices(dtype, count, n, 2, (_i, _j, random) => random() - 0.5, columns);
          for (const transpose of [false, true]) {
            const { actual: [x], expected: [y] } = runBoth(
              emit,
              luSolvePrimitive,
              [a, ...factors, b],
              { transpose },
            );
            const what = `${count} of ${n}x${columns}, ${pivoting}, ${transpose}`;
            assertClose(x, y, 16 * roundingOf(dtype), what);
          }
        }
      }
    }
  }
});

Deno.test("many matrices are divided into chunks, and large ones are shared by threads", () => {
  const builder = testBuilder();
  const chunksOf = (shape: readonly number[]): number[] => {
    const a = { dtype: "float64", shape } as const;
    const types = luPrimitive.type([a], { pivoting: "partial" });
    const kernels = [
      emitCholesky(builder, [a], null, a),
      emitLu(builder, [a], { pivoting: "partial" }, types),
      emitLuSolve(builder, [a, ...types.slice(0, 4), a], { transpose: false }, a),
    ];
    return kernels.map(({ stages }) => Math.max(...stages.map(({ chunks }) => chunks)));
  };
  assert(chunksOf([200, 30, 30]).every((chunks) => chunks >= 8));
  assert(chunksOf([500, 500]).every((chunks) => chunks >= 3));
  assertEquals(chunksOf([4, 4]), [1, 1, 1]);
});

Deno.test("tiles of eight columns do what those of four do", () => {
  const wide = { rows: 6, vectors: 4, depth: 64 };
  const solve: Emit<{ transpose: boolean }> = (builder, inputs, params, [out]) =>
    emitLuSolve(builder, inputs, params, out);
  for (const n of [49, 129, 290]) {
    const unit = roundingOf("float64") * n * 200;
    const a = any("float64", 1, n);
    const l = runBoth(cholesky, choleskyPrimitive, [definite("float64", 1, n)], null, wide);
    assertClose(l.actual[0], l.expected[0], unit, "cholesky");
    const params: LuParams = { pivoting: "partial" };
    const factors = luPrimitive.evaluate([a], params, luPrimitive.type([a], params));
    const f = runBoth(emitLu, luPrimitive, [a], params, wide);
    f.actual.forEach((values, i) => assertClose(values, f.expected[i], unit, "lu"));
    const inputs = [a, ...factors.slice(0, 4), a];
    const x = runBoth(solve, luSolvePrimitive, inputs, { transpose: n === 129 }, wide);
    assertClose(x.actual[0], x.expected[0], unit * n, "luSolve");
    const parts = runBoth(emitQr, qrPrimitive, [a], null, wide);
    parts.actual.forEach((values, i) => assertClose(values, parts.expected[i], unit, "qr"));
  }
});

Deno.test("a matrix that is shared by threads has the bits of one that is not", () => {
  const n = 290;
  const one = definite("float64", 1, n);
  const many = definite("float64", 9, n);
  many.elements.set(one.elements);
  const [alone, among] = [one, many].map((a) =>
    runBoth(cholesky, choleskyPrimitive, [a], null).actual[0]
  );
  assertEquals(among.slice(0, n * n), alone);
  const [few, more] = [1, 9].map((count) =>
    runBoth(emitLu, luPrimitive, [any("float64", count, n)], { pivoting: "partial" }).actual
  );
  assertEquals(more[1].slice(0, n * n), few[1]);
});

/** The product of two matrices, the first of `m` rows and `k` columns. */
function multiply(x: ArrayLike<number>, y: ArrayLike<number>, m: number, k: number, n: number) {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      for (let j = 0; j < n; j++) out[i * n + j] += x[i * k + l] * y[l * n + j];
    }
  }
  return out;
}

function transposed(x: ArrayLike<number>, m: number, n: number): Float64Array {
  return Float64Array.from({ length: m * n }, (_, i) => x[(i % m) * n + Math.floor(i / m)]);
}

function identity(n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, i) => i % (n + 1) === 0 ? 1 : 0);
}

/** The matrices of a batch. */
function each<T extends Elements>(x: T, size: number): T[] {
  return Array.from(
    { length: size === 0 ? 0 : x.length / size },
    (_, i) => x.subarray(i * size, (i + 1) * size) as T,
  );
}

/** Heights and widths around the sizes of blocks. */
const rectangles: readonly (readonly [count: number, m: number, n: number])[] = [
  [1, 0, 2],
  [1, 2, 0],
  [0, 2, 2],
  [1, 1, 1],
  [3, 1, 4],
  [3, 4, 1],
  [40, 3, 3],
  [2, 5, 12],
  [2, 16, 16],
  [2, 17, 16],
  [1, 23, 25],
  [2, 24, 24],
  [1, 25, 24],
  [2, 50, 30],
  [1, 30, 50],
  [1, 49, 49],
  [1, 129, 70],
  [1, 211, 200],
];

Deno.test("qr's factors multiply to the matrix and are the evaluator's", () => {
  for (const dtype of floats) {
    for (const [count, m, n] of rectangles) {
      const what = `${count} ${dtype} matrices of ${m} rows and ${n} columns`;
      const a = matrices(dtype, count, m, m, (_i, _j, random) => random() - 0.5, n);
      const { actual, expected } = runBoth(emitQr, qrPrimitive, [a], null);
      const k = Math.min(m, n);
      const unit = roundingOf(dtype) * (m + n + 8);
      const [qs, rs] = [each(actual[0], m * k), each(actual[1], k * n)];
      assertEquals(qs.length, k === 0 ? 0 : count, what);
      qs.forEach((q, i) => {
        const given = each(dense(a), m * n)[i];
        assertClose(multiply(q, rs[i], m, k, n), given, unit * Math.sqrt(m), `${what}: product`);
        assertClose(multiply(transposed(q, m, k), q, k, m, k), identity(k), unit, `${what}: q`);
        for (let row = 0; row < k; row++) {
          assert(rs[i][row * n + row] >= 0, what);
          for (let column = 0; column < row; column++) assertEquals(rs[i][row * n + column], 0);
        }
      });
      // Square matrices of random numbers are nearly singular: their last columns may turn a little.
      const tolerance = m === n ? 200 * unit : 8 * unit;
      actual.forEach((values, i) => assertClose(values, expected[i], tolerance, what));
    }
  }
});

Deno.test("qr of matrices without full rank is a factorisation, and NaN spreads", () => {
  for (const n of [3, 30, 60]) {
    const low = matrices("float64", 1, n, 1, (i, j) => (i + 1) * (j % 3) + (i % 2));
    const zero = matrices("float64", 1, n, 1, () => 0);
    const single = matrices("float64", 1, n, 1, (i, j) => i === j && i % 3 > 0 ? -1 : 0);
    for (const a of [low, zero, single]) {
      const { actual: [q, r] } = runBoth(emitQr, qrPrimitive, [a], null);
      const tolerance = 1e-14 * n * Math.max(1, largest(a.elements));
      assertClose(multiply(q, r, n, n, n), a.elements, tolerance, `${n}: product`);
      assertClose(multiply(transposed(q, n, n), q, n, n, n), identity(n), 1e-14 * n, `${n}: q`);
    }
    low.elements[n + 1] = NaN;
    const { actual: [, r] } = runBoth(emitQr, qrPrimitive, [low], null);
    assert(Number.isNaN(r[n * n - 1]));
  }
});

Deno.test("complement completes orthonormal columns", () => {
  const emit: Emit<null> = (builder, inputs, params, [out]) =>
    emitComplement(builder, inputs, params, out);
  for (const dtype of floats) {
    for (const [count, m, n] of [...rectangles, [2, 5, 5], [1, 60, 1]] as const) {
      if (n > m) continue;
      const a = matrices(dtype, count, m, m, (_i, _j, random) => random() - 0.5, n);
      const [q] = qrPrimitive.evaluate([a], null, qrPrimitive.type([a], null));
      const { actual: [c], expected: [other] } = runBoth(emit, complementPrimitive, [q], null);
      const what = `${count} ${dtype} matrices of ${m} rows and ${n} columns`;
      const unit = roundingOf(dtype) * (m + n + 8);
      assertClose(c, other, 8 * unit, what);
      const rest = m - n;
      each(c, m * rest).forEach((c, i) => {
        const inner = multiply(transposed(c, m, rest), c, rest, m, rest);
        assertClose(inner, identity(rest), unit, what);
        const across = multiply(transposed(c, m, rest), each(dense(q), m * n)[i] ?? [], rest, m, n);
        assertClose(across, new Float64Array(rest * n), unit, what);
      });
    }
  }
});

Deno.test("eigh's vectors make the matrix diagonal, and are the evaluator's", () => {
  for (const dtype of floats) {
    for (const [count, n] of [...sizes, [1, 8], [1, 101]] as const) {
      const what = `eigh of ${count} ${dtype} matrices of ${n} rows`;
      // The upper triangle is not read.
      const a = matrices(dtype, count, n, n + 3, (i, j, random) => {
        const value = random() - 0.5;
        return j > i ? NaN : value;
      });
      const { actual: [ws, vs], expected } = runBoth(emitEigh, eighPrimitive, [a], null);
      const unit = roundingOf(dtype) * (n + 8) * 4;
      assertClose(ws, expected[0], unit * Math.sqrt(n), what);
      // Neighbouring eigenvalues are a small part of the largest apart.
      assertClose(vs, expected[1], unit * n * (dtype === "float32" ? 1 : 100), what);
      each(vs, n * n).forEach((v, m) => {
        const w = each(ws, n)[m];
        const given = each(dense(a), n * n)[m];
        const full = Float64Array.from({ length: n * n }, (_, at) => {
          const [i, j] = [Math.floor(at / n), at % n];
          return given[Math.max(i, j) * n + Math.min(i, j)];
        });
        assertClose(multiply(transposed(v, n, n), v, n, n, n), identity(n), unit, `${what}: v`);
        const scaled = v.map((value, at) => value * w[at % n]);
        assertClose(multiply(full, v, n, n, n), scaled, unit * Math.sqrt(n), `${what}: product`);
        for (let i = 1; i < n; i++) assert(w[i] >= w[i - 1], what);
      });
    }
  }
});

Deno.test("eigh of graded, degenerate and extreme matrices has small residuals", () => {
  const kinds: Readonly<Record<string, (i: number, j: number, n: number) => number>> = {
    zero: () => 0,
    identity: (i, j) => i === j ? 1 : 0,
    ones: () => 1,
    diagonal: (i, j) => i === j ? ((i * 7) % 5) - 2 : 0,
    "graded up": (i, j, n) => 10 ** (-30 * (i + j) / n),
    "graded down": (i, j, n) => 10 ** (30 * (i + j) / n - 60),
    "two blocks": (i, j) => (i % 2 === j % 2) ? 1 / (1 + Math.abs(i - j)) : 0,
    Wilkinson: (i, j, n) => i === j ? Math.abs(i - (n - 1) / 2) : Math.abs(i - j) === 1 ? 1 : 0,
    tiny: (i, j) => 1e-310 * ((i + j) % 3),
    huge: (i, j) => 1e305 * ((i + j) % 3),
  };
  for (const [name, element] of Object.entries(kinds)) {
    for (const n of [2, 5, 21, 64]) {
      const a = matrices("float64", 1, n, 1, (i, j) => element(i, j, n));
      const { actual: [w, v], expected } = runBoth(emitEigh, eighPrimitive, [a], null);
      const what = `${name} of ${n} rows`;
      const most = Math.max(largest(a.elements), 2 ** -1022);
      assertClose(w, expected[0], 1e-14 * n * most + 2 ** -1060, what);
      assertClose(multiply(transposed(v, n, n), v, n, n, n), identity(n), 1e-14 * n, what);
      const product = multiply(a.elements.map((x) => x / most), v, n, n, n);
      assertClose(product, v.map((x, at) => x * (w[at % n] / most)), 1e-14 * n, what);
    }
  }
});

Deno.test("eigh and svd of large graded matrices find values that take many steps", () => {
  const kinds: Readonly<Record<string, (i: number, j: number, n: number) => number>> = {
    "small at both ends": (i, j, n) =>
      Math.abs(i - j) > 1 ? 0 : 10 ** (-30 * Math.abs(i + j - n) / n),
    "graded up": (i, j, n) => Math.sin(i * j + i + j) * 10 ** (-50 * (i + j) / n),
    "graded down": (i, j, n) => Math.sin(i * j + i + j) * 10 ** (15 * (i + j) / n),
  };
  const n = 200;
  for (const [what, element] of Object.entries(kinds)) {
    const a = matrices("float64", 1, n, 1, (i, j) => element(i, j, n));
    const most = largest(a.elements);
    const [w, v] = run(emitEigh, eighPrimitive, [a]);
    assertClose(multiply(transposed(v, n, n), v, n, n, n), identity(n), 1e-14 * n, what);
    const product = multiply(a.elements.map((x) => x / most), v, n, n, n);
    assertClose(product, v.map((x, at) => x * (w[at % n] / most)), 1e-14 * n, what);
    checkSvd(a, run(emitSvd, svdPrimitive, [a]), 1e-14 * n, what);
  }
});

Deno.test("eigh of a matrix that is not finite is NaN, and its neighbours are well", () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    for (const n of [1, 6, 40]) {
      const a = matrices("float64", 3, n, n, (i, j, random) => j > i ? NaN : random());
      const [first, last] = [n * n + n * (n - 1), 2 * n * n - 1];
      for (const place of [first, last]) {
        const [kept] = a.elements.slice(place);
        a.elements[place] = bad;
        const { actual: [w, v] } = runBoth(emitEigh, eighPrimitive, [a], null);
        [w, v].forEach((values) => {
          const size = values.length / 3;
          const isNan = Array.from(values, Number.isNaN);
          assertEquals(isNan, isNan.map((_, i) => i >= size && i < 2 * size), `${bad} of ${n}`);
        });
        a.elements[place] = kept;
      }
    }
  }
});

/** Fails unless the parts multiply to each matrix, and vectors are orthonormal. */
function checkSvd(a: Concrete, parts: readonly Elements[], unit: number, what: string): void {
  const [m, n] = a.shape.slice(-2);
  const k = Math.min(m, n);
  const [us, ss, vts] = [each(parts[0], m * k), each(parts[1], k), each(parts[2], k * n)];
  us.forEach((u, index) => {
    const s = ss[index];
    const most = Math.max(largest(s), 2 ** -1022);
    const scaled = Float64Array.from(u, (value, at) => value * (s[at % k] / most));
    const given = Float64Array.from(each(dense(a), m * n)[index], (value) => value / most);
    assertClose(multiply(scaled, vts[index], m, k, n), given, unit, `${what}: product`);
    assertClose(multiply(transposed(u, m, k), u, k, m, k), identity(k), unit, `${what}: u`);
    const right = multiply(vts[index], transposed(vts[index], k, n), k, n, k);
    assertClose(right, identity(k), unit, `${what}: vt`);
    for (let i = 0; i < k; i++) assert(s[i] >= (i + 1 < k ? s[i + 1] : 0), what);
  });
}

Deno.test("svd's parts multiply to the matrix, and are the evaluator's", () => {
  for (const dtype of floats) {
    for (const [count, m, n] of [...rectangles, [1, 120, 20], [1, 20, 120]] as const) {
      const what = `svd of ${count} ${dtype} matrices of ${m} rows and ${n} columns`;
      const a = matrices(dtype, count, m, m + n, (_i, _j, random) => random() - 0.5, n);
      const { actual, expected } = runBoth(emitSvd, svdPrimitive, [a], null);
      const unit = 2 * roundingOf(dtype) * (m + n + 8);
      checkSvd(a, actual, unit, what);
      assertClose(actual[1], expected[1], unit * Math.sqrt(m + n), what);
      for (const i of [0, 2]) {
        // Neighbouring values are a small part of the largest apart.
        assertClose(actual[i], expected[i], unit * (dtype === "float32" ? 8 : 200), what);
      }
    }
  }
});

Deno.test("svd of graded, degenerate and extreme matrices is a decomposition", () => {
  const kinds: Readonly<Record<string, (i: number, j: number, n: number) => number>> = {
    zero: () => 0,
    identity: (i, j) => i === j ? -1 : 0,
    ones: () => 1,
    "zero columns": (i, j) => j % 2 === 0 ? 0 : ((i * j) % 7) - 3,
    "zero on a diagonal": (i, j) => j === i + 1 || (j === i && i % 3 !== 1) ? 1 + i : 0,
    shift: (i, j) => j === i + 1 ? 1 : 0,
    "graded up": (i, j, n) => 10 ** (-30 * (i + j) / n),
    "graded down": (i, j, n) => 10 ** (30 * (i + j) / n - 60),
    tiny: (i, j) => 1e-310 * ((i + j) % 3),
    huge: (i, j) => 1e305 * ((i + j) % 3),
  };
  for (const [name, element] of Object.entries(kinds)) {
    for (const [m, n] of [[2, 2], [5, 5], [21, 20], [12, 30], [64, 64], [70, 9]]) {
      const a = matrices("float64", 1, m, 1, (i, j) => element(i, j, Math.max(m, n)), n);
      const { actual, expected } = runBoth(emitSvd, svdPrimitive, [a], null);
      const what = `${name} of ${m} rows and ${n} columns`;
      const most = largest(a.elements);
      checkSvd(a, actual, 1e-14 * (m + n), what);
      assertClose(actual[1], expected[1], 1e-14 * (m + n) * most + 2 ** -1060, what);
    }
  }
});

Deno.test("svd of a matrix that is not finite is NaN, and its neighbours are well", () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    for (const [m, n] of [[1, 1], [6, 4], [30, 50]]) {
      const a = matrices("float64", 3, m, n, (_i, _j, random) => random(), n);
      a.elements[2 * m * n - 1] = bad;
      const { actual } = runBoth(emitSvd, svdPrimitive, [a], null);
      for (const values of actual) {
        const size = values.length / 3;
        const isNan = Array.from(values, Number.isNaN);
        assertEquals(isNan, isNan.map((_, i) => i >= size && i < 2 * size), `${bad}, ${m}x${n}`);
      }
    }
  }
});
