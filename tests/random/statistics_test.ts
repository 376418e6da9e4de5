import type { Dtype } from "../../src/base/dtype.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { randomGamma } from "../../src/primitives/random_gamma.ts";
import { broadcast } from "../../src/primitives/structure.ts";
import { tensor } from "../../src/functions/creation.ts";
import { lgamma } from "../../src/numeric/special.ts";
import { words64 } from "../../src/random/key.ts";
import * as random from "../../src/random/mod.ts";
import { vmap } from "../../src/transforms/vmap.ts";
import { assert, assertAlmostEquals, assertEquals } from "../support/std.ts";
import {
  chiSquare,
  incompleteBeta,
  incompleteGamma,
  kolmogorovSmirnov,
  normal,
} from "./distribution_functions.ts";
import type { Cumulative } from "./distribution_functions.ts";

// The keys are fixed, so that these tests give the same answer every time. A correct sampler would
// fail one of them with a probability of 1 in 10,000.

const LEAST = 1e-4;
const COUNT = 20_000;
const SEEDS = [2, 3];

type Draw = (key: Tensor, dtype: Dtype) => Tensor;

function flat(x: Tensor): number[] {
  return Array.from(x.data());
}

/** The normal distribution between two bounds. */
function truncated(low: number, high: number): Cumulative {
  // From the side on which the numbers are small.
  if (low > 0) {
    return (x) => (normal(-low) - normal(-x)) / (normal(-low) - normal(-high));
  }
  return (x) => (normal(x) - normal(low)) / (normal(high) - normal(low));
}

/** Samplers of floats, with the distribution that they are to have. */
const samplers: Readonly<Record<string, readonly [Draw, Cumulative]>> = {
  uniform: [(key, dtype) => random.uniform(key, COUNT, { dtype }), (x) => x],
  "uniform from -3 to 7": [
    (key, dtype) => random.uniform(key, COUNT, { minval: -3, maxval: 7, dtype }),
    (x) => (x + 3) / 10,
  ],
  normal: [(key, dtype) => random.normal(key, COUNT, { dtype }), normal],
  ...Object.fromEntries(
    [
      [-1, 2],
      [0, Infinity],
      [2, 4],
      [-0.1, 0.1],
      // Far out, and narrow.
      [5, 6],
      [6, 7],
      [5.5, 1e6],
      [-1e6, -5.5],
      [-Infinity, -10],
      [30, Infinity],
      [2.9, 2.901],
      [-0.3001, -0.3],
      [20, 20.001],
    ].map(([low, high]) => [
      `truncatedNormal from ${low} to ${high}`,
      [
        (key: Tensor, dtype: Dtype) => random.truncatedNormal(key, low, high, COUNT, { dtype }),
        truncated(low, high),
      ],
    ]),
  ),
  exponential: [(key, dtype) => random.exponential(key, COUNT, { dtype }), (x) => -Math.expm1(-x)],
  gumbel: [(key, dtype) => random.gumbel(key, COUNT, { dtype }), (x) => Math.exp(-Math.exp(-x))],
  laplace: [
    (key, dtype) => random.laplace(key, COUNT, { dtype }),
    (x) => x < 0 ? Math.exp(x) / 2 : 1 - Math.exp(-x) / 2,
  ],
  cauchy: [
    (key, dtype) => random.cauchy(key, COUNT, { dtype }),
    (x) => 0.5 + Math.atan(x) / Math.PI,
  ],
  ...Object.fromEntries(
    [0.2, 0.7, 1, 1.5, 4, 30, 10_000].map((a) => [
      `gamma of ${a}`,
      [
        (key: Tensor, dtype: Dtype) => random.gamma(key, a, COUNT, { dtype }),
        (x: number) => incompleteGamma(a, x),
      ],
    ]),
  ),
  ...Object.fromEntries(
    [1e-6, 0.01, 0.5].map((a) => [
      `the logarithm of gamma of ${a}`,
      [
        (key: Tensor, dtype: Dtype) => {
          const [high, low] = words64(key, [COUNT]);
          return randomGamma(high, low, broadcast(tensor(a, { dtype }), [COUNT], []), true);
        },
        // Below, the first term of the series is all of it.
        (y: number) => y > -30 ? incompleteGamma(a, Math.exp(y)) : Math.exp(a * y - lgamma(a + 1)),
      ],
    ]),
  ),
  ...Object.fromEntries(
    [[0.5, 0.5], [1, 1], [2, 3], [5, 0.8], [200, 100]].map(([a, b]) => [
      `beta of ${a} and ${b}`,
      [
        (key: Tensor, dtype: Dtype) => random.beta(key, a, b, COUNT, { dtype }),
        (x: number) => incompleteBeta(a, b, x),
      ],
    ]),
  ),
};

