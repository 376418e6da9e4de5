import { integerOperations } from "../../../../src/backends/wasm/kernels/math/integer.ts";
import { assertEquals } from "../../../support/std.ts";
import { BLOCK, compile, evaluate, hash, primitiveNamed } from "./math_support.ts";

type IntegerDtype = keyof typeof integerOperations;

const unaryNames = ["neg", "abs", "sign", "square", "floor", "ceil", "round", "trunc"];
const arithmeticNames = ["add", "sub", "mul", "mod", "gcd", "pow", "maximum", "minimum"];
const bitNames = ["and", "or", "xor", "shiftLeft", "shiftRight"];
const comparisonNames = ["equal", "less", "lessEqual"];
const names = [...unaryNames, ...arithmeticNames, ...bitNames, ...comparisonNames];

/** Integers at which something may go wrong. */
const special = [
  ...[0, 1, 2, 3, 5, 7, 8, 30, 31, 32, 33, 63, 64, 100, 255, 65535, 65536, 65537],
  ...[0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xaaaaaaaa, 0xfffffff8, 0xfffffff9],
  ...[0xfffffffd, 0xfffffffe, 0xffffffff],
];

/** All pairs of special integers, then arbitrary ones, of any size in the second half of them. */
function operand(which: number, i: number): number {
  const index = which === 0 ? i % special.length : Math.floor(i / special.length);
  if (i < special.length ** 2) return special[index];
  const bits = hash(2 * i + which);
  return i < BLOCK / 2 ? bits : bits >>> (hash(i ^ which) % 32);
}

/** The bits that the primitive gives; a comparison leaves all of them set where it holds. */
function expected(name: string, dtype: IntegerDtype, inputs: readonly Uint32Array[]): Uint32Array {
  const args = inputs.map((block) => dtype === "int32" ? Int32Array.from(block) : block.slice());
  const elements = evaluate(primitiveNamed(name), dtype, args);
  return comparisonNames.includes(name)
    ? Uint32Array.from(elements, (x) => -x)
    : Uint32Array.from(elements);
}

for (const dtype of ["int32", "uint32"] as const) {
  for (const name of names) {
    Deno.test(`${name} of vectors of ${dtype} equals its primitive`, () => {
      const arity = unaryNames.includes(name) ? 1 : 2;
      const { inputs, output, run } = compile(integerOperations[dtype][name], { arity });
      inputs.forEach((block, which) => {
        for (let i = 0; i < BLOCK; i++) block[i] = operand(which, i);
      });
      run();
      const wanted = expected(name, dtype, inputs);
      const wrong = Math.max(wanted.findIndex((bits, i) => bits !== output[i]), 0);
      const at = inputs.map((block) => block[wrong]);
      assertEquals({ at, result: output[wrong] }, { at, result: wanted[wrong] });
    });
  }

  Deno.test(`select of vectors of ${dtype} takes lanes by its mask`, () => {
    const { inputs, output, run } = compile(integerOperations[dtype].select, { arity: 3 });
    for (let i = 0; i < BLOCK; i++) {
      inputs[0][i] = hash(i) % 2 === 0 ? 0 : 0xffffffff;
      inputs[1][i] = operand(0, i);
      inputs[2][i] = operand(1, i);
    }
    run();
    const wanted = inputs[0].map((mask, i) => mask === 0 ? inputs[2][i] : inputs[1][i]);
    assertEquals(output.slice(), wanted);
  });

  Deno.test(`every operation on vectors of ${dtype} is tested`, () => {
    const found = Object.keys(integerOperations[dtype]).toSorted();
    assertEquals(found, [...names, "select"].toSorted());
  });
}
