import {
  ArgumentError,
  complex,
  DtypeError,
  grad,
  index,
  integrate,
  jacfwd,
  jit,
  ShapeError,
  sin,
  stack,
  tensor,
  TreeError,
  vmap,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import fixture from "../fixtures/integrate.json" with { type: "json" };
import { checkBatch, checkFirstOrder, checkSecondOrder } from "../laws/laws.ts";
import { fromValues, makeRandom, real, seedOf } from "../laws/values.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals } from "../support/std.ts";

const { odeint } = integrate;
const doubles = (x: number | number[]): Tensor => tensor(x, { dtype: "float64" });

type Equation = (y: Tensor, t: Tensor, p: Tensor) => Tensor;

const equations: Readonly<Record<keyof typeof fixture, Equation>> = {
  lotkaVolterra(y, _, p) {
    const [a, b] = [y.at(0), y.at(1)];
    const [grows, eaten, eats, dies] = [0, 1, 2, 3].map((i) => p.at(i));
    const met = a.mul(b);
    return stack([grows.mul(a).sub(eaten.mul(met)), eats.mul(met).sub(dies.mul(b))]);
  },
  vanDerPol(y, _, p) {
    const [a, b] = [y.at(0), y.at(1)];
    return stack([b, p.at(0).mul(a.square().neg().add(1)).mul(b).sub(a)]);
  },
  forced: (y, t, p) => p.at(0).mul(y).neg().add(sin(p.at(1).mul(t))),
};

for (const [name, f] of Object.entries(equations)) {
  const { y0, t, parameters, solution, gradients } = fixture[name as keyof typeof fixture];
  const args = [y0, parameters, t].map(doubles) as [Tensor, Tensor, Tensor];
  const solve = (options: integrate.OdeintOptions) => (y0: Tensor, p: Tensor, t: Tensor): Tensor =>
    odeint((y: Tensor, t: Tensor) => f(y, t, p), y0, t, options);

  Deno.test(`${name} has JAX's solution, compiled too, and errors as large as they may be`, () => {
    const wanted = tensor(solution, { dtype: "float64" });
    const exact = solve({ rtol: 1e-10, atol: 1e-10 });
    for (const run of [exact, jit(exact)]) {
      assertTensorsClose(run(...args), wanted, { rtol: 0, atol: 3e-9 });
    }
    assertTensorsClose(solve({})(...args), wanted, { rtol: 0, atol: 3e-7 });
    const short = solve({})(...args.map((x) => x.astype("float32")) as typeof args);
    assertEquals(short.dtype, "float32");
    assertTensorsClose(short, tensor(solution), { rtol: 0, atol: 1e-3 });
  });

  Deno.test(`${name} has JAX's gradients by state, parameters and times`, () => {
    const exact = solve({ rtol: 1e-10, atol: 1e-10 });
    const total = (y0: Tensor, p: Tensor, t: Tensor) => sin(exact(y0, p, t)).sum();
    const found = jit(grad(total, { argnums: [0, 1, 2] }))(...args);
    // Between steps, slopes of times are those of the curve.
    found.forEach((one, i) =>
      assertTensorsClose(one, doubles(gradients[i]), { rtol: 0, atol: i === 2 ? 1e-4 : 1e-7 })
    );
    const forward = jacfwd((p: Tensor) => total(args[0], p, args[2]))(args[1]);
    assertTensorsClose(forward as unknown as Tensor, found[1], { rtol: 1e-10 });
  });
}

Deno.test("odeint obeys the laws of derivatives and batches", () => {
  const random = makeRandom(seedOf("odeint"));
  const make = () => [
    fromValues(real(random, 3), "float64", [3]),
    fromValues(real(random, 3), "float64", [3]),
  ];
  // Steps of one length: finite differences do not see how lengths depend on arguments.
  const f = ([a, rate]: readonly Tensor[]) => {
    const state = { u: a, v: a.mul(rate) };
    const { u, v } = odeint(
      ({ u, v }, t) => ({ u: v.neg().add(t), v: u.mul(rate).sin() }),
      state,
      doubles([0, 0.3, 0.5]),
      { rtol: 1e9, atol: 1e9, hmax: 0.125 },
    );
    return [u, v];
  };
  checkFirstOrder(f, make(), random, "odeint");
  checkSecondOrder(f, make(), random, "odeint");
  checkBatch(f, make, random, 1e-8, "odeint");
});

Deno.test("odeint goes downwards, stays where it is, and takes complex states", () => {
  const times = doubles([0, -1, -1, -3]);
  assertTensorsClose(
    odeint((y) => y, doubles(1), times),
    times.exp(),
    { rtol: 1e-7 },
  );
  assertTensorsClose(
    odeint((y) => y, doubles([1, 2]), doubles([5])),
    doubles([1, 2]).reshape([1, 2]),
  );
  const turned = odeint((y) => y.mul({ re: 0, im: 2 }), complex(doubles(1), 0), doubles([0, 1.5]));
  assertTensorsClose(index(turned, 1), complex(doubles(Math.cos(3)), Math.sin(3)), { rtol: 1e-6 });
});

Deno.test("where a time is not reached, there are no numbers", () => {
  const ends = (y: Tensor) => Array.from(y.data(), (value) => Number.isNaN(value));
  const pole = odeint((y) => y.square(), doubles(1), doubles([0, 0.9, 1.5, 2]));
  assertEquals(ends(pole), [false, false, true, true]);
  assert(Math.abs(pole.data()[1] - 10) < 1e-5);
  assertEquals(ends(odeint((y) => y.mul(NaN), doubles(1), doubles([0, 1]))), [false, true]);
  const short = odeint((y) => y.neg(), doubles(1), doubles([0, 1]), { mxstep: 2 });
  assertEquals(ends(short), [false, true]);
});

Deno.test("many problems are solved at once, each by its own steps", () => {
  const rates = doubles([0.1, 1, 30]);
  const all = vmap((rate: Tensor) =>
    odeint((y) => y.mul(rate).neg(), doubles(1), doubles([0, 2])).at(1)
  )(
    rates,
  );
  assertTensorsClose(all, rates.mul(-2).exp(), { rtol: 1e-6, atol: 1e-8 });
});

Deno.test("arguments of odeint are refused with what was expected", () => {
  // deno-lint-ignore no-explicit-any
  const loose = odeint as any;
  const f = (y: Tensor) => y;
  assertRefused(
    () => loose(f, tensor([1]), [0, 2, 1, 3]),
    ArgumentError,
    "Cannot integrate at times float32[4]: expected times in order, got 2 before 1",
  );
  assertRefused(
    () => loose(f, tensor([1]), 3),
    ShapeError,
    "Cannot integrate at times float32[]: expected a vector",
  );
  assertRefused(
    () => loose(f, tensor([1]), complex([0, 1], 0)),
    DtypeError,
    "Cannot integrate at times complex64[2]: expected real numbers",
  );
  assertRefused(
    () => loose(f, tensor([1]), [0, 1], { rtol: 0 }),
    ArgumentError,
    "Cannot integrate: rtol must be a number above 0, got 0",
  );
  assertRefused(
    () => loose(f, tensor([]), [0, 1]),
    ArgumentError,
    "Cannot integrate: expected at least one number in y0",
  );
  assertRefused(
    () => loose((y: Tensor) => stack([y, y]), tensor([1]), [0, 1]),
    ShapeError,
    "Cannot integrate: func must give a tree like y0, got float32[2,1] for float32[1]",
  );
  assertRefused(
    () => loose((y: Tensor) => [y], tensor([1]), [0, 1]),
    TreeError,
    "Cannot integrate: func must give a tree like y0: expected a leaf at the root, got an array of 1",
  );
});
