/**
 * Compiled transforms of all kinds: as whole programs, in loops, one by one, and on threads.
 *
 * @module
 */
import { inspect, jit, makeProgram, scan, tensor } from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import fixture from "../../fixtures/fft.json" with { type: "json" };
import { radicesOf } from "../../../src/numeric/fft/lengths.ts";
import { fourier, fourierOfReal, realOfFourier } from "../../../src/primitives/fourier.ts";
import { ErrorSum, exactTransform, numbers, ofRealParts } from "../../numeric/exact_transform.ts";
import { assert, assertEquals } from "../../support/std.ts";

type Float = "float32" | "float64";
const floats: readonly Float[] = ["float32", "float64"];

function dataOf(parts: readonly Tensor[]) {
  const [re, im] = parts.map((part) => Float64Array.from(part.data()));
  return { re, im };
}

Deno.test("transforms from real numbers and by convolutions are as exact as pocketfft's", () => {
  for (const row of fixture.errors) {
    const { n } = row;
    const isLong = n > 70000 || (n > 5000 && radicesOf(n) !== null);
    if (isLong) continue;
    const count = Math.ceil(4096 / n);
    const seeds = Array.from({ length: count }, (_, i) => 1 + 2 * n * i);
    const exact = seeds.map((seed) =>
      exactTransform({ re: numbers(n, seed), im: numbers(n, seed + n) })
    );
    for (const dtype of floats) {
      const [re, im] = [0, n].map((from) => {
        const whole = new Float64Array(count * n);
        seeds.forEach((seed, i) => whole.set(numbers(n, seed + from), i * n));
        return tensor(whole, { dtype }).reshape([count, n]);
      });
      const both = dataOf(jit((a: Tensor, b: Tensor) => fourier(a, b, { inverse: false }))(re, im));
      const half = dataOf(jit((a: Tensor) => fourierOfReal(a))(re));
      const [whole, real] = [new ErrorSum(), new ErrorSum()];
      exact.forEach((one, i) => {
        const rowOf = (part: Float64Array, length: number) =>
          part.slice(i * length, (i + 1) * length);
        whole.add({ re: rowOf(both.re, n), im: rowOf(both.im, n) }, one);
        const length = half.re.length / count;
        real.add({ re: rowOf(half.re, length), im: rowOf(half.im, length) }, ofRealParts(one));
      });
      const bounds = dtype === "float32" ? [row.float32, row.real32] : [row.float64, row.real64];
      assert(whole.relative <= 2 * bounds[0], `${dtype}, ${n}: ${whole.relative}`);
      assert(real.relative <= 2 * bounds[1], `${dtype}, real, ${n}: ${real.relative}`);
    }
  }
});

Deno.test("there and back are the numbers times the length, also within loops", () => {
  for (const n of [1, 6, 7, 64, 211, 1000]) {
    const x = tensor(numbers(3 * n, 5), { dtype: "float64" }).reshape([3, n]);
    const weights = tensor(
      Array.from({ length: Math.floor(n / 2) + 1 }, (_, k) => k === 0 || 2 * k === n ? 1 : 2),
      { dtype: "float64" },
    );
    const there = (row: Tensor): Tensor => {
      const [re, im] = fourierOfReal(row);
      const w = weights.broadcastTo(re.shape);
      return realOfFourier(re.mul(w), im.mul(w), { length: n }).div(n);
    };
    const close = (y: Tensor) => y.sub(x).abs().max().item() < 1e-14;
    assert(close(jit(there)(x)), `${n}`);
    const loop = jit((xs: Tensor) =>
      scan((_: null, row: Tensor) => [null, there(row)], null, xs)[1]
    );
    assert(close(loop(x) as Tensor), `${n}, in a loop`);
    assertEquals(
      inspect.kernels(makeProgram(loop)(x)).kernels.filter(({ name }) =>
        name.includes("evaluator")
      ),
      [],
    );
  }
});

Deno.test("large transforms outside of compiled functions are the compiled ones", () => {
  for (const n of [8192, 8209]) {
    const x = tensor(numbers(n, 1));
    assertEquals(
      fourierOfReal(x).map((part) => part.data()),
      jit((y: Tensor) => fourierOfReal(y))(x).map((part) => part.data()),
    );
  }
});
