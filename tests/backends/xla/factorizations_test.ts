/**
 * Factorisations on a device where the law table has no cases: larger matrices, and those that have no
 * inverse, or elements that are not finite.
 *
 * @module
 */
import { bind } from "../../../src/core/trace.ts";
import type { Concrete } from "../../../src/core/tensor.ts";
import { luSolve } from "../../../src/primitives/lu.ts";
import { product, scaleRows, transposed } from "../../../src/primitives/matrices.ts";
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

xlaTest("eigh on a device has the evaluator's order and signs", () => {
  const eigh = by("eigh", null);
  for (const shape of [[2, 20, 20], [7, 7]]) checkOnDevice(eigh, [drawn(...shape)], `${shape}`);
  const graded = batch(
    [0, 0, 0, 0, 0, 0, 0, 0, 0],
    [1, 0, 0, 0, 1e-20, 0, 0, 0, -3],
    [1, 0, 0, 1e-10, 1e-18, 0, 1e-12, 1e-20, 3e-25],
    [2e-300, 0, 0, 1e-300, 1e-301, 0, 0, 3e-301, 4e-300],
  );
  const large = batch([1e307, 0, 0, 1e308, 1e307, 0, 1e306, 1e305, 3e300]);
  checkOnDevice(eigh, [graded], "graded");
  checkOnDevice(eigh, [large], "large");
  checkOnDevice(eigh, [broken], "not finite");
});

xlaTest("svd on a device has the evaluator's order and signs", () => {
  const svd = by("svd", null);
  for (const shape of [[2, 20, 20], [7, 6], [4, 9], [30, 3]]) {
    checkOnDevice(svd, [drawn(...shape)], `${shape}`);
  }
  checkOnDevice(svd, [broken], "not finite");
  // Of what has rank 0 and 1, the values and the product are determined, and bases are orthonormal.
  const products: Flat = ([a]) => {
    const [u, s, vt] = svd([a]);
    return [
      s,
      product(u, scaleRows(vt, s)),
      product(transposed(u), u),
      product(vt, transposed(vt)),
    ];
  };
  checkOnDevice(products, [singular], "singular");
});
