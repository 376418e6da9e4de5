import {
  ArgumentError,
  complex,
  conj,
  grad,
  jit,
  linalg,
  matmul,
  norm,
  sub,
  tensor,
  TreeError,
  vmap,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { isComplexTensor } from "../../src/core/complex.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { checkBatch, checkFirstOrder, checkPrograms, checkSecondOrder } from "../laws/laws.ts";
import { definite, dominant, fromValues, makeRandom, real, seedOf } from "../laws/values.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals } from "../support/std.ts";

const { bicgstab, cg, gmres } = linalg;
const methods = { cg, bicgstab, gmres };
const tight = { tol: 1e-13 };

/** Matrices that are symmetric and positive, or neither, and right sides. */
function systems(name: keyof typeof methods): [a: Tensor, b: Tensor][] {
  const random = makeRandom(seedOf(name));
  const n = 8;
  const [x, y, b, c] = [n * n, n * n, n, n].map((size) =>
    fromValues(real(random, size), "float64", size === n ? [n] : [n, n])
  );
  const own = name === "cg"
    ? (a: Tensor) => matmul(a, conj(a).transpose()).add(identity(n))
    : (a: Tensor) => a.add(identity(n).mul(4));
  return [[own(x), b], [own(complex(x, y)), complex(b, c)], [own(x), b.mul(0)]];
}

function identity(n: number): Tensor {
  return linalg.matrixPower(
    tensor(Array.from({ length: n }, () => Array(n).fill(0)), { dtype: "float64" }),
    0,
  );
}

for (const [name, method] of Object.entries(methods)) {
  Deno.test(`${name} solves systems of real and complex numbers, compiled and with a preconditioner`, () => {
    for (const [a, b] of systems(name as keyof typeof methods)) {
      const expected = linalg.solve(a, b);
      const inverse = linalg.inv(a.add(identity(8).mul(0.5)));
      const M = name === "cg" ? inverse.add(conj(inverse).transpose()).mul(0.5) : inverse;
      const run = (options: object) => (a: Tensor, b: Tensor) =>
        method(a, b, { ...tight, ...options });
      const options = [{}, { M }, { x0: expected.mul(0.9) }, { M: (x: Tensor) => x.mul(0.5) }];
      for (const own of options) {
        for (const f of [run(own), jit(run(own))]) {
          const [x, info] = f(a, b);
          assertEquals(isComplexTensor(x), isComplexTensor(expected));
          assertTensorsClose(x, expected, { rtol: 0, atol: 1e-10 });
          assertEquals(info.item(), 0);
        }
      }
    }
  });

  Deno.test(`${name} says when it did not get there`, () => {
    const [a, b] = systems(name as keyof typeof methods)[0];
    const options = name === "gmres" ? { maxiter: 1, restart: 2 } : { maxiter: 2 };
    assertEquals(method(a, b, { ...tight, ...options })[1].item(), 1);
    assertEquals(method(a, b, { atol: 1e6 })[1].item(), 0);
    assertTensorsClose(method(a, b, { atol: 1e6 })[0], b.mul(0));
  });

  Deno.test(`${name} obeys the laws of derivatives and batches`, () => {
    const random = makeRandom(seedOf(name));
    const domain = name === "cg" ? definite(3) : dominant(3);
    const make = () => [
      fromValues(domain(random, 18), "float64", [2, 3, 3]),
      fromValues(real(random, 3), "float64", [3]),
    ];
    const one = (a: Tensor, b: Tensor): Tensor => {
      const own = name === "cg" ? a.tril().add(a.tril(-1).transpose()) : a;
      return method((x: { v: Tensor }) => ({ v: matmul(own, x.v) }), { v: b }, tight)[0].v;
    };
    const f = ([a, b]: readonly Tensor[]) => [vmap(one, [0, null])(a, b)];
    checkFirstOrder(f, make(), random, name);
    checkSecondOrder(f, make(), random, name);
    checkBatch(f, make, random, 1e-10, name);
    checkPrograms(f, make, random, name);
  });
}

Deno.test("gmres begins anew as often as it has to", () => {
  const [a, b] = systems("gmres")[1];
  const [x, info] = gmres(a, b, { tol: 1e-11, restart: 3, maxiter: 200 });
  assertTensorsClose(x, linalg.solve(a, b), { rtol: 0, atol: 1e-9 });
  assertEquals(info.item(), 0);
});

Deno.test("gradients of a solution by its matrix are those of solve, in single precision too", () => {
  const [a, b] = systems("bicgstab")[0].map((x) => x.astype("float32"));
  const by = (f: (a: Tensor) => Tensor) => grad((a: Tensor) => f(a).square().sum())(a);
  assertTensorsClose(by((a) => bicgstab(a, b)[0]), by((a) => linalg.solve(a, b)), {
    rtol: 1e-3,
    atol: 1e-4,
  });
});

Deno.test("arguments of iterative solvers are refused with what was expected", () => {
  const b = tensor([1, 2]);
  // deno-lint-ignore no-explicit-any
  const loose = linalg as any;
  assertRefused(
    () => loose.cg(3, b),
    ArgumentError,
    "Cannot apply cg: the operator must be a function or a matrix, got 3",
  );
  assertRefused(
    () => loose.cg(identity(2), b, { tol: -1 }),
    ArgumentError,
    "Cannot apply cg: tol must be at least 0, got -1",
  );
  assertRefused(
    () => loose.gmres(identity(2), b, { restart: 0 }),
    ArgumentError,
    "Cannot apply gmres: expected at least one vector as restart, got 0",
  );
  assertRefused(
    () => loose.bicgstab(identity(2), b, { x0: tensor([1, 2, 3]) }),
    TreeError,
    "Cannot apply bicgstab: x0 must be like the right-hand side, float32[2]; got float32[3]",
  );
});

Deno.test("systems without a solution end in the best of what was found, and say so", () => {
  const systems: [number[][], number[]][] = [
    [[[1, 1], [1, 1]], [1, 2]],
    [[[0, 0], [0, 0]], [1, 2]],
    [[[4, 0, 0], [0, 1, 0], [0, 0, 0]], [1, 1, 1]],
  ];
  for (const [matrix, side] of systems) {
    for (const dtype of ["float32", "float64"] as const) {
      const a = tensor(matrix, { dtype });
      const b = tensor(side, { dtype });
      for (const solve of [linalg.cg, linalg.bicgstab, linalg.gmres]) {
        const [x, info] = jit((a: Tensor, b: Tensor) => solve(a, b))(a, b);
        const left = norm(sub(b, matmul(a, x))).item();
        const message = `${solve.name} of ${JSON.stringify(matrix)} in ${dtype}: ${x}`;
        assert(info.item() === 1 && left <= norm(b).item() * (1 + 1e-6), message);
        assert(norm(x).item() < 100, message);
      }
    }
  }
});
