/**
 * The kernel of transforms: every way, every radix, both directions.
 *
 * @module
 */
import { sizeOf } from "../../../../src/base/shape.ts";
import { emitFourier } from "../../../../src/backends/wasm/kernels/fourier/mod.ts";
import { fillTable, planOf } from "../../../../src/backends/wasm/kernels/fourier/plan.ts";
import { transform, transformBack } from "../../../../src/numeric/fft/transform.ts";
import { ErrorSum, numbers } from "../../../numeric/exact_transform.ts";
import { assert, assertEquals } from "../../../support/std.ts";
import { runKernel } from "./support.ts";

type Float = "float32" | "float64";
const floats: readonly Float[] = ["float32", "float64"];

/** The kernel's transforms of rows. */
function run(dtype: Float, n: number, parts: readonly Float64Array[], inverse: boolean) {
  const shape = [parts[0].length / n, n];
  const make = dtype === "float32" ? Float32Array : Float64Array;
  const { plan, elements } = planOf(dtype, n, null);
  const table = new make(elements);
  fillTable(table, dtype, plan);
  const types = [0, 1].map(() => ({ dtype, shape }));
  const [re, im] = runKernel(
    (builder) => emitFourier(builder, types, { inverse }),
    [...parts.map((part) => make.from(part)), table],
    types.map(() => ({ dtype, length: sizeOf(shape) })),
  );
  return {
    way: plan.turns === null ? "rows" : "parts",
    re: Float64Array.from(re),
    im: Float64Array.from(im),
  };
}

Deno.test("transforms are the evaluator's, whatever way their length takes", () => {
  const ways = new Set<string>();
  const lengths = [
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    11,
    12,
    15,
    16,
    17,
    20,
    21,
    24,
    32,
    40,
    48,
    49,
    64,
    80,
    96,
    127,
  ];
  for (const dtype of floats) {
    for (
      const n of [
        ...lengths,
        128,
        199,
        240,
        560,
        2 ** 15,
        2 ** 14 * 3,
        2 ** 16,
        16 * 2187,
        64 * 11 * 97,
      ]
    ) {
      for (const count of n > 1000 ? [1, 2] : n < 10 ? [0, 1, 3, 9] : [5]) {
        for (const inverse of [false, true]) {
          const parts = [numbers(count * n, 1), numbers(count * n, 2 + count * n)];
          const { way, re, im } = run(dtype, n, parts, inverse);
          ways.add(`${dtype} ${way}`);
          const error = new ErrorSum();
          for (let i = 0; i < count; i++) {
            const rowOf = (part: Float64Array) => part.slice(i * n, (i + 1) * n);
            const expected = { re: rowOf(parts[0]), im: rowOf(parts[1]) };
            (inverse ? transformBack : transform)(expected);
            error.add({ re: rowOf(re), im: rowOf(im) }, expected);
          }
          if (count === 0) continue;
          const bound = dtype === "float32" ? 3e-7 : 6e-16;
          assert(error.relative < bound, `${dtype}, ${count} of ${n} (${way}): ${error.relative}`);
        }
      }
    }
  }
  assertEquals(ways.size, 4);
});
