import expected from "../fixtures/random_small.json" with { type: "json" };
import {
  ArgumentError,
  DtypeError,
  fromBuffer,
  grad,
  imag,
  jit,
  nn,
  random,
  real,
  tensor,
  vmap,
} from "../../mod.ts";
import type { Dtype, Tensor } from "../../mod.ts";
import { epsilonOf } from "../../src/base/dtype.ts";
import { decodeHalves } from "../../src/base/half.ts";
import { nextAbove } from "../../src/random/continuous.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals } from "../support/std.ts";

// The numbers of other dtypes are compared with JAX's in `stream_test.ts`.

const HALVES = ["float16", "bfloat16"] as const;

function numbers(x: Tensor): number[] {
  return [...x.astype("float64").data()];
}

for (const { seed, bits, uniform, randint, normal, complexNormal } of expected) {
  const key = random.key(seed);

  Deno.test(`seed ${seed}: bits of 8 and 16 bits are JAX's`, () => {
    for (const dtype of ["uint8", "uint16"] as const) {
      const x = random.bits(key, 64, { dtype });
      assertEquals([x.dtype, numbers(x)], [dtype, bits[dtype]]);
    }
  });

  Deno.test(`seed ${seed}: uniform half floats are JAX's, between numbers and tensors`, () => {
    for (const { dtype, minval, maxval, values } of uniform) {
      const options = { dtype: dtype as Dtype, minval, maxval };
      const x = random.uniform(key, 64, options);
      assertEquals([x.dtype, numbers(x)], [dtype, values]);
      assertEquals(
        numbers(random.uniform(key, 64, { ...options, minval: tensor(minval) })),
        values,
      );
      const compiled = jit((key: Tensor) => random.uniform(key, 64, options));
      assertEquals(numbers(compiled(key)), values);
    }
  });

  Deno.test(`seed ${seed}: integers of other dtypes are JAX's, between numbers and tensors`, () => {
    for (const { dtype, minval, maxval, values } of randint) {
      const options = { dtype: dtype as Dtype };
      const own = dtype === "uint32" ? "uint32" : "int32";
      const bound = (value: number) => tensor(value, { dtype: own });
      const x = random.randint(key, 64, minval, maxval, options);
      assertEquals([x.dtype, numbers(x)], [dtype, values]);
      const y = random.randint(key, 64, bound(minval), bound(maxval), options);
      assertEquals([y.dtype, numbers(y)], [dtype, values]);
      const z = random.randint(key, 64, bound(minval), maxval, options);
      assertEquals([z.dtype, numbers(z)], [dtype, values]);
    }
  });

  Deno.test(`seed ${seed}: complex normal numbers are JAX's`, () => {
    const x = random.normal(key, 64, { dtype: "complex64" });
    assertEquals(x.dtype, "complex64");
    // As real ones, JAX's are off by some units of the last place.
    assertTensorsClose(fromBuffer(x.data(), "float32"), complexNormal.complex64, { atol: 2e-6 });
    const double = random.normal(key, 4000, { dtype: "complex128" });
    const [first, second] = random.split(key);
    const half = (key: Tensor) => random.normal(key, 4000, { dtype: "float64" }).mul(Math.SQRT1_2);
    assertEquals(real(double).data(), half(first).data());
    assertEquals(imag(double).data(), half(second).data());
    const compiled = jit((key: Tensor) => random.normal(key, 64, { dtype: "complex64" }))(key);
    assertTensorsClose(compiled, x, { rtol: 1e-6 });
  });

  Deno.test(`seed ${seed}: normal half floats are JAX's of float32, rounded`, () => {
    for (const dtype of HALVES) {
      const x = random.normal(key, 64, { dtype });
      assertEquals(x.dtype, dtype);
      numbers(x).forEach((value, i) => {
        const wanted = normal[dtype][i];
        // JAX's own error may lead to the neighbour.
        assert(Math.abs(value - wanted) <= Math.abs(wanted) * epsilonOf(dtype));
      });
      assertEquals(numbers(x), numbers(random.normal(key, 64).astype(dtype)));
    }
  });
}

Deno.test("bounds beyond an integer dtype are refused as numbers, and clipped as tensors", () => {
  const key = random.key(0);
  assertRefused(
    () => random.randint(key, 4, 0, 257, { dtype: "uint8" }),
    ArgumentError,
    "Cannot draw integers: expected an integer from 0 to 256 as maxval, got 257",
  );
  assertRefused(
    () => random.randint(key, 4, -1, 3, { dtype: "uint8" }),
    ArgumentError,
    "Cannot draw integers: expected an integer from 0 to 255 as minval, got -1",
  );
  const all = random.randint(key, 1000, 0, 256, { dtype: "uint8" });
  const wide = tensor([-300, 300], { dtype: "int32" });
  assertEquals(random.randint(key, 1000, wide.at(0), wide.at(1), { dtype: "uint8" }), all);
  // Bounds of small dtypes, whose difference they do not hold.
  const low = tensor(-128, { dtype: "int8" });
  const high = tensor(127, { dtype: "int8" });
  assertEquals(random.randint(key, 100, low, high), random.randint(key, 100, -128, 127));
  const most = random.randint(key, 100, 0, 2 ** 32, { dtype: "uint32" });
  assertTensorsClose(most.max(), 2 ** 32, { rtol: 0.1 });
  const none = tensor(-5, { dtype: "int8" });
  assertEquals(random.randint(key, 100, none, 2 ** 32, { dtype: "uint32" }), most);
  assertRefused(
    () => random.randint(key, 4, 0, 2, { dtype: "float32" }),
    DtypeError,
    'Cannot draw integers of dtype "float32": expected int8, uint8, int16, uint16, int32, uint32',
  );
  assertRefused(
    () => random.bits(key, 4, { dtype: "int8" }),
    DtypeError,
    'Cannot draw bits of dtype "int8": expected uint8, uint16 or uint32',
  );
});

