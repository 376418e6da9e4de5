import { Concrete } from "../../src/core/tensor.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import * as typed from "../../src/random/mod.ts";
import { vmap } from "../../src/transforms/vmap.ts";
import { assertEquals, assertThrows } from "../support/std.ts";

// Arguments of the wrong type on purpose.
// deno-lint-ignore no-explicit-any
const random = typed as any;
const key = typed.key(42);
const floats = new Concrete("float32", [2], Float32Array.of(1, 2));
const scalar = new Concrete("int32", [], Int32Array.of(3));

function checkErrors(cases: readonly (readonly [() => unknown, string])[]): void {
  for (const [run, expected] of cases) {
    const error = assertThrows(run) as Error;
    assertEquals(`${error.name}: ${error.message}`, expected);
  }
}

Deno.test("what is no key is an error that says how to make one", () => {
  const expected = (got: string) =>
    `ArgumentError: Cannot split: expected a key uint32[2], got ${got}`;
  checkErrors([
    [() => random.split(3), expected("3; make one with random.key(3)")],
    [() => random.split(), expected("undefined; make one with random.key(seed)")],
    [() => random.split(1.5), expected("1.5; make one with random.key(seed)")],
    [() => random.split([0, 42]), expected("[0, 42]; make one with random.key(seed)")],
    [() => random.split(floats), expected("float32[2]; make one with random.key(seed)")],
    [() => random.split(random.split(key, [5])), expected("uint32[5,2]; map over keys with vmap")],
    [
      () => random.split(random.split(key)),
      expected(
        "an array of 2; take one key from it, as in const [a, b] = split(key), " +
          "or map over the tensor of keys split(key, [2])",
      ),
    ],
  ]);
});

Deno.test("every function checks its key", () => {
  const calls: Readonly<Record<string, () => unknown>> = {
    "Cannot fold into a key": () => random.foldIn(3, 1),
    "Cannot draw bits": () => random.bits(3),
    "Cannot draw uniform numbers": () => random.uniform(3),
    "Cannot draw normal numbers": () => random.normal(3),
    "Cannot draw truncated normal numbers": () => random.truncatedNormal(3, -1, 1),
    "Cannot draw exponential numbers": () => random.exponential(3),
    "Cannot draw Gumbel numbers": () => random.gumbel(3),
    "Cannot draw Laplace numbers": () => random.laplace(3),
    "Cannot draw Cauchy numbers": () => random.cauchy(3),
    "Cannot draw gamma numbers": () => random.gamma(3, 1),
    "Cannot draw beta numbers": () => random.beta(3, 1, 1),
    "Cannot draw Dirichlet vectors": () => random.dirichlet(3, [1, 1]),
    "Cannot draw chi-squared numbers": () => random.chisquare(3, 1),
    "Cannot draw F numbers": () => random.f(3, 1, 1),
    "Cannot draw t numbers": () => random.t(3, 1),
    "Cannot draw logistic numbers": () => random.logistic(3),
    "Cannot draw log-normal numbers": () => random.lognormal(3),
    "Cannot draw Pareto numbers": () => random.pareto(3, 1),
    "Cannot draw Rayleigh numbers": () => random.rayleigh(3, 1),
    "Cannot draw triangular numbers": () => random.triangular(3, 0, 1, 2),
    "Cannot draw Wald numbers": () => random.wald(3, 1),
    "Cannot draw Weibull numbers": () => random.weibullMin(3, 1, 1),
    "Cannot draw Maxwell numbers": () => random.maxwell(3),
    "Cannot draw double-sided Maxwell numbers": () => random.doubleSidedMaxwell(3, 0, 1),
    "Cannot draw generalised normal numbers": () => random.generalizedNormal(3, 2),
    "Cannot draw vectors in a ball": () => random.ball(3, 2),
    "Cannot draw normal vectors": () => random.multivariateNormal(3, [0], [[1]]),
    "Cannot draw orthogonal matrices": () => random.orthogonal(3, 2),
    "Cannot draw signs": () => random.rademacher(3),
    "Cannot draw geometric numbers": () => random.geometric(3, 0.5),
    "Cannot draw Poisson numbers": () => random.poisson(3, 1),
    "Cannot draw binomial numbers": () => random.binomial(3, 1, 0.5),
    "Cannot draw multinomial vectors": () => random.multinomial(3, 1, [1]),
    "Cannot draw booleans": () => random.bernoulli(3),
    "Cannot draw integers": () => random.randint(3, [], 0, 1),
    "Cannot draw categories": () => random.categorical(3, [1]),
    "Cannot permute": () => random.permutation(3, 3),
    "Cannot choose": () => random.choice(3, 3),
  };
  checkErrors(
    Object.entries(calls).map(([what, run]) => [
      run,
      `ArgumentError: ${what}: expected a key uint32[2], got 3; make one with random.key(3)`,
    ]),
  );
});

