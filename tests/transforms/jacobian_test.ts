import {
  ArgumentError,
  complex,
  DtypeError,
  eye,
  grad,
  hessian,
  hvp,
  jacfwd,
  jacrev,
  jvp,
  matmul,
  sin,
  take,
  tensor,
  vmap,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals } from "../support/std.ts";

const f64 = (values: Parameters<typeof tensor>[0]) => tensor(values, { dtype: "float64" });

Deno.test("jacfwd and jacrev give the same Jacobian, output axes first", () => {
  const a = f64([[1, 2, 3], [4, 5, 6]]);
  const f = (x: Tensor) => matmul(a, x.square());
  const x = f64([1, -1, 2]);
  const expected = [[2, -4, 12], [8, -10, 24]];
  assertEquals(jacfwd(f)(x).toArray(), expected);
  assertEquals(jacrev(f)(x).toArray(), expected);
  const outer = (x: Tensor) => x.reshape([2, 1]).mul(f64([[1, 2, 3]]));
  assertEquals(jacfwd(outer)(f64([5, 7])).shape, [2, 3, 2]);
  assertTensorsClose(jacfwd(outer)(f64([5, 7])), jacrev(outer)(f64([5, 7])));
});

Deno.test("the Jacobian of a scalar is its gradient, that of a scalar argument a tangent", () => {
  const f = (x: Tensor) => x.pow(3).sum();
  const x = f64([1, 2]);
  assertTensorsClose(jacrev(f)(x), grad(f)(x));
  assertTensorsClose(jacfwd(f)(x), grad(f)(x));
  const line = (t: Tensor) => f64([2, 3]).mul(t);
  assertEquals(jacfwd(line)(f64(1)).toArray(), [2, 3]);
  assertEquals(jacrev(line)(f64(1)).toArray(), [2, 3]);
});

Deno.test("Jacobians over trees are trees of trees", () => {
  const f = (p: { a: Tensor; b: Tensor[] }) => [p.a.mul(p.b[0]), { sum: p.b[0].sum() }] as const;
  const p = { a: f64([1, 2]), b: [f64([3, 4])] };
  for (const jacobian of [jacfwd, jacrev]) {
    const [product, { sum }] = jacobian(f)(p);
    assertEquals(product.a.toArray(), [[3, 0], [0, 4]]);
    assertEquals(product.b[0].toArray(), [[1, 0], [0, 2]]);
    assertEquals(sum.a.toArray(), [0, 0]);
    assertEquals(sum.b[0].toArray(), [1, 1]);
  }
});

Deno.test("Jacobians by other arguments and by several", () => {
  const f = (x: Tensor, y: Tensor) => x.mul(y);
  const [x, y] = [f64([1, 2]), f64([3, 4])];
  for (const jacobian of [jacfwd, jacrev]) {
    assertEquals(jacobian(f, { argnums: 1 })(x, y).toArray(), [[1, 0], [0, 2]]);
    assertEquals(jacobian(f, { argnums: -1 })(x, y).toArray(), [[1, 0], [0, 2]]);
    const [first, second] = jacobian(f, { argnums: [1, 0] })(x, y);
    assertEquals(first.toArray(), [[1, 0], [0, 2]]);
    assertEquals(second.toArray(), [[3, 0], [0, 4]]);
  }
});

Deno.test("Jacobians of tensors without elements have none either", () => {
  const empty = f64([]);
  for (const jacobian of [jacfwd, jacrev]) {
    assertEquals(jacobian((x) => x.mul(2))(empty).shape, [0, 0]);
    assertEquals(jacobian((x) => x.sum())(empty).shape, [0]);
    assertEquals(jacobian((x) => x.mul(f64([])))(f64(2)).shape, [0]);
  }
});

Deno.test("a Hessian is symmetric, and its product with a vector is hvp", () => {
  const a = f64([[1, 2, 0], [0, 1, 3], [2, 1, 1]]);
  const f = (x: Tensor) => sin(matmul(a, x)).mul(x.square()).sum();
  const x = f64([0.3, -0.7, 1.1]);
  const h = hessian(f)(x);
  assertTensorsClose(h, h.transpose(), { rtol: 1e-12, atol: 1e-12 });
  for (const column of [[1, 0, 0], [0, 1, 0], [0.5, -2, 3]]) {
    const [product] = hvp(f, [x], [f64(column)]);
    assertTensorsClose(product, matmul(h, f64(column)), { rtol: 1e-12, atol: 1e-12 });
  }
  for (const outer of [jacfwd, jacrev]) {
    for (const inner of [jacfwd, jacrev]) {
      assertTensorsClose(outer(inner(f))(x), h, { rtol: 1e-12, atol: 1e-12 });
    }
  }
});

