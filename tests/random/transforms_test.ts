import { checkProgram } from "../../src/core/check.ts";
import { evaluateProgram } from "../../src/core/program.ts";
import { Concrete } from "../../src/core/tensor.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { add, mul, scale, square } from "../../src/primitives/arithmetic.ts";
import { sliceAxis } from "../../src/primitives/slicing.ts";
import { convert, iota, reduceSum, reshape } from "../../src/primitives/structure.ts";
import * as random from "../../src/random/mod.ts";
import { grad } from "../../src/transforms/grad.ts";
import { jvp } from "../../src/transforms/jvp.ts";
import { makeProgram } from "../../src/transforms/stage.ts";
import { vmap } from "../../src/transforms/vmap.ts";
import { assert, assertAlmostEquals, assertEquals, assertType } from "../support/std.ts";
import type { IsExact } from "../support/std.ts";

const key = random.key(7);

function flat(x: Tensor): number[] {
  return Array.from(x.data());
}

function row(x: Tensor, i: number): Tensor {
  return reshape(sliceAxis(x, 0, i, i + 1), x.shape.slice(1));
}

function float64(...values: number[]): Tensor {
  return new Concrete("float64", [values.length], Float64Array.from(values));
}

function scalar64(value: number): Tensor {
  return new Concrete("float64", [], Float64Array.of(value));
}

function int32(...values: number[]): Tensor {
  return new Concrete("int32", [values.length], Int32Array.from(values));
}

const matrix = reshape(convert(iota(12), "float32"), [3, 4]);

/** One row per sampler: the key is the first argument. */
const samplers: Readonly<Record<string, (key: Tensor) => Tensor | Tensor[]>> = {
  split: (key) => random.split(key, 3),
  "split to a shape": (key) => random.split(key, [2, 2]),
  foldIn: (key) => random.foldIn(key, 5),
  bits: (key) => random.bits(key, [5]),
  uniform: (key) => random.uniform(key, [2, 3]),
  "uniform scalar": (key) => random.uniform(key),
  "uniform in float64": (key) => random.uniform(key, [3], { minval: -1, dtype: "float64" }),
  "uniform between other bounds": (key) => random.uniform(key, [3], { minval: -0.1, maxval: 0.2 }),
  "uniform between tensors": (key) => random.uniform(key, [2, 3], { maxval: [1, 2, 3] }),
  normal: (key) => random.normal(key, [4]),
  "normal in float64": (key) => random.normal(key, [4], { dtype: "float64" }),
  truncatedNormal: (key) => random.truncatedNormal(key, -1, [1, 2]),
  exponential: (key) => random.exponential(key, [4]),
  gumbel: (key) => random.gumbel(key, [4]),
  laplace: (key) => random.laplace(key, [4]),
  cauchy: (key) => random.cauchy(key, [2, 2], { dtype: "float64" }),
  gamma: (key) => random.gamma(key, [0.3, 5], [3, 2]),
  beta: (key) => random.beta(key, [0.3, 2], 1.5, [3, 2]),
  dirichlet: (key) => random.dirichlet(key, [1, 2, 0.1], [2], { dtype: "float64" }),
  bernoulli: (key) => random.bernoulli(key, [0.2, 0.8], [3, 2]),
  randint: (key) => random.randint(key, [6], -3, 100),
  "randint of a power of two": (key) => random.randint(key, [6], 0, 64),
  "randint of a large range": (key) => random.randint(key, [6], -(2 ** 31), 2 ** 31),
  "randint between tensors": (key) => random.randint(key, [2], int32(0, 5), int32(9, 7)),
  categorical: (key) => random.categorical(key, matrix, { shape: [5, 3] }),
  "categorical along the first axis": (key) => random.categorical(key, matrix, { axis: 0 }),
  permutation: (key) => random.permutation(key, 6),
  "permutation of columns": (key) => random.permutation(key, matrix, { axis: 1 }),
  choice: (key) => random.choice(key, 9, { shape: [2, 3] }),
  "choice of columns": (key) => random.choice(key, matrix, { shape: 2, axis: 1, replace: false }),
  "choice with probabilities": (key) => random.choice(key, 3, { shape: 4, p: [0.2, 0.5, 0.3] }),
  "choice without replacement": (key) =>
    random.choice(key, 3, { shape: 2, p: [0.2, 0.5, 0.3], replace: false }),
  "permutation of each column": (key) => random.permutation(key, matrix, { independent: true }),
};

