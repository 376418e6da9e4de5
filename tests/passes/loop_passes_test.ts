/**
 * What the passes do to control flow: each keeps every bit.
 *
 * @module
 */
import {
  cond,
  exp,
  grad,
  jit,
  makeProgram,
  matmul,
  nn,
  ones,
  sin,
  std,
  tensor,
  TensorType,
  variance,
  zeros,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { bindConstants } from "../../src/passes/bind_constants.ts";
import { hoistInvariants } from "../../src/passes/hoist_invariants.ts";
import { inlineBranches } from "../../src/passes/inline_calls.ts";
import { optimize } from "../../src/passes/mod.ts";
import { pruneLoops } from "../../src/passes/prune_loops.ts";
import { makeRunner } from "../../src/backends/evaluator.ts";
import { checkProgram } from "../../src/core/check.ts";
import { type Program, programsIn } from "../../src/core/program.ts";
import { splat } from "../../src/core/tensor.ts";
import type { Concrete, Type } from "../../src/core/tensor.ts";
import { assertIdentical } from "../laws/assertions.ts";
import { fromValues, makeRandom, real } from "../laws/values.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assert, assertEquals } from "../support/std.ts";
import { type Flat, scan, switchCase, whileLoop } from "../backends/wasm/loop_support.ts";
import { float32 } from "../backends/wasm/support.ts";

/** A program, and what it is after some passes, which give the same bits. */
function after(
  passes: readonly ((program: Program) => Program)[],
  f: Flat,
  ...types: readonly Type[]
): Program {
  const random = makeRandom(3);
  const args = types.map(({ dtype, shape }) =>
    fromValues(real(random, sizeOf(shape)), dtype, shape)
  );
  const program = makeProgram((...inputs: Tensor[]) => [...f(inputs)])(...args) as Program;
  const result = passes.reduce((current, pass) => pass(current), program);
  checkProgram(result);
  const [expected, actual] = [program, result].map((one) => makeRunner(one)(args));
  assertIdentical(actual as Concrete[], expected as Concrete[], "after the passes");
  return result;
}

function namesOf({ equations }: Program): string[] {
  return equations.map(({ primitive }) => primitive.name);
}

/** The operations of the programs of a program's equation number `at`. */
function inside(program: Program, at: number): string[][] {
  return programsIn(program.equations[at].params).map(namesOf);
}

Deno.test("what is the same in every round is computed once, in front of the loop", () => {
  const program = after(
    [hoistInvariants],
    ([w, h, xs]) =>
      scan(
        ([w, h, x]) => {
          const rows = exp(w).add(1);
          return [h.mul(0.5).add(matmul(matmul(w, rows), x)), matmul(h, sin(x))];
        },
        [w],
        [h],
        [xs],
      ),
    float32(3, 3),
    float32(3),
    float32(4, 3),
  );
  assertEquals(namesOf(program), ["exp", "add", "contract", "scan"]);
  assertEquals(inside(program, 3), [["mul", "contract", "add", "sin", "contract"]]);
});

Deno.test("counting and repeating are not worth memory, unless a kernel reads them", () => {
  const program = after(
    [hoistInvariants],
    ([a, h]) =>
      scan(
        ([a, h]) => {
          const wide = a.mul(2).broadcastTo([5, 5]).neg();
          return [h.add(wide).sub(matmul(h, a.broadcastTo([5, 5])))];
        },
        [a],
        [h],
        [],
        { length: 3 },
      ),
    float32(5),
    float32(5, 5),
  );
  assertEquals(namesOf(program), ["mul", "broadcast", "scan"]);
  assertEquals(inside(program, 2), [["broadcast", "neg", "add", "contract", "sub"]]);
});

Deno.test("a loop that may not run at all gives away only what cannot fail", () => {
  const program = after(
    [hoistInvariants],
    ([n, a, b]) =>
      whileLoop(
        ([n, , i]) => i.less(n.abs().mul(3)),
        (
          [, a, i, b],
        ) => [i.add(1), b.add(exp(a).take(tensor([1, 0], { dtype: "int32" }), 0).sum())],
        [n, a],
        [n.mul(0), b],
      ),
    float32(),
    float32(2),
    float32(),
  );
  assertEquals(namesOf(program), ["mul", "abs", "mul", "exp", "while"]);
  assertEquals(inside(program, 4)[1].includes("gather"), true);
});

Deno.test("results that nobody reads go, with carried values that only they need", () => {
  const program = after(
    [pruneLoops],
    ([a, b, c, xs]) => {
      const [, kept, , y] = scan(
        ([a, b, c, x]) => [a.add(sin(b)), b.mul(x), c.add(a), exp(b), exp(c)],
        [],
        [a, b, c],
        [xs],
      );
      return [kept, y];
    },
    float32(),
    float32(),
    float32(),
    float32(5),
  );
  assertEquals(inside(program, 0), [["mul", "exp"]]);
  assertEquals(program.equations[0].inputs.length, 2);
  const loop = after([pruneLoops], ([a, b, c]) => {
    const [, , kept] = whileLoop(
      ([, i]) => i.less(3),
      ([, i, b, c]) => [i.add(1), b.add(c), c.mul(2)],
      [a],
      [a.mul(0), b, c],
    );
    return [kept];
  }, ...[float32(), float32(), float32()]);
  assertEquals(loop.equations[1].outputs.length, 2);
  const branches = after([pruneLoops], ([i, a, b]) => {
    const [, kept] = switchCase(i.astype("int32"), [
      ([a, b]) => [sin(a), b],
      ([a, b]) => [exp(a), b.neg()],
    ], [a, b]);
    return [kept];
  }, ...[float32(), float32(), float32()]);
  assertEquals(inside(branches, 1), [[], ["neg"]]);
});

Deno.test("carried values that never change are constants of their loops", () => {
  const program = after(
    [pruneLoops, hoistInvariants],
    ([a, b]) => scan(([a, b]) => [a, b.add(exp(a))], [], [a, b], [], { length: 3 }),
    float32(2),
    float32(2),
  );
  assertEquals(namesOf(program), ["exp", "scan"]);
  const loop = after(
    [pruneLoops],
    ([a, b]) => whileLoop(([a, b]) => b.less(a), ([a, b]) => [a, b.add(1)], [], [a, b]),
    float32(),
    float32(),
  );
  assertEquals(loop.equations[0].outputs.length, 1);
});

Deno.test("constants of one value become part of bodies", () => {
  const program = after(
    [optimize],
    ([h, xs]) =>
      scan(
        ([one, h, zero, x, z]) => [h.mul(one).add(x.mul(z)), zero],
        [ones([2])],
        [h, zeros([2])],
        [xs, splat(1, "float32", [4, 2])],
      ),
    float32(2),
    float32(4, 2),
  );
  assertEquals(inside(program, 0), [["add"]]);
  assertEquals(program.equations[0].inputs.length, 2);
  assertEquals(namesOf(after([bindConstants], ([a]) => [a.neg()], float32(2))), ["neg"]);
});

Deno.test("a switch by a constant is its branch", () => {
  for (const [index, name] of [[-3, "sin"], [0, "sin"], [1, "exp"], [7, "exp"]] as const) {
    const program = after(
      [(program) => inlineBranches(program, (branch) => branch)],
      ([a]) =>
        switchCase(tensor(index, { dtype: "int32" }), [([a]) => [sin(a)], ([a]) => [exp(a)]], [a]),
      float32(2),
    );
    assertEquals(namesOf(program), [name]);
  }
});

Deno.test("a branch that takes the place of its switch has been through the passes before that", () => {
  const inner = jit((x: Tensor) => std(x).mul(variance(x)));
  const layer = nn.layerNorm(3, { elementwiseAffine: false, dtype: "float64" });
  const branches = [
    (x: Tensor) => nn.softmax(layer.apply({}, {}, inner(x).mul(x))[0]).square().sum(),
    (x: Tensor) => x.sum(),
  ];
  const f = (x: Tensor) => cond(true, ...branches as [typeof inner, typeof inner], x);
  const nested = (x: Tensor) => cond(true, f, branches[1], x);
  const x = tensor([1, 2, 4], { dtype: "float64" });
  for (const g of [f, nested, grad(f), grad(nested)]) {
    const names = optimize(makeProgram(g)(x)).equations.map(({ primitive }) => primitive.name);
    for (const name of ["call", "switch", "reduceSpread", "standardize", "softmax"]) {
      assert(!names.includes(name), name);
    }
    assertTensorsClose(jit(g)(x), g(x), { rtol: 1e-12, atol: 1e-12 });
  }
});

Deno.test("bodies within bodies are optimised, once for each", () => {
  const program = after(
    [optimize],
    ([w, h]) =>
      scan(
        ([w, h]) => scan(([w, h]) => [h.mul(1).add(exp(w))], [w], [h], [], { length: 2 }),
        [w],
        [h],
        [],
        { length: 3 },
      ),
    float32(2),
    float32(2),
  );
  assertEquals(namesOf(program), ["exp", "scan"]);
  assertEquals(inside(program, 1), [["scan"]]);
});

Deno.test("a scan of no steps gives what it starts with", () => {
  const program = makeProgram((
    h: Tensor,
  ) => [...scan(([h]) => [h.add(1), h], [], [h], [], { length: 0 })])(
    new TensorType("float32", [2]),
  ) as Program;
  const [h, ys] = makeRunner(optimize(program))([fromValues([1, 2], "float32", [2])]);
  assertEquals([...h.elements], [1, 2]);
  assertEquals(ys.shape, [0, 2]);
});

Deno.test("sequences that are known without the loop are not written", () => {
  const program = after(
    [pruneLoops],
    ([h, xs]) =>
      scan(
        ([h, x]) => [h.add(x), x, splat(3, "float32", [2]), h],
        [],
        [h],
        [xs],
        { reverse: true },
      ),
    float32(2),
    float32(4, 2),
  );
  assertEquals(program.equations[0].outputs.length, 2);
  assertEquals(program.results[1], program.binders[1]);
});
