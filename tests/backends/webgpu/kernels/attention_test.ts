import { makeProgram, nn } from "../../../../mod.ts";
import type { Tensor } from "../../../../mod.ts";
import type { Equation } from "../../../../src/core/program.ts";
import type { Concrete } from "../../../../src/core/tensor.ts";
import type { AttentionParams } from "../../../../src/passes/control.ts";
import type { Primitive } from "../../../../src/core/primitive.ts";
import { assertSame, fill, gpuTest, tensorOf } from "./support.ts";

type Options = Omit<nn.ScaledDotProductAttentionOptions, "attnMask">;

/** The equation of attention with these operands, the last of which may be a mask. */
function equationOf(operands: readonly Tensor[], options: Options): Equation {
  const program = makeProgram((q: Tensor, k: Tensor, v: Tensor, attnMask?: Tensor) =>
    nn.scaledDotProductAttention(
      q,
      k,
      v,
      attnMask === undefined ? options : { ...options, attnMask },
    )
  )(...operands as [Tensor, Tensor, Tensor]);
  return program.equations.find(({ primitive }) => primitive.name === "attention")!;
}

/** Fails unless the kernel agrees with the composition. */
async function assertAttention(
  operands: readonly Concrete[],
  options: Options = {},
): Promise<void> {
  const { primitive, params } = equationOf(operands, options);
  await assertSame(
    primitive as Primitive<AttentionParams>,
    operands,
    params as AttentionParams,
    (expected) => 2e-6 + 1e-5 * Math.abs(expected),
  );
}

const of = (...shapes: readonly (readonly number[])[]): Concrete[] =>
  shapes.map((shape, i) => fill("float32", shape, i + 1));

gpuTest(
  "attention agrees with the composition, for lengths that are no multiples of blocks",
  async () => {
    await assertAttention(of([2, 3, 70, 5], [2, 3, 67, 5], [2, 3, 67, 7]));
    await assertAttention(of([65, 16], [130, 16], [130, 64]), { isCausal: true, scale: 4 });
  },
);

gpuTest("leading axes of attention broadcast, as of heads in groups", async () => {
  await assertAttention(of([2, 1, 9, 4], [10, 4], [1, 3, 10, 2]), { isCausal: true });
});

gpuTest("masks of attention broadcast", async () => {
  const operands = of([2, 3, 17, 4], [2, 3, 21, 4], [2, 3, 21, 4]);
  await assertAttention([...operands, fill("bool", [2, 1, 1, 21], 9)]);
  await assertAttention([...operands, fill("bool", [3, 17, 21], 10)], { isCausal: true });
  await assertAttention([...operands, fill("float32", [17, 1], 9)], { scale: 3 });
  await assertAttention([...operands, fill("float32", [21], 9)], { isCausal: true });
});

gpuTest("what is not finite gives the same in attention as in the composition", async () => {
  const [nan, inf] = [NaN, Infinity];
  const base = of([10, 4], [12, 4], [12, 3]);
  const mask = tensorOf(
    "bool",
    [10, 12],
    Array.from({ length: 120 }, (_, i) => i % 12 < 7 ? 1 : 0),
  );
  const bias = tensorOf(
    "float32",
    [10, 12],
    Array.from(
      { length: 120 },
      (_, i) => i < 12 ? -inf : i % 12 < 7 ? 1 : i % 5 === 0 ? -inf : -1e30,
    ),
  );
  for (const value of [nan, inf, -inf, 3e38]) {
    for (const place of [0, 1, 2]) {
      for (const row of [2, 8]) {
        const operands = base.map((one, i) => {
          const width = one.shape[1];
          const elements = Array.from(one.elements);
          if (i === place) elements[row * width + 1] = value;
          return tensorOf("float32", one.shape, elements);
        });
        await assertAttention(operands);
        await assertAttention(operands, { isCausal: true });
        await assertAttention([...operands, mask]);
        await assertAttention([...operands, bias]);
      }
    }
  }
  // The average of large values does not overflow.
  const large = tensorOf("float32", [12, 3], Array.from({ length: 36 }, () => 3e38));
  await assertAttention([base[0], base[1], large]);
  await assertAttention([base[0], base[1], large], { isCausal: true });
});
