import { digamma, erfinv, grad, jit, lgamma, tensor, vmap } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import table from "../fixtures/special.json" with { type: "json" };
import { polygamma } from "../../src/numeric/special.ts";
import { assert, assertAlmostEquals, assertEquals } from "../support/std.ts";

const functions = { lgamma, digamma, erfinv };

function flat(x: Tensor): number[] {
  return Array.from(x.data());
}

/** Rows of the table whose arguments and values `dtype` can hold, away from zeros below zero. */
function rowsOf(name: keyof typeof functions, dtype: "float32" | "float64"): number[][] {
  return (table[name] as number[][]).filter(([x, value]) =>
    (name === "erfinv" || x > 0) &&
    (dtype === "float64" || (Math.abs(x) > 1e-37 && Math.abs(value) < 1e38))
  );
}

for (const [name, f] of Object.entries(functions)) {
  for (const dtype of ["float32", "float64"] as const) {
    Deno.test(`${name} in ${dtype} is exact over its range, compiled or not`, () => {
      const own = rowsOf(name as keyof typeof functions, dtype)
        // The value at the argument, not at the float nearest to it.
        .filter(([x]) => dtype === "float64" || Math.fround(x) === x);
      assert(own.length > 3, `${own.length} rows`);
      const x = tensor(own.map(([at]) => at), { dtype });
      const tolerance = dtype === "float64" ? 2e-15 : 1.2e-7;
      for (const out of [f(x), jit(f)(x), vmap(f)(x)]) {
        assertEquals([out.dtype, out.shape], [dtype, x.shape]);
        flat(out).forEach((value, i) => {
          const [at, want] = own[i];
          assert(
            Math.abs(value - want) <= tolerance * Math.abs(want),
            `${name}(${at}) is ${want}, not ${value}`,
          );
        });
      }
    });
  }

  Deno.test(`${name} is a method, takes numbers, and turns integers into float32`, () => {
    const x = tensor([0.25, 0.5], { dtype: "float64" });
    assertEquals(flat(x[name as keyof typeof functions]()), flat(f(x)));
    assertEquals(f(0.5).dtype, "float32");
    assertEquals(f(tensor(new Int32Array([1, 1]))).dtype, "float32");
    assertEquals(f([true]).shape, [1]);
  });
}

Deno.test("poles, ends and what lies outside are the same compiled or not", () => {
  const points = [0, -0, 1, -1, 2, -2, Infinity, -Infinity, NaN];
  const i = Infinity;
  const expected = {
    lgamma: [i, i, 0, i, 0, i, i, i, NaN],
    digamma: [-i, i, -0.5772156649015329, NaN, 0.4227843350984671, NaN, i, NaN, NaN],
    erfinv: [0, -0, i, -i, NaN, NaN, NaN, NaN, NaN],
  };
  const x = tensor(points, { dtype: "float64" });
  for (const [name, values] of Object.entries(expected)) {
    const f = functions[name as keyof typeof functions];
    for (const out of [f(x), jit(f)(x)]) {
      flat(out).forEach((value, k) => {
        if (Number.isFinite(values[k])) assertAlmostEquals(value, values[k], 1e-15);
        else assertEquals(value, values[k], `${name}(${points[k]})`);
        if (values[k] === 0) {
          assert(Object.is(value, values[k]), `the sign of ${name}(${points[k]})`);
        }
      });
    }
  }
});

Deno.test("every derivative of lgamma and digamma is a polygamma function", () => {
  for (const at of [0.3, 1, 2.5, 12, -0.7]) {
    let f: (x: Tensor) => Tensor = lgamma;
    for (let order = 0; order < 5; order++) {
      f = grad(f) as (x: Tensor) => Tensor;
      const want = polygamma(order, at);
      const got = Number(f(tensor(at, { dtype: "float64" })).item());
      assertAlmostEquals(got, want, 1e-14 * Math.abs(want));
    }
    const second = grad(grad(digamma))(tensor(at, { dtype: "float64" }));
    assertAlmostEquals(Number(second.item()), polygamma(2, at), 1e-13 * Math.abs(polygamma(2, at)));
  }
});

Deno.test("derivatives of erfinv follow from those of erf", () => {
  for (const at of [-0.9, 0, 1e-5, 0.5, 0.999]) {
    const y = Number(erfinv(tensor(at, { dtype: "float64" })).item());
    const first = Math.sqrt(Math.PI) / 2 * Math.exp(y * y);
    const x = tensor(at, { dtype: "float64" });
    assertAlmostEquals(Number(grad(erfinv)(x).item()), first, 1e-13 * first);
    const second = 2 * y * first * first;
    const got = Number(grad(grad(erfinv))(x).item());
    assertAlmostEquals(got, second, 1e-13 * Math.max(1, Math.abs(second)));
  }
  const ends = tensor([1, -1], { dtype: "float64" });
  assertEquals(flat(vmap(grad(erfinv))(ends)), [Infinity, Infinity]);
});
