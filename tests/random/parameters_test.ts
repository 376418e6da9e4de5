import { Concrete } from "../../src/core/tensor.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { stack, tensor } from "../../src/functions/mod.ts";
import { jit } from "../../src/jit.ts";
import * as typed from "../../src/random/mod.ts";
import { grad, vmap } from "../../src/transforms/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/std.ts";

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

Deno.test("concentrations are checked", () => {
  const what = "Cannot draw gamma numbers";
  checkErrors([
    [
      () => random.gamma(key, 0),
      `ArgumentError: ${what}: concentration must be positive and finite in float32, got 0`,
    ],
    [
      () => random.gamma(key, NaN, [2]),
      `ArgumentError: ${what}: concentration must be positive and finite in float32, got NaN`,
    ],
    [
      () => random.gamma(key, 1e39),
      `ArgumentError: ${what}: concentration must be positive and finite in float32, got 1e+39`,
    ],
    [
      () => random.gamma(key, -1, [2], { dtype: "float64" }),
      `ArgumentError: ${what}: concentration must be positive and finite in float64, got -1`,
    ],
    [
      () => random.gamma(key),
      `ArgumentError: ${what}: expected a tensor, number, boolean, nested array or typed array, ` +
      `got undefined`,
    ],
    [
      () => random.gamma(key, floats, [3]),
      `ShapeError: ${what}: cannot broadcast concentration float32[2] to [3]: ` +
      `axis 0 has length 2, expected 1 or 3`,
    ],
    [
      () => random.gamma(key, 1, [2], { scale: 2 }),
      `ArgumentError: ${what}: there is no option "scale", the options are dtype`,
    ],
    [
      () => random.gamma(key, 1, [2], { dtype: "int32" }),
      `DtypeError: ${what} of dtype "int32": expected a floating-point dtype`,
    ],
    [
      () => random.beta(key, 1, Infinity),
      "ArgumentError: Cannot draw beta numbers: b must be positive and finite in float32, " +
      "got Infinity",
    ],
    [
      () => random.beta(key, floats, [1, 2, 3]),
      "ShapeError: Cannot draw beta numbers with a and b float32[2] and float32[3]: " +
      "shapes must broadcast, axis -1 has lengths 2 and 3",
    ],
    [
      () => random.dirichlet(key, 3),
      "ShapeError: Cannot draw Dirichlet vectors with concentration float32[]: " +
      "expected at least one category along the last axis",
    ],
    [
      () => random.dirichlet(key, []),
      "ShapeError: Cannot draw Dirichlet vectors with concentration float32[0]: " +
      "expected at least one category along the last axis",
    ],
    [
      () => random.dirichlet(key, [[1, 2], [3, 4]], [3]),
      "ShapeError: Cannot draw Dirichlet vectors with concentration float32[2,2]: " +
      "cannot broadcast float32[2] to [3]: axis 0 has length 2, expected 1 or 3",
    ],
  ]);
});

Deno.test("what cannot be chosen is an error", () => {
  const what = "Cannot choose";
  checkErrors([
    [
      () => random.choice(key, -1),
      `ShapeError: ${what} from the first -1 integers: ` +
      `axis 0 must be a non-negative integer, got -1`,
    ],
    [
      () => random.choice(key, 1.5),
      `ShapeError: ${what} from the first 1.5 integers: ` +
      `axis 0 must be a non-negative integer, got 1.5`,
    ],
    [
      () => random.choice(key, scalar),
      `ShapeError: ${what} from int32[]: expected a JavaScript number or a tensor with an axis`,
    ],
    [() => random.choice(key, 0), `ArgumentError: ${what} 1 of no elements`],
    [
      () => random.choice(key, 3, { shape: 4, replace: false }),
      `ArgumentError: ${what} 4 of 3 elements without replacement`,
    ],
    [
      () => random.choice(key, 3, { replace: 0 }),
      `ArgumentError: ${what}: replace must be true or false, got 0`,
    ],
    [
      () => random.choice(key, 3, { size: 4 }),
      `ArgumentError: ${what}: there is no option "size", the options are shape, replace, p, axis`,
    ],
    [
      () => random.choice(key, floats, { axis: 1 }),
      `AxisError: ${what} from float32[2]: axis 1 is out of range, expected -1 to 0`,
    ],
    [
      () => random.choice(key, 3, { p: [1, 2] }),
      `ShapeError: ${what} with p float32[2]: ` +
      `expected one probability for each of 3 elements, [3]`,
    ],
    [
      () => random.choice(key, 3, { p: [0.5, -1, 2] }),
      `ArgumentError: ${what} with p: expected probabilities that are finite and not negative, ` +
      `got -1 at [1]`,
    ],
    [
      () => random.choice(key, 3, { p: [0, NaN, 2] }),
      `ArgumentError: ${what} with p: expected probabilities that are finite and not negative, ` +
      `got NaN at [1]`,
    ],
    [
      () => random.choice(key, 3, { p: [0, 0, 0] }),
      `ArgumentError: ${what} with p: 1 of the probabilities must be positive, 0 are`,
    ],
    [
      () => random.choice(key, 3, { p: [0, 1, 0], shape: 2, replace: false }),
      `ArgumentError: ${what} with p: 2 of the probabilities must be positive, 1 are`,
    ],
    [
      () => random.choice(key, 3, { shape: [-2] }),
      `ShapeError: ${what}: axis 0 must be a non-negative integer, got -2`,
    ],
  ]);
});

