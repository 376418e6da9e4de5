import { tensor } from "../../src/functions/creation.ts";
import { jit } from "../../src/jit.ts";
import { polygamma as polygammaOf } from "../../src/numeric/special.ts";
import { gammaSlope } from "../../src/numeric/gamma_slope.ts";
import { Concrete } from "../../src/core/tensor.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { neg, square } from "../../src/primitives/arithmetic.ts";
import { broadcast, reduceSum } from "../../src/primitives/structure.ts";
import { exp, log } from "../../src/primitives/transcendental.ts";
import * as random from "../../src/random/mod.ts";
import { grad } from "../../src/transforms/grad.ts";
import { jvp } from "../../src/transforms/jvp.ts";
import { makeProgram } from "../../src/transforms/stage.ts";
import { vmap } from "../../src/transforms/vmap.ts";
import { assert, assertAlmostEquals, assertEquals } from "../support/std.ts";

// Averages over draws are compared with what they estimate. The keys are fixed; a correct gradient
// would be off by this many standard errors with a probability of about 1 in 10,000.
const SIGMAS = 3.9;
const COUNT = 40_000;
const dtype = "float64";
const key = random.key(12);

function flat(x: Tensor): number[] {
  return Array.from(x.data());
}

function scalar(value: number): Tensor {
  return tensor(value, { dtype });
}

/** Throws unless the average of `draws` estimates `expected`. */
function checkMean(draws: readonly number[], expected: number, what: string): void {
  const mean = draws.reduce((a, b) => a + b, 0) / draws.length;
  const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
  const off = (mean - expected) / Math.sqrt(variance / draws.length);
  assert(Math.abs(off) < SIGMAS, `${what}: ${mean} is ${off} sigma from ${expected}`);
}

/** The derivatives of what `f` gives by its argument. */
function slopes(f: (x: Tensor) => Tensor[], at: Tensor): Tensor[] {
  return jvp(f, [at], [tensor(1, { dtype })])[1] as Tensor[];
}

const gammaOf = (a: Tensor) => random.gamma(key, a, COUNT, { dtype });

for (const a of [0.1, 0.8, 2.5, 40]) {
  Deno.test(`a concentration of ${a} moves the moments of gamma numbers as it should`, () => {
    const at = scalar(a);
    const moments: [string, (x: Tensor) => Tensor, number][] = [
      ["mean", (x) => x, 1],
      ["second moment", square, 2 * a + 1],
      ["mean logarithm", log, polygammaOf(1, a)],
      ["mean of exp(-x)", (x) => exp(neg(x)), -Math.LN2 * 2 ** -a],
    ];
    const all = slopes((x) => {
      const draws = gammaOf(x);
      return moments.map(([, moment]) => moment(draws));
    }, at);
    moments.forEach(([name, , expected], i) => checkMean(flat(all[i]), expected, name));
  });

  Deno.test(`second derivatives of gamma numbers of ${a} estimate those of moments`, () => {
    const moments = (x: Tensor) => {
      const draws = gammaOf(x);
      return [draws, square(draws), log(draws)];
    };
    const [mean, second, logarithm] = slopes((x) => slopes(moments, x), scalar(a));
    checkMean(flat(mean), 0, "mean");
    checkMean(flat(second), 2, "second moment");
    checkMean(flat(logarithm), polygammaOf(2, a), "mean logarithm");
  });
}

Deno.test("a draw's gradient is the slope at the draw", () => {
  const a = tensor([0.2, 1, 3, 17], { dtype });
  const draws = random.gamma(key, a, undefined, { dtype });
  const gradient = grad((x: Tensor) => reduceSum(random.gamma(key, x, undefined, { dtype }), [0]))(
    a,
  );
  const expected = flat(draws).map((x, i) => x * gammaSlope(1, flat(a)[i], Math.log(x)));
  flat(gradient).forEach((slope, i) => assertAlmostEquals(slope, expected[i], 1e-13));
});

Deno.test("gradients of beta numbers estimate those of their mean and mean logarithm", () => {
  for (const [a, b] of [[0.5, 0.5], [2, 3], [7, 0.9]]) {
    const by = [
      (x: Tensor) => random.beta(key, x, b, COUNT, { dtype }),
      (x: Tensor) => random.beta(key, a, x, COUNT, { dtype }),
    ];
    const total = (a + b) ** 2;
    const [mean, logarithm] = slopes((x) => {
      const draws = by[0](x);
      return [draws, log(draws)];
    }, scalar(a));
    checkMean(flat(mean), b / total, `mean by a = ${a}`);
    const trigamma = polygammaOf(1, a) - polygammaOf(1, a + b);
    checkMean(flat(logarithm), trigamma, `logarithm by a = ${a}`);
    const [other] = slopes((x) => [by[1](x)], scalar(b));
    checkMean(flat(other), -a / total, `mean by b = ${b}`);
  }
});

Deno.test("gradients of dirichlet vectors estimate those of their means", () => {
  const a = [0.5, 1, 3];
  const at = tensor(a, { dtype });
  const draw = (x: Tensor) => random.dirichlet(key, x, COUNT, { dtype });
  a.forEach((_, j) => {
    const direction = tensor(a.map((_, i) => i === j ? 1 : 0), { dtype });
    const [, tangents] = jvp(draw, [at], [direction]);
    const all = flat(tangents as Tensor);
    a.forEach((own, i) => {
      const part = all.filter((_, k) => k % 3 === i);
      const expected = ((i === j ? 4.5 : 0) - own) / 4.5 ** 2;
      checkMean(part, expected, `part ${i} by concentration ${j}`);
    });
  });
});

