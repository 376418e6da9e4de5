import fc from "fast-check";
import type { Dtype } from "../../../../src/base/dtype.ts";
import { isFloat } from "../../../../src/base/dtype.ts";
import {
  emitArgmax,
  emitArgmin,
} from "../../../../src/backends/wasm/kernels/reduction/extremes.ts";
import { argmaxPrimitive, argminPrimitive } from "../../../../src/primitives/reduction.ts";
import { assert } from "../../../support/std.ts";
import { assertSame, fillTensor, randomNumbers } from "./against_reference.ts";
import { testBuilder } from "./support.ts";

const dtypes: readonly Dtype[] = [
  ...["float32", "float64", "int32", "uint32", "bool"] as const,
  ...["float16", "bfloat16", "int8", "uint8", "int16", "uint16"] as const,
];

/** Few different values, so that many are equal, with a share of NaN, infinities and zeros. */
function drawer(dtype: Dtype, special: number, random: () => number): () => number {
  const values = [NaN, Infinity, -Infinity, 0, -0];
  return () => {
    if (isFloat(dtype) && random() < special) return values[Math.floor(random() * values.length)];
    if (dtype === "bool") return random() < 0.3 ? 1 : 0;
    const value = Math.floor(random() * 40) - 20;
    return isFloat(dtype) ? value / 4 : value * 2 ** 26;
  };
}

function check(dtype: Dtype, shape: readonly number[], special: number, seed: number): void {
  const x = fillTensor(dtype, shape, drawer(dtype, special, randomNumbers(seed)));
  for (let axis = 0; axis < shape.length; axis++) {
    if (shape[axis] === 0) continue;
    assertSame(emitArgmax, argmaxPrimitive, [x], { axis });
    assertSame(emitArgmin, argminPrimitive, [x], { axis });
  }
}

Deno.test("argmax and argmin find the first extreme along any axis, and NaN before all", () => {
  const shapes = [[1], [7], [64], [65], [1000], [3, 1], [5, 9], [4, 70], [2, 33, 3], [3, 5, 19]];
  for (const shape of shapes) {
    for (const dtype of dtypes) {
      for (const special of [0, 0.1]) check(dtype, shape, special, 5);
    }
  }
});

Deno.test("argmax and argmin agree with the evaluator on random shapes", () => {
  const shapes = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 3 });
  const specials = fc.constantFrom(0, 0.02, 0.5, 1);
  fc.assert(
    fc.property(fc.constantFrom(...dtypes), shapes, specials, fc.nat(), check),
    { numRuns: 40, seed: 4 },
  );
});

Deno.test("ties across the lanes of vectors go to the first place", () => {
  for (const dtype of dtypes.filter((dtype) => dtype !== "bool")) {
    for (const length of [64, 83, 128]) {
      for (let place = 0; place < length; place += 9) {
        for (const top of isFloat(dtype) ? [9, NaN] : [9]) {
          let next = 0;
          const x = fillTensor(dtype, [length], () => next++ < place ? 1 : top);
          assertSame(emitArgmax, argmaxPrimitive, [x], { axis: 0 });
        }
      }
    }
  }
});

Deno.test("large searches are divided into chunks", () => {
  for (const axis of [0, 1]) {
    const x = { dtype: "float32" as const, shape: [500, 1000] };
    const output = { dtype: "int32" as const, shape: [x.shape[1 - axis]] };
    const { stages } = emitArgmax(testBuilder(), [x], { axis }, output);
    assert(stages[0].chunks >= 4);
    check("float32", x.shape, 0.001, 6);
  }
});
