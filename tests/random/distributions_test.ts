import { erf } from "../../src/numeric/special.ts";
import { Concrete } from "../../src/core/tensor.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { nextAbove } from "../../src/random/continuous.ts";
import * as random from "../../src/random/mod.ts";
import { vmap } from "../../src/transforms/vmap.ts";
import { assert, assertEquals } from "../support/std.ts";

// The keys are fixed, so that these tests give the same answer every time. Each statistic has a bound
// that a correct sampler exceeds with a probability of about 1 in 1000, for a few keys each.

const SEEDS = [0, 1, 2];
const COUNT = 20_000;

function flat(x: Tensor): number[] {
  return Array.from(x.data());
}

/** The Kolmogorov-Smirnov statistic times the root of the count; above 1.95 once in 1000. */
function distance(draws: readonly number[], cumulative: (x: number) => number): number {
  const sorted = [...draws].sort((a, b) => a - b);
  let largest = 0;
  sorted.forEach((x, i) => {
    const p = cumulative(x);
    largest = Math.max(largest, p - i / sorted.length, (i + 1) / sorted.length - p);
  });
  return largest * Math.sqrt(sorted.length);
}

/**
 * Pearson's statistic of counts against probabilities, as the normal deviate of Wilson and Hilferty
 * ("The distribution of chi-square", 1931); above 3.1 once in 1000.
 */
function deviate(counts: readonly number[], probabilities: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b, 0);
  const pearson = counts.reduce((sum, count, i) => {
    const expected = total * probabilities[i];
    return sum + (count - expected) ** 2 / expected;
  }, 0);
  const freedom = counts.length - 1;
  const spread = 2 / (9 * freedom);
  return (Math.cbrt(pearson / freedom) - (1 - spread)) / Math.sqrt(spread);
}

function countOf(draws: readonly number[], length: number): number[] {
  const counts = new Array<number>(length).fill(0);
  for (const draw of draws) counts[draw]++;
  return counts;
}

const normalCumulative = (x: number) => (1 + erf(x / Math.SQRT2)) / 2;

/** Continuous samplers, with their cumulative distributions, means and variances. */
const continuous: readonly {
  readonly name: string;
  readonly draw: (key: Tensor, dtype: "float32" | "float64") => Tensor;
  readonly cumulative: (x: number) => number;
  readonly mean: number;
  readonly variance: number;
}[] = [
  {
    name: "uniform",
    draw: (key, dtype) => random.uniform(key, [COUNT], { dtype }),
    cumulative: (x) => x,
    mean: 1 / 2,
    variance: 1 / 12,
  },
  {
    name: "uniform from -0.1 to 0.2",
    draw: (key, dtype) => random.uniform(key, [COUNT], { minval: -0.1, maxval: 0.2, dtype }),
    cumulative: (x) => (x + 0.1) / 0.3,
    mean: 0.05,
    variance: 0.09 / 12,
  },
  {
    name: "normal",
    draw: (key, dtype) => random.normal(key, [COUNT], { dtype }),
    cumulative: normalCumulative,
    mean: 0,
    variance: 1,
  },
  {
    name: "exponential",
    draw: (key, dtype) => random.exponential(key, [COUNT], { dtype }),
    cumulative: (x) => -Math.expm1(-x),
    mean: 1,
    variance: 1,
  },
  {
    name: "gumbel",
    draw: (key, dtype) => random.gumbel(key, [COUNT], { dtype }),
    cumulative: (x) => Math.exp(-Math.exp(-x)),
    mean: 0.5772156649015329,
    variance: Math.PI ** 2 / 6,
  },
  {
    name: "truncatedNormal from 0 to infinity",
    draw: (key, dtype) => random.truncatedNormal(key, 0, Infinity, [COUNT], { dtype }),
    cumulative: (x) => 2 * normalCumulative(x) - 1,
    mean: Math.sqrt(2 / Math.PI),
    variance: 1 - 2 / Math.PI,
  },
];

