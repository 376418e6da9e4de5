/**
 * The kernel of transforms: every way, every radix, both directions, and its errors beside pocketfft's.
 *
 * @module
 */
import fixture from "../../../fixtures/fft.json" with { type: "json" };
import { sizeOf } from "../../../../src/base/shape.ts";
import { emitFourier } from "../../../../src/backends/wasm/kernels/fourier/mod.ts";
import { fillTable, planOf } from "../../../../src/backends/wasm/kernels/fourier/plan.ts";
import { transform, transformBack } from "../../../../src/numeric/fft/transform.ts";
import { radicesOf } from "../../../../src/numeric/fft/lengths.ts";
import { ErrorSum, exactTransform, numbers } from "../../../numeric/exact_transform.ts";
import { assert, assertEquals } from "../../../support/std.ts";
import { runKernel } from "./support.ts";

type Float = "float32" | "float64";
const floats: readonly Float[] = ["float32", "float64"];

/** The kernel's transforms of rows. */
function run(dtype: Float, n: number, parts: readonly Float64Array[], inverse: boolean) {
  const shape = [parts[0].length / n, n];
  const make = dtype === "float32" ? Float32Array : Float64Array;
  const { plan, elements } = planOf(dtype, n);
  const table = new make(elements);
  fillTable(table, dtype, plan);
  const types = [0, 1].map(() => ({ dtype, shape }));
  const [re, im] = runKernel(
    (builder) => emitFourier(builder, types, { inverse }, types),
    [...parts.map((part) => make.from(part)), table],
    types.map(() => ({ dtype, length: sizeOf(shape) })),
  );
  return { way: plan.way, re: Float64Array.from(re), im: Float64Array.from(im) };
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
      for (const count of n > 1000 ? [1, 2] : [0, 1, 3, 4, 9]) {
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

Deno.test("errors are at most twice pocketfft's in the same precision", () => {
  for (const row of fixture.errors) {
    const { n } = row;
    if (radicesOf(n) === null || n > 70000) continue;
    const count = Math.ceil(4096 / n);
    const seeds = Array.from({ length: count }, (_, i) => 1 + 2 * n * i);
    const parts = [0, n].map((from) => {
      const whole = new Float64Array(count * n);
      seeds.forEach((seed, i) => whole.set(numbers(n, seed + from), i * n));
      return whole;
    });
    const exact = seeds.map((seed) =>
      exactTransform({ re: numbers(n, seed), im: numbers(n, seed + n) })
    );
    for (const dtype of floats) {
      const { re, im } = run(dtype, n, parts, false);
      const error = new ErrorSum();
      exact.forEach((one, i) => {
        const [from, to] = [i * n, (i + 1) * n];
        error.add({ re: re.slice(from, to), im: im.slice(from, to) }, one);
      });
      assert(
        error.relative <= 2 * row[dtype],
        `${dtype}, ${n}: ${error.relative} beside ${row[dtype]}`,
      );
    }
  }
});
