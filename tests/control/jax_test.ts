import {
  associativeScan,
  cond,
  cos,
  foriLoop,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  scan,
  sin,
  stack,
  switchCase,
  take,
  tensor,
  vmap,
  whileLoop,
} from "../../mod.ts";
import type { NestedArray, Tensor } from "../../mod.ts";
import fixture from "../fixtures/control_flow.json" with { type: "json" };
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertEquals } from "../support/std.ts";

// The same programs as in control_flow.py, which computes JAX's values.

const f64 = (values: NestedArray | number) => tensor(values, { dtype: "float64" });

const x = f64([0.4, -0.7]);
const batch = stack([x, x.mul(2), x.sub(1)]);
const index = tensor([-1, 1, 5], { dtype: "int32" });

function mixed(x: Tensor): Tensor {
  const [carry, y] = scan(
    (c, z) => {
      const next = cond(c.sum().greater(0.1), (c) => c.sin().mul(z), (c) => c.add(z), c);
      return [next, next.mul(z)];
    },
    x,
    f64([1, -2, 3, 0.5]),
    { reverse: true },
  );
  const products = associativeScan((a, b) => a.mul(b), y);
  return carry.sum().mul(y.prod()).add(products.sum());
}

function growing(x: Tensor): Tensor {
  return whileLoop(
    ([i, y]) => y.square().sum().less(30).logicalAnd(i.less(7)),
    ([i, y]) => [i.add(1), y.mul(1.3).add(y.cos())],
    [0, x],
  )[1];
}

function counted(x: Tensor): Tensor {
  return foriLoop(0, 4, (i, c) => c.mul(take(x, i.mod(2), 0)).add(i), x);
}

function switched(i: Tensor, x: Tensor): Tensor {
  return switchCase(i, [(x) => sin(x), (x) => cos(x), (x) => x.mul(x.sum())], x);
}

const works: Readonly<Record<string, (wrap: typeof jit) => unknown>> = {
  mixed: (wrap) => wrap(mixed)(x),
  mixedGradient: (wrap) => wrap(grad(mixed))(x),
  mixedHessian: (wrap) => wrap(hessian(mixed))(x),
  mixedHessians: (wrap) => wrap(vmap(hessian(mixed)))(batch),
  growing: (wrap) => wrap(vmap(growing))(batch),
  growingJacobians: (wrap) => wrap(vmap(jacfwd(growing)))(batch),
  growingSecond: (wrap) => wrap(jacfwd(jacfwd(growing)))(x),
  counted: (wrap) => wrap(jacrev(counted))(x),
  switched: (wrap) => wrap(vmap(switched))(index, batch),
  switchedJacobians: (wrap) => wrap(vmap(jacrev(switched, { argnums: 1 })))(index, batch),
};

const eager = ((f: unknown) => f) as unknown as typeof jit;

Deno.test("control flow under transforms has JAX's values, eager and compiled", () => {
  assertEquals(Object.keys(works).toSorted(), Object.keys(fixture.values).toSorted());
  for (const [name, work] of Object.entries(works)) {
    const expected = f64(fixture.values[name as keyof typeof fixture.values] as NestedArray);
    for (const wrap of [eager, jit]) {
      assertTensorsClose(work(wrap) as Tensor, expected, { rtol: 1e-10, atol: 1e-10 });
    }
  }
});
