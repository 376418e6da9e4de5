import { jit, random, tensor, vmap } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { fineFraction, perturb } from "../../src/random/continuous.ts";
import { assert, assertEquals } from "../support/std.ts";
import { chiSquare, kolmogorovSmirnov } from "./distribution_functions.ts";

// How fine random numbers are. The keys are fixed, so that these tests give the same answer every
// time. A correct sampler would fail one of them with a probability of 1 in 10,000.

const LEAST = 1e-4;
const dtypes = ["float32", "float64"] as const;

function flat(x: Tensor): number[] {
  return Array.from(x.data());
}

/** How far the number of neighbours in ascending order is from half, in standard deviations. */
function ascents(order: readonly number[]): number {
  const count = order.filter((value, i) => i > 0 && order[i - 1] < value).length;
  return (count - (order.length - 1) / 2) / Math.sqrt((order.length + 1) / 12);
}

/** How probable it is that an order is as far from independent of the places as this one. */
function placeTest(order: readonly number[]): number {
  const counts = new Array<number>(256).fill(0);
  const part = (place: number) => Math.floor(16 * place / order.length);
  order.forEach((value, i) => counts[16 * part(i) + part(value)]++);
  return chiSquare(counts, new Array<number>(256).fill(1 / 256));
}

Deno.test("fine fractions begin with the digits of float32 numbers, and go on at random", () => {
  for (const seed of [0, 1]) {
    const key = random.key(seed);
    const coarse = flat(random.uniform(key, 20_000));
    const rest = flat(fineFraction(key, [20_000])).map((u, i) => (u - coarse[i]) * 2 ** 23);
    assert(rest.every((r) => r >= 0 && r < 1));
    assert(kolmogorovSmirnov(rest, (r) => r) > LEAST);
  }
});

Deno.test("booleans of rare probabilities look at more digits than float32 has", () => {
  const [key, count] = [random.key(5), 2 ** 18];
  const coarse = flat(random.uniform(key, count));
  const fine = flat(fineFraction(key, [count]));
  // Each probability is in the middle between two float32 numbers of the stream, or above all.
  const p = Float32Array.from(coarse, (u) => u < 0.5 ? u + 2 ** -24 : 1);
  const drawn = flat(random.bernoulli(key, tensor(p)));
  let [rare, ones] = [0, 0];
  drawn.forEach((value, i) => {
    const isRare = p[i] < 2 ** -10;
    assertEquals(value, isRare ? Number(fine[i] < p[i]) : 1);
    if (isRare) [rare, ones] = [rare + 1, ones + value];
  });
  assert(rare > 200 && chiSquare([ones, rare - ones], [0.5, 0.5]) > LEAST, `${ones} of ${rare}`);
  // Numbers, tensors and compiled programs agree, and what is no probability is certain.
  for (const value of [0, 2 ** -20, 0.001, 0.3, 0.9999, 1]) {
    const expected = flat(random.bernoulli(key, value, 1000));
    assertEquals(flat(random.bernoulli(key, tensor(value), 1000)), expected);
    const compiled = jit((p: Tensor) => random.bernoulli(key, p, 1000));
    assertEquals(flat(compiled(tensor(value))), expected);
  }
  const outside = tensor([-1, -Infinity, NaN, 2, Infinity]);
  assertEquals(flat(random.bernoulli(key, outside)), [0, 0, 0, 1, 1]);
});

Deno.test("the largest noise among millions is as far apart as it should be", () => {
  const count = 2 ** 21;
  for (const seed of [0, 1]) {
    const noise = perturb(random.key(seed), tensor(0), [count], count).data().sort();
    // -log u is exponential; times the count, the least of them arrive at the rate of 1.
    const times = Array.from(noise.subarray(-2000), (g) => count * Math.exp(-g)).reverse();
    const gaps = times.map((time, i) => i === 0 ? time : time - times[i - 1]);
    assert(kolmogorovSmirnov(gaps, (t) => -Math.expm1(-t)) > LEAST, `seed ${seed}`);
  }
});

