/**
 * Perturbation confusion: each transform's derivative is its own, however they are nested. The first
 * example is that of J. M. Siskind and B. A. Pearlmutter, "Perturbation confusion and referential
 * transparency" (2005); the one with functions of functions follows O. Manzyuk, B. A. Pearlmutter,
 * A. A. Radul, D. R. Rush and J. M. Siskind, "Perturbation confusion in forward automatic
 * differentiation of higher-order functions" (2019).
 */
import {
  checkpoint,
  cos,
  exp,
  grad,
  hessian,
  hvp,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  makeProgram,
  matmul,
  sin,
  tensor,
  testing,
  vjp,
  vmap,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { checkProgram } from "../../src/core/check.ts";
import { evaluateProgram } from "../../src/core/program.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertEquals } from "../support/std.ts";

const f64 = (values: Parameters<typeof tensor>[0]) => tensor(values, { dtype: "float64" });

/** The derivative of a function of a number, each way that there is. */
const derivatives: Record<string, (f: (x: Tensor) => Tensor) => (x: Tensor) => Tensor> = {
  grad: (f) => (x) => grad(f)(x),
  jvp: (f) => (x) => jvp(f, [x], [1])[1],
  vjp: (f) => (x) => vjp(f, x)[1](1)[0],
  linearize: (f) => (x) => linearize(f, x)[1](1),
  jacfwd: (f) => (x) => jacfwd(f)(x),
  jacrev: (f) => (x) => jacrev(f)(x),
  "vmap of grad": (f) => (x) => vmap(grad(f))(x.reshape([1])).reshape([]),
  "vmap of jvp": (f) => (x) => vmap((y: Tensor) => jvp(f, [y], [1])[1])(x.reshape([1])).reshape([]),
  "grad of vmap": (f) => (x) => grad((y) => vmap(f)(y).sum())(x.reshape([1])).reshape([]),
};

/** Every pair of ways to nest one derivative in another. */
function eachPair(
  run: (outer: typeof derivatives[string], inner: typeof derivatives[string], name: string) => void,
) {
  for (const [outerName, outer] of Object.entries(derivatives)) {
    for (const [innerName, inner] of Object.entries(derivatives)) {
      run(outer, inner, `${outerName} of ${innerName}`);
    }
  }
}

Deno.test("an inner derivative does not see the perturbation of an outer one", () => {
  eachPair((outer, inner, name) => {
    // d/dx [x d/dy (x + y)] = 1, not 2.
    const f = (x: Tensor) => x.mul(inner((y) => x.add(y))(f64(1)));
    assertEquals(outer(f)(f64(1)).item(), 1, name);
  });
});

Deno.test("an inner derivative's result depends on the outer variable as it should", () => {
  eachPair((outer, inner, name) => {
    // d/dy (x y²) at y = x is 2 x²; times x it is 2 x³, whose derivative is 6 x².
    const f = (x: Tensor) => x.mul(inner((y) => x.mul(y).mul(y))(x));
    assertEquals(outer(f)(f64(3)).item(), 54, name);
    // At a fixed y = 5: d/dy (x² y²) = 2 x² y, whose derivative by x is 4 x y.
    const g = (x: Tensor) => inner((y) => x.mul(x).mul(y).mul(y))(f64(5));
    assertEquals(outer(g)(f64(3)).item(), 60, name);
  });
});

Deno.test("an inner derivative of a constant is zero although the outer variable moves", () => {
  eachPair((outer, inner, name) => {
    const f = (x: Tensor) => inner((_y) => x.mul(x))(x).add(x);
    assertEquals(outer(f)(f64(3)).item(), 1, name);
  });
});

Deno.test("second derivatives of one function by every pair", () => {
  eachPair((outer, inner, name) => {
    const second = outer(inner((x) => sin(x).mul(exp(x))));
    assertTensorsClose(second(f64(0.4)), cos(f64(0.4)).mul(exp(f64(0.4))).mul(2), {
      rtol: 1e-13,
      atol: 1e-13,
    });
    assertEquals(second(f64(0.4)).dtype, "float64", name);
  });
});

Deno.test("a derivative that is a function of functions can be applied twice", () => {
  for (const [name, derivative] of Object.entries(derivatives)) {
    // The derivative at u = 0 of the shift f ↦ (x ↦ f(x + u)) maps f to f'.
    const slope = (f: (x: Tensor) => Tensor) => (x: Tensor) =>
      derivative((u) => f(x.add(u)))(f64(0));
    const second = slope(slope((x) => sin(x)));
    assertTensorsClose(second(f64(0.7)), sin(f64(0.7)).neg(), { rtol: 1e-14, atol: 1e-14 });
    assertEquals(slope((x) => x.mul(x))(f64(3)).item(), 6, name);
  }
});

Deno.test("closures over several levels keep their levels apart", () => {
  // f(x) = d/dy [ x y · d/dz (x y z² ) at z = y ] at y = x; by hand d/dz = 2 x y z = 2 x y² at z = y,
  // so the bracket is 2 x² y³, its derivative 6 x² y², at y = x 6 x⁴, and f'(x) = 24 x³.
  const f = (x: Tensor) => grad((y) => x.mul(y).mul(grad((z) => x.mul(y).mul(z).mul(z))(y)))(x);
  assertEquals(f(f64(2)).item(), 96);
  assertEquals(grad(f)(f64(2)).item(), 192);
});

Deno.test("grad inside vmap inside grad", () => {
  const xs = f64([0.2, 0.5, 1]);
  const f = (w: Tensor) => vmap((x) => grad((z) => sin(w.mul(z)))(x))(xs).sum();
  // Σ w cos(w x), whose derivative is Σ cos(w x) - w x sin(w x).
  const expected = (w: number) =>
    [0.2, 0.5, 1].reduce((sum, x) => sum + Math.cos(w * x) - w * x * Math.sin(w * x), 0);
  assertTensorsClose(grad(f)(f64(1.3)), f64(expected(1.3)), { rtol: 1e-14 });
  const batched = vmap(grad(f))(f64([1.3, -0.4]));
  assertTensorsClose(batched, f64([expected(1.3), expected(-0.4)]), { rtol: 1e-14 });
});

Deno.test("vmap inside grad inside vmap keeps batches apart", () => {
  const rows = f64([[1, 2], [3, 4]]);
  const f = (row: Tensor, scale: Tensor) =>
    grad((s) => vmap((x) => x.mul(s).square())(row).sum())(scale);
  // d/ds Σ x² s² = 2 s Σ x².
  assertEquals(vmap(f)(rows, f64([1, 10])).toArray(), [10, 500]);
  assertEquals(vmap(f, [0, null])(rows, f64(1)).toArray(), [10, 50]);
  assertEquals(vmap(f, [null, 0])(rows.at(0), f64([1, 10])).toArray(), [10, 100]);
});

Deno.test("a pullback may be used at another level than it was made at", () => {
  const f = (x: Tensor) => {
    const [y, pullback] = vjp((z) => z.mul(z).mul(x), x);
    // pullback(c) = c · 2 z x at z = x = 2 c x²; with c = y = x³ it is 2 x⁵.
    return pullback(y)[0];
  };
  assertEquals(f(f64(2)).item(), 64);
  assertEquals(grad(f)(f64(2)).item(), 10 * 16);
  assertEquals(vmap(grad(f))(f64([1, 2])).toArray(), [10, 160]);
});

Deno.test("a pushforward may be differentiated by its tangent and by its point", () => {
  const f = (x: Tensor, t: Tensor) => linearize((z) => z.mul(z).mul(z), x)[1](t);
  assertEquals(grad(f)(f64(2), f64(5)).item(), 60);
  assertEquals(grad(f, { argnums: 1 })(f64(2), f64(5)).item(), 12);
});

Deno.test("the same transformed function works inside itself", () => {
  // deno-lint-ignore no-explicit-any
  const power: any = (x: Tensor, n: number) =>
    n === 0 ? f64(1) : x.mul(grad((y) => power(y, n - 1).mul(y))(x));
  // p₀ = 1, pₙ = x (x pₙ₋₁)': pₙ = n! xⁿ.
  assertEquals([1, 2, 3].map((n) => power(f64(2), n).item()), [2, 8, 48]);
});

Deno.test("staged programs nest with every derivative", () => {
  eachPair((outer, inner, name) => {
    const f = (x: Tensor) => x.mul(inner((y) => x.mul(sin(y)))(x));
    const program = makeProgram(outer(f))(f64(0.3));
    checkProgram(program);
    const [staged] = evaluateProgram(program, [f64(0.3)]);
    assertEquals(staged.item(), outer(f)(f64(0.3)).item(), name);
  });
});

Deno.test("a program made inside a transform may hold its values", () => {
  const f = (x: Tensor) => {
    const program = makeProgram((y: Tensor) => y.mul(x).mul(y))(1);
    checkProgram(program);
    return evaluateProgram(program, [x])[0];
  };
  assertEquals(grad(f)(f64(2)).item(), 12);
  assertEquals(vmap(grad(f))(f64([1, 2])).toArray(), [3, 12]);
  assertEquals(hessian(f)(f64(2)).item(), 12);
});

Deno.test("matrix functions nest too", () => {
  const a = f64([[1, 2], [3, 4]]);
  const quadratic = (x: Tensor) => matmul(x, matmul(a, x));
  assertEquals(hessian(quadratic)(f64([1, 1])).toArray(), [[2, 5], [5, 8]]);
  const norms = vmap((x: Tensor) => hessian(quadratic)(x).sum())(f64([[1, 1], [2, 3]]));
  assertEquals(norms.toArray(), [20, 20]);
});

Deno.test("transforms made in place keep the types of trees", () => {
  type Params = { a: Tensor; b: Tensor };
  const f = (p: Params, x: Tensor) => p.a.mul(x).add(p.b).sum();
  const p = { a: tensor(2), b: tensor(1) };
  const x = tensor([1, 2]);
  // What these check are the types, above all.
  const [value, pullback] = vjp(jit(f), p, x);
  const [slope]: [Params, Tensor] = pullback(1);
  assertTensorsClose(value, 8);
  assertTensorsClose(slope.a, 3);
  const [gradient] = linearize(grad(f), p, x);
  assertTensorsClose(gradient.b, 2);
  assertTensorsClose(jvp(checkpoint(f), [p, x], [{ a: 1, b: 0 }, null])[1], 3);
  assertTensorsClose(hvp(jit(f), [p, x], [{ a: 1, b: 0 }, null])[0].a, 0);
  assertTensorsClose(vjp((x) => x.square().sum(), x)[1](1)[0], [2, 4]);
  testing.checkGrads(jit(f), [p, x]);
});
