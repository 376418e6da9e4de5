import {
  ArgumentError,
  complex,
  DtypeError,
  grad,
  hessian,
  jit,
  linalg,
  matmul,
  optimize,
  slice,
  tensor,
  vmap,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { checkBatch, checkFirstOrder, checkSecondOrder } from "../laws/laws.ts";
import { fromValues, makeRandom, real, seedOf } from "../laws/values.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals } from "../support/std.ts";

const { minimize } = optimize;
const doubles = (x: number[]): Tensor => tensor(x, { dtype: "float64" });

function rosenbrock(x: Tensor): Tensor {
  const [head, tail] = [x.at(slice(0, -1)), x.at(slice(1, null))];
  return tail.sub(head.square()).square().mul(100).add(head.sub(1).square()).sum();
}

function himmelblau(x: Tensor): Tensor {
  const [a, b] = [x.at(0), x.at(1)];
  return a.square().add(b).sub(11).square().add(a.add(b.square()).sub(7).square());
}

/** Functions, where to begin, and where they are least. */
const problems: readonly (readonly [f: (x: Tensor) => Tensor, x0: number[], x: number[]])[] = [
  [rosenbrock, [-1.2, 1], [1, 1]],
  [rosenbrock, [-1.2, 1, -1.2, 1, 0.3], [1, 1, 1, 1, 1]],
  [himmelblau, [-3, -3], [-3.779310253377747, -3.283185991286169]],
  [himmelblau, [1, 1], [3, 2]],
  [(x) => x.exp().sub(x.mul([1, 2, 3])).sum(), [5, -5, 0], [0, Math.log(2), Math.log(3)]],
  // Not a number on one side.
  [(x) => x.sub(x.log()).sum(), [5, 0.1], [1, 1]],
];

Deno.test("minimize finds least values of known functions, compiled too", () => {
  for (const [f, x0, x] of problems) {
    const run = (x0: Tensor) => ({ ...minimize(f, x0, { gtol: 1e-8 }) });
    const found = [run, jit(run)].map((g) => g(doubles(x0)));
    for (const one of found) {
      assertTensorsClose(one.x, doubles(x), { rtol: 0, atol: 1e-7 });
      assertEquals([one.success.item(), one.status.item()], [true, 0]);
      assertTensorsClose(one.fun, f(one.x));
      assertTensorsClose(one.jac, grad(f)(one.x), { rtol: 0, atol: 1e-9 });
      assert((one.nfev.item() as number) < 100);
    }
    const [curved] = found;
    const inverse = linalg.inv(hessian(f)(curved.x) as unknown as Tensor);
    assertTensorsClose(curved.hessInv, inverse, { rtol: 0.1, atol: 0.05 });
    const single = minimize(f, tensor(x0), { gtol: 1e-3 });
    assertTensorsClose(single.x, x, { rtol: 0, atol: 2e-3 });
  }
});

Deno.test("minimize finds them by L-BFGS, with any memory and of many numbers", () => {
  const run = (f: (x: Tensor) => Tensor, x0: number[], memory: number) => {
    const find = (x0: Tensor) => ({
      ...minimize(f, x0, { method: "L-BFGS", memory, gtol: 1e-8 }),
    });
    const found = find(doubles(x0));
    assertEquals("hessInv" in found, false);
    const compiled = jit(find)(doubles(x0));
    // Products round otherwise, and so the last steps differ.
    assertTensorsClose(compiled.x, found.x, { rtol: 0, atol: 1e-6 });
    assertTensorsClose(compiled.success, true);
    assertEquals([found.success.item(), found.status.item()], [true, 0]);
    return found;
  };
  for (const [f, x0, x] of problems) {
    for (const memory of [1, 10]) {
      const { x: found, nfev } = run(f, x0, memory);
      assertTensorsClose(found, doubles(x), { rtol: 0, atol: 1e-7 });
      assert((nfev.item() as number) < 200);
    }
  }
  const { x, nfev } = run(rosenbrock, Array.from({ length: 100 }, (_, i) => i % 2 ? 1 : -1.2), 10);
  assertTensorsClose(x, doubles(Array(100).fill(1)), { rtol: 0, atol: 1e-6 });
  assert((nfev.item() as number) < 1000);
});

Deno.test("minimize says why it stopped", () => {
  const begun = minimize(rosenbrock, doubles([-1.2, 1]), { maxiter: 3 });
  assertEquals([begun.status.item(), begun.success.item(), begun.nit.item()], [1, false, 3]);
  const lost = minimize((x: Tensor) => x.mul(0).sum().add(NaN), doubles([1, 2]));
  assertEquals([lost.status.item(), lost.success.item()], [1, false]);
  const still = minimize((x: Tensor) => x.mul(NaN).sum(), doubles([1, 2]));
  assertEquals([still.status.item(), still.success.item(), still.nit.item()], [2, false, 1]);
  assertTensorsClose(still.x, doubles([1, 2]));
});

Deno.test("places and values of minimize obey the laws of derivatives and batches", () => {
  const random = makeRandom(seedOf("minimize"));
  const make = () => [
    fromValues(real(random, 9), "float64", [3, 3]),
    fromValues(real(random, 3), "float64", [3]),
  ];
  // The least of a sum of squares and fourth powers.
  const f = ([a, b]: readonly Tensor[]) => {
    const { x, fun } = minimize(
      ({ u }: { u: Tensor }) =>
        matmul(a, u).sub(b).square().sum().add(u.square().square().sum()).add(u.square().sum()),
      { u: doubles([0, 0, 0]) },
      { gtol: 1e-10 },
    );
    return [x.u, fun];
  };
  const limited = ([a]: readonly Tensor[]) =>
    minimize(
      (x: Tensor) => x.square().square().sum().add(x.sub(a).square().sum()),
      doubles([0, 0, 0]),
      { method: "L-BFGS", gtol: 1e-10 },
    ).x;
  checkFirstOrder((args) => [limited(args)], [make()[1]], random, "minimize by L-BFGS");
  checkFirstOrder(f, make(), random, "minimize");
  checkSecondOrder(f, make(), random, "minimize");
  checkBatch(f, make, random, 1e-8, "minimize");
});

Deno.test("minimize begins at many places at once", () => {
  const starts = tensor([[-1.2, 1], [3, -2], [0, 0]], { dtype: "float64" });
  const all = vmap((x0: Tensor) => minimize(rosenbrock, x0, { gtol: 1e-8 }).x)(starts);
  assertTensorsClose(all, starts.mul(0).add(1), { rtol: 0, atol: 1e-6 });
});

Deno.test("arguments of minimize are refused with what was expected", () => {
  // deno-lint-ignore no-explicit-any
  const loose = minimize as any;
  const f = (x: Tensor) => x.sum();
  assertRefused(
    () => loose(f, tensor([1]), { method: "Powell" }),
    ArgumentError,
    'Cannot minimize: method must be "BFGS" or "L-BFGS", got "Powell"',
  );
  assertRefused(
    () => loose(f, tensor([1]), { method: "L-BFGS", memory: 0 }),
    ArgumentError,
    "Cannot minimize: memory must be at least 1, got 0",
  );
  assertRefused(
    () => loose(f, tensor([1]), { gtol: 0 }),
    ArgumentError,
    "Cannot minimize: gtol must be a number above 0, got 0",
  );
  assertRefused(
    () => loose(f, tensor([])),
    ArgumentError,
    "Cannot minimize: expected at least one number in x0",
  );
  assertRefused(
    () => loose(f, complex([1], [2])),
    DtypeError,
    "Cannot minimize from complex64[1]: expected real numbers",
  );
});
