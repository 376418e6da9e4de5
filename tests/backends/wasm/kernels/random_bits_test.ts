import { sizeOf } from "../../../../src/base/shape.ts";
import { Concrete, dense } from "../../../../src/core/tensor.ts";
import { emitThreefry2x32 } from "../../../../src/backends/wasm/kernels/random_bits.ts";
import { threefry2x32Primitive } from "../../../../src/primitives/random_bits.ts";
import { assert, assertEquals } from "../../../support/std.ts";
import { fillTensor, randomNumbers } from "./against_reference.ts";
import { runKernel, testBuilder } from "./support.ts";

function check(inputs: readonly Concrete[]): void {
  const types = threefry2x32Primitive.type(inputs, null);
  const expected = threefry2x32Primitive.evaluate(inputs, null, types);
  const length = sizeOf(types[0].shape);
  const actual = runKernel(
    (builder) => emitThreefry2x32(builder, inputs, null, types),
    inputs.map(dense),
    types.map(({ dtype }) => ({ dtype, length })),
  );
  assertEquals(actual, expected.map(dense), `threefry2x32 of ${types[0].shape}`);
}

function randomWords(shape: readonly number[], seed: number): Concrete[] {
  const next = randomNumbers(seed);
  return [0, 1, 2, 3].map(() => fillTensor("uint32", shape, () => Math.floor(next() * 2 ** 32)));
}

Deno.test("threefry2x32 gives the published words", () => {
  // The known answers of the authors' own library for 20 rounds.
  const words = (...values: number[]) => values.map((x) => Uint32Array.of(x));
  const cases = [
    { inputs: words(0, 0, 0, 0), outputs: words(0x6b200159, 0x99ba4efe) },
    {
      inputs: words(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff),
      outputs: words(0x1cb996fc, 0xbb002be7),
    },
    {
      inputs: words(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3),
      outputs: words(0xc4923a9c, 0x483df7a0),
    },
  ];
  for (const { inputs, outputs } of cases) {
    const tensors = inputs.map((elements) => new Concrete("uint32", [1], elements));
    const actual = runKernel(
      (builder) => emitThreefry2x32(builder, tensors, null, tensors.slice(2)),
      inputs,
      [{ dtype: "uint32", length: 1 }, { dtype: "uint32", length: 1 }],
    );
    assertEquals(actual, outputs);
  }
});

Deno.test("threefry2x32 agrees with the evaluator at every length up to seventy", () => {
  for (let length = 0; length <= 70; length++) check(randomWords([length], length));
});

Deno.test("threefry2x32 agrees with the evaluator over several axes and chunks", () => {
  for (const shape of [[3, 5, 7], [100_003], [128, 1024]]) check(randomWords(shape, 1));
});

Deno.test("threefry2x32 is one chunk when small and several when large", () => {
  const chunksOf = (length: number) => {
    const inputs = Array(4).fill({ dtype: "uint32" as const, shape: [length] });
    const { stages } = emitThreefry2x32(testBuilder(), inputs, null, inputs.slice(2));
    return stages[0].chunks;
  };
  assertEquals(chunksOf(1000), 1);
  assert(chunksOf(1_000_000) >= 8);
});
