import {
  accumulateMatmul,
  matmul,
  type MatmulSize,
  type Numbers,
} from "../../src/numeric/matmul.ts";
import { assertEquals, assertThrows } from "../support/std.ts";

/** Deterministic numbers in [-1, 1); the generator is that of Numerical Recipes. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    return state / 2 ** 31;
  };
}

/** The definition, one term at a time in order, in double precision. */
function naive(out: Numbers, a: Numbers, b: Numbers, size: MatmulSize): void {
  const { batch, m, n, k, transposeA, transposeB } = size;
  for (let t = 0; t < batch; t++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = out[(t * m + i) * n + j]!;
        for (let p = 0; p < k; p++) {
          const x = a[t * m * k + (transposeA ? p * m + i : i * k + p)]!;
          const y = b[t * k * n + (transposeB ? j * k + p : p * n + j)]!;
          sum += x * y;
        }
        out[(t * m + i) * n + j] = sum;
      }
    }
  }
}

/** The definition modulo 2³², in exact integers. */
function naiveWords(a: Numbers, b: Numbers, size: MatmulSize): bigint[] {
  const { batch, m, n, k, transposeA, transposeB } = size;
  const out: bigint[] = [];
  for (let t = 0; t < batch; t++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0n;
        for (let p = 0; p < k; p++) {
          const x = a[t * m * k + (transposeA ? p * m + i : i * k + p)]!;
          const y = b[t * k * n + (transposeB ? j * k + p : p * n + j)]!;
          sum += BigInt(x) * BigInt(y);
        }
        out.push(sum);
      }
    }
  }
  return out;
}

/** `[batch, m, n, k]`: every path, and blocks of every operand with whole and ragged ends. */
const SHAPES = [
  [1, 1, 1, 1],
  [3, 2, 3, 4],
  [2, 5, 5, 5],
  [1, 6, 7, 5],
  [2, 8, 8, 8],
  [1, 9, 11, 13],
  [1, 7, 7, 3000],
  [1, 1, 1, 9001],
  [1, 1, 300, 40],
  [1, 300, 1, 40],
  [1, 1, 1100, 70],
  [1, 1030, 3, 33],
  [1, 3, 1030, 33],
  [1, 5, 9, 4100],
  [1, 9, 5, 4100],
  [1, 70, 9, 530],
  [1, 9, 70, 530],
  [2, 67, 261, 131],
  [1, 130, 12, 3],
  [1, 12, 130, 1],
  [1, 67, 8, 6],
  [1, 8, 67, 6],
] as const;

const LAYOUTS = [[false, false], [false, true], [true, false], [true, true]] as const;

function sizesOf(shapes: Iterable<readonly [number, number, number, number]>): MatmulSize[] {
  return [...shapes].flatMap(([batch, m, n, k]) =>
    LAYOUTS.map(([transposeA, transposeB]) => ({ batch, m, n, k, transposeA, transposeB }))
  );
}

for (const Type of [Float64Array, Float32Array]) {
  Deno.test(`matmul of ${Type.name} gives the bits of the naive sum`, () => {
    for (const size of sizesOf(SHAPES)) {
      const { batch, m, n, k } = size;
      const random = randomNumbers(m + 7 * n + 31 * k);
      const a = new Type(batch * m * k).map(random), b = new Type(batch * k * n).map(random);
      const out = new Type(batch * m * n).fill(NaN), expected = new Float64Array(batch * m * n);
      matmul(out, a, b, size);
      naive(expected, a, b, size);
      assertEquals(firstDifference(out, new Type(expected)), null, JSON.stringify(size));
    }
  });

  Deno.test(`accumulateMatmul adds to ${Type.name} with one rounding`, () => {
    for (const size of sizesOf(SHAPES)) {
      const { batch, m, n, k } = size;
      const random = randomNumbers(m + 5 * n + 17 * k);
      const a = new Type(batch * m * k).map(random), b = new Type(batch * k * n).map(random);
      const out = new Type(batch * m * n).map(random), expected = new Float64Array(out);
      accumulateMatmul(out, a, b, size);
      naive(expected, a, b, size);
      assertEquals(firstDifference(out, new Type(expected)), null, JSON.stringify(size));
    }
  });

  Deno.test(`NaN and infinities in ${Type.name} meet every term, zeros among them`, () => {
    for (const size of sizesOf(SHAPES)) {
      const { batch, m, n, k } = size;
      const random = randomNumbers(3 * m + n + k);
      const sparse = () => {
        const x = random();
        return x > 0.97 ? NaN : x > 0.94 ? Infinity : x < -0.97 ? -Infinity : x < 0 ? 0 : x;
      };
      const a = new Type(batch * m * k).map(sparse), b = new Type(batch * k * n).map(sparse);
      const out = new Type(batch * m * n), expected = new Float64Array(batch * m * n);
      matmul(out, a, b, size);
      naive(expected, a, b, size);
      assertEquals(firstDifference(out, new Type(expected)), null, JSON.stringify(size));
    }
  });
}