for (const [name, sample] of Object.entries(samplers)) {
  const draw = (own: Tensor): Tensor[] => {
    const result = sample(own);
    return Array.isArray(result) ? result : [result];
  };

  Deno.test(`vmap over keys equals a loop: ${name}`, () => {
    const keys = random.split(key, [4]);
    const batched = vmap(draw)(keys) as Tensor[];
    const nested = vmap(vmap(draw))(reshape(keys, [2, 2, 2])) as Tensor[];
    for (let i = 0; i < 4; i++) {
      draw(row(keys, i)).forEach((expected, part) => {
        const actual = row(batched[part], i);
        assertEquals([actual.dtype, actual.shape], [expected.dtype, expected.shape]);
        assertEquals(flat(actual), flat(expected));
        assertEquals(flat(row(row(nested[part], i >> 1), i & 1)), flat(expected));
      });
    }
    // A batch along the last axis is the same batch.
    const last = vmap(draw, 1)(new Concrete("uint32", [2, 1], Uint32Array.from(key.data())));
    assertEquals((last as Tensor[]).flatMap(flat), draw(key).flatMap(flat));
  });

  Deno.test(`the traced program gives the same bits and holds no large constant: ${name}`, () => {
    const program = makeProgram(draw)(key);
    checkProgram(program);
    const results = evaluateProgram(program, [key]);
    assertEquals(results.flatMap(flat), draw(key).flatMap(flat));
    const captured = program.equations.flatMap(({ inputs }) => inputs)
      .filter((atom) => atom instanceof Concrete && atom !== matrix);
    for (const constant of captured) assert((constant as Concrete).elements.length <= 3);
  });
}

Deno.test("a long draw's program counts with iota", () => {
  const program = makeProgram((own: Tensor) => random.uniform(own, [1000]))(key);
  assertEquals(
    String(program),
    `program(a: uint32[2]) {
  b: uint32[1] = slice(a) { start: [0], stop: [1], step: [1] }
  c: uint32[] = reshape(b) { shape: [] }
  d: uint32[1] = slice(a) { start: [1], stop: [2], step: [1] }
  e: uint32[] = reshape(d) { shape: [] }
  f: uint32[1000] = broadcast(c) { shape: [1000], axes: [] }
  g: uint32[1000] = broadcast(e) { shape: [1000], axes: [] }
  h: uint32[1000] = iota() { length: 1000, dtype: uint32 }
  i: uint32[1000], j: uint32[1000] = threefry2x32(f, g, 0, h)
  k: uint32[1000] = xor(i, j)
  l: uint32[1000] = shiftRight(k, 9)
  m: float32[1000] = convert(l) { dtype: float32 }
  n: float32[1000] = mul(m, 1.1920929e-7)
  return (n)
}`,
  );
});

Deno.test("a range of 2^32 or of a power of two needs the lower bits alone", () => {
  const count = (low: number, high: number) => {
    const program = makeProgram((own: Tensor) => random.randint(own, [3], low, high))(key);
    // One block function splits the key.
    return program.equations.filter((e) => e.primitive.name === "threefry2x32").length - 1;
  };
  assertEquals(count(0, 10), 2);
  assertEquals(count(0, 64), 1);
  assertEquals(count(0, 2 ** 20), 1);
  assertEquals(count(0, 100_000), 2);
  assertEquals(count(-(2 ** 31), 2 ** 31), 1);
});

Deno.test("seeds and folded numbers may be traced", () => {
  const seeds = int32(0, 1, -1, 2 ** 31 - 1, -(2 ** 31));
  const keys = vmap(random.key)(seeds);
  const folded = vmap((i: Tensor) => random.foldIn(key, i))(seeds);
  flat(seeds).forEach((seed, i) => {
    assertEquals(flat(row(keys, i)), flat(random.key(seed)));
    assertEquals(flat(row(folded, i)), flat(random.foldIn(key, seed)));
  });
  const program = makeProgram(random.key)(new Concrete("int32", [], Int32Array.of(0)));
  const [result] = evaluateProgram(program, [new Concrete("int32", [], Int32Array.of(-5))]);
  assertEquals(flat(result), flat(random.key(-5)));
});

Deno.test("vmap over bounds equals a loop", () => {
  const low = float64(-1, 0, 0.25);
  const high = float64(1, 5, 0.5);
  const dtype = "float64";
  const batched = [
    vmap((minval: Tensor, maxval: Tensor) => random.uniform(key, [4], { minval, maxval, dtype }))(
      low,
      high,
    ),
    vmap((a: Tensor, b: Tensor) => random.truncatedNormal(key, a, b, [4], { dtype }))(low, high),
    vmap((a: Tensor, b: Tensor) => random.randint(key, [4], a, b))(
      int32(0, -5, 9),
      int32(3, 100, 7),
    ),
    vmap((p: Tensor) => random.bernoulli(key, p, [4]))(float64(0.1, 0.5, 0.9)),
  ];
  for (let i = 0; i < 3; i++) {
    const [a, b] = [flat(low)[i], flat(high)[i]];
    const expected = [
      random.uniform(key, [4], { minval: scalar64(a), maxval: scalar64(b), dtype }),
      random.truncatedNormal(key, a, b, [4], { dtype }),
      random.randint(key, [4], row(int32(0, -5, 9), i), row(int32(3, 100, 7), i)),
      random.bernoulli(key, row(float64(0.1, 0.5, 0.9), i), [4]),
    ];
    expected.forEach((x, part) => assertEquals(flat(row(batched[part], i)), flat(x)));
  }
});

