import { grad, jit, random, tensor, vmap } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { erfc } from "../../src/numeric/special.ts";
import { assert, assertAlmostEquals, assertEquals } from "../support/std.ts";

const key = random.key(7);
const COUNT = 200;
const i = Infinity;

function double(value: number): Tensor {
  return tensor(value, { dtype: "float64" });
}

function draw(low: Tensor, high: Tensor): Tensor {
  return random.truncatedNormal(key, low, high, COUNT, { dtype: low.dtype });
}

/** The logarithm of the density at `x` over that at `y`. */
function logRatio(x: number, y: number): number {
  return (y - x) * (y + x) / 2;
}

/** The part of the distribution between the bounds that lies below `x`. */
function part(low: number, x: number, high: number): number {
  const sign = low > 0 ? 1 : -1;
  const tail = (y: number) => erfc(sign * y / Math.SQRT2);
  return (tail(low) - tail(x)) / (tail(low) - tail(high));
}

const intervals = [
  [-1, 2],
  [1.5, 3],
  [5, 6],
  [6, 7],
  [-9, -8.5],
  [9, 9.01],
  [20, 21],
  [25, 25.5],
];

Deno.test("truncated normal numbers move with their bounds so that their rank stays", () => {
  for (const [low, high] of intervals) {
    const x = Array.from(draw(double(low), double(high)).data());
    const ways = low === 6 ? [draw, jit(draw) as typeof draw] : [draw];
    for (const way of ways) {
      for (let k = 0; k < COUNT; k += 80) {
        const slope = (argnum: 0 | 1) =>
          Number(
            grad((a: Tensor, b: Tensor) => way(a, b).at(k), { argnums: argnum })(
              double(low),
              double(high),
            ).item(),
          );
        const rank = part(low, x[k], high);
        // The density at the bound over that at the number, times the part on the bound's other side.
        const expected = [
          (1 - rank) * Math.exp(logRatio(low, x[k])),
          rank * Math.exp(logRatio(high, x[k])),
        ];
        assertAlmostEquals(slope(0), expected[0], 1e-6 * Math.max(1, expected[0]));
        assertAlmostEquals(slope(1), expected[1], 1e-6 * Math.max(1, expected[1]));
      }
    }
  }
});

Deno.test("second derivatives of truncated normal numbers are differences of the first", () => {
  for (const [low, high] of [[1.5, 3], [6, 7], [-21, -20]]) {
    const first = (a: Tensor) => grad((a: Tensor) => draw(a, double(high)).sum())(a);
    const second = Number(grad(first)(double(low)).item());
    const step = 1e-5;
    const [above, below] = [step, -step].map((h) => Number(first(double(low + h)).item()));
    assertAlmostEquals(second, (above - below) / (2 * step), 1e-4 * Math.max(1, Math.abs(second)));
  }
});

Deno.test("bounds that are tensors give what numbers give, one by one, mapped and compiled", () => {
  for (const dtype of ["float32", "float64"] as const) {
    const bounds = [[-1, 2], [6, 7], [-i, -10], [30, i], [0.5, 0.5001], [-2, i], [-7, -6]];
    const [low, high] = [0, 1].map((k) => tensor(bounds.map((pair) => pair[k]), { dtype }));
    const each = vmap(draw)(low, high);
    const compiled = jit(vmap(draw))(low, high);
    bounds.forEach(([a, b], k) => {
      const expected = Array.from(random.truncatedNormal(key, a, b, COUNT, { dtype }).data());
      for (const actual of [each, compiled]) {
        Array.from(actual.at(k).data()).forEach((value, j) => {
          assert(value > a && value < b, `${value} is not between ${a} and ${b}`);
          const scale = Math.max(1, Math.abs(expected[j])) * (dtype === "float32" ? 1e-6 : 1e-13);
          assertAlmostEquals(value, expected[j], scale);
        });
      }
    });
  }
});

Deno.test("bounds without a float between them give the lower one", () => {
  const next = 1 + 2 ** -23;
  const [low, high] = [tensor([3, 1, -8]), tensor([3, next, -8])];
  const x = random.truncatedNormal(key, low, high, [4, 3]);
  assertEquals(x.toArray(), Array.from({ length: 4 }, () => [3, 1, -8]));
  assertEquals(random.truncatedNormal(key, 6, 6 + 1e-9, [2]).toArray(), [6, 6]);
});
