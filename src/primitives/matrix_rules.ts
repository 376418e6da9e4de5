/**
 * A registry of the rules for complex matrices: they are large, and programs that do not use linear
 * algebra do not include them.
 *
 * @module
 */
import { internalError } from "../base/errors.ts";
import type { ComplexTensor } from "../core/complex.ts";
import type { Tensor } from "../core/tensor.ts";
import type { TriangularSolveParams } from "./triangular.ts";

/** The implementations of factorisations and solves for complex matrices. */
export interface MatrixRules {
  /** The solution of a triangular system in which either part may be complex. */
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

/** Registers the rules; called once, by the module that defines them. */
export function installMatrixRules(chosen: MatrixRules): void {
  rules = chosen;
}

/** The rules, which are loaded with every module that works on matrices. */
export function matrixRules(): MatrixRules {
  if (rules === null) throw internalError("nothing has loaded the rules for complex matrices");
  return rules;
}
