/**
 * How long do factorisations of complex matrices take, compared with real ones of the same size?
 *
 *     deno bench --allow-env bench/complex_matrices_bench.ts
 *
 * One thread, float64. Systems, Cholesky and QR factors are computed by those of real matrices of twice
 * the size, in compiled code; determinants, eigenvalues and singular values run in the evaluator.
 */
import { configure, conj, jit, matmul, random, real } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { cholesky, det, eig, eigh, qr, solve, svd } from "@jacobi/jacobi/linalg";

configure({ threads: 1 });

const works: Readonly<Record<string, (a: Tensor) => Tensor | readonly Tensor[]>> = {
  solve: (a) => solve(a, a),
  cholesky: (a) => cholesky(a),
  qr: (a) => qr(a),
  det: (a) => det(a),
  eigh: (a) => eigh(a),
  svd: (a) => svd(a),
  eig: (a) => eig(a),
};

for (const n of [8, 64, 256]) {
  const z = random.normal(random.key(n), [n, n], { dtype: "complex128" });
  const definite = matmul(z, conj(z.transpose()));
  for (const [name, f] of Object.entries(works)) {
    const compiled = jit(f as (a: Tensor) => Tensor[]);
    const a = name === "cholesky" || name === "eigh" ? definite : z;
    const group = `${name} of ${n}x${n}`;
    const run = (a: Tensor) => [compiled(a)].flat().forEach((x) => x.data());
    Deno.bench(`${group}, real`, { group, baseline: true }, () => run(real(a)));
    Deno.bench(`${group}, complex`, { group }, () => run(a));
  }
}