Deno.test("gradients flow to the bounds of uniform numbers", () => {
  for (const dtype of ["float32", "float64"] as const) {
    const u = flat(random.uniform(key, [5], { dtype }));
    const total = (minval: Tensor, maxval: Tensor) =>
      reduceSum(random.uniform(key, [5], { minval, maxval, dtype }), [0]);
    const bounds = [convert(scalar64(-2), dtype), convert(scalar64(3), dtype)] as const;
    const [low, high] = grad(total, { argnums: [0, 1] })(...bounds);
    const sum = u.reduce((a, b) => a + b, 0);
    assertEquals([low.dtype, high.dtype], [dtype, dtype]);
    assertAlmostEquals(Number(low.item()), 5 - sum, dtype === "float32" ? 1e-6 : 1e-14);
    assertAlmostEquals(Number(high.item()), sum, dtype === "float32" ? 1e-6 : 1e-14);
  }
});

Deno.test("gradients flow to a normal distribution's mean and scale", () => {
  const draws = random.normal(key, [5], { dtype: "float64" });
  const loss = (mean: Tensor, deviation: Tensor) =>
    reduceSum(
      square(add(mul(random.normal(key, [5], { dtype: "float64" }), deviation), mean)),
      [0],
    );
  const [mean, deviation] = grad(loss, { argnums: [0, 1] })(
    float64(1, 2, 3, 4, 5),
    float64(2, 2, 2, 2, 2),
  );
  flat(draws).forEach((z, i) => {
    const x = 2 * z + (i + 1);
    assertAlmostEquals(flat(mean)[i], 2 * x, 1e-12);
    assertAlmostEquals(flat(deviation)[i], 2 * x * z, 1e-12);
  });
});

Deno.test("gradients flow to the bounds of truncated normal numbers", () => {
  const total = (lower: Tensor, upper: Tensor) =>
    reduceSum(random.truncatedNormal(key, lower, upper, [5], { dtype: "float64" }), [0]);
  const gradients = grad(total, { argnums: [0, 1] })(scalar64(-1), scalar64(2));
  const at = (a: number, b: number) => Number(total(scalar64(a), scalar64(b)).item());
  const step = 1e-5;
  const expected = [
    (at(-1 + step, 2) - at(-1 - step, 2)) / (2 * step),
    (at(-1, 2 + step) - at(-1, 2 - step)) / (2 * step),
  ];
  gradients.forEach((gradient, i) =>
    assertAlmostEquals(Number(gradient.item()), expected[i], 1e-8)
  );
});

Deno.test("gradients follow permuted elements, also under vmap", () => {
  const weights = float64(1, 10, 100, 1000);
  const loss = (own: Tensor, x: Tensor) => reduceSum(mul(weights, random.permutation(own, x)), [0]);
  const order = flat(random.permutation(key, 4));
  const gradient = grad(loss, { argnums: 1 })(key, float64(5, 6, 7, 8));
  const expected = [0, 0, 0, 0];
  order.forEach((from, to) => expected[from] = flat(weights)[to]);
  assertEquals(flat(gradient), expected);
  const keys = random.split(key, [3]);
  const each = vmap(grad(loss, { argnums: 1 }), [0, null])(keys, float64(5, 6, 7, 8));
  for (let i = 0; i < 3; i++) {
    assertEquals(
      flat(row(each, i)),
      flat(grad(loss, { argnums: 1 })(row(keys, i), float64(5, 6, 7, 8))),
    );
  }
});

Deno.test("draws under jvp are those outside", () => {
  const f = (x: Tensor) => {
    const [first, second] = random.split(random.foldIn(key, 3));
    return add(mul(x, random.normal(first, [3])), convert(random.bits(second, [3]), "float32"));
  };
  const x = new Concrete("float32", [3], Float32Array.of(1, 2, 3));
  const [value, tangent] = jvp(f, [x], [scale(x, 0.5)]);
  assertEquals(flat(value), flat(f(x)));
  const noise = random.normal(random.split(random.foldIn(key, 3))[0], [3]);
  assertEquals(flat(tangent), flat(mul(scale(x, 0.5), noise)));
});

Deno.test("split has the types of its lists", () => {
  const [a, b] = random.split(key);
  assertEquals([a.shape, b.shape], [[2], [2]]);
  const count: number = 4;
  assertEquals(random.split(key, count).length, 4);
  assertEquals(random.split(key, 0), []);
  assertEquals(random.split(key, [0]).shape, [0, 2]);
  assertEquals(flat(random.split(key, [])), flat(random.split(key, 1)[0]));
  const pair = random.split(key);
  const triple = random.split(key, 3);
  const list = random.split(key, count);
  const long = random.split(key, 100);
  const table = random.split(key, [2, 3]);
  assertType<IsExact<typeof pair, [Tensor, Tensor]>>(true);
  assertType<IsExact<typeof triple, [Tensor, Tensor, Tensor]>>(true);
  assertType<IsExact<typeof list, Tensor[]>>(true);
  assertType<IsExact<typeof long, Tensor[]>>(true);
  assertType<IsExact<typeof table, Tensor>>(true);
});

Deno.test("foldIn gives the keys of split, as in JAX", () => {
  random.split(key, 5).forEach((child, i) =>
    assertEquals(flat(random.foldIn(key, i)), flat(child))
  );
});