Deno.test("each of very many categories is as probable as it should be", () => {
  const [count, draws] = [2 ** 17, 48];
  const key = random.key(3);
  const draw = (key: Tensor, logits: Tensor) => random.categorical(key, logits, { shape: draws });
  const even = draw(key, tensor(new Float32Array(count)));
  assert(kolmogorovSmirnov(flat(even), (i) => i / count) > LEAST);
  assertEquals(jit(draw)(key, tensor(new Float32Array(count))).toArray(), even.toArray());
  // Nearly all are those that float32 noise gives.
  const coarse = flat(random.gumbel(key, [draws, count]).argmax(1));
  assert(flat(even).filter((value, i) => value !== coarse[i]).length <= 2);
  // One category of a half, and many that have the other half together.
  const mixed = Float32Array.from({ length: count }, (_, i) => i === 9 ? Math.log(count) : 0);
  const drawn = flat(draw(key, tensor(mixed)));
  const half = drawn.filter((i) => i === 9).length;
  assert(chiSquare([half, draws - half], [0.5, 0.5]) > LEAST);
  assert(kolmogorovSmirnov(drawn.filter((i) => i !== 9), (i) => i / count) > LEAST);
});

Deno.test("logits that are infinite or NaN", () => {
  const i = Infinity;
  for (const dtype of dtypes) {
    for (const count of [4, 5000]) {
      const draw = (logits: number[]) => {
        const all = new Array<number>(count).fill(-i);
        logits.forEach((x, at) => all[at] = x);
        return flat(random.categorical(random.key(1), tensor(all, { dtype }), { shape: 50 }));
      };
      const every = (value: number) => new Array<number>(50).fill(value);
      assertEquals(draw([]), every(0));
      assertEquals(draw([-i, -i, -1000]), every(2));
      assertEquals(draw([0, i, i]), every(1));
      assertEquals(draw([0, i, NaN]), every(2));
      assertEquals(new Set(draw([-i, 0, -i, 0])), new Set([1, 3]));
    }
  }
});

Deno.test("integers of large ranges are equally probable, and JAX's where words are", () => {
  const key = random.key(2);
  const words = flat(random.bits(random.split(key)[1], 20_000));
  for (const span of [2 ** 16 + 1, 1_000_003, 3 * 2 ** 29, 2 ** 31 + 1, 3 * 2 ** 30, 2 ** 32 - 1]) {
    const low = -(2 ** 31);
    const high = low + span;
    const drawn = flat(random.randint(key, 20_000, low, high)).map((x) => x - low);
    assert(drawn.every((x) => x >= 0 && x < span));
    assert(kolmogorovSmirnov(drawn, (x) => (x + 1) / span) > LEAST, String(span));
    let kept = 0;
    drawn.forEach((x, i) => {
      if (words[i] < 2 ** 32 % span) return;
      assertEquals(x, words[i] % span);
      kept++;
    });
    assert(Math.abs(kept / 20_000 - (1 - (2 ** 32 % span) / 2 ** 32)) < 0.02);
    const bounds = [low, high].map((bound) => tensor(bound, { dtype: "int32" }));
    const way = (a: Tensor, b: Tensor) => random.randint(key, 20_000, a, b);
    assertEquals(flat(way(bounds[0], bounds[1])).map((x) => x - low), drawn);
    assertEquals(flat(jit(way)(bounds[0], bounds[1])).map((x) => x - low), drawn);
  }
});