Deno.test("matmul rounds a mixture of precisions once, to that of the result", () => {
  for (const size of sizesOf([[1, 5, 9, 41], [2, 33, 70, 20], [1, 100, 3, 50]])) {
    const { batch, m, n, k } = size;
    const random = randomNumbers(m);
    const a = new Float32Array(batch * m * k).map(random);
    const b = new Float64Array(batch * k * n).map(random);
    const out = new Float32Array(batch * m * n), expected = new Float64Array(batch * m * n);
    matmul(out, a, b, size);
    naive(expected, a, b, size);
    assertEquals(firstDifference(out, new Float32Array(expected)), null, JSON.stringify(size));
  }
});

for (const Type of [Int32Array, Uint32Array]) {
  Deno.test(`matmul of ${Type.name} wraps modulo 2³²`, () => {
    const shapes = SHAPES.filter(([batch, m, n, k]) => batch * m * n * k < 200_000);
    for (const size of sizesOf(shapes)) {
      const { batch, m, n, k } = size;
      const random = randomNumbers(m + n + k);
      const a = new Type(batch * m * k).map(() => random() * 2 ** 32);
      const b = new Type(batch * k * n).map(() => random() * 2 ** 32);
      const out = new Type(batch * m * n).fill(99);
      matmul(out, a, b, size);
      const wrap = (x: bigint) =>
        Number(Type === Int32Array ? BigInt.asIntN(32, x) : BigInt.asUintN(32, x));
      const expected = new Type(naiveWords(a, b, size).map(wrap));
      assertEquals(firstDifference(out, expected), null, JSON.stringify(size));
      accumulateMatmul(out, a, b, size);
      assertEquals(firstDifference(out, expected.map((x) => 2 * x)), null, JSON.stringify(size));
    }
  });
}

for (const Type of [Float64Array, Float32Array, Int32Array, Uint32Array]) {
  Deno.test(`matmul of ${Type.name} over an empty axis gives zeros`, () => {
    for (const size of sizesOf([[0, 2, 3, 4], [2, 0, 3, 4], [2, 3, 0, 4], [2, 30, 40, 0]])) {
      const { batch, m, n, k } = size;
      const out = new Type(batch * m * n).fill(7);
      matmul(out, new Type(batch * m * k).fill(1), new Type(batch * k * n).fill(1), size);
      assertEquals(out, new Type(batch * m * n));
    }
  });
}

Deno.test("matmul reads and writes views in the middle of a buffer", () => {
  const size = { batch: 1, m: 9, n: 10, k: 11, transposeA: false, transposeB: true };
  for (const Type of [Float64Array, Float32Array, Int32Array, Uint32Array]) {
    const buffer = new Type(500).map((_, i) => i % 13);
    const a = buffer.subarray(5, 5 + 99), b = buffer.subarray(150, 150 + 110);
    const out = buffer.subarray(301, 301 + 90), before = buffer.slice();
    const expected = new Type(90);
    naive(expected, a, b, size);
    matmul(out, a, b, size);
    assertEquals(out, expected);
    assertEquals(buffer.subarray(0, 301), before.subarray(0, 301));
    assertEquals(buffer.subarray(391), before.subarray(391));
  }
});

Deno.test("matmul does not mix integers with floating-point numbers", () => {
  const size = { batch: 1, m: 1, n: 1, k: 1, transposeA: false, transposeB: false };
  assertThrows(
    () => matmul(new Float32Array(1), new Int32Array(1), new Float32Array(1), size),
    TypeError,
    "a floating-point matrix product takes floating-point operands",
  );
  assertThrows(
    () => matmul(new Int32Array(1), new Int32Array(1), new Float32Array(1), size),
    TypeError,
    "an integer matrix product takes integer operands",
  );
});

/** The first place where two arrays differ, and what they hold there. */
function firstDifference(actual: Numbers, expected: Numbers): string | null {
  if (actual.length !== expected.length) return `${actual.length} for ${expected.length} elements`;
  const at = actual.findIndex((x: number, i: number) => !Object.is(x, expected[i]));
  return at < 0 ? null : `at ${at}: ${actual[at]} for ${expected[at]}`;
}
