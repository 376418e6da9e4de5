import { jit, makeProgram, mul, sin, tensor } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { executableOf } from "../../src/backends/run.ts";
import { lastUses, makeRunner } from "../../src/backends/evaluator.ts";
import { Program } from "../../src/core/program.ts";
import type { Variable } from "../../src/core/program.ts";
import type { Concrete } from "../../src/core/tensor.ts";
import { threefry2x32 } from "../../src/primitives/random_bits.ts";
import { assertIdentical, assertRounded } from "../laws/assertions.ts";
import { assertEquals, assertStrictEquals } from "../support/std.ts";

/** After each equation, the names under which a program is printed of what is dropped. */
function dropsOf(program: Program): string[] {
  const names = new Map<Variable, string>();
  for (const variable of [program.binders, ...program.equations.map((e) => e.outputs)].flat()) {
    names.set(variable, String.fromCharCode(97 + names.size));
  }
  return lastUses(program).map((variables) => variables.map((v) => names.get(v)!).sort().join(""));
}

Deno.test("values are dropped after their last use", () => {
  const program = makeProgram((x) => mul(sin(sin(x)), x).exp())(1);
  // b = sin(a), c = sin(b), d = mul(c, a), e = exp(d): e is the result.
  assertEquals(dropsOf(program), ["", "b", "ac", "d"]);
});

Deno.test("a value that is read twice by one equation is dropped once", () => {
  assertEquals(dropsOf(makeProgram((x) => mul(sin(x), sin(x)))(1)), ["", "a", "bc"]);
  const square = makeProgram((x) => {
    const y = sin(x);
    return mul(y, y).neg();
  })(1);
  assertEquals(dropsOf(square), ["a", "b", "c"]);
});

Deno.test("results are kept, also those that are read before and those that are inputs", () => {
  const program = makeProgram((x) => {
    const y = sin(x);
    return [y.exp(), y, x];
  })(1);
  assertEquals(dropsOf(program), ["", ""]);
});

Deno.test("a result of several that nothing reads is dropped at once", () => {
  const words = [1, 2, 3, 4].map((n) => tensor(n, { dtype: "uint32" })) as Tensor[];
  const program = makeProgram((...[a, b, c, d]: Tensor[]) => threefry2x32(a, b, c, d)[0])(...words);
  assertEquals(dropsOf(program), ["abcdf"]);
  const [expected] = threefry2x32(words[0], words[1], words[2], words[3]);
  assertIdentical(makeRunner(program)(words as Concrete[]), [expected], "first word");
});

Deno.test("in a long chain, one value is held at a time", () => {
  const program = makeProgram((x) => {
    let y = x;
    for (let i = 0; i < 100; i++) y = sin(y);
    return y;
  })(1);
  let [held, most] = [1, 0];
  lastUses(program).forEach((dropped, i) => {
    held += program.equations[i].outputs.length;
    most = Math.max(most, held);
    held -= dropped.length;
  });
  assertEquals([held, most], [1, 2]);
});

Deno.test("a program is compiled once, and runs any number of times", () => {
  const program = makeProgram((x) => [sin(x).mul(2), x, tensor([7])])(tensor([1, 2]));
  const executable = executableOf(program);
  assertStrictEquals(executableOf(program), executable);
  for (const values of [[1, 2], [3, 4], [1, 2]]) {
    const x = tensor(values) as Concrete;
    assertRounded(executable.run([x]), [sin(x).mul(2), x, tensor([7])], 64, "results");
  }
});

Deno.test("a run that fails leaves the program usable", () => {
  const f = jit((x: Tensor, i: Tensor) => x.exp().at(i));
  const x = tensor([1, 2]);
  const at = (i: number) => f(x, tensor([i], { dtype: "int32" }));
  const expected = x.exp().at(1);
  assertIdentical([at(1).reshape([])], [expected.reshape([])], "before");
  let failed = false;
  try {
    at(9);
  } catch {
    failed = true;
  }
  assertEquals(failed, true);
  assertIdentical([at(1).reshape([])], [expected.reshape([])], "after");
});

Deno.test("programs without equations, inputs or results run", () => {
  assertEquals(makeRunner(new Program([], [], []))([]), []);
  const constant = tensor(3);
  assertEquals(makeRunner(new Program([], [], [constant]))([]), [constant as Concrete]);
});
