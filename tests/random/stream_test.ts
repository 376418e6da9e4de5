import fixture from "../fixtures/random.json" with { type: "json" };
import type { Dtype } from "../../src/base/dtype.ts";
import { Concrete } from "../../src/core/tensor.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import * as random from "../../src/random/mod.ts";
import { words64 } from "../../src/random/key.ts";
import { iota, reshape } from "../../src/primitives/structure.ts";
import { assert, assertEquals } from "../support/std.ts";

// Everything here is compared with numbers that JAX drew: `fixtures/random_numbers.py`.

/** Flat elements under their shapes: "3,5" for [3, 5] and "" for a scalar. */
type ByShape = Readonly<Record<string, readonly (number | boolean)[]>>;

function flat(x: Tensor): number[] {
  return Array.from(x.data());
}

function shapeOf(name: string): number[] {
  return name === "" ? [] : name.split(",").map(Number);
}

/** Checks shape, dtype and every element: equal, or as close as `tolerance` says. */
function checkShapes(
  expected: ByShape,
  draw: (shape: number[]) => Tensor,
  dtype: Dtype,
  tolerance?: (expected: number) => number,
): void {
  assertEquals(Object.keys(expected).sort(), ["", "1", "3,5", "7"]);
  for (const [name, values] of Object.entries(expected)) {
    const x = draw(shapeOf(name));
    assertEquals([x.dtype, x.shape], [dtype, shapeOf(name)]);
    checkClose(flat(x), values.map(Number), tolerance);
  }
}

function checkClose(
  actual: readonly number[],
  expected: readonly number[],
  tolerance?: (expected: number) => number,
): void {
  if (tolerance === undefined) return assertEquals(actual, expected);
  assertEquals(actual.length, expected.length);
  actual.forEach((value, i) => {
    const error = Math.abs(value - expected[i]);
    assert(error <= tolerance(expected[i]), `[${i}]: ${value} is not ${expected[i]} (${error})`);
  });
}

function int32(value: number): Tensor {
  return new Concrete("int32", [], Int32Array.of(value));
}

function uint32(value: number): Tensor {
  return new Concrete("uint32", [], Uint32Array.of(value));
}

Deno.test("seeds of 64 bits give JAX's keys", () => {
  for (const [seed, words] of fixture.x64.wideKeys as [string, number[]][]) {
    assertEquals(flat(random.key(BigInt(seed))), words);
    if (Number.isSafeInteger(Number(seed))) assertEquals(flat(random.key(Number(seed))), words);
  }
});

Deno.test("seeds of 64 bits have the low word of JAX's keys without 64-bit types", () => {
  for (const [seed, [, low]] of fixture.wideKeys as [string, number[]][]) {
    assertEquals(flat(random.key(BigInt(seed)))[1], low);
  }
});

