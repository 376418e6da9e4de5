import fixture from "../fixtures/random_more.json" with { type: "json" };
import { grad, jit, less, random, special, tensor, vmap, where } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../support/std.ts";

type Float = "float32" | "float64";

const flat = (x: Tensor): number[] => Array.from(x.data());

/** What the fixture has, by the names of samplers. */
function draws(key: Tensor, dtype: Float): Readonly<Record<string, () => Tensor>> {
  const of = (values: readonly (number | readonly number[])[]) =>
    tensor(values as number[], { dtype });
  const a = of([0.3, 1, 2.5, 7]);
  const reversed = of([7, 2.5, 1, 0.3]);
  const options = { dtype };
  const shape = [5, 4];
  const p = of([0.02, 0.3, 0.5, 0.9, 1]);
  return {
    logistic: () => random.logistic(key, shape, options),
    lognormal: () => random.lognormal(key, a, shape, options),
    pareto: () => random.pareto(key, a, shape, options),
    weibullMin: () => random.weibullMin(key, 2, a, shape, options),
    rayleigh: () => random.rayleigh(key, a, shape, options),
    triangular: () => random.triangular(key, -1, a.div(10), 3, shape, options),
    wald: () => random.wald(key, a, shape, options),
    chisquare: () => random.chisquare(key, a, shape, options),
    f: () => random.f(key, a, reversed, shape, options),
    t: () => random.t(key, a, shape, options),
    rademacher: () => random.rademacher(key, shape, options),
    maxwell: () => random.maxwell(key, shape, options),
    doubleSidedMaxwell: () => random.doubleSidedMaxwell(key, 1, 2, shape, options),
    generalizedNormal: () => random.generalizedNormal(key, 1.5, shape, options),
    ball: () => random.ball(key, 3, 1.5, 4, options),
    orthogonal: () => random.orthogonal(key, 3, 2, { m: 4, dtype }),
    multivariateNormal: () =>
      random.multivariateNormal(key, of([1, -1]), of([[2, 1], [1, 3]]), 4, options),
    geometric: () => random.geometric(key, of([0.02, 0.3, 0.5, 0.9]), shape),
    poisson: () => random.poisson(key, [0, 0.7, 4, 12, 900], [4, 5]),
    binomial: () => random.binomial(key, of([[3], [20], [1000]]), p, [3, 5], options),
    multinomial: () => random.multinomial(key, 50, of([0.2, 0, 0.3, 0.5]), 3, options),
  };
}

for (const dtype of ["float32", "float64"] as const) {
  // JAX computes in the dtype itself, with powers, roots and factorisations of its own.
  const tolerance = dtype === "float32" ? 2e-5 : 1e-11;
  for (const expected of fixture[dtype]) {
    Deno.test(`seed ${expected.seed}, ${dtype}: samplers give JAX's numbers`, () => {
      const own = draws(random.key(expected.seed), dtype);
      for (const [name, draw] of Object.entries(own)) {
        const wanted = expected[name as keyof typeof expected] as number[];
        const values = flat(draw());
        assertEquals(values.length, wanted.length, name);
        values.forEach((value, i) => {
          const bound = tolerance * Math.max(1, Math.abs(wanted[i]));
          assert(Math.abs(value - wanted[i]) <= bound, `${name}[${i}]: ${value}, not ${wanted[i]}`);
        });
      }
    });
  }
}

/** The Kolmogorov-Smirnov statistic times the root of the count; above 1.95 once in 1000. */
function distance(values: readonly number[], cumulative: (x: Tensor) => Tensor): number {
  const sorted = Float64Array.from(values).sort();
  let largest = 0;
  cumulative(tensor(sorted)).data().forEach((p, i) => {
    largest = Math.max(largest, p - i / sorted.length, (i + 1) / sorted.length - p);
  });
  return largest * Math.sqrt(sorted.length);
}

const COUNT = 4000;

