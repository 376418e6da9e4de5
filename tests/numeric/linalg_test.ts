import { factorizeEigh } from "../../src/numeric/linalg/eigh.ts";
import { factorizeLu } from "../../src/numeric/linalg/lu.ts";
import { factorizeQr } from "../../src/numeric/linalg/qr.ts";
import { factorizeSvd } from "../../src/numeric/linalg/svd.ts";
import { cholesky, solveTriangle } from "../../src/numeric/linalg/triangular.ts";
import { hypotenuse, makeReflection, scaleOf } from "../../src/numeric/linalg/vectors.ts";
import { makeRandom } from "../laws/values.ts";
import { assert, assertAlmostEquals, assertEquals } from "../support/std.ts";

const random = makeRandom(17);

type Element = (row: number, column: number) => number;

function matrix(rows: number, columns: number, element: Element): Float64Array {
  return Float64Array.from(
    { length: rows * columns },
    (_, i) => element(Math.floor(i / columns), i % columns),
  );
}

const noise: Element = () => random() - 0.5;

function transpose(a: Float64Array, rows: number, columns: number): Float64Array {
  return matrix(columns, rows, (i, j) => a[j * columns + i]);
}

function multiply(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Float64Array {
  return matrix(m, n, (i, j) => {
    let sum = 0;
    for (let l = 0; l < k; l++) sum += a[i * k + l] * b[l * n + j];
    return sum;
  });
}

function identity(n: number): Float64Array {
  return matrix(n, n, (i, j) => i === j ? 1 : 0);
}

function largest(x: Float64Array): number {
  return x.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** Fails unless matrices are equal up to rounding, relative to the largest expected element. */
function assertClose(actual: Float64Array, expected: Float64Array, n: number, law: string): void {
  const bound = 8 * Math.max(n, 4) * 2 ** -53 * largest(expected) + 5e-324;
  actual.forEach((value, i) => {
    assert(Math.abs(value - expected[i]) <= bound, `${law}: ${value} for ${expected[i]} at ${i}`);
  });
}

/** Symmetric matrices that are hard for iterations, as functions of row and column. */
const symmetric: Readonly<Record<string, readonly [n: number, element: Element]>> = {
  "one element": [1, () => -3],
  zeros: [6, () => 0],
  ones: [7, () => 1],
  identity: [5, (i, j) => i === j ? 1 : 0],
  denormals: [5, () => 1e-310],
  "huge elements": [5, (i, j) => (i === j ? 1 : 0.5) * 1e307],
  graded: [10, (i, j) => 10 ** -(i + j)],
  "graded upwards": [10, (i, j) => 10 ** (i + j)],
  // J. Wilkinson's W21+, with pairs of eigenvalues that differ by less than rounding.
  "Wilkinson's": [21, (i, j) => i === j ? Math.abs(i - 10) : Math.abs(i - j) === 1 ? 1 : 0],
  Hilbert: [12, (i, j) => 1 / (i + j + 1)],
  "two blocks": [6, (i, j) => i < 3 === j < 3 ? 1 + Math.min(i, j) : 0],
  "signs apart": [4, (i, j) => i + j === 3 ? 1 : 0],
  random: [40, (i, j) => Math.sin(1 + Math.min(i, j) * 7.3 + Math.max(i, j) * 1.7)],
};

for (const [name, [n, element]] of Object.entries(symmetric)) {
  Deno.test(`eigenvalues and vectors of a symmetric matrix: ${name}`, () => {
    const a = matrix(n, n, element);
    const [w, v] = [new Float64Array(n), new Float64Array(n * n)];
    factorizeEigh(a.slice(), n, w, v, 0);
    for (let i = 1; i < n; i++) assert(w[i] >= w[i - 1]);
    const vt = transpose(v, n, n);
    assertClose(multiply(vt, v, n, n, n), identity(n), n, "orthonormal");
    // Scaled, so that products of huge elements do not overflow.
    const scale = largest(a) || 1;
    const scaled = matrix(n, n, (i, j) => v[i * n + j] * (w[j] / scale));
    const expected = a.map((value) => value / scale);
    if (scale > 1e-300) assertClose(multiply(scaled, vt, n, n, n), expected, n, "product");
  });
}

/** Matrices that are hard for iterations. */
const rectangular: Readonly<Record<string, readonly [m: number, n: number, element: Element]>> = {
  "one element": [1, 1, () => -3],
  row: [1, 5, (_, j) => j - 2],
  column: [5, 1, (i) => i - 2],
  zeros: [4, 3, () => 0],
  ones: [4, 5, () => 1],
  identity: [5, 5, (i, j) => i === j ? 1 : 0],
  "huge elements": [5, 4, (i, j) => (i === j ? 1 : 0.5) * 1e307],
  graded: [9, 9, (i, j) => 10 ** -(i + j)],
  "a shift": [8, 8, (i, j) => j === i + 1 ? 1 : 0],
  "a column of zeros": [5, 4, (i, j) => j === 1 ? 0 : 1 / (i + j + 1)],
  "rank two": [12, 12, (i, j) => Math.cos(i - j)],
  Kahan: [10, 10, (i, j) => (j < i ? 0 : 0.6 ** i * (i === j ? 1 : -0.8))],
  tall: [30, 4, (i, j) => Math.sin(1 + i * 7.3 + j * j)],
  wide: [4, 30, (i, j) => Math.sin(1 + i * 7.3 + j * j)],
  random: [30, 25, (i, j) => Math.sin(1 + i * 7.3 + j * j * 1.9)],
};

for (const [name, [m, n, element]] of Object.entries(rectangular)) {
  Deno.test(`singular values and vectors: ${name}`, () => {
    const a = matrix(m, n, element);
    const k = Math.min(m, n);
    const u = new Float64Array(m * k);
    const s = new Float64Array(k);
    const vt = new Float64Array(k * n);
    factorizeSvd(a.slice(), m, n, { u, s, vt }, 0);
    s.forEach((value, i) => assert(value >= 0 && (i === 0 || value <= s[i - 1])));
    const size = Math.max(m, n);
    assertClose(multiply(transpose(u, m, k), u, k, m, k), identity(k), size, "left");
    assertClose(multiply(vt, transpose(vt, k, n), k, n, k), identity(k), size, "right");
    const scale = largest(a) || 1;
    const scaled = matrix(m, k, (i, j) => u[i * k + j] * (s[j] / scale));
    assertClose(multiply(scaled, vt, m, k, n), a.map((value) => value / scale), size, "product");
  });

  Deno.test(`orthonormal and triangular factors: ${name}`, () => {
    const a = matrix(m, n, element);
    for (const columns of new Set([Math.min(m, n), m])) {
      const [q, r] = [new Float64Array(m * columns), new Float64Array(columns * n)];
      factorizeQr(a.slice(), m, n, columns, q, r);
      const size = Math.max(m, n);
      const inner = multiply(transpose(q, m, columns), q, columns, m, columns);
      assertClose(inner, identity(columns), size, "orthonormal");
      assertClose(multiply(q, r, m, columns, n), a, size, "product");
      for (let i = 0; i < columns; i++) {
        for (let j = 0; j < Math.min(i, n); j++) assertEquals(r[i * n + j], 0);
        if (i < n) assert(r[i * n + i] >= 0);
      }
    }
  });
}

Deno.test("the singular values of a Hilbert matrix are accurate to the last, beside the first", () => {
  const n = 6;
  const [u, s, vt] = [new Float64Array(36), new Float64Array(n), new Float64Array(36)];
  factorizeSvd(matrix(n, n, (i, j) => 1 / (i + j + 1)), n, n, { u, s, vt }, 0);
  // Their product is the determinant, 1 / 186313420339200000.
  const product = s.reduce((all, value) => all * value, 1);
  assertAlmostEquals(product * 186313420339200000, 1, 1e-7);
  assertAlmostEquals(s[0], 1.6188998589243391, 1e-14);
});

Deno.test("elimination with complete pivoting gives factors of the reordered matrix", () => {
  for (const [name, [n, element]] of Object.entries(symmetric)) {
    const a = matrix(n, n, (i, j) => element(i, j) + (name === "random" ? noise(i, j) : 0));
    const [upper, lower] = [a.slice(), new Float64Array(n * n)];
    const [rows, columns] = [new Int32Array(n), new Int32Array(n)];
    const sign = factorizeLu({ upper, lower, rows, columns }, 0, n, 0);
    assertEquals(Math.abs(sign), 1);
    const expected = matrix(n, n, (i, j) => a[rows[i] * n + columns[j]]);
    assertClose(multiply(lower, upper, n, n, n), expected, 4 * n, name);
    for (let i = 0; i < n; i++) {
      assertEquals(lower[i * n + i], 1);
      for (let j = 0; j < i; j++) {
        assertEquals([upper[i * n + j], lower[j * n + i]], [0, 0]);
        assert(Math.abs(lower[i * n + j]) <= 1);
      }
      for (let j = i; j < n; j++) {
        assert(Math.abs(upper[i * n + j]) <= Math.abs(upper[i * n + i]));
      }
    }
  }
});

Deno.test("the sign of the pivots' order is that of the permutations", () => {
  for (let round = 0; round < 20; round++) {
    const n = 4;
    const a = matrix(n, n, noise);
    const [upper, lower] = [a.slice(), new Float64Array(n * n)];
    const [rows, columns] = [new Int32Array(n), new Int32Array(n)];
    const sign = factorizeLu({ upper, lower, rows, columns }, 0, n, 0);
    assertEquals(sign, parity(rows) * parity(columns));
  }
});

/** The sign of a permutation, by counting the pairs that it exchanges. */
function parity(order: Int32Array): number {
  let sign = 1;
  order.forEach((x, i) => order.forEach((y, k) => sign *= i < k && x > y ? -1 : 1));
  return sign;
}

Deno.test("triangular systems are solved from either triangle, transposed or not", () => {
  const n = 9;
  const a = matrix(n, n, (i, j) => i === j ? 2 + i : noise(i, j));
  const b = matrix(2, n, noise);
  for (const lower of [true, false]) {
    for (const transposed of [true, false]) {
      for (const unitDiagonal of [true, false]) {
        const part = matrix(n, n, (i, j) => {
          if (i === j) return unitDiagonal ? 1 : a[i * n + i];
          return i > j === lower ? a[i * n + j] : 0;
        });
        const x = new Float64Array(3 * n);
        x.set(b, n);
        solveTriangle(a, 0, n, x, n, 2, { lower, transpose: transposed, unitDiagonal });
        // Each row of x is a solution: its products with the rows of the matrix are the right side.
        const own = transposed ? part : transpose(part, n, n);
        assertClose(multiply(x.slice(n), own, 2, n, n), b, 4 * n, `${lower} ${transposed}`);
        assertEquals(largest(x.slice(0, n)), 0);
      }
    }
  }
});

Deno.test("the Cholesky factor reads the lower triangle and clears the upper one", () => {
  // Rows are taken four at a time, with some left over, from a place inside a batch.
  for (const n of [1, 3, 4, 5, 8, 11, 14]) {
    const root = matrix(n, n, noise);
    const a = multiply(root, transpose(root, n, n), n, n, n).map((value, i) =>
      value + (i % (n + 1) === 0 ? 0.5 : 0)
    );
    const batch = new Float64Array(3 + n * n);
    batch.set(matrix(n, n, (i, j) => j > i ? NaN : a[i * n + j]), 3);
    cholesky(batch, 3, n);
    const l = batch.subarray(3);
    assertClose(multiply(l, transpose(l, n, n), n, n, n), a, n, `product of size ${n}`);
    for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) assertEquals(l[i * n + j], 0);
    for (let place = 0; place < n; place++) {
      const broken = a.slice();
      broken[place * n + place] = -1;
      cholesky(broken, 0, n);
      assert(broken.every((value, i) => i % n > Math.floor(i / n) ? value === 0 : isNaN(value)));
    }
  }
});

Deno.test("lengths and scales neither overflow nor underflow", () => {
  assertAlmostEquals(hypotenuse(3e300, 4e300) / 5e300, 1, 1e-15);
  assertAlmostEquals(hypotenuse(3e-320, 4e-320) / 5e-320, 1, 1e-3);
  assertEquals(hypotenuse(0, 0), 0);
  assertEquals(scaleOf(Float64Array.of(0, 3, -9), 0, 3), 8);
  assertEquals(scaleOf(Float64Array.of(0, 0), 0, 2), 1);
  assert(Number.isFinite(1 / scaleOf(Float64Array.of(5e-324), 0, 1)));
  const v = Float64Array.of(3e200, 4e200);
  const { factor, head } = makeReflection(v, 0, 2);
  assertAlmostEquals(head / -5e200, 1, 1e-15);
  assertAlmostEquals(factor * (v[0] * v[0] + v[1] * v[1]), 2, 1e-15);
  // Numbers of few digits make a reflection that is no less orthogonal.
  const low = Float64Array.of(3e-322, 4e-322, 7e-323);
  const small = makeReflection(low, 0, 3);
  assertAlmostEquals(small.factor * low.reduce((sum, x) => sum + x * x, 0), 2, 1e-15);
});
