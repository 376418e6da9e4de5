/**
 * Factorisations on a device where the law table has no cases: larger matrices, and those that have no
 * inverse, or elements that are not finite.
 *
 * @module
 */
import { bind } from "../../../src/core/trace.ts";
import type { Concrete } from "../../../src/core/tensor.ts";
import { luSolve } from "../../../src/primitives/lu.ts";
import { primitives } from "../../../src/primitives/mod.ts";
import type { PrimitiveName } from "../../../src/primitives/mod.ts";
import type { Primitive } from "../../../src/core/primitive.ts";
import type { Flat } from "../../laws/laws.ts";
import { between, fromValues, makeRandom } from "../../laws/values.ts";
import { checkOnDevice } from "./agreement.ts";
import { xlaTest } from "./support.ts";

const random = makeRandom(7);

function drawn(...shape: number[]): Concrete {
  const size = shape.reduce((product, n) => product * n, 1);
  return fromValues(between(-1, 1)(random, size), "float64", shape);
}

/** Matrices of three rows and columns as a batch. */
function batch(...matrices: (readonly number[])[]): Concrete {
  return fromValues(matrices.flat(), "float64", [matrices.length, 3, 3]);
}

function by(name: PrimitiveName, params: unknown): Flat {
  return (xs) => bind(primitives[name] as Primitive<unknown>, xs, params);
}

/** Matrices of rank 0 and 1, and with elements that are not finite at several places. */
const singular = batch(
  [0, 0, 0, 0, 0, 0, 0, 0, 0],
  [2, 4, 6, 1, 2, 3, 4, 8, 12],
  [0, 0, 2, 0, 0, 0, 0, 0, 0],
);
const broken = batch(
  [NaN, 1, 5, 2, 3, 4, 1, 2, 0],
  [1, 2, 5, 2, 3, 4, 1, 2, NaN],
  [1, 2, 3, 4, NaN, 5, 3, 1, 2],
  [1, Infinity, 5, 2, 3, 4, 1, 2, 1],
  [NaN, 2, 3, 0, 3, 4, 0, 2, 1],
);

for (const pivoting of ["partial", "complete"] as const) {
  xlaTest(`lu with ${pivoting} pivoting on a device has the evaluator's pivots`, () => {
    const lu = by("lu", { pivoting });
    checkOnDevice(lu, [drawn(2, 20, 20)], "random");
    checkOnDevice(lu, [singular], "singular");
    checkOnDevice(lu, [broken], "not finite");
  });
}

xlaTest("luSolve on a device is infinite or NaN where the evaluator's solution is", () => {
  const solve: Flat = ([a, b]) => [luSolve(a, b)];
  checkOnDevice(solve, [drawn(2, 20, 20), drawn(2, 20, 3)], "random");
  const right = fromValues([1, 2, 2, 1, 3, 2, 0, 0, 1], "float64", [3, 3, 1]);
  checkOnDevice(solve, [singular, right], "singular");
});

xlaTest("qr on a device has the evaluator's signs", () => {
  const qr = by("qr", null);
  for (const shape of [[2, 20, 20], [9, 4], [4, 9]]) {
    checkOnDevice(qr, [drawn(...shape)], `${shape}`);
  }
  checkOnDevice(qr, [broken], "not finite");
  const graded = batch(
    [0, 0, 0, 0, 0, 0, 0, 0, 0],
    [1e-200, 2e-200, 0, 2e-200, 4e-210, 1, 3e-210, 6e-250, 2],
    [-1, 2, 3, 0, -4, 5, 0, 0, -6],
    [1e300, 1e300, 0, -1e300, 1e300, 0, 1e300, 0, 1e308],
  );
  checkOnDevice(qr, [graded], "graded");
});