Deno.test("keys from small integers are those of the same numbers", () => {
  for (const dtype of ["int8", "int16", "int32"] as const) {
    const seed = tensor(-3, { dtype });
    assertEquals(random.key(seed), random.key(-3));
    assertEquals(random.foldIn(random.key(1), seed), random.foldIn(random.key(1), -3));
  }
});

Deno.test("every sampler draws half floats as float32 and rounds them", () => {
  const key = random.key(3);
  const samplers: ((dtype: Dtype) => Tensor)[] = [
    (dtype) => random.exponential(key, 50, { dtype }),
    (dtype) => random.gumbel(key, 50, { dtype }),
    (dtype) => random.laplace(key, 50, { dtype }),
    (dtype) => random.cauchy(key, 50, { dtype }),
    (dtype) => random.gamma(key, 0.7, 50, { dtype }),
    (dtype) => random.logGamma(key, 0.7, 50, { dtype }),
    (dtype) => random.beta(key, 0.7, 2, 50, { dtype }),
    (dtype) => random.dirichlet(key, [1, 2, 0.3], 50, { dtype }),
    (dtype) => nn.initializers.kaimingNormal()(key, [10, 5], dtype),
    (dtype) => nn.initializers.kaimingUniform()(key, [10, 5], dtype),
  ];
  for (const draw of samplers) {
    for (const dtype of HALVES) {
      const x = draw(dtype);
      assertEquals(x, draw("float32").astype(dtype));
      assertEquals(jit(() => draw(dtype))().shape, x.shape);
    }
  }
});

Deno.test("truncated normal half floats lie between their bounds", () => {
  for (const dtype of HALVES) {
    for (const [low, high] of [[-1, 1], [0.1, 0.125], [3, 4], [-0.25, 2]]) {
      const bounds = tensor([low, high], { dtype });
      const x = random.truncatedNormal(random.key(5), low, high, 500, { dtype });
      assertEquals(x.dtype, dtype);
      assert(x.greater(bounds.at(0)).all().item() && x.less(bounds.at(1)).all().item());
    }
    const slope = grad((high: Tensor) =>
      random.truncatedNormal(random.key(5), -1, high, 64, { dtype }).sum()
    )(tensor(1, { dtype }));
    assertEquals(slope.dtype, dtype);
    assert(Number(slope) > 0);
  }
});

Deno.test("probabilities and logits may be half floats", () => {
  const key = random.key(9);
  for (const dtype of HALVES) {
    const logits = tensor([0.5, -1, 2]).astype(dtype);
    const shape = [200];
    assertEquals(
      random.categorical(key, logits, { shape }),
      random.categorical(key, logits.astype("float32"), { shape }),
    );
    const p = tensor(0.3).astype(dtype);
    assertEquals(
      random.bernoulli(key, p, shape),
      random.bernoulli(key, p.astype("float32"), shape),
    );
    const weights = tensor([0.5, 0.25, 0.25]).astype(dtype);
    for (const replace of [true, false]) {
      assertEquals(
        random.choice(key, 3, { shape: 2, p: weights, replace }),
        random.choice(key, 3, { shape: 2, p: weights.astype("float32"), replace }),
      );
    }
  }
});

Deno.test("the next half float above is the one with the next bits", () => {
  for (const dtype of HALVES) {
    const infinite = dtype === "float16" ? 0x7c00 : 0x7f80;
    const bits = Uint16Array.from({ length: infinite + 1 }, (_, i) => i);
    const all = tensor(numbersOf(bits, dtype), { dtype });
    const next = numbers(nextAbove(all));
    const values = numbers(all);
    for (let i = 0; i < infinite; i++) assertEquals(next[i], values[i + 1]);
    assertEquals(next[infinite], Infinity);
    const below = numbers(nextAbove(all.neg()));
    for (let i = 1; i <= infinite; i++) assertEquals(below[i], i === 1 ? 0 : -values[i - 1]);
  }
});

function numbersOf(bits: Uint16Array, dtype: (typeof HALVES)[number]): Float64Array {
  return Float64Array.from(decodeHalves(bits, dtype));
}

Deno.test("half floats are drawn under vmap as one by one", () => {
  const keys = random.split(random.key(2), [5]);
  for (const dtype of HALVES) {
    const draw = (key: Tensor) => random.uniform(key, 7, { dtype, minval: -1, maxval: 2 });
    const rows = vmap(draw)(keys);
    for (let i = 0; i < 5; i++) assertEquals(rows.at(i), draw(keys.at(i)));
  }
});