Deno.test("gradients of tiny concentrations are finite, where draws underflow too", () => {
  for (const type of ["float32", "float64"] as const) {
    const a = tensor([1e-12, 1e-4, 0.01], { dtype: type });
    const total = (x: Tensor) => reduceSum(random.gamma(key, x, [5, 3], { dtype: type }), [0, 1]);
    assert(flat(grad(total)(a)).every(Number.isFinite));
    const draws = flat(random.gamma(key, a, [5, 3], { dtype: type }));
    assert(draws.some((x) => x === 0) && draws.every((x) => x >= 0));
    const corner = (x: Tensor) => {
      const vectors = random.dirichlet(key, x, [5], { dtype: type });
      return reduceSum(square(vectors), [0, 1]);
    };
    assert(flat(grad(corner)(a)).every(Number.isFinite));
  }
});

Deno.test("gradients in float32 are those of the draws in float32", () => {
  const a = tensor([0.2, 1, 3, 17]);
  const draws = flat(random.gamma(key, a));
  const gradient = grad((x: Tensor) => reduceSum(random.gamma(key, x), [0]))(a);
  assertEquals(gradient.dtype, "float32");
  flat(gradient).forEach((slope, i) => {
    const expected = draws[i] * gammaSlope(1, flat(a)[i], Math.log(draws[i]));
    assertAlmostEquals(slope, expected, 1e-6 * expected);
  });
});

Deno.test("jit and vmap give the draws and gradients of a loop", () => {
  const loss = (own: Tensor, a: Tensor) =>
    reduceSum(square(random.beta(own, a, broadcast(a, [3], []), 3, { dtype })), [0]);
  const both = grad(loss, { argnums: 1 });
  const keys = random.split(key, [4]);
  const values = [0.3, 1, 2, 8];
  const batched = flat(vmap(both)(keys, tensor(values, { dtype })));
  const compiled = flat(jit(vmap(both))(keys, tensor(values, { dtype })));
  values.forEach((a, i) => {
    const own = new Concrete("uint32", [2], Uint32Array.from(keys.data().slice(2 * i, 2 * i + 2)));
    const expected = Number(both(own, scalar(a)).item());
    assertAlmostEquals(batched[i], expected, 1e-14);
    assertAlmostEquals(compiled[i], expected, 1e-13);
    assertAlmostEquals(Number(jit(both)(own, scalar(a)).item()), expected, 1e-13);
  });
});

Deno.test("third derivatives exist", () => {
  const f = (a: Tensor) => random.gamma(key, a, [], { dtype });
  const third = grad(grad(grad(f)))(scalar(2.5));
  // Against differences of the second derivative that hold the draw's rank: the draw itself moves along
  // its own slope.
  const second = (a: number, x: number): number => {
    const y = Math.log(x);
    const [r1, r2] = [gammaSlope(1, a, y), gammaSlope(2, a, y)];
    const l = y - polygammaOf(0, a);
    const byA = r2 - r1 * l;
    const byY = -l - r1 * (a - x);
    return x * (r1 * r1 + byA + byY * r1);
  };
  const x = Number(f(scalar(2.5)).item());
  assertAlmostEquals(Number(grad(grad(f))(scalar(2.5)).item()), second(2.5, x), 1e-12);
  const h = 1e-3;
  const moved = (step: number): number => {
    // Two Runge-Kutta steps along dx/da = slope.
    const slope = (a: number, at: number) => at * gammaSlope(1, a, Math.log(at));
    let [a, at] = [2.5, x];
    for (let i = 0; i < 2; i++) {
      const k1 = slope(a, at);
      const k2 = slope(a + step / 4, at + step / 4 * k1);
      const k3 = slope(a + step / 4, at + step / 4 * k2);
      const k4 = slope(a + step / 2, at + step / 2 * k3);
      at += step / 12 * (k1 + 2 * k2 + 2 * k3 + k4);
      a += step / 2;
    }
    return second(a, at);
  };
  assertAlmostEquals(Number(third.item()), (moved(h) - moved(-h)) / (2 * h), 1e-7);
});

Deno.test("concentrations that are none give NaN, and the ends of their range their limits", () => {
  const a = tensor([-1, NaN, 0, Infinity, 2]);
  const draws = flat(random.gamma(key, a));
  assertEquals(draws.slice(0, 4), [NaN, NaN, 0, Infinity]);
  assert(draws[4] > 0);
  assertEquals(random.beta(key, tensor([-1]), 1).toArray(), [NaN]);
});

Deno.test("the keys of all elements come from one application of threefry", () => {
  const program = makeProgram((own: Tensor, a: Tensor) => random.gamma(own, a))(
    key,
    tensor([1, 2]),
  );
  const names = program.equations.map(({ primitive }) => primitive.name);
  assertEquals(names.filter((name) => name === "threefry2x32").length, 1);
  assertEquals(names.at(-1), "randomGamma");
});
