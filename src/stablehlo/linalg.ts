/**
 * Rules of factorisations and of systems that they solve. All operate on matrices in the last two axes.
 *
 * @module
 */
import type { TriangularSolveParams } from "../primitives/triangular.ts";
import type { Builder } from "./builder.ts";
import type { Context } from "./rule.ts";
import { showTensor } from "./writer.ts";
import type { Value } from "./writer.ts";

type Args = readonly Value[];

/** The lower triangle, zeros above. */
function lowerTriangle(b: Builder, x: Value): Value {
  const [row, column] = [x.shape.length - 2, x.shape.length - 1];
  const type = { dtype: "int32", shape: x.shape } as const;
  const isBelow = b.compare("GE", b.iota(type, row), b.iota(type, column));
  return b.select(isBelow, x, 0);
}

function cholesky(b: Builder, [a]: Args): Args {
  if (a.shape.includes(0)) return [a];
  const factor = b.assign(a, `stablehlo.cholesky ${a.name}, lower = true : ${showTensor(a)}`);
  return [lowerTriangle(b, factor)];
}

function triangularSolve(
  b: Builder,
  [a, right]: Args,
  { params: { lower, transpose, unitDiagonal } }: Context<TriangularSolveParams>,
): Args {
  if (right.shape.includes(0)) return [right];
  return b.generic(
    "stablehlo.triangular_solve",
    [a, right],
    `left_side = true, lower = ${lower}, unit_diagonal = ${unitDiagonal}, ` +
      `transpose_a = #stablehlo<transpose ${transpose ? "TRANSPOSE" : "NO_TRANSPOSE"}>`,
    [right],
  );
}

/** The rules, by primitive. */
export const linalg = { cholesky, triangularSolve } as const;
