import { sizeOf } from "../../src/base/shape.ts";
import type { Primitive } from "../../src/core/primitive.ts";
import { type Concrete, dense } from "../../src/core/tensor.ts";
import { emitCholesky } from "../../src/kernels/linalg_cholesky.ts";
import { emitLu } from "../../src/kernels/linalg_lu.ts";
import { emitLuSolve, emitTriangularSolve } from "../../src/kernels/linalg_triangular.ts";
import type { Buffer, Builder, Kernel } from "../../src/kernels/kernel.ts";
import { type LuParams, luPrimitive, luSolvePrimitive } from "../../src/primitives/lu.ts";
import { choleskyPrimitive, triangularSolvePrimitive } from "../../src/primitives/triangular.ts";
import { assert, assertEquals } from "../support/std.ts";
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
) {
  const types = primitive.type(inputs, params);
  const actual = runKernel(
    (builder) => emit(builder, inputs, params, types),
    inputs.map(dense),
    types.map(({ dtype, shape }) => ({ dtype, length: sizeOf(shape) })),
  );
  return { actual, expected: primitive.evaluate(inputs, params, types).map(dense) };
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
      for (const columns of [0, 1, 2 + index % 3, 5 + index, index % 4 === 0 ? 500 : 24]) {
        if (columns === 500 && dtype === "float32") continue;
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
