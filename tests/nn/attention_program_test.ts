/**
 * Attention as one operation of programs: its rules are those of the composition, which runs at once where
 * elements are known.
 */
import { checkProgram } from "../../src/core/check.ts";
import type { Program } from "../../src/core/program.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { jit } from "../../src/jit.ts";
import * as nn from "../../src/nn/mod.ts";
import { optimize } from "../../src/passes/mod.ts";
import { key as makeKey, normal } from "../../src/random/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { grad, makeProgram, vmap } from "../../src/transforms/mod.ts";
import { assertEquals } from "../support/std.ts";

const dtype = "float64";
const close = { rtol: 1e-11, atol: 1e-12 };

const draw = (seed: number, ...shape: number[]): Tensor => normal(makeKey(seed), shape, { dtype });

type Operands = readonly [Tensor, Tensor, Tensor];
type Options = nn.ScaledDotProductAttentionOptions;

const mask = draw(4, 2, 1, 5, 6).greater(-0.5);
const cases: readonly (readonly [string, Operands, Options])[] = [
  ["plain", [draw(1, 5, 3), draw(2, 6, 3), draw(3, 6, 2)], {}],
  ["causal", [draw(1, 2, 5, 3), draw(2, 6, 3), draw(3, 6, 2)], { isCausal: true }],
  ["in groups", [draw(1, 2, 3, 5, 3), draw(2, 2, 1, 6, 3), draw(3, 1, 6, 2)], { attnMask: mask }],
  ["biased", [draw(1, 5, 3), draw(2, 2, 6, 3), draw(3, 6, 2)], { attnMask: draw(5, 6), scale: 2 }],
];

const namesOf = (program: Program): string[] =>
  program.equations.map(({ primitive }) => primitive.name).filter((name) =>
    /^attention/.test(name)
  );

for (const [name, operands, options] of cases) {
  const f = (...args: Operands): Tensor => nn.scaledDotProductAttention(...args, options);
  const loss = (...args: Operands): Tensor => f(...args).sin().sum();
  const slopes = (...args: Operands) => grad(loss, { argnums: [0, 1, 2] })(...args);
  const curve = (...args: Operands) =>
    grad((q: Tensor) => grad(loss, { argnums: [1] })(q, args[1], args[2])[0].sin().sum())(args[0]);

  Deno.test(`${name} attention in programs has the values and derivatives of the composition`, () => {
    for (const g of [f, slopes, curve]) {
      const run = g as (...args: Operands) => Tensor;
      assertTensorsClose(jit(run)(...operands), run(...operands), close);
      checkProgram(makeProgram(run)(...operands));
    }
    checkGrads(jit(f), [...operands], { order: 2 });
  });

  Deno.test(`${name} attention in programs is mapped over any of its operands`, () => {
    for (const axes of [[0, null, null], [null, 1, null], [null, null, 0], [1, 0, 0]] as const) {
      const args = operands.map((x, i) =>
        axes[i] === null ? x : draw(7 + i, 4, ...x.shape).moveaxis(0, axes[i]!)
      ) as unknown as Operands;
      for (const g of [f, slopes]) {
        const run = g as (...args: Operands) => Tensor;
        const mapped = vmap(run, axes as never);
        const expected = [0, 1, 2, 3].map((i) =>
          run(
            ...args.map((x, k) =>
              axes[k] === null ? x : x.moveaxis(axes[k]!, 0).at(i)
            ) as unknown as Operands,
          )
        );
        const actual = jit(mapped)(...args);
        const parts = Array.isArray(actual) ? actual : [actual];
        parts.forEach((part: Tensor, k: number) =>
          expected.forEach((one, i) =>
            assertTensorsClose(part.at(i), Array.isArray(one) ? one[k] : one, close)
          )
        );
      }
    }
  });
}

Deno.test("gradients of attention keep its operands alone, and share the work of the forward pass", () => {
  const [, operands] = cases[1];
  const f = (...args: Operands): Tensor =>
    nn.scaledDotProductAttention(...args, { isCausal: true });
  const slopes = (...args: Operands) =>
    grad((...args: Operands) => f(...args).sin().sum(), { argnums: [0, 1, 2] })(...args);
  const program = makeProgram(slopes)(...operands);
  assertEquals(namesOf(program), ["attention", "attentionPull"]);
  assertEquals(
    namesOf(makeProgram(vmap(f, [0, null, null]))(draw(8, 3, 2, 5, 3), operands[1], operands[2])),
    ["attention"],
  );
  const names = optimize(program).equations.map(({ primitive }) => primitive.name);
  const count = (operation: string): number => names.filter((name) => name === operation).length;
  assertEquals([count("contract"), count("exp")], [6, 1]);
});
