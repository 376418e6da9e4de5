import { grad, jit, pow, stack, tensor, vmap } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertAlmostEquals, assertEquals } from "../support/std.ts";

type F = (x: Tensor, y: Tensor) => Tensor;

const byX = (f: F): F => (x, y) => grad(f)(x, y);
const byY = (f: F): F => (x, y) => grad(f, { argnums: 1 })(x, y);

/** The derivatives by x, by y, by x twice, by x then y, by y then x, and by y twice. */
const derivatives: F = (x, y) =>
  stack(
    [
      byX,
      byY,
      ...[byX, byY].flatMap((inner) => [byX, byY].map((outer) => (f: F) => outer(inner(f)))),
    ]
      .map((derive) => derive(pow)(x, y)),
  );

const i = Infinity;
const ln2 = Math.LN2;

/** Base, exponent, and the six derivatives. */
const points: readonly (readonly number[])[] = [
  // By the base, the derivative is 0 where the exponent is 0; by the exponent, where the base is 0.
  [0, 0, 0, 0, 0, 0, 0, 0],
  [-0, 0, 0, 0, 0, 0, 0, 0],
  [0, 1, 1, 0, 0, 0, 0, 0],
  [-0, 1, 1, 0, 0, 0, 0, 0],
  [0, 2, 0, 0, 2, 0, 0, 0],
  [0, 3, 0, 0, 0, 0, 0, 0],
  [0, 1.5, 0, 0, i, 0, 0, 0],
  [0, 2.5, 0, 0, 0, 0, 0, 0],
  [0, -1, -i, -i, i, i, i, i],
  [0, -0.5, -i, -i, i, i, i, i],
  [0, -2, -i, -i, i, i, i, i],
  // Mixed derivatives are their limits, where PyTorch and JAX give NaN.
  [0, 0.5, i, 0, -i, -i, -i, 0],
  [0, 0.25, i, 0, -i, -i, -i, 0],
  [0, -i, -i, -i, i, i, i, i],
  [2, i, i, i, i, i, i, i],
  [0.5, -i, -i, -i, i, i, i, i],
  // Next to 0 the derivatives are those of the formulas.
  [1e-9, 0, 0, Math.log(1e-9), 0, 1e9, 1e9, Math.log(1e-9) ** 2],
  [2 ** -60, 0, 0, -60 * ln2, 0, 2 ** 60, 2 ** 60, (60 * ln2) ** 2],
  [2 ** -60, 1, 1, -60 * ln2 * 2 ** -60, 0, 1 - 60 * ln2, 1 - 60 * ln2, 2 ** -60 * (60 * ln2) ** 2],
  [1, 0, 0, 0, 0, 1, 1, 0],
  [1, 1, 1, 0, 0, 1, 1, 0],
  [1, -1, -1, 0, 2, 1, 1, 0],
  [2, 0, 0, ln2, 0, 0.5, 0.5, ln2 ** 2],
  [2, 1, 1, 2 * ln2, 0, 1 + ln2, 1 + ln2, 2 * ln2 ** 2],
  [2, 2, 4, 4 * ln2, 2, 2 + 4 * ln2, 2 + 4 * ln2, 4 * ln2 ** 2],
  // A negative base has whole powers, and no derivative by the exponent.
  [-2, 0, 0, NaN, 0, NaN, NaN, NaN],
  [-2, 1, 1, NaN, 0, NaN, NaN, NaN],
  [-2, 2, -4, NaN, 2, NaN, NaN, NaN],
  [-2, 3, 12, NaN, -12, NaN, NaN, NaN],
  [-2, -1, -0.25, NaN, -0.25, NaN, NaN, NaN],
  [-2, 0.5, NaN, NaN, NaN, NaN, NaN, NaN],
  [i, 0, 0, i, 0, NaN, NaN, i],
  [i, -1, 0, NaN, 0, NaN, NaN, NaN],
  // A power that is 0 for an infinite exponent is 0 next to there.
  ...[0, 0.5, 1 - 2 ** -20].map((x) => [x, i, 0, 0, 0, 0, 0, 0]),
  ...[2, 1 + 2 ** -20, 1e30, i].map((x) => [x, -i, 0, 0, 0, 0, 0, 0]),
  [-0.5, i, 0, NaN, 0, NaN, NaN, NaN],
  [-2, -i, 0, NaN, 0, NaN, NaN, NaN],
  [1, i, i, 0, i, NaN, NaN, 0],
  [1, -i, -i, 0, i, NaN, NaN, 0],
];

for (const dtype of ["float64", "float32"] as const) {
  Deno.test(`first and second derivatives of ${dtype} powers are symmetric at special points`, () => {
    const [x, y] = [0, 1].map((k) => tensor(points.map((point) => point[k]), { dtype }));
    for (const f of [vmap(derivatives), jit(vmap(derivatives))]) {
      const values = f(x, y).toArray() as number[][];
      points.forEach(([base, exponent, ...expected], k) => {
        expected.forEach((value, j) => {
          const label = `derivative ${j} at (${base}, ${exponent})`;
          if (!Number.isFinite(value)) return assertEquals(values[k][j], value, label);
          const tolerance = (dtype === "float64" ? 1e-14 : 4e-6) * Math.max(1e-15, Math.abs(value));
          assertAlmostEquals(values[k][j], value, tolerance, label);
        });
      });
    }
    // One by one, without maps.
    points.forEach(([, , ...expected], k) => {
      const single = Array.from(derivatives(x.at(k), y.at(k)).data());
      assertEquals(single.map(Number.isNaN), expected.map(Number.isNaN));
      if (!Number.isNaN(single[3])) {
        assertAlmostEquals(single[3], single[4], 4e-6 * Math.abs(single[4]));
      }
    });
  });
}
