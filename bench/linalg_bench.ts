/**
 * Systems, factors, eigenvalues and exponentials of matrices of 128, 256 and 512 rows in float64, compiled,
 * compared with NumPy and SciPy.
 *
 * Run it with `deno bench -A bench/linalg_bench.ts`; without permissions, or a Python with SciPy, Jacobi runs by
 * itself. `deno bench -A bench/linalg_bench.ts -- 1` has one thread, and `OMP_NUM_THREADS` limits the others.
 *
 * @module
 */
import { configure, linalg, matmul, random } from "../mod.ts";
import type { Tensor } from "../mod.ts";
import { bound, compare } from "./support/peer.ts";
import type { Works } from "./support/peer.ts";

if (Deno.args[0] !== undefined) configure({ threads: Number(Deno.args[0]) });

const functions: Readonly<Record<string, (a: Tensor) => unknown>> = {
  solve: (a) => linalg.solve(a, a),
  qr: (a) => linalg.qr(a),
  eigh: (a) => linalg.eigh(a),
  svd: (a) => linalg.svd(a),
  expm: (a) => linalg.expm(a),
};

const works = [128, 256, 512].flatMap((n) => {
  const a = random.normal(random.key(n), [n, n], { dtype: "float64" });
  const definite = matmul(a, a.transpose());
  return Object.entries(functions).map(([name, f]): [string, () => unknown] => [
    `${name} of ${n}`,
    bound(f, name === "eigh" ? definite : a),
  ]);
});

await compare(
  Object.fromEntries(works) as Works,
  "numpy",
  `
import numpy as np
import scipy.linalg
functions = {
    "solve": lambda a: np.linalg.solve(a, a),
    "qr": np.linalg.qr,
    "eigh": np.linalg.eigh,
    "svd": lambda a: np.linalg.svd(a, full_matrices=False),
    "expm": scipy.linalg.expm,
}
works, rng = {}, np.random.default_rng(0)
for n in [128, 256, 512]:
    a = rng.normal(size=(n, n))
    for name, f in functions.items():
        works[f"{name} of {n}"] = lambda f=f, a=a @ a.T if name == "eigh" else a: f(a)
`,
);