/** Distribution functions, by what they mean. */
const continuous: Readonly<Record<string, [(key: Tensor) => Tensor, (x: Tensor) => Tensor]>> = {
  "lognormal": [(key) => random.lognormal(key, 2, COUNT), (x) => special.ndtr(x.log().div(2))],
  "pareto": [(key) => random.pareto(key, 3, COUNT), (x) => x.pow(-3).neg().add(1)],
  "logistic": [(key) => random.logistic(key, COUNT), (x) => x.sigmoid()],
  "weibullMin": [
    (key) => random.weibullMin(key, 2, 0.7, COUNT),
    (x) => x.div(2).pow(0.7).neg().expm1().neg(),
  ],
  "rayleigh": [
    (key) => random.rayleigh(key, 3, COUNT),
    (x) => x.div(3).square().div(-2).expm1().neg(),
  ],
  "chisquare": [
    (key) => random.chisquare(key, 0.7, COUNT, { dtype: "float64" }),
    (x) => special.gammainc(0.35, x.div(2)),
  ],
  "f": [
    (key) => random.f(key, 3, 5, COUNT),
    (x) => special.betainc(1.5, 2.5, x.mul(3).div(x.mul(3).add(5))),
  ],
  "t": [
    (key) => random.t(key, 1.5, COUNT).abs(),
    (x) => special.betainc(0.5, 0.75, x.square().div(x.square().add(1.5))),
  ],
  "maxwell": [
    (key) => random.maxwell(key, COUNT),
    (x) => special.gammainc(1.5, x.square().div(2)),
  ],
  "generalizedNormal of a large exponent": [
    (key) => random.generalizedNormal(key, 60, COUNT).abs(),
    (x) => special.gammainc(1 / 60, x.pow(60)),
  ],
  "wald of a large mean": [
    (key) => random.wald(key, 1e6, COUNT),
    (x) => {
      // Φ(a) + exp(2/μ) Φ(b), which is a sum of positive terms.
      const [a, b] = [x.div(1e6).sub(1).div(x.sqrt()), x.div(1e6).add(1).div(x.sqrt()).neg()];
      return special.ndtr(a).add(special.ndtr(b).mul(Math.exp(2e-6)));
    },
  ],
  "radii in a ball": [
    (key) => random.ball(key, 5, 2, COUNT).norm(-1),
    (x) => x.pow(5),
  ],
  "triangular": [
    (key) => random.triangular(key, 0, 0.25, 1, COUNT),
    (x) => where(less(x, 0.25), x.square().mul(4), x.sub(1).square().div(-0.75).add(1)),
  ],
};

for (const [name, [draw, cumulative]] of Object.entries(continuous)) {
  Deno.test(`${name}: numbers have their distribution`, () => {
    for (const seed of [1, 2]) {
      const off = distance(flat(draw(random.key(seed))), cumulative);
      assert(off < 1.95, `seed ${seed}: the distance is ${off}`);
    }
  });
}

/** Pearson's statistic over its freedom, which is above 2 less than once in 1000 for ten cells and more. */
function pearson(values: readonly number[], probability: (k: number) => number): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let [sum, cells, rest, restExpected] = [0, 0, values.length, values.length];
  for (const k of [...counts.keys()].sort((a, b) => a - b)) {
    const expected = values.length * probability(k);
    if (expected < 10) continue;
    sum += (counts.get(k)! - expected) ** 2 / expected;
    cells++;
    rest -= counts.get(k)!;
    restExpected -= expected;
  }
  if (restExpected > 5) sum += (rest - restExpected) ** 2 / restExpected;
  return sum / cells;
}

const logarithm = (x: number) => Number(special.lgamma(tensor(x, { dtype: "float64" })).item());

Deno.test("counts have their probabilities", () => {
  const poisson = (rate: number) => (k: number) =>
    Math.exp(k * Math.log(rate) - rate - logarithm(k + 1));
  const binomial = (n: number, p: number) => (k: number) =>
    Math.exp(
      logarithm(n + 1) - logarithm(k + 1) - logarithm(n - k + 1) + k * Math.log(p) +
        (n - k) * Math.log1p(-p),
    );
  const cases: [string, Tensor, (k: number) => number][] = [
    ["poisson 3", random.poisson(random.key(0), 3, COUNT), poisson(3)],
    ["poisson 40", random.poisson(random.key(1), 40, COUNT), poisson(40)],
    ["binomial 12, 0.3", random.binomial(random.key(2), 12, 0.3, COUNT), binomial(12, 0.3)],
    ["binomial 100, 0.7", random.binomial(random.key(3), 100, 0.7, COUNT), binomial(100, 0.7)],
    ["geometric", random.geometric(random.key(4), 0.2, COUNT), (k) => 0.2 * 0.8 ** (k - 1)],
  ];
  for (const [name, draw, probability] of cases) {
    const off = pearson(flat(draw), probability);
    assert(off < 2, `${name}: ${off}`);
  }
});