Deno.test("Hessians over several arguments have a block per pair", () => {
  const f = (x: Tensor, y: Tensor) => x.square().mul(y).sum();
  const [[xx, xy], [yx, yy]] = hessian(f, { argnums: [0, 1] })(f64([1, 2]), f64([3, 4]));
  assertEquals(xx.toArray(), [[6, 0], [0, 8]]);
  assertEquals(xy.toArray(), [[2, 0], [0, 4]]);
  assertEquals(yx.toArray(), [[2, 0], [0, 4]]);
  assertEquals(yy.toArray(), [[0, 0], [0, 0]]);
});

Deno.test("hvp works over trees and with zero tangents", () => {
  const f = (p: { a: Tensor; b: Tensor }, c: Tensor) => p.a.mul(p.b).mul(c).sum();
  const primals: [{ a: Tensor; b: Tensor }, Tensor] = [{ a: f64([1]), b: f64([2]) }, f64([3])];
  const [dp, dc] = hvp(f, primals, [{ a: [1], b: null }, null]);
  assertEquals([dp.a.toArray(), dp.b.toArray(), dc.toArray()], [[0], [3], [2]]);
});

Deno.test("Jacobians compose with vmap and with themselves", () => {
  const f = (x: Tensor) => x.pow(3);
  const batch = f64([[1, 2], [3, 4]]);
  const each = vmap(jacfwd(f))(batch);
  assertEquals(each.toArray(), [[[3, 0], [0, 12]], [[27, 0], [0, 48]]]);
  assertTensorsClose(vmap(jacrev(f))(batch), each);
  assertEquals(jacfwd(jacfwd(jacrev(f)))(f64([5])).toArray(), [[[[6]]]]);
  const [, tangent] = jvp(jacrev(f), [f64([1, 2])], [f64([1, 0])]);
  assertEquals((tangent as Tensor).toArray(), [[6, 0], [0, 0]]);
});

Deno.test("the Jacobian of the identity is the identity in every float dtype", () => {
  for (const dtype of ["float32", "float64"] as const) {
    const j = jacfwd((x) => x)(tensor([1, 2, 3], { dtype }));
    assertTensorsClose(j, eye(3, 3, { dtype }));
    assertEquals(j.dtype, dtype);
  }
});

Deno.test("Jacobians of and by what is not floating-point are refused with the path", () => {
  const integers = tensor([1, 2], { dtype: "int32" });
  assertRefused(
    () => jacfwd((x) => x)(integers),
    DtypeError,
    "Cannot take jacfwd by arguments 0: int32[2] at the root is not floating-point; " +
      "convert it with astype",
  );
  assertRefused(
    () => jacrev((x) => ({ y: x, n: x.astype("int32") }))(f64([1])),
    DtypeError,
    "Cannot take jacrev of a function that returns int32[1] at .n: " +
      "expected floating-point results; convert with astype",
  );
  assertRefused(
    // deno-lint-ignore no-explicit-any
    () => jacrev((x) => x, { argnums: 1 } as any)(f64([1])),
    ArgumentError,
    "Cannot take jacrev by argument 1: expected the position of one of the 1 arguments given",
  );
  assertRefused(
    () => hvp(() => f64(1), [], []),
    ArgumentError,
    "Cannot apply hvp: primals must be a list with one entry per argument",
  );
  assertRefused(
    () => hessian(3 as never),
    ArgumentError,
    "Cannot apply hessian to 3: expected a function",
  );
});

Deno.test("hvp leaves integer arguments alone", () => {
  const f = (x: Tensor, i: Tensor) => take(x, i).pow(3).sum();
  const index = tensor([2], { dtype: "int32" });
  const [product, none] = hvp(f, [tensor([1, 2, 3]), index], [tensor([1, 1, 1]), null]);
  assertEquals(product.toArray(), [0, 0, 18]);
  assertEquals(none as unknown, null);
});

Deno.test("what is called holomorphic has complex arguments and complex results", () => {
  const z = complex([1, 2], [3, -1]);
  const real = (z: Tensor) => z.abs().square().sum();
  const cubic = (z: Tensor) => z.mul(z).mul(z).sum();
  for (const transform of [grad, jacfwd, jacrev, hessian]) {
    const refusal = (role: string) =>
      `Cannot take ${transform.name} with holomorphic: expected complex ${role}; ` +
      "leave holomorphic out, or convert with astype";
    const at = (f: (z: Tensor) => Tensor, x: Tensor) =>
      (transform as typeof jacfwd)(f, { holomorphic: true })(x);
    assertRefused(() => at(real, z), DtypeError, refusal("results, got float32[]"));
    assertRefused(
      () => at(cubic, tensor([1, 2])),
      DtypeError,
      refusal("arguments, got float32[2]"),
    );
  }
});
