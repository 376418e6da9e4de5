import { assertEquals, assertThrows } from "../support/std.ts";
import { DtypeError, ShapeError } from "../../src/base/errors.ts";
import type { Dtype } from "../../src/base/dtype.ts";
import { showType } from "../../src/base/shape.ts";
import type { Tensor, TensorLike } from "../../src/core/tensor.ts";
import * as functions from "../../src/functions/mod.ts";
import { full, ones, tensor, zeros } from "../../src/functions/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { grad } from "../../src/transforms/grad.ts";
import { makeProgram } from "../../src/transforms/stage.ts";
import { vjp } from "../../src/transforms/linearize.ts";
import { float64, numbers, sections } from "./fixture.ts";
import type { Written } from "./fixture.ts";

type Unary = (x: TensorLike) => Tensor;
type Binary = (x: TensorLike, y: TensorLike) => Tensor;

const unaryNames = sections.unary.map(({ name }) => name);
const byName = functions as unknown as Record<string, Unary & Binary>;

/**
 * Where a value or derivative is not PyTorch's, and on purpose: at NaN we give NaN, as NumPy and JAX
 * do; at negative zero and outside the domain only the sign of an infinite derivative differs.
 */
const ours: Readonly<Record<string, (x: number) => boolean>> = {
  sign: Number.isNaN,
  abs: Number.isNaN,
  rsqrt: (x) => Object.is(x, -0),
  acosh: (x) => x === -1,
};

for (const { name, x, y, dx } of sections.unary) {
  const points = numbers(x) as number[];
  const isOurs = ours[name] ?? (() => false);

  Deno.test(`${name} has PyTorch's values and derivatives in float64`, () => {
    const at = tensor(points, { dtype: "float64" });
    const [actual, pullback] = vjp(byName[name], at);
    const [slope] = pullback(ones(at.shape, { dtype: "float64" })) as Tensor[];
    const [values, slopes] = [actual, slope].map((z) => z.toArray() as number[]);
    const expected = numbers(y) as number[];
    points.forEach((point, i) => {
      if (isOurs(point)) return;
      const message = `${name} at ${point}`;
      assertTensorsClose(values[i], expected[i], { rtol: 1e-14, atol: 1e-300, message });
      const wanted = (dx as readonly Written[])[i];
      if (wanted === null) return;
      const rtol = name === "digamma" ? 1e-9 : 1e-13;
      assertTensorsClose(slopes[i], numbers(wanted), { rtol, atol: 2e-15, message });
    });
  });

  Deno.test(`${name} in float32 is the rounded value`, () => {
    const at = tensor(points);
    const exact = byName[name](at.astype("float64"));
    assertEquals(byName[name](at).dtype, "float32");
    assertTensorsClose(byName[name](at), exact.astype("float32"), { rtol: 0, atol: 0 });
  });
}

for (const { name, x } of sections.unary) {
  Deno.test(`${name} has the derivative of float64 in float32`, () => {
    const moderate = (numbers(x) as number[]).map(Math.fround).filter((v) => Math.abs(v) < 13);
    const slopes = (["float32", "float64"] as const).map((dtype) => {
      const at = tensor(moderate, { dtype });
      return vjp(byName[name], at)[1](ones(at.shape, { dtype }))[0] as Tensor;
    });
    const [single, double] = slopes;
    assertEquals(single.dtype, "float32");
    const known = double.abs().less(1e5);
    const masked = slopes.map((slope) => functions.where(known, slope.astype("float64"), 0));
    assertTensorsClose(masked[0], masked[1], { rtol: 2e-6, atol: 2e-7, message: String(single) });
  });
}

/** Where PyTorch divides an infinity, or by zero, to get a derivative of mod. */
function isPole(name: string, y: number): boolean {
  return name === "mod" && !Number.isFinite(y);
}

for (const { name, a, b, y, da, db } of sections.binary) {
  Deno.test(`${name} has PyTorch's values and derivatives in float64`, () => {
    const [left, right] = [float64(a), float64(b)];
    const [actual, pullback] = vjp(byName[name], left, right);
    const slopes = pullback(ones(left.shape, { dtype: "float64" })) as Tensor[];
    const values = numbers(y) as number[];
    const rows: readonly [Written, Tensor, string][] = [
      [y, actual, "value"],
      [da, slopes[0], "first derivative"],
      [db, slopes[1], "second derivative"],
    ];
    for (const [wanted, computed, what] of rows) {
      const list = computed.toArray() as number[];
      (numbers(wanted) as number[]).forEach((expected, i) => {
        if (isPole(name, values[i]) && wanted === db) return;
        const message = `${what} at ${(a as Written[])[i]}, ${(b as Written[])[i]}`;
        assertTensorsClose(list[i], expected, { rtol: 1e-13, atol: 1e-300, message });
      });
    }
  });

  Deno.test(`${name} in float32 is the rounded value`, () => {
    const [left, right] = [float64(a).astype("float32"), float64(b).astype("float32")];
    const exact = byName[name](left.astype("float64"), right.astype("float64"));
    assertEquals(byName[name](left, right).dtype, "float32");
    assertTensorsClose(byName[name](left, right), exact.astype("float32"), { rtol: 0, atol: 0 });
  });
}
