import * as J from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import table from "../fixtures/slopes.json" with { type: "json" };
import { assert, assertEquals } from "../support/std.ts";

// The derivatives of every smooth function over the whole range of floats, where formulas that reuse a
// rounded result lose all of their digits: `fixtures/slopes.py`.

const { grad, jit, jvp, nn, vmap } = J;

type F = (x: Tensor) => Tensor;

/**
 * The library's functions, and how far derivatives in float32 may be from those in float64. What
 * stands after a comma is no part of the name in the table.
 */
const functions: Readonly<Record<string, readonly [F, number?]>> = {
  exp: [J.exp],
  expm1: [J.expm1],
  log: [J.log],
  log1p: [J.log1p],
  log2: [J.log2],
  sin: [J.sin],
  cos: [J.cos],
  tan: [J.tan],
  asin: [J.asin],
  acos: [J.acos],
  atan: [J.atan],
  sinh: [J.sinh],
  cosh: [J.cosh],
  tanh: [J.tanh],
  asinh: [J.asinh],
  acosh: [J.acosh],
  atanh: [J.atanh],
  sigmoid: [J.sigmoid],
  erf: [J.erf],
  erfc: [J.erfc],
  // By the rounded result, whose error its square makes larger.
  erfinv: [J.erfinv, 4e-6],
  lgamma: [J.lgamma],
  digamma: [J.digamma],
  sqrt: [J.sqrt],
  rsqrt: [J.rsqrt],
  reciprocal: [J.reciprocal],
  elu: [nn.elu],
  // The exponents of their tails are products that float32 rounds.
  gelu: [nn.gelu, 2e-5],
  "gelu by tanh": [(x) => nn.gelu(x, { approximate: "tanh" }), 2e-5],
  silu: [nn.silu, 1e-5],
  softplus: [nn.softplus],
  "softplus, sharper": [(x) => nn.softplus(x.mul(0.25), { beta: 4 }).mul(4)],
  mish: [nn.mish, 1e-5],
  logaddexp: [(x) => J.logaddexp(x, J.zerosLike(x))],
  "logaddexp, second argument": [(x) => J.logaddexp(J.zerosLike(x), x)],
};

const reverse = (f: F): F => grad((x: Tensor) => f(x).sum()) as F;
const forward = (f: F): F => (x) => jvp(f, [x], [J.onesLike(x)])[1] as Tensor;

/** Ways to both derivatives. */
const ways: Readonly<Record<string, readonly [first: (f: F) => F, second: (f: F) => F]>> = {
  reverse: [reverse, (f) => reverse(reverse(f))],
  forward: [forward, (f) => forward(forward(f))],
  "forward over reverse": [reverse, (f) => forward(reverse(f))],
  "vmap of scalars": [(f) => vmap(grad(f)) as F, (f) => vmap(grad(grad(f))) as F],
  compiled: [(f) => jit(reverse(f)), (f) => jit(reverse(reverse(f)))],
  "compiled, forward": [(f) => jit(forward(f)), (f) => jit(forward(forward(f)))],
};

function flat(x: Tensor): number[] {
  return Array.from(x.data());
}

function checkRelative(
  actual: readonly number[],
  expected: readonly number[],
  points: readonly number[],
  tolerance: number,
  smallest: (x: number) => number,
  label: string,
): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((value, i) => {
    const bound = Math.max(tolerance * Math.abs(expected[i]), smallest(points[i]));
    assert(
      Math.abs(value - expected[i]) <= bound,
      `${label} at ${points[i]} is ${expected[i]}, not ${value}`,
    );
  });
}

Deno.test("every function of the table is tested", () => {
  const names = Object.keys(functions).map((name) => name.split(",")[0]);
  assertEquals([...new Set(names)].toSorted(), Object.keys(table).toSorted());
});

for (const [name, [f, tolerance = 2e-6]] of Object.entries(functions)) {
  const rows: readonly (readonly number[])[] = table[name.split(",")[0] as keyof typeof table];

  Deno.test(`both derivatives of ${name} hold in float64 over the whole range`, () => {
    const points = rows.map(([x]) => x);
    const x = J.tensor(points, { dtype: "float64" });
    for (const [way, orders] of Object.entries(ways)) {
      orders.forEach((derive, k) => {
        const expected = rows.map((row) => row[k + 1]);
        const label = `derivative ${k + 1} of ${name}, ${way},`;
        checkRelative(flat(derive(f)(x)), expected, points, 1e-12, () => 0, label);
      });
    }
  });

  Deno.test(`both derivatives of ${name} hold in float32 over the whole range`, () => {
    const points = [...new Set(rows.map(([x]) => Math.fround(x)))].filter(Number.isFinite);
    const x = J.tensor(points, { dtype: "float64" });
    for (const [way, orders] of Object.entries(ways)) {
      orders.forEach((derive, k) => {
        // Doubles are compared with exact values above.
        const exact = flat(derive(f)(x));
        const isIn = exact.map((value) => Math.abs(value) < 3e38);
        const pick = (values: readonly number[]) => values.filter((_, i) => isIn[i]);
        const label = `derivative ${k + 1} of ${name} in float32, ${way},`;
        const actual = flat(derive(f)(x.astype("float32")));
        // Numbers below the smallest normal float lose digits, which products with x make larger.
        const smallest = (x: number) => 2 ** -145 * Math.max(1, x * x);
        checkRelative(pick(actual), pick(exact), pick(points), tolerance, smallest, label);
      });
    }
  });
}
