/**
 * Where the rules for complex matrices stand once linear algebra is there: they are large, and programs
 * without it do without them.
 *
 * @module
 */
import { internalError } from "../base/errors.ts";
import type { ComplexTensor } from "../core/complex.ts";
import type { Tensor } from "../core/tensor.ts";
import type { TriangularSolveParams } from "./triangular.ts";

/** What factorisations and solves of complex matrices are. */
export interface MatrixRules {
  /** The solution of a triangular system of which either part may be complex. */
  triangularSolve(a: Tensor, b: Tensor, params: TriangularSolveParams): Tensor;
  /** The Cholesky factor. */
  cholesky(a: ComplexTensor): Tensor;
  /** The factors Q and R. */
  qr(a: ComplexTensor): readonly Tensor[];
  /** Eigenvalues and eigenvectors of Hermitian matrices. */
  eigh(a: ComplexTensor): readonly Tensor[];
  /** Singular vectors and values. */
  svd(a: ComplexTensor): readonly Tensor[];
}

let rules: MatrixRules | null = null;

/** Says what they are; called once, by the module that defines them. */
export function installMatrixRules(chosen: MatrixRules): void {
  rules = chosen;
}

/** The rules, which whoever works on matrices has loaded. */
export function matrixRules(): MatrixRules {
  if (rules === null) throw internalError("nothing has loaded the rules for complex matrices");
  return rules;
}
