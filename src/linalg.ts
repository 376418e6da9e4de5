/**
 * Linear algebra: factorisations, systems of equations, determinants, norms and powers of matrices, all
 * differentiable, of real and of complex matrices. The last two axes of an argument hold matrices, the
 * others are a batch.
 *
 * Results are computed in double precision and rounded to the dtype of the arguments; integers and
 * bools become float32.
 *
 * @example The gradient of a log-determinant is the inverse
 * ```ts
 * import { grad, tensor } from "@jacobi/jacobi";
 * import { inv, slogdet } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const a = tensor([[4, 1], [1, 3]]);
 * assertTensorsClose(grad((x) => slogdet(x)[1])(a), inv(a));
 * ```
 *
 * @module
 */
export { customLinearSolve } from "./control/custom_linear_solve.ts";
export type { LinearSolveOptions } from "./control/custom_linear_solve.ts";
export { customRoot } from "./control/custom_root.ts";
export {
  cholesky,
  eig,
  eigh,
  eigvals,
  eigvalsh,
  qr,
  svd,
  svdvals,
} from "./linalg/decompositions.ts";
export type { QrOptions, SvdOptions, SymmetricOptions } from "./linalg/decompositions.ts";
export { det, slogdet } from "./linalg/determinants.ts";
export { expm, expmFrechet, logm, sqrtm } from "./linalg/exponentials.ts";
export {
  choFactor,
  choleskyUpdate,
  choSolve,
  householderProduct,
  lu,
  luFactor,
  luSolve,
} from "./linalg/factored.ts";
export type {
  ChoFactorOptions,
  ChoSolveOptions,
  LuOptions,
  LuSolveOptions,
} from "./linalg/factored.ts";
export { bicgstab, cg, gmres } from "./linalg/iterative.ts";
export type { GmresOptions, IterativeOptions, LinearOperator } from "./linalg/iterative.ts";
export { matrixRank, pinv, polar, tensorinv, tensorsolve } from "./linalg/inverses.ts";
export type { PolarOptions, RankOptions, TensorsolveOptions } from "./linalg/inverses.ts";
export { cond, matrixNorm, norm, vectorNorm } from "./linalg/norms.ts";
export type { CondOptions, MatrixNormOptions } from "./linalg/norms.ts";
export { matrixPower } from "./linalg/powers.ts";
export { hessenberg, rsf2csf, schur, solveSylvester } from "./linalg/schur.ts";
export type { SchurOptions } from "./linalg/schur.ts";
export { inv, lstsq, solve, triangularSolve } from "./linalg/solving.ts";
export type { LstsqOptions, TriangularSolveOptions } from "./linalg/solving.ts";
export {
  blockDiag,
  circulant,
  companion,
  convolutionMatrix,
  dft,
  fiedler,
  fiedlerCompanion,
  hadamard,
  hankel,
  helmert,
  hilbert,
  invhilbert,
  invpascal,
  leslie,
  pascal,
  toeplitz,
} from "./linalg/special_matrices.ts";
export type {
  ConvolutionMatrixOptions,
  DftOptions,
  HelmertOptions,
  MatrixOptions,
  PascalOptions,
} from "./linalg/special_matrices.ts";
export { eighTridiagonal, eigvalshTridiagonal, tridiagonalSolve } from "./linalg/tridiagonal.ts";