for (const [name, [draw, cumulative]] of Object.entries(samplers)) {
  Deno.test(`${name} is distributed as it should be`, () => {
    for (const dtype of ["float32", "float64"] as const) {
      for (const seed of SEEDS) {
        const x = draw(random.key(seed), dtype);
        assertEquals([x.dtype, x.shape], [dtype, [COUNT]]);
        const p = kolmogorovSmirnov(flat(x), cumulative);
        assert(p > LEAST, `${dtype}, seed ${seed}: ${p}`);
      }
    }
  });
}

Deno.test("the parts of dirichlet, and their ratios, have beta distributions", () => {
  const a = [0.5, 1, 3];
  for (const dtype of ["float32", "float64"] as const) {
    for (const seed of SEEDS) {
      const rows = flat(random.dirichlet(random.key(seed), a, COUNT, { dtype }));
      const part = (i: number) => rows.filter((_, at) => at % 3 === i);
      const parts = [part(0), part(1), part(2)];
      parts.forEach((draws, i) => {
        const p = kolmogorovSmirnov(draws, (x) => incompleteBeta(a[i], 4.5 - a[i], x));
        assert(p > LEAST, `${dtype}, seed ${seed}, part ${i}: ${p}`);
      });
      for (const [i, j] of [[0, 1], [1, 2], [0, 2]]) {
        const ratios = parts[i].map((x, at) => x / (x + parts[j][at]));
        const p = kolmogorovSmirnov(ratios, (x) => incompleteBeta(a[i], a[j], x));
        assert(p > LEAST, `${dtype}, seed ${seed}, ${i} to ${j}: ${p}`);
      }
    }
  }
});

Deno.test("tiny concentrations give corners of the simplex, each as often as it should be", () => {
  const a = [1e-5, 2e-5, 5e-5];
  for (const seed of SEEDS) {
    const rows = flat(random.dirichlet(random.key(seed), a, COUNT));
    const counts = [0, 0, 0];
    rows.forEach((x, i) => {
      assert(x >= 0 && x <= 1, String(x));
      if (x > 0.5) counts[i % 3]++;
    });
    assertEquals(counts.reduce((x, y) => x + y), COUNT);
    assert(chiSquare(counts, [1 / 8, 2 / 8, 5 / 8]) > LEAST, `seed ${seed}: ${counts}`);
    const b = flat(random.beta(random.key(seed), 1e-5, 3e-5, COUNT));
    const ones = b.filter((x) => x > 0.5).length;
    assert(chiSquare([ones, COUNT - ones], [1 / 4, 3 / 4]) > LEAST, `seed ${seed}: ${ones}`);
  }
});

/** How often each of the numbers below `length` occurs. */
function countOf(draws: readonly number[], length: number): number[] {
  const counts = new Array<number>(length).fill(0);
  for (const draw of draws) counts[draw]++;
  return counts;
}

function uniformOver(length: number): number[] {
  return new Array<number>(length).fill(1 / length);
}

const P = [0.05, 0.3, 0.1, 0.25, 0.3];