for (const expected of fixture.seeds) {
  const key = random.key(expected.seed);
  const name = `seed ${expected.seed}`;

  Deno.test(`${name}: the key is JAX's, from a number and from a tensor`, () => {
    assertEquals(flat(key), expected.key);
    assertEquals(flat(random.key(uint32(expected.seed))), expected.key);
    if (expected.seed < 2 ** 31) {
      assertEquals(flat(random.key(int32(expected.seed))), expected.key);
    }
  });

  Deno.test(`${name}: split gives JAX's keys`, () => {
    const { split, splitSecondOfTwoInThree } = expected;
    assertEquals(random.split(key).flatMap(flat), split["2"]);
    assertEquals(random.split(key, 3).flatMap(flat), split["3"]);
    assertEquals(flat(random.split(key, [3])), split["3"]);
    const table = random.split(key, [2, 3]);
    assertEquals([table.dtype, table.shape], ["uint32", [2, 3, 2]]);
    assertEquals(flat(table), split["2,3"]);
    const [, second] = random.split(key);
    assertEquals(random.split(second, 3).flatMap(flat), splitSecondOfTwoInThree);
  });

  Deno.test(`${name}: foldIn gives JAX's keys`, () => {
    for (const [data, words] of Object.entries(expected.foldIn)) {
      assertEquals(flat(random.foldIn(key, Number(data))), words);
      assertEquals(flat(random.foldIn(key, uint32(Number(data)))), words);
    }
    assertEquals(flat(random.foldIn(key, -1)), expected.foldIn["4294967295"]);
    assertEquals(flat(random.foldIn(key, int32(-1))), expected.foldIn["4294967295"]);
  });

  Deno.test(`${name}: bits are JAX's`, () => {
    checkShapes(expected.bits, (shape) => random.bits(key, shape), "uint32");
  });

  Deno.test(`${name}: uniform numbers are JAX's`, () => {
    checkShapes(expected.uniform, (shape) => random.uniform(key, shape), "float32");
    const bounds = { minval: -2, maxval: 3 };
    checkShapes(
      expected.uniformMinus2To3,
      (shape) => random.uniform(key, shape, bounds),
      "float32",
    );
  });

  Deno.test(`${name}: uniform numbers between tensors are JAX's`, () => {
    const bounds = { minval: int32(-2), maxval: int32(3) };
    checkShapes(
      expected.uniformMinus2To3,
      (shape) => random.uniform(key, shape, bounds),
      "float32",
    );
  });

  Deno.test(`${name}: normal numbers are JAX's, up to XLA's own error`, () => {
    checkShapes(expected.normal, (shape) => random.normal(key, shape), "float32", () => 2e-5);
  });

  Deno.test(`${name}: booleans are JAX's`, () => {
    checkShapes(expected["bernoulli0.3"], (shape) => random.bernoulli(key, 0.3, shape), "bool");
    const p = new Concrete("float32", [], Float32Array.of(0.3));
    checkShapes(expected["bernoulli0.3"], (shape) => random.bernoulli(key, p, shape), "bool");
  });

  Deno.test(`${name}: integers are JAX's`, () => {
    const check = (values: ByShape, low: number | Tensor, high: number | Tensor) =>
      checkShapes(values, (shape) => random.randint(key, shape, low, high), "int32");
    check(expected.randint0To10, 0, 10);
    check(expected.randintMinus5To1000, -5, 1000);
    check(expected.randintAllButLast, -(2 ** 31), 2 ** 31 - 1);
    check(expected.randintAll, -(2 ** 31), 2 ** 31);
    check(expected.randint0To10, int32(0), int32(10));
    check(expected.randint0To10, 0, uint32(10));
    check(expected.randintMinus5To1000, int32(-5), 1000);
    check(expected.randintAllButLast, int32(-(2 ** 31)), int32(2 ** 31 - 1));
    check(expected.randintAll, int32(-(2 ** 31)), uint32(2 ** 31));
    check(expected.randintAll, -(2 ** 31), uint32(2 ** 32 - 1));
    check(expected.randintAll, int32(-(2 ** 31)), 2 ** 31);
    check(expected.randintEmptyRange, int32(4), int32(4));
    check(expected.randintEmptyRange, 4, int32(-7));
  });

  Deno.test(`${name}: permutations are JAX's`, () => {
    for (const n of [1, 10, 1000] as const) {
      const order = random.permutation(key, n);
      assertEquals([order.dtype, order.shape], ["int32", [n]]);
      assertEquals(flat(order), expected[`permutation${n}`]);
      assertEquals(flat(random.permutation(key, iota(n))), expected[`permutation${n}`]);
    }
    const rows = reshape(iota(12), [6, 2]);
    const columns = reshape(iota(12), [2, 6]);
    assertEquals(flat(random.permutation(key, rows)), expected.permutationRows6x2);
    assertEquals(
      flat(random.permutation(key, columns, { axis: 1 })),
      expected.permutationColumns2x6,
    );
    assertEquals(
      flat(random.permutation(key, columns, { axis: -1, independent: true })),
      expected.permutationIndependent2x6,
    );
  });

  Deno.test(`${name}: exponential, Gumbel and truncated normal numbers are JAX's`, () => {
    const close = (value: number) => 1e-6 * Math.max(1, Math.abs(value));
    checkShapes(expected.exponential, (shape) => random.exponential(key, shape), "float32", close);
    checkShapes(expected.gumbel, (shape) => random.gumbel(key, shape), "float32", close);
    checkShapes(
      expected.truncatedNormalMinus1To2,
      (shape) => random.truncatedNormal(key, -1, 2, shape),
      "float32",
      close,
    );
  });

  Deno.test(`${name}: categories are JAX's`, () => {
    const logits = [[0, 1, -1, 0.5], [2, 0, 0, -3]];
    const one = random.categorical(key, logits);
    assertEquals([one.dtype, one.shape], ["int32", [2]]);
    assertEquals(flat(one), expected.categorical2x4);
    const many = random.categorical(key, logits, { shape: [5, 2] });
    assertEquals([many.dtype, many.shape], ["int32", [5, 2]]);
    assertEquals(flat(many), expected.categorical5x2);
  });
}

for (const expected of fixture.x64.seeds) {
  const key = random.key(expected.seed);
  const name = `seed ${expected.seed} in float64`;

  Deno.test(`${name}: pairs of words are JAX's`, () => {
    for (const [shape, words] of Object.entries(expected.bits64)) {
      const [high, low] = words64(key, shapeOf(shape)).map(flat);
      assertEquals(high.flatMap((word, i) => [word, low[i]]), words);
    }
  });

  Deno.test(`${name}: uniform numbers are JAX's`, () => {
    const dtype = "float64";
    checkShapes(expected.uniform, (shape) => random.uniform(key, shape, { dtype }), dtype);
    const bounds = { minval: -2, maxval: 3, dtype } as const;
    const traced = { minval: int32(-2), maxval: int32(3), dtype } as const;
    for (const options of [bounds, traced]) {
      checkShapes(
        expected.uniformMinus2To3,
        (shape) => random.uniform(key, shape, options),
        dtype,
        () => 2e-15,
      );
    }
  });

  Deno.test(`${name}: normal numbers are JAX's`, () => {
    const dtype = "float64";
    checkShapes(
      expected.normal,
      (shape) => random.normal(key, shape, { dtype }),
      dtype,
      () => 2e-15,
    );
  });
}

Deno.test("a permutation that is sorted twice is JAX's", () => {
  const { seed, permutation2000 } = fixture.twoRounds;
  assertEquals(flat(random.permutation(random.key(seed), 2000)), permutation2000);
});