for (const { name, draw, cumulative, mean, variance } of continuous) {
  for (const dtype of ["float32", "float64"] as const) {
    Deno.test(`${name} in ${dtype} has its distribution, mean and variance`, () => {
      for (const seed of SEEDS) {
        const x = draw(random.key(seed), dtype);
        assertEquals([x.dtype, x.shape], [dtype, [COUNT]]);
        const draws = flat(x);
        const off = distance(draws, cumulative);
        assert(off < 1.95, `seed ${seed}: the distance is ${off}`);
        const average = draws.reduce((a, b) => a + b, 0) / COUNT;
        const meanOff = (average - mean) / Math.sqrt(variance / COUNT);
        assert(Math.abs(meanOff) < 3.3, `seed ${seed}: the mean is off by ${meanOff} sigma`);
        const squares = draws.map((value) => (value - mean) ** 2);
        const second = squares.reduce((a, b) => a + b, 0) / COUNT;
        const fourth = squares.reduce((sum, s) => sum + (s - second) ** 2, 0) / COUNT;
        const varianceOff = (second - variance) / Math.sqrt(fourth / COUNT);
        assert(Math.abs(varianceOff) < 3.3, `seed ${seed}: the variance is off by ${varianceOff}`);
      }
    });
  }
}

Deno.test("each of the 32 bits is set half of the time", () => {
  for (const seed of SEEDS) {
    const words = flat(random.bits(random.key(seed), [COUNT]));
    for (let bit = 0; bit < 32; bit++) {
      const ones = words.filter((word) => (word >>> bit) & 1).length;
      const off = (ones - COUNT / 2) / Math.sqrt(COUNT / 4);
      assert(Math.abs(off) < 4, `bit ${bit} of seed ${seed} is off by ${off} sigma`);
    }
  }
});

Deno.test("integers are equally probable, from numbers and from tensors", () => {
  for (const seed of SEEDS) {
    for (const [low, high] of [[0, 10], [-3, 4], [0, 16], [5, 1005]]) {
      const key = random.key(seed);
      const draws = flat(random.randint(key, [COUNT], low, high));
      const probabilities = new Array<number>(high - low).fill(1 / (high - low));
      const off = deviate(countOf(draws.map((x) => x - low), high - low), probabilities);
      assert(Math.abs(off) < 3.3, `${low} to ${high}, seed ${seed}: off by ${off}`);
      const bounds = [low, high].map((bound) => new Concrete("int32", [], Int32Array.of(bound)));
      assertEquals(flat(random.randint(key, [COUNT], bounds[0], bounds[1])), draws);
    }
  }
});

Deno.test("booleans have their probability, and 0 and 1 are certain", () => {
  const key = random.key(3);
  for (const p of [0.01, 0.3, 0.5, 0.9]) {
    const ones = flat(random.bernoulli(key, p, [COUNT])).reduce((a, b) => a + b, 0);
    const off = (ones - COUNT * p) / Math.sqrt(COUNT * p * (1 - p));
    assert(Math.abs(off) < 3.3, `probability ${p} is off by ${off} sigma`);
  }
  assertEquals(new Set(flat(random.bernoulli(key, 0, [COUNT]))), new Set([0]));
  assertEquals(new Set(flat(random.bernoulli(key, 1, [COUNT]))), new Set([1]));
  assertEquals(random.bernoulli(key).shape, []);
  assertEquals(random.bernoulli(key, [0, 1, 1]).toArray(), [false, true, true]);
});

Deno.test("categories have the probabilities of softmax", () => {
  const probabilities = [0.1, 0.2, 0.3, 0.4];
  // Unnormalised on purpose.
  const logits = probabilities.map((p) => Math.log(p) + 5);
  for (const seed of SEEDS) {
    const draws = flat(random.categorical(random.key(seed), logits, { shape: [COUNT] }));
    const off = deviate(countOf(draws, 4), probabilities);
    assert(Math.abs(off) < 3.3, `seed ${seed} is off by ${off}`);
  }
});