Deno.test("what is no seed is an error", () => {
  const expected = (got: string) =>
    `ArgumentError: Cannot make a key from ${got}: ` +
    `expected a safe integer, a bigint of 64 bits, or an integer scalar tensor`;
  checkErrors([
    [() => random.key(1.5), expected("1.5")],
    [() => random.key(NaN), expected("NaN")],
    [() => random.key(2 ** 53), expected("9007199254740992")],
    [() => random.key(2n ** 64n), expected("18446744073709551616n")],
    [() => random.key(-(2n ** 63n) - 1n), expected("-9223372036854775809n")],
    [() => random.key("a"), expected('"a"')],
    [() => random.key(), expected("undefined")],
    [
      () => random.key(key),
      "ShapeError: Cannot make a key from uint32[2]: " +
      "expected an integer scalar; map over it with vmap",
    ],
    [
      () => vmap(typed.key)(floats),
      "DtypeError: Cannot make a key from float32[]: " +
      "expected an integer scalar; convert with astype",
    ],
  ]);
});

Deno.test("a number of keys that is none is an error", () => {
  checkErrors([
    [
      () => random.split(key, -1),
      "ShapeError: Cannot split: axis 0 must be a non-negative integer, got -1",
    ],
    [
      () => random.split(key, 1.5),
      "ShapeError: Cannot split: axis 0 must be a non-negative integer, got 1.5",
    ],
    [
      () => random.split(key, [2, NaN]),
      "ShapeError: Cannot split: axis 1 must be a non-negative integer, got NaN",
    ],
    [
      () => random.split(key, null),
      "ShapeError: Cannot split: expected a shape such as [2, 3], got null",
    ],
    [
      () => random.split(key, "3"),
      'ShapeError: Cannot split: expected a shape such as [2, 3], got "3"',
    ],
    [
      () => random.split(key, 2 ** 20 + 1),
      "ArgumentError: Cannot split into a list of 1048577 keys: at most 1048576 fit; " +
      "split(key, [1048577]) gives one tensor",
    ],
    [
      () => random.split(key, [2 ** 30]),
      "ShapeError: Cannot split: shape [1073741824,2] has 2147483648 elements, " +
      "at most 2147483647 fit",
    ],
  ]);
});

Deno.test("what cannot be folded into a key is an error", () => {
  const expected = (got: string) =>
    `ArgumentError: Cannot fold ${got} into a key: ` +
    `expected an integer of 32 bits or an integer scalar tensor`;
  checkErrors([
    [() => random.foldIn(key, 1.5), expected("1.5")],
    [() => random.foldIn(key, 2 ** 32), expected("4294967296")],
    [() => random.foldIn(key, -(2 ** 31) - 1), expected("-2147483649")],
    [() => random.foldIn(key, 3n), expected("3n")],
    [() => random.foldIn(key), expected("undefined")],
    [
      () => random.foldIn(key, floats),
      "DtypeError: Cannot fold float32[2] into a key: " +
      "expected an integer scalar; convert with astype",
    ],
    [
      () => random.foldIn(key, key),
      "ShapeError: Cannot fold uint32[2] into a key: " +
      "expected an integer scalar; map over it with vmap",
    ],
  ]);
});

Deno.test("a shape that is none is an error before anything is allocated", () => {
  checkErrors([
    [
      () => random.bits(key, [-1]),
      "ShapeError: Cannot draw bits: axis 0 must be a non-negative integer, got -1",
    ],
    [
      () => random.bits(key, new Array(1)),
      "ShapeError: Cannot draw bits: axis 0 must be a non-negative integer, got a hole",
    ],
    [
      () => random.normal(key, null),
      "ShapeError: Cannot draw normal numbers: expected a shape such as [2, 3], got null",
    ],
    [
      () => random.uniform(key, [1e6, 1e6]),
      "ShapeError: Cannot draw uniform numbers: " +
      "shape [1000000,1000000] has 1000000000000 elements, at most 2147483647 fit",
    ],
    [
      () => random.randint(key, undefined, 0, 3),
      "ShapeError: Cannot draw integers: expected a shape such as [2, 3], got undefined",
    ],
  ]);
});

