/**
 * What must hold in every configuration of the engine: run with one of the files beside this one as
 * `--preload`. `deno task ok engines` runs them all.
 *
 * @module
 */
import { configure, inspect, jit, random } from "../../../../mod.ts";
import { engine } from "../../../../src/backends/wasm/engine.ts";
import type { Expression } from "../../../../src/backends/wasm/assembler/expression.ts";
import * as operations from "../../../../src/backends/wasm/assembler/operations.ts";
import type { Primitive } from "../../../../src/core/primitive.ts";
import type { Tensor } from "../../../../src/core/tensor.ts";
import { primitives } from "../../../../src/primitives/mod.ts";
import type { PrimitiveName } from "../../../../src/primitives/mod.ts";
import { checkRow } from "../../../laws/laws.ts";
import type { Row } from "../../../laws/laws.ts";
import { table } from "../../../laws/table.ts";
import { assert, assertEquals } from "../../../support/std.ts";

/** The kinds of imports of each module that is compiled here. */
const compiled: string[][] = [];

const { Module } = WebAssembly;
WebAssembly.Module = class extends Module {
  constructor(bytes: BufferSource) {
    super(bytes);
    compiled.push(Module.imports(this).map(({ kind }) => kind));
  }
};

for (const name of Object.keys(primitives) as PrimitiveName[]) {
  Deno.test(`${name}, compiled, does what the evaluator does`, () => {
    checkRow(name, primitives[name] as Primitive<unknown>, table[name] as Row<unknown>, true);
  });
}

Deno.test("compiled programs have the evaluator's values, and the same bits on any threads", () => {
  const { threads: before } = inspect.engine();
  const [a, b] = [0, 1].map((seed) => random.normal(random.key(seed), [300, 200]));
  const f = (x: Tensor, y: Tensor): Tensor[] => [
    x.matmul(y.transpose()).tanh().sum(0),
    x.sort(1).mul(y).exp(),
    x.at(0).argsort(),
  ];
  const run = jit(f);
  configure({ threads: 1 });
  const results = run(a, b).map((x) => x.data());
  const expected = f(a, b).map((x) => x.data());
  results.forEach((result, i) =>
    result.forEach((value: number, k: number) => {
      const error = Math.abs(value - expected[i][k]);
      assert(error <= 1e-4 * (1 + Math.abs(value)), `result ${i} at ${k}: ${value}`);
    })
  );
  configure({ threads: 3 });
  for (let round = 0; round < 20; round++) {
    assertEquals(run(a, b).map((x) => x.data()), results);
  }
  configure({ threads: before });
});

Deno.test("modules import as many memories as the engine allows, and there are none without vectors", () => {
  const { simd, severalMemories } = engine();
  assertEquals(compiled.length > 0, simd);
  for (const kinds of compiled) {
    const memories = kinds.filter((kind) => kind === "memory").length;
    assert(memories <= (severalMemories ? 2 : 1), `a module with ${memories} memories`);
  }
});

/** Whether an instruction in an expression is a relaxed one: opcodes 0x100 and up behind 0xfd. */
function isRelaxed({ bytes, operands }: Expression): boolean {
  const [prefix, low, high] = bytes;
  return (prefix === 0xfd && low >= 0x80 && high >= 2) || operands.some(isRelaxed);
}

Deno.test("relaxed instructions are written where the engine has them, and nowhere else", () => {
  const { i8x16, i16x8, i32x4, i64x2, f32x4, f64x2 } = operations;
  const zero = operations.v128.const([0]);
  let count = 0;
  for (const family of [i8x16, i16x8, i32x4, i64x2, f32x4, f64x2]) {
    for (const [name, instruction] of Object.entries(family)) {
      if (!name.startsWith("relaxed")) continue;
      const operands = [zero, zero, zero].slice(0, arityOf(name));
      const written = (instruction as (...operands: Expression[]) => Expression)(...operands);
      assertEquals(isRelaxed(written), engine().relaxedSimd, name);
      count++;
    }
  }
  assertEquals(count, 17);
});

function arityOf(name: string): number {
  if (/madd|laneselect/i.test(name)) return 3;
  return name.includes("Trunc") ? 1 : 2;
}