Deno.test("all 24 orders of four elements are equally probable", () => {
  const keys = random.split(random.key(5), [COUNT]);
  const orders = flat(vmap((key: Tensor) => random.permutation(key, 4))(keys));
  const counts = new Map<string, number>();
  for (let i = 0; i < orders.length; i += 4) {
    const name = orders.slice(i, i + 4).join("");
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  assertEquals(counts.size, 24);
  const off = deviate([...counts.values()], new Array<number>(24).fill(1 / 24));
  assert(Math.abs(off) < 3.3, `off by ${off}`);
});

Deno.test("keys from one key have uncorrelated numbers", () => {
  const key = random.key(11);
  const keys = [key, ...random.split(key), random.foldIn(key, 2), random.foldIn(key, 3)];
  const draws = keys.map((own) => flat(random.normal(own, [COUNT])));
  for (let i = 0; i < draws.length; i++) {
    for (let j = 0; j < i; j++) {
      const product = draws[i].reduce((sum, x, at) => sum + x * draws[j][at], 0);
      const off = product / Math.sqrt(COUNT);
      assert(Math.abs(off) < 3.3, `keys ${i} and ${j} are correlated by ${off} sigma`);
    }
  }
});

Deno.test("an element depends on its key and position alone", () => {
  const key = random.key(9);
  const long = flat(random.normal(key, [100]));
  assertEquals(flat(random.normal(key, [3, 4])), long.slice(0, 12));
  assertEquals(flat(random.normal(key, 12)), long.slice(0, 12));
  assertEquals(flat(random.normal(key)), long.slice(0, 1));
});

Deno.test("uniform numbers stay within their bounds", () => {
  const key = random.key(1);
  for (const dtype of ["float32", "float64"] as const) {
    for (const [minval, maxval] of [[0, 1], [-1, 1], [3, 3], [-0, 0], [1e-30, 2e-30], [-1e30, 5]]) {
      const x = random.uniform(key, [COUNT], { minval, maxval, dtype });
      const [low, high] = dtype === "float32"
        ? [minval, maxval].map(Math.fround)
        : [minval, maxval];
      assert(flat(x).every((value) => value >= low && value <= high), `${minval} to ${maxval}`);
    }
  }
});

Deno.test("bounds that are tensors set the shape when none is given", () => {
  const x = random.uniform(random.key(1), undefined, {
    minval: [[0], [10]],
    maxval: [[1, 2, 3], [11, 12, 13]],
  });
  assertEquals(x.shape, [2, 3]);
  flat(x).forEach((value, i) => assert(i < 3 ? value < 3 : value >= 10));
  const reversed = random.uniform(random.key(1), undefined, { minval: [5, 0], maxval: [4, 1] });
  assertEquals(flat(reversed)[0], 5);
});

Deno.test("truncated normal numbers stay strictly within their bounds", () => {
  const key = random.key(1);
  for (const dtype of ["float32", "float64"] as const) {
    for (const [lower, upper] of [[-1, 2], [3, 4], [-Infinity, -2], [0, 1e-3], [8, 9]]) {
      const x = flat(random.truncatedNormal(key, lower, upper, [1000], { dtype }));
      assert(x.every((value) => value > lower && value < upper), `${lower} to ${upper}`);
    }
  }
});

Deno.test("nextAbove gives the neighbouring float", () => {
  const values = [0, 1, 1.5, 2 - 2 ** -23, 2 ** -126, 2 ** -149, 2 ** -127, 3e38, 0.1, 1e-20];
  const bits = new Int32Array(1);
  const float = new Float32Array(bits.buffer);
  for (const value of [...values, ...values.map((x) => -x)]) {
    float[0] = value;
    // The order of floats is that of their bits, in reverse below zero.
    if (float[0] === 0) bits[0] = 1;
    else bits[0] += value > 0 ? 1 : -1;
    const x = new Concrete("float32", [], Float32Array.of(value));
    assertEquals(nextAbove(x).item(), float[0], `above ${value}`);
  }
});

Deno.test("nextAbove gives the neighbouring double", () => {
  const values = [0, 1, 1.5, 2 - 2 ** -52, 2 ** -1022, 2 ** -1074, 1e-310, 1e308, 0.1, 1e-20];
  const bits = new BigInt64Array(1);
  const float = new Float64Array(bits.buffer);
  for (const value of [...values, ...values.map((x) => -x)]) {
    float[0] = value;
    if (value === 0) bits[0] = 1n;
    else bits[0] += value > 0 ? 1n : -1n;
    const x = new Concrete("float64", [], Float64Array.of(value));
    assertEquals(nextAbove(x).item(), float[0], `above ${value}`);
  }
});

Deno.test("nextAbove leaves infinity and NaN, and leads from minus infinity to a number", () => {
  const largest = { float32: (2 - 2 ** -23) * 2 ** 127, float64: Number.MAX_VALUE };
  for (const dtype of ["float32", "float64"] as const) {
    const elements = Float64Array.of(Infinity, NaN, -Infinity, largest[dtype]);
    const x = new Concrete(
      dtype,
      [4],
      dtype === "float64" ? elements : Float32Array.from(elements),
    );
    assertEquals(flat(nextAbove(x)), [Infinity, NaN, -largest[dtype], Infinity]);
  }
});

Deno.test("nothing is drawn without elements", () => {
  const key = random.key(0);
  assertEquals(random.bits(key, [0]).shape, [0]);
  assertEquals(random.uniform(key, [2, 0]).shape, [2, 0]);
  assertEquals(random.uniform(key, [0], { minval: [1], dtype: "float64" }).shape, [0]);
  assertEquals(random.normal(key, [0, 3]).shape, [0, 3]);
  assertEquals(random.truncatedNormal(key, -1, 1, [0]).shape, [0]);
  assertEquals(random.bernoulli(key, 0.5, [0]).shape, [0]);
  assertEquals(random.randint(key, [0], 0, 10).shape, [0]);
  assertEquals(random.categorical(key, [1, 2], { shape: [0] }).shape, [0]);
  assertEquals(random.laplace(key, 0).shape, [0]);
  assertEquals(random.cauchy(key, [0]).shape, [0]);
  assertEquals(random.gamma(key, 1, [0, 2]).shape, [0, 2]);
  assertEquals(random.beta(key, 1, 2, 0).shape, [0]);
  assertEquals(random.dirichlet(key, [1, 2], [0]).shape, [0, 2]);
  assertEquals(random.choice(key, 3, { shape: [2, 0] }).shape, [2, 0]);
  assertEquals(random.choice(key, 0, { shape: 0 }).shape, [0]);
  assertEquals(random.choice(key, [[1], [2]], { shape: [0, 3], axis: 1 }).shape, [2, 0, 3]);
  assertEquals(random.permutation(key, 0).shape, [0]);
  const empty = new Concrete("float32", [3, 0], new Float32Array(0));
  assertEquals(random.permutation(key, empty).shape, [3, 0]);
  assertEquals(random.permutation(key, empty, { axis: 1 }).shape, [3, 0]);
  assertEquals(random.permutation(key, empty, { axis: 0, independent: true }).shape, [3, 0]);
});

Deno.test("permutation shuffles along any axis, whole slices or each vector", () => {
  const key = random.key(4);
  const shape = [3, 4, 5];
  const values = new Concrete("int32", shape, Int32Array.from({ length: 60 }, (_, i) => i));
  for (const axis of [0, 1, 2, -1]) {
    for (const independent of [false, true]) {
      const at = axis < 0 ? axis + 3 : axis;
      const inner = shape.slice(at + 1).reduce((a, b) => a * b, 1);
      const mixed = flat(random.permutation(key, values, { axis, independent }));
      // Each element stays in its vector along the axis.
      const vectorOf = (i: number) => [Math.floor(i / (inner * shape[at])), i % inner].join();
      mixed.forEach((value, i) => assertEquals(vectorOf(value), vectorOf(i)));
      assertEquals([...mixed].sort((a, b) => a - b), Array.from({ length: 60 }, (_, i) => i));
      const places = new Map<string, Set<string>>();
      mixed.forEach((value, i) => {
        const place = (j: number) => Math.floor(j / inner) % shape[at];
        const moves = places.get(vectorOf(i)) ?? new Set();
        places.set(vectorOf(i), moves.add(`${place(value)} to ${place(i)}`));
      });
      const orders = new Set([...places.values()].map((moves) => [...moves].sort().join()));
      assertEquals(orders.size > 1, independent);
    }
  }
});

Deno.test("a key is not changed by its use", () => {
  const key = random.key(6);
  const before = flat(key);
  random.split(key);
  random.normal(key, [10]);
  random.permutation(key, 10);
  assertEquals(flat(key), before);
  assertEquals(flat(random.bits(key, [3])), flat(random.bits(key, [3])));
});
