import fixture from "../fixtures/random_shapes.json" with { type: "json" };
import type { Dtype } from "../../src/base/dtype.ts";
import { convert, reshape } from "../../src/primitives/structure.ts";
import { tensor } from "../../src/functions/creation.ts";
import * as random from "../../src/random/mod.ts";
import { randomGamma } from "../../src/primitives/random_gamma.ts";
import { broadcastTo } from "../../src/functions/broadcasting.ts";
import { words64 } from "../../src/random/key.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { assert, assertEquals } from "../support/std.ts";

// Everything here is compared with numbers that JAX drew: `fixtures/random_shapes.py`.

const { concentrations, probabilities } = fixture;

function flat(x: Tensor): number[] {
  return Array.from(x.data());
}

/** Checks every element, to `rtol` of its size and `atol`. */
function checkClose(
  actual: Tensor,
  expected: readonly number[],
  rtol: number,
  atol: number,
): void {
  assertEquals(actual.size, expected.length);
  flat(actual).forEach((value, i) => {
    const error = Math.abs(value - expected[i]);
    const bound = rtol * Math.abs(expected[i]) + atol;
    assert(error <= bound, `[${i}]: ${value} is not ${expected[i]} (${error} above ${bound})`);
  });
}

for (const dtype of ["float32", "float64"] as const) {
  // JAX computes in the dtype itself, with logarithms, powers and tangents of its own.
  const [rtol, atol] = dtype === "float32" ? [1e-5, 1e-7] : [2e-13, 1e-15];
  const a = convert(tensor(concentrations, { dtype: "float64" }), dtype as Dtype);

  for (const expected of fixture[dtype]) {
    const key = random.key(expected.seed);
    const name = `seed ${expected.seed}, ${dtype}`;

    Deno.test(`${name}: laplace and cauchy are JAX's`, () => {
      checkClose(random.laplace(key, [3, 5], { dtype }), expected.laplace, rtol, atol);
      checkClose(random.cauchy(key, [3, 5], { dtype }), expected.cauchy, rtol, atol);
    });

    Deno.test(`${name}: gamma and its logarithm are JAX's`, () => {
      checkClose(random.gamma(key, a, [6, 8], { dtype }), expected.gamma, 2 * rtol, 0);
      const [high, low] = words64(key, [6, 8]);
      const logarithms = randomGamma(high, low, broadcastTo(a, [6, 8]), true);
      checkClose(logarithms, expected.loggamma, rtol, 10 * atol);
    });

    Deno.test(`${name}: beta is JAX's`, () => {
      const b = reshape(convert(tensor(concentrations.toReversed(), { dtype: "float64" }), dtype), [
        8,
        1,
      ]);
      checkClose(random.beta(key, a, b, [8, 8], { dtype }), expected.beta, 10 * rtol, atol);
    });

    Deno.test(`${name}: dirichlet is JAX's`, () => {
      const vectors = random.dirichlet(key, a, [4], { dtype });
      checkClose(vectors, expected.dirichlet, 10 * rtol, atol);
      const tiny = random.dirichlet(key, [1e-4, 1e-4, 1e-4], [4], { dtype });
      checkClose(tiny, expected.dirichletTiny, 10 * rtol, atol);
    });
  }
}

for (const expected of fixture.choices) {
  Deno.test(`seed ${expected.seed}: choice is JAX's`, () => {
    const key = random.key(expected.seed);
    const table = reshape(tensor(Array.from({ length: 21 }, (_, i) => i)), [3, 7]);
    const p = probabilities;
    const checks: [number[], Tensor][] = [
      [expected.scalar, random.choice(key, 7)],
      [expected.replace, random.choice(key, 7, { shape: [4, 5] })],
      [expected.replaceColumns, random.choice(key, table, { shape: [2, 2], axis: 1 })],
      [expected.without, random.choice(key, 100, { shape: [2, 5], replace: false })],
      [
        expected.withoutColumns,
        random.choice(key, table, { shape: 5, replace: false, axis: -1 }),
      ],
      [expected.weighted, random.choice(key, 7, { shape: [4, 10], p })],
      [expected.weightedColumns, random.choice(key, table, { shape: 6, p, axis: 1 })],
      [expected.weightedWithout, random.choice(key, 7, { shape: 5, replace: false, p })],
    ];
    for (const [values, chosen] of checks) assertEquals(flat(chosen), values);
  });
}
