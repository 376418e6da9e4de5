import { makeProgram, nn, vjp } from "../../../../mod.ts";
import type { Tensor } from "../../../../mod.ts";
import { type Program, typeOf, type Variable } from "../../../../src/core/program.ts";
import type { Concrete } from "../../../../src/core/tensor.ts";
import type { AttentionParams } from "../../../../src/passes/control.ts";
import type { Primitive } from "../../../../src/core/primitive.ts";
import { assertSame, fill, gpuTest, tensorOf } from "./support.ts";

type Options = Omit<nn.ScaledDotProductAttentionOptions, "attnMask">;

type Attend = (q: Tensor, k: Tensor, v: Tensor, attnMask?: Tensor) => Tensor;

function attend(options: Options): Attend {
  return (q, k, v, attnMask) =>
    nn.scaledDotProductAttention(
      q,
      k,
      v,
      attnMask === undefined ? options : { ...options, attnMask },
    );
}

function asArguments(operands: readonly Tensor[]): Parameters<Attend> {
  return operands as readonly Tensor[] as Parameters<Attend>;
}

/** Fails unless the kernel of an equation agrees with the composition. */
async function assertEquation(
  program: Program,
  name: string,
  operands: readonly Concrete[],
): Promise<void> {
  const found = program.equations.find(({ primitive }) => primitive.name === name)!;
  const params = found.params as AttentionParams;
  const primitive = found.primitive as Primitive<AttentionParams>;
  // Without the program, which messages would show.
  const { program: _program, ...shown } = params;
  await assertSame<typeof shown>(
    {
      ...primitive as unknown as Primitive<typeof shown>,
      type: (types) => primitive.type(types, params),
      evaluate: (args, _params, types) => primitive.evaluate(args, params, types),
    },
    found.inputs.map((atom) => operands[program.binders.indexOf(atom as Variable)]),
    shown,
    (expected) => 4e-6 + 2e-5 * Math.abs(expected),
  );
}

/** Fails unless the kernel agrees with the composition; the last operand may be a mask. */
async function assertAttention(
  operands: readonly Concrete[],
  options: Options = {},
): Promise<void> {
  const program = makeProgram(attend(options))(...asArguments(operands));
  await assertEquation(program, "attention", operands);
}

/** The same of the cotangents of some operands. */
async function assertPulled(
  operands: readonly Concrete[],
  options: Options = {},
  argnums: readonly number[] = [0, 1, 2],
): Promise<void> {
  const f = (cotangent: Tensor, ...args: Tensor[]): Tensor[] => {
    const pick = (chosen: readonly Tensor[]): Tensor => {
      const all = [...args];
      argnums.forEach((place, i) => all[place] = chosen[i]);
      return attend(options)(...asArguments(all));
    };
    const [, pullback] = vjp((...chosen: Tensor[]) => pick(chosen), ...argnums.map((i) => args[i]));
    return pullback(cotangent) as Tensor[];
  };
  const { results: [output] } = makeProgram(attend(options))(...asArguments(operands));
  const all = [fill("float32", typeOf(output).shape, 77), ...operands];
  await assertEquation(makeProgram(f)(...all), "attentionPull", all);
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

gpuTest("cotangents of attention agree with the composition's", async () => {
  await assertPulled(of([2, 70, 5], [2, 67, 5], [2, 67, 7]));
  await assertPulled(of([65, 16], [130, 16], [130, 64]), { isCausal: true, scale: 1 });
  await assertPulled(of([2, 1, 9, 4], [10, 4], [1, 3, 10, 2]), { isCausal: true });
  const operands = of([2, 3, 17, 4], [2, 3, 21, 4], [2, 3, 21, 4]);
  await assertPulled([...operands, fill("bool", [2, 1, 17, 21], 9)], {}, [1]);
  await assertPulled([...operands, fill("float32", [3, 17, 21], 9)], {}, [2]);
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

gpuTest("cotangents of what is not finite are the composition's", async () => {
  const base = of([10, 4], [12, 4], [12, 3]);
  const mask = tensorOf(
    "bool",
    [10, 12],
    Array.from({ length: 120 }, (_, i) => i % 12 < 7 ? 1 : 0),
  );
  for (const value of [NaN, Infinity, -Infinity]) {
    for (const place of [0, 1, 2]) {
      for (const row of [2, 8]) {
        const operands = base.map((one, i) => {
          const elements = Array.from(one.elements);
          if (i === place) elements[row * one.shape[1] + 1] = value;
          return tensorOf("float32", one.shape, elements);
        });
        await assertPulled(operands);
        await assertPulled(operands, { isCausal: true });
        await assertPulled([...operands, mask]);
      }
    }
  }
});
