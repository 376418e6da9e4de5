/**
 * Transforms beside sums in double precision, and their errors beside pocketfft's.
 *
 * @module
 */
import { halfLength, transformReal, transformToReal } from "../../src/numeric/fft/real.ts";
import { type Pair, rootOfUnity } from "../../src/numeric/fft/roots.ts";
import { transform, transformBack } from "../../src/numeric/fft/transform.ts";
import { numbers, relativeError } from "./exact_transform.ts";
import { cases } from "./pocketfft.ts";
import { assert, assertEquals } from "../support/std.ts";

/** The sums as they are written; `sign` is that of the exponent. */
function sums({ re, im }: Pair, n: number, sign: 1 | -1): Pair {
  const y = pairOf(n);
  for (let k = 0; k < n; k++) {
    for (let j = 0; j < re.length; j++) {
      const [cos, sin] = rootOfUnity((j * k) % n, n);
      y.re[k] += re[j] * cos - sign * im[j] * sin;
      y.im[k] += im[j] * cos + sign * re[j] * sin;
    }
  }
  return y;
}

function pairOf(n: number): Pair {
  return { re: new Float64Array(n), im: new Float64Array(n) };
}

function pair(n: number): Pair {
  return { re: numbers(n, 1), im: numbers(n, n + 1) };
}

Deno.test("roots of unity are exact where they can be, and as near as a double elsewhere", () => {
  for (const n of [1, 2, 4, 8, 12, 20, 1024, 1000003]) {
    assertEquals(rootOfUnity(0, n), [1, 0]);
    if (n % 2 === 0) assertEquals(rootOfUnity(n / 2, n).map(Math.abs), [1, 0]);
    if (n % 4 === 0) assertEquals(rootOfUnity(n / 4, n)[1], 1);
    if (n % 12 === 0) assert(Math.abs(rootOfUnity(n / 6, n)[0] - 0.5) < 2e-16);
    for (let k = 1; k < Math.min(n, 200); k++) {
      const [cos, sin] = rootOfUnity(k, n);
      const [same, opposite] = rootOfUnity(n - k, n);
      assertEquals([same, opposite], [cos, -sin]);
      assert(Math.abs(cos * cos + sin * sin - 1) < 4e-16);
    }
  }
});

Deno.test("transforms are the sums that they stand for, with either sign, at every small length", () => {
  for (let n = 1; n <= 64; n++) {
    for (const [run, sign] of [[transform, -1], [transformBack, 1]] as const) {
      const x = pair(n);
      const expected = sums(x, n, sign);
      run(x);
      assert(relativeError(x, expected) < 1e-15, `${n}: ${relativeError(x, expected)}`);
    }
  }
});

Deno.test("transforms from real numbers are those of complex ones, and to real ones their transpose", () => {
  for (const n of [...Array.from({ length: 40 }, (_, i) => i + 1), 127, 128, 211, 422]) {
    const x = numbers(n, 3);
    const half = halfLength(n);
    const expected = sums({ re: x, im: new Float64Array(n) }, n, -1);
    const y = pairOf(half);
    transformReal(x, y);
    const cut = { re: expected.re.slice(0, half), im: expected.im.slice(0, half) };
    assert(relativeError(y, cut) < 2e-15, `${n}: ${relativeError(y, cut)}`);

    const z = pair(half);
    const back = new Float64Array(n);
    transformToReal(z, back);
    const { re } = sums(z, n, 1);
    const zeros = new Float64Array(n);
    const error = relativeError({ re: back, im: zeros }, { re, im: zeros });
    assert(error < 2e-15, `${n}: ${error}`);
  }
});

Deno.test("errors are at most twice pocketfft's, at lengths up to 2^20 and primes", () => {
  for (const { n, count, rows, check, checkReal } of cases) {
    const half = halfLength(n);
    const [whole, real] = [pairOf(count * n), pairOf(count * half)];
    whole.re.set(rows.re);
    whole.im.set(rows.im);
    for (let i = 0; i < count; i++) {
      const rowOf = ({ re, im }: Pair, length: number): Pair => {
        const [from, to] = [i * length, (i + 1) * length];
        return { re: re.subarray(from, to), im: im.subarray(from, to) };
      };
      transformReal(rowOf(rows, n).re, rowOf(real, half));
      transform(rowOf(whole, n));
    }
    check("evaluated", "float64", whole);
    checkReal("evaluated", "float64", real);
  }
});