Deno.test("uniform numbers are less than their upper bound, however it is rounded", () => {
  const key = random.key(1);
  const bounds = {
    float32: [
      [1, 1 + 2 ** -22],
      [1, 1 + 2 ** -23],
      [2 ** 24, 2 ** 24 + 2],
      [-1 - 2 ** -23, -1],
      [-(2 ** -149), 0],
      [0, 2 ** -149],
    ],
    float64: [
      [1, 1 + 2 ** -51],
      [1, 1 + 2 ** -52],
      [1e16, 1e16 + 4],
      [-(2 ** -1074), 0],
      [0, 2 ** -1074],
    ],
  };
  for (const dtype of dtypes) {
    for (const [minval, maxval] of [...bounds[dtype], [-1e30, 1e30], [0.1, 0.3], [-1e-3, 1e4]]) {
      const [low, high] = [minval, maxval].map((bound) => tensor(bound, { dtype }));
      const drawn = random.uniform(key, 1000, { minval, maxval, dtype });
      const [least, most] = [low, high].map((bound) => Number(bound.item()));
      assert(flat(drawn).every((x) => x >= least && x < most), `${minval} to ${maxval}`);
      const way = (minval: Tensor, maxval: Tensor) =>
        random.uniform(key, 1000, { minval, maxval, dtype });
      assertEquals(flat(way(low, high)), flat(drawn));
      assertEquals(flat(jit(way)(low, high)), flat(drawn));
    }
    const equal = { minval: 3, maxval: 3, dtype };
    assertEquals(random.uniform(key, 2, equal).toArray(), [3, 3]);
    assertEquals(random.truncatedNormal(key, 1, 1, 2, { dtype }).toArray(), [1, 1]);
  }
});

Deno.test("uniform numbers between subnormal ones", () => {
  for (const [dtype, maxval] of [["float32", 1e-40], ["float64", 1e-312]] as const) {
    const drawn = flat(random.uniform(random.key(1), 20_000, { maxval, dtype }));
    assert(kolmogorovSmirnov(drawn, (x) => x / maxval) > LEAST, dtype);
  }
});

Deno.test("orders of very many elements are independent of their places", () => {
  const count = 2 ** 18;
  const keys = random.split(random.key(11), 3);
  const p = tensor(new Float32Array(count).fill(1));
  const orders = {
    permutation: random.permutation(keys[0], count),
    choice: random.choice(keys[1], count, { shape: count, replace: false }),
    "choice with probabilities": random.choice(keys[2], count, {
      shape: count,
      replace: false,
      p,
    }),
  };
  for (const [name, order] of Object.entries(orders)) {
    const values = flat(order);
    assertEquals(Int32Array.from(values).sort(), Int32Array.from({ length: count }, (_, i) => i));
    assert(placeTest(values) > LEAST, name);
    assert(Math.abs(ascents(values)) < 4, `${name}: ${ascents(values)}`);
  }
});

Deno.test("any of very many elements can come first", () => {
  const count = 5000;
  const p = Float32Array.from({ length: count }, (_, i) => i % 2 === 0 ? 1 : 3);
  const draw = (key: Tensor) => random.choice(key, count, { shape: 2, replace: false, p });
  const drawn = flat(vmap(draw)(random.split(random.key(6), [400])));
  for (const rest of [0, 1]) {
    const some = drawn.filter((_, i) => i % 2 === rest);
    const odd = some.filter((i) => i % 2 === 1).length;
    assert(chiSquare([400 - odd, odd], [0.25, 0.75]) > LEAST);
    assert(kolmogorovSmirnov(some, (i) => i / count) > LEAST);
  }
});

Deno.test("logGamma gives the logarithms of gamma's numbers, and more where these underflow", () => {
  const key = random.key(1);
  for (const dtype of dtypes) {
    const [x, y] = [random.gamma, random.logGamma].map((draw) =>
      flat(draw(key, 0.5, 1000, { dtype }))
    );
    x.forEach((value, i) =>
      assert(Math.abs(Math.log(value) - y[i]) <= 1e-5 * Math.abs(y[i]) + 1e-6)
    );
    // Of such a small concentration, a logarithm times the concentration is exponential.
    const drawn = flat(random.logGamma(key, tensor(1e-7, { dtype }), 20_000, { dtype }));
    assert(kolmogorovSmirnov(drawn.map((y) => -1e-7 * y), (t) => -Math.expm1(-t)) > LEAST);
  }
});