/** Samplers of integers, with the probabilities of 0, 1, and so on. */
const discrete: Readonly<Record<string, readonly [(key: Tensor) => Tensor, readonly number[]]>> = {
  "bernoulli of a half": [(key) => random.bernoulli(key, 0.5, COUNT), [0.5, 0.5]],
  "bernoulli of 0.07": [(key) => random.bernoulli(key, 0.07, COUNT), [0.93, 0.07]],
  "randint below 7": [(key) => random.randint(key, COUNT, 0, 7), uniformOver(7)],
  "randint below 1024": [(key) => random.randint(key, COUNT, 0, 1024), uniformOver(1024)],
  "randint below 1000": [(key) => random.randint(key, COUNT, 0, 1000), uniformOver(1000)],
  categorical: [
    (key) => random.categorical(key, P.map((p) => Math.log(p) - 3), { shape: COUNT }),
    P,
  ],
  choice: [(key) => random.choice(key, 11, { shape: COUNT }), uniformOver(11)],
  "choice with probabilities": [(key) => random.choice(key, 5, { shape: COUNT, p: P }), P],
  "choice with weights of any sum": [
    (key) => random.choice(key, 5, { shape: [COUNT / 100, 100], p: P.map((p) => 40 * p) }),
    P,
  ],
};

for (const [name, [draw, probabilities]] of Object.entries(discrete)) {
  Deno.test(`${name} has its probabilities`, () => {
    for (const seed of SEEDS) {
      const counts = countOf(flat(draw(random.key(seed))), probabilities.length);
      const p = chiSquare(counts, probabilities);
      assert(p > LEAST, `seed ${seed}: ${p}`);
    }
  });
}

/** Which of the ordered pairs of the numbers below 5 are drawn, from lists of draws. */
function countPairs(lists: readonly number[], stride: number): number[] {
  const counts = new Array<number>(25).fill(0);
  for (let i = 0; i < lists.length; i += stride) counts[5 * lists[i] + lists[i + 1]]++;
  // Nothing is drawn twice.
  for (let i = 0; i < 5; i++) assertEquals(counts[6 * i], 0);
  return counts.filter((_, i) => i % 6 !== 0);
}

Deno.test("choice without replacement gives every ordered pair its probability", () => {
  for (const seed of SEEDS) {
    const keys = random.split(random.key(seed), [COUNT]);
    const pairs = vmap((key: Tensor) => random.choice(key, 5, { shape: 2, replace: false }))(keys);
    const p = chiSquare(countPairs(flat(pairs), 2), uniformOver(20));
    assert(p > LEAST, `seed ${seed}: ${p}`);
  }
});

Deno.test("choice without replacement draws one by one from what is left", () => {
  const probabilities = P.flatMap((p, i) => P.flatMap((q, j) => i === j ? [] : [p * q / (1 - p)]));
  assertAlmostEquals(probabilities.reduce((a, b) => a + b), 1, 1e-15);
  for (const seed of SEEDS) {
    const keys = random.split(random.key(seed), [COUNT]);
    const draw = (key: Tensor) => random.choice(key, 5, { shape: 3, replace: false, p: P });
    const p = chiSquare(countPairs(flat(vmap(draw)(keys)), 3), probabilities);
    assert(p > LEAST, `seed ${seed}: ${p}`);
  }
});

