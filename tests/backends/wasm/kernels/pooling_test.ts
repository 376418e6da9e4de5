import fc from "fast-check";
import { type Dtype, isFloat } from "../../../../src/base/dtype.ts";
import { emitArgmaxWindow } from "../../../../src/backends/wasm/kernels/pooling.ts";
import { argmaxWindowPrimitive, type WindowParams } from "../../../../src/primitives/window.ts";
import { assert } from "../../../support/std.ts";
import { assertSame, fillTensor, randomNumbers } from "./against_reference.ts";
import { testBuilder } from "./support.ts";

const dtypes: readonly Dtype[] = [
  ...["float32", "float64", "int32", "uint32"] as const,
  ...["float16", "bfloat16", "int8", "uint8", "int16", "uint16"] as const,
];

/** Windows as a user gives them, along one axis. */
interface Axis {
  readonly input: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padLow: number;
  /** How many windows there are beyond those that fit the input without padding behind it. */
  readonly more: number;
}

function paramsOf(axes: readonly Axis[]): WindowParams {
  const output = axes.map(({ input, kernel, stride, dilation, padLow, more }) => {
    const fitting = Math.floor((input + padLow - (kernel - 1) * dilation - 1) / stride) + 1;
    return Math.max(0, fitting + more);
  });
  return {
    stride: axes.map(({ stride }) => stride),
    dilation: axes.map(({ dilation }) => dilation),
    padLow: axes.map(({ padLow }) => padLow),
    input: axes.map(({ input }) => input),
    kernel: axes.map(({ kernel }) => kernel),
    output,
  };
}

/** Windows with as much padding behind the input as before it. */
function axis(input: number, kernel: number, stride: number, padLow: number): Axis {
  const before = Math.floor((input + padLow - kernel) / stride);
  const both = Math.floor((input + 2 * padLow - kernel) / stride);
  return { input, kernel, stride, dilation: 1, padLow, more: both - before };
}

function check(
  dtype: Dtype,
  outer: number,
  axes: readonly Axis[],
  special: number,
  seed: number,
): void {
  const random = randomNumbers(seed);
  const values = [NaN, Infinity, -Infinity, 0, -0];
  const x = fillTensor(dtype, [outer, ...axes.map(({ input }) => input)], () => {
    if (isFloat(dtype) && random() < special) return values[Math.floor(random() * values.length)];
    return isFloat(dtype) ? Math.floor(random() * 30) - 15 : (random() - 0.5) * 2 ** 32;
  });
  assertSame(emitArgmaxWindow, argmaxWindowPrimitive, [x], paramsOf(axes));
}

Deno.test("argmaxWindow finds the largest elements of the windows that networks use", () => {
  for (const dtype of dtypes) {
    for (const special of [0, 0.1]) {
      check(dtype, 3, [axis(16, 3, 2, 1), axis(16, 3, 2, 1)], special, 1);
      check(dtype, 3, [axis(15, 3, 2, 1), axis(17, 3, 2, 1)], special, 2);
      check(dtype, 2, [axis(14, 2, 2, 0), axis(22, 2, 2, 0)], special, 3);
      check(dtype, 2, [axis(9, 3, 1, 1), axis(13, 3, 1, 1)], special, 4);
      check(dtype, 2, [axis(11, 5, 3, 2), axis(29, 4, 3, 1)], special, 5);
      check(dtype, 2, [axis(30, 12, 9, 3), axis(31, 11, 7, 0)], special, 6);
      check(dtype, 5, [axis(7, 7, 1, 0), axis(7, 7, 1, 0)], special, 7);
      check(dtype, 4, [axis(41, 3, 2, 1)], special, 8);
      check(dtype, 2, [axis(5, 3, 2, 1), axis(6, 2, 1, 0), axis(9, 3, 2, 1)], special, 9);
      check(dtype, 3, [], special, 10);
    }
  }
});

Deno.test("argmaxWindow agrees with the evaluator on random windows", () => {
  const axes = fc.record({
    input: fc.integer({ min: 0, max: 24 }),
    kernel: fc.integer({ min: 0, max: 4 }),
    stride: fc.integer({ min: 1, max: 4 }),
    dilation: fc.integer({ min: 1, max: 3 }),
    padLow: fc.integer({ min: -3, max: 9 }),
    more: fc.integer({ min: 0, max: 6 }),
  });
  fc.assert(
    fc.property(
      fc.constantFrom(...dtypes),
      fc.integer({ min: 0, max: 3 }),
      fc.array(axes, { maxLength: 3 }),
      fc.constantFrom(0, 0.2),
      fc.nat(),
      check,
    ),
    { numRuns: 150, seed: 2 },
  );
});

Deno.test("many windows are divided into chunks of rows", () => {
  const axes = [axis(56, 3, 2, 1), axis(56, 3, 2, 1)];
  const params = paramsOf(axes);
  const x = { dtype: "float32" as const, shape: [64, 56, 56] };
  const output = { dtype: "int32" as const, shape: [64, ...params.output] };
  const { stages: [{ chunks, rows }] } = emitArgmaxWindow(testBuilder(), [x], params, output);
  assert(chunks >= 4 && rows?.count === 64 * 28);
  check("float32", 64, axes, 0.01, 11);
});
