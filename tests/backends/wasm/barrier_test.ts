/**
 * Barriers in compiled programs: what is behind one is neither shared with what is before it nor
 * begun before all of its arguments are there, and it costs nothing.
 *
 * @module
 */
import { checkpoint, grad, jit, makeProgram, matmul, sin, tanh, tensor } from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import { executableOf } from "../../../src/backends/run.ts";
import { optimize } from "../../../src/passes/mod.ts";
import { makeRunner } from "../../../src/backends/evaluator.ts";
import type { Program } from "../../../src/core/program.ts";
import type { Concrete, Type } from "../../../src/core/tensor.ts";
import { barrier } from "../../../src/primitives/barrier.ts";
import { assertIdentical } from "../../laws/assertions.ts";
import { fromValues, makeRandom, real } from "../../laws/values.ts";
import { assert, assertEquals } from "../../support/std.ts";
import { float32, load, runProgram } from "./support.ts";

function programOf(
  f: (...args: Tensor[]) => readonly Tensor[],
  ...types: readonly Type[]
): { program: Program; args: Concrete[] } {
  const random = makeRandom(11);
  const args = types.map(({ dtype, shape }) =>
    fromValues(real(random, sizeOf(shape)), dtype, shape)
  );
  return { program: makeProgram((...xs: Tensor[]) => [...f(...xs)])(...args) as Program, args };
}

Deno.test("what is computed behind a barrier is computed again", () => {
  const { program, args } = programOf(
    (x, y) => {
      const [again] = barrier([x, y]);
      return [sin(x).sum(), sin(again).sum()];
    },
    float32(100),
    float32(100),
  );
  const optimized = optimize(program);
  assertEquals(optimized.equations.filter(({ primitive }) => primitive.name === "sin").length, 2);
  const [first, second] = runProgram(optimized, args);
  assertIdentical([first], [second], "both sums");
});

Deno.test("nothing behind a barrier begins before its arguments are there", () => {
  const { program, args } = programOf(
    (x, w) => {
      const late = matmul(matmul(matmul(x, w), w), w);
      const [again] = barrier([x, late]);
      // Small, and ready from the start but for the barrier.
      return [late.sum(), again.mul(2).add(1)];
    },
    float32(32, 32),
    float32(32, 32),
  );
  const { schedule } = load(optimize(program), { large: 4096 });
  const names = schedule.summaries.map(({ name }) => name);
  assert(names.indexOf("mul add") > names.lastIndexOf("contract"), names.join());
  const results = runProgram(optimize(program), args, { chunkTime: 500 });
  assertIdentical([results[1]], [makeRunner(program)(args)[1]], "behind the barrier");
});

Deno.test("barriers pass on arguments, constants and results as they are", () => {
  for (const large of [64, 4096]) {
    const { program, args } = programOf(
      (x, y) => {
        const [a, b, c, d] = barrier([x, tensor([1, 2, 3]), y.neg(), tensor([4, 4, 4])]);
        const [e] = barrier([a.add(1), c]);
        return [a, b, c, d, e, a.add(b).add(d), c.reshape([3, 20]), e.mul(d)];
      },
      float32(3),
      float32(60),
    );
    const expected = makeRunner(program)(args);
    assertIdentical(runProgram(optimize(program), args, { large }), expected, "barriers");
    const donated = { large, isDonated: [true, true] };
    assertIdentical(runProgram(optimize(program), args, donated), expected, "donated");
    assertIdentical(executableOf(program).run(args), expected, "compiled");
  }
});

Deno.test("a chain of blocks that compute their values again takes less memory", () => {
  const { args } = programOf(
    (x) => [x],
    float32(64, 128),
    ...new Array(12).fill(float32(128, 128)),
  );
  const block = (w: Tensor, x: Tensor): Tensor => {
    for (let i = 0; i < 4; i++) x = tanh(matmul(x, w));
    return x;
  };
  const gradientOf = (f: (w: Tensor, x: Tensor) => Tensor) =>
    grad(
      (x: Tensor, ...ws: Tensor[]) => ws.reduce((y, w) => f(w, y), x).square().sum(),
      { argnums: args.slice(1).map((_, i) => i + 1) },
    );
  const [plain, again] = [block, checkpoint(block)].map(gradientOf);
  const arenas = [plain, again].map((f) =>
    executableOf(makeProgram(f)(...args) as Program).describe().workspace
  );
  const one = 4 * 64 * 128;
  // Four values of each block, and twelve blocks; with the checkpoints, about one of each.
  assert(arenas[0] > 48 * one, `${arenas[0]} bytes`);
  assert(arenas[1] < 28 * one, `${arenas[1]} bytes`);
  const [expected, actual] = [plain, again].map((f) =>
    jit(f)(...args as unknown as [Tensor, ...Tensor[]]) as unknown as Concrete[]
  );
  assertIdentical(actual, expected, "gradients");
});
