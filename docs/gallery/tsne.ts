// t-SNE
// A layout of ten-dimensional points in the plane that preserves neighbours.
import { concatenate, exp, eye, foriLoop, grad, jit, log, random, scan } from "@jacobi/jacobi";
import { vmap, where, zeros } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot, scatter } from "./show.ts";

const [GROUPS, SIZE, D] = [5, 40, 10];
const N = GROUPS * SIZE;
const [centreKey, pointKey, layoutKey] = random.split(random.key(0), 3);
const centres = random.normal(centreKey, [GROUPS, D]).mul(3);
const x = centres.repeat(SIZE, 0).add(random.normal(pointKey, [N, D]));

const squares = (x: Tensor) => x.expandDims(1).sub(x).square().sum(2);
const self = eye(N);

/** The probability that a point picks each other one, with a spread that makes 2^4 = 16 of them likely. */
function chances(distances: Tensor, mask: Tensor): Tensor {
  const of = (beta: Tensor) => {
    const weights = exp(distances.mul(beta).neg()).mul(mask);
    return weights.div(weights.sum().add(1e-12));
  };
  const entropy = (p: Tensor) => p.mul(log(p.add(1e-12))).sum().neg().div(Math.LN2);
  // Bisection of the logarithm of beta.
  const [low, high] = foriLoop(0, 30, (_, [low, high]) => {
    const middle = low.add(high).div(2);
    const isWide = entropy(of(exp(middle))).greater(4);
    return [where(isWide, middle, low), where(isWide, high, middle)];
  }, [distances.at(0).mul(0).sub(10), distances.at(0).mul(0).add(5)] as const);
  return of(exp(low.add(high).div(2)));
}
const one = vmap(chances)(squares(x), self.neg().add(1));
const p = one.add(one.transpose()).div(2 * N).maximum(1e-9);

/** The divergence of the neighbour distribution in the plane from that in the data. */
function loss(y: Tensor): Tensor {
  const weights = squares(y).add(1).reciprocal().mul(self.neg().add(1));
  const q = weights.div(weights.sum()).maximum(1e-9);
  return p.mul(log(p.div(q))).sum();
}
const STEPS = 400;
const layout = jit((y: Tensor) =>
  scan(
    ([y, speed]) => {
      const next = speed.mul(0.8).sub(grad(loss)(y).mul(50));
      return [[y.add(next), next], loss(y)];
    },
    [y, zeros([N, 2])] as const,
    null,
    { length: STEPS },
  )
);
const [[y], losses] = layout(random.normal(layoutKey, [N, 2]).mul(0.1));
await plot({ divergence: losses }, { title: "Divergence by step" });
await scatter(
  Object.fromEntries(Array.from({ length: GROUPS }, (_, i) => [
    `group ${i + 1}`,
    y.at([i * SIZE, (i + 1) * SIZE]),
  ])),
  { title: "The layout" },
);
const nearest = squares(y).add(self.mul(1e9)).argmin(1);
const share = nearest.div(SIZE).floor().equal(concatenate(
  Array.from({ length: GROUPS }, (_, i) => zeros([SIZE]).add(i)),
)).mean().item();
check(share > 0.97, `${(100 * share).toFixed(0)}% of the nearest neighbours are of the same group`);
