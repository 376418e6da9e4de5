/**
 * Every law on every row of the law table.
 *
 * @module
 */
import type { Primitive } from "../src/core/primitive.ts";
import { splat } from "../src/core/tensor.ts";
import type { Tensor } from "../src/core/tensor.ts";
import { abs, maximum, minimum, sign, sqrt } from "../src/primitives/arithmetic.ts";
import { primitives } from "../src/primitives/mod.ts";
import type { PrimitiveName } from "../src/primitives/mod.ts";
import { reduceMax, reduceMin, reduceProd } from "../src/primitives/reduction.ts";
import { reduceSum } from "../src/primitives/structure.ts";
import { atan2, pow } from "../src/primitives/transcendental.ts";
import { jvp } from "../src/transforms/jvp.ts";
import { checkRow } from "./laws/laws.ts";
import type { Row } from "./laws/laws.ts";
import { fromValues } from "./laws/values.ts";
import { assertEquals } from "./support/std.ts";
import { table } from "./laws/table.ts";
import "./backends/wasm/kernels/written_twice.ts";

for (const name of Object.keys(primitives) as PrimitiveName[]) {
  Deno.test(`${name} obeys every law`, () => {
    checkRow(name, primitives[name] as Primitive<unknown>, table[name] as Row<unknown>);
  });
}

/** The derivative of a primitive along `tangents`, with `null` for zero. */
function tangentOf(
  f: (...args: Tensor[]) => Tensor,
  primals: readonly number[][],
  tangents: readonly (readonly number[] | null)[],
): unknown {
  const points = primals.map((values) => fromValues(values, "float64", [values.length]));
  return jvp(f, points, tangents)[1].toArray();
}

Deno.test("at their kinks, derivatives are those of PyTorch", () => {
  const [ones, zeros] = [[1, 1], [0, 0]];
  assertEquals(tangentOf(abs, [[0, -3]], [ones]), [0, -1]);
  assertEquals(tangentOf(sign, [[0, 2]], [ones]), [0, 0]);
  assertEquals(tangentOf(sqrt, [[0, 4]], [ones]), [Infinity, 0.25]);
  assertEquals(tangentOf(maximum, [[1, 2], [1, 3]], [ones, null]), [0.5, 0]);
  assertEquals(tangentOf(maximum, [[1, 2], [1, 3]], [null, ones]), [0.5, 1]);
  assertEquals(tangentOf(minimum, [[1, 2], [1, 3]], [ones, null]), [0.5, 1]);
  assertEquals(tangentOf(minimum, [[1, 2], [1, 3]], [null, ones]), [0.5, 0]);
  assertEquals(tangentOf((x) => reduceMax(x, [0]), [[3, 1, 3, 3]], [[3, 9, 6, 0]]), 3);
  assertEquals(tangentOf((x) => reduceMin(x, [0]), [[1, 3, 1]], [[4, 9, 6]]), 5);
  assertEquals(tangentOf(atan2, [[0], [0]], [[1], [1]]), [0]);
  assertEquals(tangentOf(pow, [[0, 0], [2, 0]], [ones, null]), [0, 0]);
  assertEquals(tangentOf(pow, [[0, 2], [2, 0]], [null, zeros]), [0, 0]);
  assertEquals(tangentOf((x) => reduceProd(x, [0]), [[0, 3, 5]], [[1, 1, 1]]), 15);
  assertEquals(tangentOf((x) => reduceProd(x, [0]), [[0, 3, 0]], [[1, 1, 1]]), 0);
});

Deno.test("the sum of a constant integer wraps as the sum of its elements does", () => {
  const [large, length] = [0x7fffffff, 2 ** 30 + 1];
  const sum = Number(BigInt.asIntN(32, BigInt(large) * BigInt(length)));
  assertEquals(reduceSum(splat(large, "int32", [length]), [0]).item(), sum);
  assertEquals(reduceSum(splat(-1, "uint32", [3]), [0]).item(), 2 ** 32 - 3);
});