Deno.test("bounds of uniform numbers are checked", () => {
  const what = "Cannot draw uniform numbers";
  checkErrors([
    [
      () => random.uniform(key, [2], -1),
      `ArgumentError: ${what}: expected options such as { minval }, got -1`,
    ],
    [
      () => random.uniform(key, [2], { minVal: 1 }),
      `ArgumentError: ${what}: there is no option "minVal", the options are minval, maxval, dtype`,
    ],
    [
      () => random.uniform(key, [2], { dtype: "float" as never }),
      'DtypeError: Cannot use "float" as a dtype: expected one of bool, int8, uint8, int16, uint16, ' +
      "int32, uint32, float16, bfloat16, float32, float64, complex64, complex128",
    ],
    [
      () => random.uniform(key, [2], { dtype: "int32" }),
      `DtypeError: ${what} of dtype "int32": expected a floating-point dtype`,
    ],
    [
      () => random.uniform(key, [2], { minval: 2 }),
      `ArgumentError: ${what} from 2 to 1: minval must not be greater than maxval`,
    ],
    [
      () => random.uniform(key, [2], { minval: NaN }),
      `ArgumentError: ${what} from NaN to 1: the bounds must be finite in float32`,
    ],
    [
      () => random.uniform(key, [2], { maxval: 1e39 }),
      `ArgumentError: ${what} from 0 to 1e+39: the bounds must be finite in float32`,
    ],
    [
      () => random.uniform(key, [2], { minval: -3e38, maxval: 3e38 }),
      `ArgumentError: ${what} from -3e+38 to 3e+38: ` +
      `the distance between the bounds must be finite in float32`,
    ],
    [
      () => random.uniform(key, [3], { minval: floats }),
      `ShapeError: ${what}: cannot broadcast minval float32[2] to [3]: ` +
      `axis 0 has length 2, expected 1 or 3`,
    ],
    [
      () => random.uniform(key, undefined, { minval: floats, maxval: [1, 2, 3] }),
      `ShapeError: ${what} with minval and maxval float32[2] and float32[3]: ` +
      `shapes must broadcast, axis -1 has lengths 2 and 3`,
    ],
    [
      () => random.uniform(key, [2], { minval: null }),
      `ArgumentError: ${what}: expected a tensor, number, boolean, nested array or typed array, ` +
      `got null`,
    ],
  ]);
});

Deno.test("parameters of the other continuous distributions are checked", () => {
  const truncated = "Cannot draw truncated normal numbers";
  checkErrors([
    [
      () => random.normal(key, [2], { dtype: "bool" }),
      'DtypeError: Cannot draw normal numbers of dtype "bool": expected a floating-point dtype',
    ],
    [
      () => random.gumbel(key, [2], { mean: 3 }),
      'ArgumentError: Cannot draw Gumbel numbers: there is no option "mean", the options are dtype',
    ],
    [
      () => random.exponential(key, [2], 3),
      "ArgumentError: Cannot draw exponential numbers: expected options such as { dtype }, got 3",
    ],
    [
      () => random.truncatedNormal(key, 2, 1),
      `ArgumentError: ${truncated} from 2 to 1: lower must not be greater than upper`,
    ],
    [
      () => random.truncatedNormal(key, NaN, 1),
      `ArgumentError: ${truncated} from NaN to 1: lower must not be greater than upper`,
    ],
    [
      () => random.truncatedNormal(key, floats, 1, [3]),
      `ShapeError: ${truncated}: cannot broadcast lower float32[2] to [3]: ` +
      `axis 0 has length 2, expected 1 or 3`,
    ],
  ]);
});

Deno.test("a probability that is none is an error", () => {
  const what = "Cannot draw booleans";
  checkErrors([
    [
      () => random.bernoulli(key, 1.5),
      `ArgumentError: ${what} that are true with probability 1.5: expected a number from 0 to 1`,
    ],
    [
      () => random.bernoulli(key, NaN, [2]),
      `ArgumentError: ${what} that are true with probability NaN: expected a number from 0 to 1`,
    ],
    [
      () => random.bernoulli(key, floats, [3]),
      `ShapeError: ${what}: cannot broadcast probability float32[2] to [3]: ` +
      `axis 0 has length 2, expected 1 or 3`,
    ],
  ]);
});

Deno.test("bounds of integers are checked", () => {
  const what = "Cannot draw integers";
  checkErrors([
    [
      () => random.randint(key, [2], 4, 4),
      `ArgumentError: ${what} from 4 to 4: minval must be less than maxval, which is never reached`,
    ],
    [
      () => random.randint(key, [2], 0.5, 4),
      `ArgumentError: ${what}: ` +
      `expected an integer from -2147483648 to 2147483647 as minval, got 0.5`,
    ],
    [
      () => random.randint(key, [2], 0, 2 ** 31 + 1),
      `ArgumentError: ${what}: ` +
      `expected an integer from -2147483648 to 2147483648 as maxval, got 2147483649`,
    ],
    [
      () => random.randint(key, [2], 0, floats),
      `DtypeError: ${what}: maxval is float32[2]; expected integers, convert with astype`,
    ],
    [
      () => random.randint(key, [3], 0, new Int32Array([1, 2])),
      `ShapeError: ${what}: cannot broadcast maxval int32[2] to [3]: ` +
      `axis 0 has length 2, expected 1 or 3`,
    ],
    [
      () => random.randint(key, [2], 0),
      `ArgumentError: ${what}: expected a tensor, number, boolean, nested array or typed array, ` +
      `got undefined`,
    ],
  ]);
});

