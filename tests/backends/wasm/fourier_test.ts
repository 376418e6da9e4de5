/**
 * Compiled transforms of all kinds: as whole programs, in loops, one by one, and on threads.
 *
 * @module
 */
import { inspect, jit, makeProgram, scan, tensor, zerosLike } from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { fourier, fourierOfReal, realOfFourier } from "../../../src/primitives/fourier.ts";
import { numbers, relativeError } from "../../numeric/exact_transform.ts";
import { cases } from "../../numeric/pocketfft.ts";
import { assert, assertEquals } from "../../support/std.ts";

type Float = "float32" | "float64";
const floats: readonly Float[] = ["float32", "float64"];

function dataOf(parts: readonly Tensor[]) {
  const [re, im] = parts.map((part) => Float64Array.from(part.data()));
  return { re, im };
}

/** One of each kind, besides long ones: the kernel's other lengths are held to the evaluator's results. */
const lengths = [3, 8, 11, 16, 49, 64, 101, 127, 243, 512, 720, 1009, 1024, 4099];

Deno.test("errors are at most twice pocketfft's, at lengths up to 2^20 and primes", () => {
  for (const { n, count, rows, check, checkReal } of cases) {
    if (n < 10000 && !lengths.includes(n)) continue;
    for (const dtype of floats) {
      const [re, im] = [rows.re, rows.im].map((part) =>
        tensor(part, { dtype }).reshape([count, n])
      );
      const whole = jit((a: Tensor, b: Tensor) => fourier(a, b, { inverse: false }));
      check("compiled", dtype, dataOf(whole(re, im)));
      checkReal("compiled", dtype, dataOf(jit((x: Tensor) => fourierOfReal(x))(re)));
    }
  }
});

Deno.test("transforms of real numbers, and to them, are the evaluator's, whatever their length", () => {
  const short = Array.from({ length: 40 }, (_, i) => i + 1);
  for (const n of [...short, 62, 64, 66, 96, 100, 128, 142, 202, 404, 422, 2022, 2 ** 17]) {
    for (const dtype of floats) {
      for (const count of n > 5000 ? [1, 3] : [0, 1, 2, 5]) {
        const part = (seed: number, length: number) =>
          tensor(numbers(count * length, seed), { dtype }).reshape([count, length]);
        const half = Math.floor(n / 2) + 1;
        const [x, re, im] = [part(1, n), part(2, half), part(3, half)];
        const back = (a: Tensor, b: Tensor) => realOfFourier(a, b, { length: n });
        const there = [fourierOfReal(x), jit((a: Tensor) => fourierOfReal(a))(x)];
        const real = [back(re, im), jit(back)(re, im)].map((y) => [y, zerosLike(y)]);
        const bound = dtype === "float32" ? 3e-7 : 8e-16;
        for (const [expected, result] of [there, real]) {
          assertEquals(result.map(({ shape }) => shape), expected.map(({ shape }) => shape));
          if (count === 0) continue;
          const error = relativeError(dataOf(result), dataOf(expected));
          assert(error < bound, `${dtype}, ${count} of ${n}: ${error}`);
        }
      }
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
