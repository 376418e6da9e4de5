/**
 * Factorisations of matrices and solutions of systems by them, in double precision. Read
 * `blocks.ts` (matrices in working memory) and `phases.ts` (division of work on matrices between
 * threads) first. There is one file each for `cholesky`, `lu` (`partial` and `complete` pivoting),
 * `triangular` (with `right_sides` and `vector`), `qr` (with `qr_small`, `reflection`,
 * `reflections`), `eigh` (`tridiagonal`, `ql`) and `svd` (`bidiagonal`, `singular`); the last two
 * share `spectrum` and `turns`.
 *
 * @module
 */
export { emitCholesky } from "./cholesky.ts";
export { emitEigh } from "./eigh.ts";
export { emitLu } from "./lu.ts";
export { emitComplement, emitQr } from "./qr.ts";
export { emitSvd } from "./svd.ts";
export { emitLuSolve, emitTriangularSolve } from "./triangular.ts";