Deno.test("categories are checked", () => {
  const what = "Cannot draw categories";
  checkErrors([
    [
      () => random.categorical(key, 3),
      `AxisError: ${what} from float32[]: axis -1 is out of range, a scalar has no axes`,
    ],
    [
      () => random.categorical(key, floats, { axis: 1 }),
      `AxisError: ${what} from float32[2]: axis 1 is out of range, expected -1 to 0`,
    ],
    [
      () => random.categorical(key, [[]]),
      `ShapeError: ${what} from float32[1,0]: axis 1 has no categories`,
    ],
    [
      () => random.categorical(key, [[1, 2], [3, 4]], { shape: [3] }),
      `ShapeError: ${what} from float32[2,2]: cannot broadcast float32[2] to [3]: ` +
      `axis 0 has length 2, expected 1 or 3`,
    ],
    [
      () => random.categorical(key, floats, [5]),
      `ArgumentError: ${what}: expected options such as { axis }, got [5]`,
    ],
  ]);
});

Deno.test("what cannot be permuted is an error", () => {
  checkErrors([
    [
      () => random.permutation(key, -1),
      "ShapeError: Cannot permute the first -1 integers: " +
      "axis 0 must be a non-negative integer, got -1",
    ],
    [
      () => random.permutation(key, 2 ** 40),
      "ShapeError: Cannot permute the first 1099511627776 integers: " +
      "shape [1099511627776] has 1099511627776 elements, at most 2147483647 fit",
    ],
    [
      () => random.permutation(key, scalar),
      "ShapeError: Cannot permute int32[]: expected a JavaScript number or a tensor with an axis",
    ],
    [
      () => random.permutation(key, floats, { axis: 1 }),
      "AxisError: Cannot permute float32[2]: axis 1 is out of range, expected -1 to 0",
    ],
    [
      () => random.permutation(key, 5, { axis: NaN }),
      "AxisError: Cannot permute: expected an integer axis, got NaN",
    ],
    [
      () => random.permutation(key, floats, { independent: 1 }),
      "ArgumentError: Cannot permute: expected true or false as independent, got 1",
    ],
    [
      () => random.permutation(key, floats, 1),
      "ArgumentError: Cannot permute: expected options such as { axis }, got 1",
    ],
  ]);
});

Deno.test("a key that has left its transform is an error", () => {
  let escaped: Tensor | undefined;
  vmap((own: Tensor) => {
    escaped = own;
    return own;
  })(typed.split(key, [3]));
  checkErrors([[
    () => random.bits(escaped),
    "TraceError: Cannot use uint32[2] in slice: it was traced by vmap, which has ended; " +
    "return values from the function instead of storing them outside it",
  ]]);
});

Deno.test("scales and shapes of distributions that are known are checked, in lists too", () => {
  const scaled: [string, (scale: unknown) => unknown][] = [
    ["log-normal numbers: sigma", (scale) => random.lognormal(key, scale)],
    ["Rayleigh numbers: scale", (scale) => random.rayleigh(key, scale)],
    ["Weibull numbers: scale", (scale) => random.weibullMin(key, scale, 1)],
    ["double-sided Maxwell numbers: scale", (scale) => random.doubleSidedMaxwell(key, 0, scale)],
  ];
  const shaped: [string, (shape: unknown) => unknown][] = [
    ["Dirichlet vectors: concentration", (shape) => random.dirichlet(key, shape)],
    ["gamma numbers: concentration", (shape) => random.gamma(key, shape)],
    ["Weibull numbers: concentration", (shape) => random.weibullMin(key, 1, shape)],
    ["Pareto numbers: b", (shape) => random.pareto(key, shape)],
  ];
  for (const [bound, cases] of [["not negative", scaled], ["positive", shaped]] as const) {
    for (const [name, draw] of cases) {
      for (const value of [[1, -2], [1, Infinity], [NaN, 1]]) {
        const wrong = value.find((x) => !(x > 0 && x < Infinity));
        checkErrors([[
          () => draw(value),
          `ArgumentError: Cannot draw ${name} must be ${bound} and finite in float32, got ${wrong}`,
        ]]);
      }
      // Tensors are not looked at.
      draw(new Concrete("float32", [2], Float32Array.of(1, -2)));
    }
  }
  for (const [, draw] of scaled) draw([0, 1]);
  checkErrors([[
    () => random.triangular(key, 2, 1, 0),
    "ArgumentError: Cannot draw triangular numbers from 2 by 1 to 0: expected numbers in ascending order",
  ]]);
});