Deno.test("all 120 orders of five elements are equally probable", () => {
  for (const seed of SEEDS) {
    const keys = random.split(random.key(seed), [COUNT]);
    const orders = flat(vmap((key: Tensor) => random.permutation(key, 5))(keys));
    const counts = new Map<string, number>();
    for (let i = 0; i < orders.length; i += 5) {
      const name = orders.slice(i, i + 5).join("");
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    assertEquals(counts.size, 120);
    const p = chiSquare([...counts.values()], uniformOver(120));
    assert(p > LEAST, `seed ${seed}: ${p}`);
  }
});

/** How probable it is that uniform numbers in pairs are as far from independent as these. */
function pairTest(first: readonly number[], second: readonly number[]): number {
  const counts = new Array<number>(256).fill(0);
  first.forEach((u, i) => counts[16 * Math.floor(16 * u) + Math.floor(16 * second[i])]++);
  return chiSquare(counts, uniformOver(256));
}

Deno.test("numbers from keys that come of one key are independent", () => {
  const key = random.key(17);
  const keys = [
    key,
    ...random.split(key, 3),
    ...random.split(random.split(key)[1], 2),
    random.foldIn(key, 3),
    random.foldIn(key, 2 ** 31),
    random.key(18),
    random.key(17 + 2 ** 32),
  ];
  const draws = keys.map((own) => flat(random.uniform(own, COUNT)));
  for (let i = 0; i < keys.length; i++) {
    for (let j = 0; j < i; j++) {
      const p = pairTest(draws[i], draws[j]);
      assert(p > LEAST, `keys ${i} and ${j}: ${p}`);
    }
  }
});

Deno.test("neighbours in one draw, and in draws from neighbouring keys, are independent", () => {
  const long = flat(random.uniform(random.key(5), 2 * COUNT));
  const even = long.filter((_, i) => i % 2 === 0);
  const odd = long.filter((_, i) => i % 2 === 1);
  assert(pairTest(even, odd) > LEAST);
  for (
    const make of [
      (count: number) => random.split(random.key(6), [count]),
      (count: number) =>
        vmap((i: Tensor) => random.foldIn(random.key(6), i))(
          random.permutation(random.key(1), count),
        ),
      (count: number) => vmap(random.key)(tensor(Int32Array.from({ length: count }, (_, i) => i))),
    ]
  ) {
    const firsts = flat(vmap((key: Tensor) => random.uniform(key))(make(2 * COUNT)));
    assert(kolmogorovSmirnov(firsts, (x) => x) > LEAST);
    const pairs = [0, 1].map((rest) => firsts.filter((_, i) => i % 2 === rest));
    assert(pairTest(pairs[0], pairs[1]) > LEAST);
  }
});

Deno.test("neighbours among gamma numbers are independent", () => {
  for (const a of [0.6, 3]) {
    const ranks = flat(random.gamma(random.key(8), a, 2 * COUNT, { dtype: "float64" }))
      .map((x) => incompleteGamma(a, x));
    const pairs = [0, 1].map((rest) => ranks.filter((_, i) => i % 2 === rest));
    assert(pairTest(pairs[0], pairs[1]) > LEAST, String(a));
  }
});

Deno.test("the tests themselves tell wrong distributions", () => {
  const draws = flat(random.gamma(random.key(2), 1.5, COUNT));
  assert(kolmogorovSmirnov(draws, (x) => incompleteGamma(1.6, x)) < 1e-6);
  assertAlmostEquals(incompleteGamma(2.5, 1), 0.15085496391539036, 1e-15);
  assertAlmostEquals(incompleteGamma(2.5, 6), 0.9652122194937581, 1e-14);
  assertAlmostEquals(incompleteBeta(2, 3, 0.4), 0.5248, 1e-15);
  assertAlmostEquals(incompleteBeta(0.5, 0.5, 0.75), 2 / 3, 1e-14);
  assert(chiSquare([5000, 5200], [0.5, 0.5]) < 0.05);
  assertAlmostEquals(chiSquare([10, 20, 30], uniformOver(3)), Math.exp(-5), 1e-15);
  const u = flat(random.uniform(random.key(5), COUNT));
  assert(pairTest(u, u.map((x, i) => (x + 0.9 * u[(i + 1) % COUNT]) % 1)) < 1e-6);
});

Deno.test("choice reaches every one of many elements, however small its probability", () => {
  // Beside the first probability, float32 would round each of the others to nothing.
  const count = 2 ** 13;
  const p = Float32Array.from({ length: count + 1 }, (_, i) => i === 0 ? 1 : 2 ** -26);
  const drawn = flat(random.choice(random.key(4), count + 1, { shape: 2 ** 18, p }));
  const rare = drawn.filter((i) => i > 0);
  assert(rare.length > 10 && rare.length < 70, String(rare.length));
  assert(kolmogorovSmirnov(rare, (i) => i / count) > LEAST);
});
