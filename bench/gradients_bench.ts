/**
 * How long do values and gradients of functions take that do not consist of layers?
 *
 *     deno bench bench/gradients_bench.ts
 *
 * float64, one thread.
 *
 * - mixture: the log-likelihood of 1000 points under a Gaussian mixture of 25 components in 20
 *   dimensions, and of 100 in 64, with respect to its weights, means and inverse Cholesky factors, as in ADBench
 *   (F. Srajer et al., "A benchmark of selected algorithmic differentiation tools on some problems in
 *   computer vision and machine learning", Optimization Methods and Software 33, 2018)
 * - minors: the determinant of a matrix by minors of the first row, each level a `vmap` over columns
 * - stencil: a Laplacian of rolled values on a torus of 1000 x 1000
 */
import {
  arange,
  concatenate,
  configure,
  einsum,
  grad,
  jit,
  less,
  logsumexp,
  random,
  roll,
  take,
  tree,
  vmap,
  where,
  zeros,
} from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

configure({ threads: 1 });

function benchBoth<A extends readonly Tensor[]>(
  group: string,
  f: (...args: A) => Tensor,
  ...args: A
): void {
  const [value, gradient] = [jit(f), jit(grad(f, { argnums: args.map((_, i) => i) }))];
  Deno.bench("value", { group, baseline: true }, () => void value(...args).item());
  Deno.bench("gradient", { group }, () => {
    for (const leaf of tree.leaves(gradient(...args))) (leaf as Tensor).data();
  });
}

const dtype = "float64";
const normal = (seed: number, shape: readonly number[]) =>
  random.normal(random.key(seed), shape, { dtype });

for (const [dimensions, components] of [[20, 25], [64, 100]]) {
  const points = normal(0, [1000, 1, dimensions]);
  // The indices of the elements below the diagonal in the factors' parameters, column after column.
  const places = new Int32Array(dimensions * dimensions);
  let next = 1;
  for (let column = 0; column < dimensions; column++) {
    for (let row = column + 1; row < dimensions; row++) places[row * dimensions + column] = next++;
  }
  const likelihood = (weights: Tensor, means: Tensor, factors: Tensor): Tensor => {
    const logDiagonal = factors.at(null, [null, dimensions]);
    const lower = concatenate([
      zeros([components, 1], { dtype }),
      factors.at(null, [dimensions, null]),
    ], 1);
    const triangles = take(lower, places, 1).reshape([components, dimensions, dimensions]);
    const apart = points.sub(means);
    const turned = logDiagonal.exp().mul(apart).add(einsum("kij,nkj->nki", triangles, apart));
    const scores = weights.add(logDiagonal.sum(1)).sub(turned.square().sum(2).mul(0.5));
    const prior = logDiagonal.exp().square().sum().add(lower.square().sum()).mul(0.5);
    return logsumexp(scores, 1).sum().sub(logsumexp(weights).mul(1000)).add(prior);
  };
  benchBoth(
    `mixture of ${components} components in ${dimensions} dimensions`,
    likelihood,
    normal(1, [components]),
    normal(2, [components, dimensions]),
    normal(3, [components, dimensions * (dimensions + 1) / 2]),
  );
}

/** The determinant of the square matrix `x` by minors of its first row. */
function byMinors(x: Tensor): Tensor {
  const n = x.shape[0];
  if (n === 1) return x.at(0, 0);
  const columns = arange(n, { dtype: "int32" });
  const signs = columns.mod(2).mul(-2).add(1).astype(dtype);
  const rest = columns.at([null, -1]);
  return vmap((column: Tensor, first: Tensor, sign: Tensor) => {
    const others = where(less(rest, column), rest, rest.add(1));
    return first.mul(sign).mul(byMinors(take(x.at([1, null]), others, 1)));
  })(columns, x.at(0), signs).sum();
}

for (const n of [8, 9, 10]) benchBoth(`minors of ${n} x ${n}`, byMinors, normal(4, [n, n]));

const neighbours = [[1, 0], [-1, 0], [1, 1], [-1, 1]];
benchBoth(
  "stencil",
  (x: Tensor) =>
    neighbours.map(([by, axis]) => roll(x, by, axis)).reduce((sum, y) => sum.add(y), x.mul(-4))
      .square().sum(),
  normal(5, [1000, 1000]),
);