Deno.test("counts of large means are spread as they should be", () => {
  for (const rate of [1e5, 1e8]) {
    const x = flat(random.poisson(random.key(0), rate, COUNT)).map((k) =>
      (k - rate) / Math.sqrt(rate)
    );
    const off = distance(x, special.ndtr);
    assert(off < 2.2, `${rate}: ${off}`);
  }
  const rare = flat(random.geometric(random.key(0), 1e-9, COUNT)).filter((k) => k < 2 ** 31 - 1);
  assertEquals(new Set(rare).size, rare.length);
});

Deno.test("draws are the same compiled, and under vmap", () => {
  const keys = random.split(random.key(0), [3]);
  const samplers: ((key: Tensor) => Tensor)[] = [
    (key) => random.poisson(key, [0.5, 30], 2),
    (key) => random.binomial(key, 30, [0.1, 0.6], 2),
    (key) => random.multinomial(key, 20, [0.5, 0.2, 0.3]),
    (key) => random.geometric(key, 0.3, 4),
    (key) => random.wald(key, 2, 4),
    (key) => random.ball(key, 3),
  ];
  for (const draw of samplers) {
    const first = draw(random.split(random.key(0), 3)[0]);
    assertEquals(flat(jit(draw)(random.split(random.key(0), 3)[0])), flat(first));
    assertEquals(flat(vmap(draw)(keys)).slice(0, first.size), flat(first));
  }
});

Deno.test("gradients of draws estimate those of means", () => {
  const dtype = "float64";
  const one = tensor(2, { dtype });
  const slopes: Readonly<Record<string, [(x: Tensor) => Tensor, number, number]>> = {
    // The mean of the Wald distribution is its parameter; JAX's estimate of this slope is another.
    wald: [(x) => random.wald(random.key(0), x, COUNT, { dtype }).mean(), 1, 0.1],
    chisquare: [(x) => random.chisquare(random.key(0), x, COUNT, { dtype }).mean(), 1, 0.05],
    rayleigh: [(x) => random.rayleigh(random.key(0), x, COUNT, { dtype }).mean(), 1.2533, 0.03],
    // The mean of |x| is Γ(2/p) / Γ(1/p).
    generalizedNormal: [
      (x) => random.generalizedNormal(random.key(0), x, COUNT, { dtype }).abs().mean(),
      1 / Math.sqrt(Math.PI) * (2 * 0.5772156649 / 4 + -1.9635100260 / 4),
      0.02,
    ],
    triangular: [
      (x) => random.triangular(random.key(0), 0, x, 4, COUNT, { dtype }).mean(),
      1 / 3,
      0.01,
    ],
    multivariateNormal: [
      (x) =>
        random.multivariateNormal(random.key(0), [0], x.reshape([1, 1]), COUNT, { dtype }).square()
          .mean(),
      1,
      0.05,
    ],
  };
  for (const [name, [f, want, bound]] of Object.entries(slopes)) {
    const slope = Number(grad(f)(one).item());
    assert(Math.abs(slope - want) < bound, `${name}: ${slope} is not ${want}`);
  }
});

Deno.test("covariances may be singular for eigh and svd", () => {
  const cov = [[1, 1], [1, 1]];
  for (const method of ["eigh", "svd"] as const) {
    const x = random.multivariateNormal(random.key(0), [0, 0], cov, 100, { method });
    flat(x).forEach((value, i, all) => {
      if (i % 2 === 0) assert(Math.abs(value - all[i + 1]) < 1e-5);
    });
  }
});

Deno.test("parameters that are none are errors", () => {
  const key = random.key(0);
  assertThrows(
    () => random.pareto(key, -1),
    TypeError,
    "Cannot draw Pareto numbers: b must be positive and finite in float32, got -1",
  );
  assertThrows(
    () => random.geometric(key, 0),
    TypeError,
    "Cannot draw geometric numbers with probability 0: expected a number above 0, and at most 1",
  );
  assertThrows(
    () => random.poisson(key, -1),
    TypeError,
    "Cannot draw Poisson numbers: rate must be a finite number, not negative, got -1",
  );
  assertThrows(
    () => random.binomial(key, 1.5, 0.5),
    TypeError,
    "Cannot draw binomial numbers: n must be a non-negative integer, got 1.5",
  );
  assertThrows(
    () => random.rademacher(key, [], { dtype: "uint8" }),
    TypeError,
    'Cannot draw signs of dtype "uint8": expected one that holds -1',
  );
  assertThrows(
    () => random.multivariateNormal(key, [0, 0], [[1]]),
    TypeError,
    "Cannot draw normal vectors with mean float32[2] and cov float32[1,1]: expected shapes [..., n] and [..., n, n]",
  );
});