Deno.test("of tiny concentrations one takes all, as often as they are relative to each other", () => {
  for (
    const [dtype, sizes] of [
      ["float32", [1e-44, 1e-38, 1e-25]],
      ["float64", [5e-323, 1e-200]],
    ] as const
  ) {
    for (const size of sizes) {
      const near = (actual: Tensor, expected: number): void => {
        assert(Math.abs(actual.item() - expected) < 0.03, `${actual.item()}, not ${expected}`);
      };
      const a = tensor([1, 2, 1].map((part) => part * size), { dtype });
      const draw = (a: Tensor) => random.dirichlet(key, a, [2000], { dtype });
      for (const parts of [draw(a), jit(draw)(a)]) {
        assertEquals(parts.sum(1).data().every((sum: number) => sum === 1), true);
        [0.25, 0.5, 0.25].forEach((share, i) => near(parts.at(null, i).mean(), share));
      }
      const beta = (a: Tensor, b: Tensor) => random.beta(key, a, b, [2000], { dtype });
      near(beta(a.at(0), a.at(1)).mean(), 1 / 3);
      near(beta(a.at(0), tensor(2, { dtype })).mean(), 0);
      const slope = grad((a: Tensor) =>
        draw(a).at(null, 0).sum().add(beta(a.at(0), a.at(1)).sum())
      );
      assertEquals(slope(a).toArray(), [0, 0, 0]);
      assertEquals(jit(slope)(a).toArray(), [0, 0, 0]);
    }
  }
});

Deno.test("uniform numbers between tensors whose distance is out of range fill it", () => {
  for (const [dtype, most] of [["float32", 3.4e38], ["float64", 1.79e308]] as const) {
    const bounds = { minval: tensor([-most, 0], { dtype }), maxval: tensor([most, 1], { dtype }) };
    const draw = ({ minval, maxval }: typeof bounds) =>
      random.uniform(key, [3000, 2], { minval, maxval, dtype });
    for (const x of [draw(bounds), jit(draw)(bounds)]) {
      const fractions = x.at(null, 0).div(most);
      assert(Math.abs(fractions.mean().item()) < 0.04);
      assert(Math.abs(fractions.square().mean().item() - 1 / 3) < 0.02);
      assert(fractions.abs().max().item() <= 1);
      assertEquals(
        x.at(null, 1).toArray(),
        draw({
          minval: bounds.minval.mul([0, 1]),
          maxval: bounds.maxval,
        }).at(null, 1).toArray(),
      );
    }
    const slope = grad((b: typeof bounds) => draw(b).mean(0).sum())(bounds);
    assert(slope.minval.add(slope.maxval).sub(1).abs().max().item() < 1e-5);
  }
});

Deno.test("integers between equal bounds that are tensors are that bound", () => {
  for (const bound of [-(2 ** 31), -1, 0, 7, 2 ** 31 - 1]) {
    const at = tensor([bound], { dtype: "int32" });
    const draw = (at: Tensor) => random.randint(key, [3], at, at);
    assertEquals(draw(at).toArray(), [bound, bound, bound]);
    assertEquals(jit(draw)(at).toArray(), [bound, bound, bound]);
    assertEquals(vmap(draw)(stack([at, at])).at(1).toArray(), [bound, bound, bound]);
  }
});
