// Hessian eigenvalues by Lanczos
// The largest eigenvalues of a Hessian from Hessian-vector products alone.
import { hessian, hvp, jit, linalg, models, nn, random, scan, tree, zeros } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot, table } from "./show.ts";

const [xKey, modelKey, vectorKey] = random.split(random.key(0), 3);
const x = random.normal(xKey, [64, 3]);
const y = x.at(null, 0).mul(x.at(null, 1)).sin().expandDims(1);
const model = models.mlp([3, 8, 8, 1], { activation: nn.tanh });
const [params, state] = model.init(modelKey);

// Parameters as one vector.
const [flat, unravel] = tree.ravel(params);
const loss = (w: Tensor) => nn.mseLoss(model.apply(unravel(w), state, x)[0], y);
const N = flat.shape[0];
const K = 40;

/** The diagonal and off-diagonal of the tridiagonal matrix of Lanczos (1950). */
const lanczos = jit((start: Tensor) =>
  scan(
    ([basis, v], i) => {
      const kept = basis.dynamicUpdateSlice(v.expandDims(0), [i, 0]);
      const [w] = hvp(loss, [flat], [v]);
      const alpha = w.dot(v);
      // Orthogonalised against all previous vectors, twice to reduce rounding errors.
      const once = w.sub(kept.transpose().matmul(kept.matmul(w)));
      const rest = once.sub(kept.transpose().matmul(kept.matmul(once)));
      const beta = rest.norm();
      return [[kept, rest.div(beta)], [alpha, beta]];
    },
    [zeros([K, N]), start.div(start.norm())] as const,
    Int32Array.from({ length: K }, (_, i) => i),
  )[1]
);
const [alphas, betas] = lanczos(random.normal(vectorKey, [N]));
const off = betas.at([null, -1]);
const found = linalg.eigvalsh(alphas.diag().add(off.diag(1)).add(off.diag(-1)));

const exact = linalg.eigvalsh(hessian(loss)(flat));
await plot({ eigenvalues: exact }, { title: `All ${N} eigenvalues, from the whole Hessian` });
await table([1, 2, 3, 4, 5].map((rank) => ({
  rank,
  "by Lanczos": found.at(-rank).item(),
  exact: exact.at(-rank).item(),
})));
const difference = found.at([-5, null]).sub(exact.at([-5, null])).abs().max().item();
check(difference < 1e-3, `${K} products find the five largest eigenvalues`);
