import fc from "fast-check";
import { type Dtype, isFloat } from "../../../../src/base/dtype.ts";
import { type Concrete, dense } from "../../../../src/core/tensor.ts";
import {
  emitCumprod,
  emitCumsum,
} from "../../../../src/backends/wasm/kernels/reduction/cumulative.ts";
import { cumprodPrimitive, cumsumPrimitive } from "../../../../src/primitives/reduction.ts";
import { assert, assertEquals } from "../../../support/std.ts";
import {
  assertNear,
  assertSame,
  type Emit,
  fillTensor,
  randomNumbers,
  runBoth,
} from "./against_reference.ts";
import { testBuilder } from "./support.ts";

const dtypes: readonly Dtype[] = ["float32", "float64", "int32", "uint32"];

const cumsum: Emit<{ axis: number; reverse: boolean }> = (builder, inputs, params, output) =>
  emitCumsum(builder, inputs, params, [output]);
const cumprod: Emit<{ axis: number }> = (builder, inputs, params, output) =>
  emitCumprod(builder, inputs, params, [output]);

/** Whole numbers, whose sums are exact in doubles in whatever order they are added. */
function wholeNumbers(dtype: Dtype, shape: readonly number[], seed: number): Concrete {
  const next = randomNumbers(seed);
  const width = isFloat(dtype) ? 2 ** 20 : 2 ** 32;
  return fillTensor(dtype, shape, () => Math.floor((next() - 0.5) * width));
}

function checkSums(dtype: Dtype, shape: readonly number[], seed: number): void {
  const x = wholeNumbers(dtype, shape, seed);
  for (let axis = 0; axis < shape.length; axis++) {
    for (const reverse of [false, true]) {
      assertSame(cumsum, cumsumPrimitive, [x], { axis, reverse });
    }
  }
}

/** Products are always taken one after the other: exactly as the evaluator does. */
function checkProducts(dtype: Dtype, shape: readonly number[], seed: number): void {
  const next = randomNumbers(seed);
  const x = fillTensor(
    dtype,
    shape,
    () => isFloat(dtype) ? (next() - 0.5) * 4.5 : Math.floor(next() * 2 ** 32),
  );
  for (let axis = 0; axis < shape.length; axis++) {
    assertSame(cumprod, cumprodPrimitive, [x], { axis });
  }
}

Deno.test("cumsum is exact on lines of every length up to forty", () => {
  for (let length = 0; length <= 40; length++) {
    for (const dtype of dtypes) checkSums(dtype, [length], length);
  }
});

Deno.test("cumsum and cumprod agree with the evaluator on any shape and axis", () => {
  const shapes = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(fc.constantFrom(...dtypes), shapes, fc.nat(), (dtype, shape, seed) => {
      checkSums(dtype, shape, seed);
      checkProducts(dtype, shape, seed);
    }),
    { numRuns: 40, seed: 7 },
  );
});

Deno.test("cumsum and cumprod take many lines in several chunks", () => {
  for (const dtype of dtypes) {
    checkSums(dtype, [501, 70], 1);
    checkProducts(dtype, [70, 3, 101], 2);
  }
});

Deno.test("cumsum cuts few long lines into segments", () => {
  for (const dtype of dtypes) checkSums(dtype, [20_001], 3);
  for (const dtype of ["float32", "int32"] as const) {
    for (const shape of [[2, 17_000], [17_000, 3], [16_385, 5]]) checkSums(dtype, shape, 4);
  }
  for (const [shape, axis] of [[[1_000_000], 0], [[100_000, 4], 0]] as const) {
    const x = { dtype: "float32" as const, shape };
    const { stages } = emitCumsum(testBuilder(), [x], { axis, reverse: false }, [x]);
    assertEquals(stages.length, 2);
    for (const { chunks } of stages) assert(chunks >= 4, `${shape} in ${chunks} chunks`);
  }
});

Deno.test("cumprod of few long lines is that of the evaluator, beyond overflow too", () => {
  for (const dtype of dtypes) checkProducts(dtype, [40_000], 5);
  const next = randomNumbers(6);
  const x = fillTensor("float64", [40_000], () => 10 ** ((next() - 0.5) * 300));
  assertSame(cumprod, cumprodPrimitive, [x], { axis: 0 });
});

Deno.test("cumsum of any numbers is right up to the rounding of doubles", () => {
  for (const dtype of ["float32", "float64"] as const) {
    for (const shape of [[100_000], [300, 77], [77, 300]]) {
      const next = randomNumbers(8);
      const x = fillTensor(dtype, shape, () => (next() - 0.5) * 10 ** (6 * next()));
      for (let axis = 0; axis < shape.length; axis++) {
        const params = { axis, reverse: axis === 1 };
        const { actual, expected } = runBoth(cumsum, cumsumPrimitive, [x], params);
        // Every sum of up to `length` terms, in any order; floats are rounded once more.
        const size = Float64Array.from(dense(x)).reduce((sum, value) => sum + Math.abs(value), 0);
        const doubles = shape[axis] * 2 ** -53 * size;
        const rounding = dtype === "float32" ? 2 ** -23 : 0;
        assertNear(actual, expected, (i) => doubles + rounding * Math.abs(expected[i]));
      }
    }
  }
});

Deno.test("cumsum passes infinities and NaN on", () => {
  for (const length of [9, 100]) {
    for (const special of [Infinity, NaN]) {
      const x = fillTensor("float32", [length], () => 1);
      x.elements[5] = special;
      x.elements[7] = -Infinity;
      for (const reverse of [false, true]) {
        assertSame(cumsum, cumsumPrimitive, [x], { axis: 0, reverse });
      }
    }
  }
});
