// Optimal transport
// Sinkhorn's algorithm, and points that move along the gradient of the transport cost.
import { concatenate, grad, jit, log, ones, random, scan, tensor, zeros } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot, scatter } from "./show.ts";

const N = 60;
const EPSILON = 0.1;

/** The cost of transport between point clouds, smoothed by an entropy (Cuturi, 2013). */
function cost(x: Tensor, y: Tensor): Tensor {
  const distances = x.expandDims(1).sub(y).square().sum(2);
  const share = log(ones([N]).div(N));
  // Potentials are updated in turn, as logarithms.
  const soften = (potential: Tensor, costs: Tensor) =>
    potential.sub(costs).div(EPSILON).add(share).logsumexp(1).mul(-EPSILON);
  const [[f, g]] = scan(
    ([, g]) => {
      const next = soften(g, distances);
      return [[next, soften(next, distances.transpose())], null];
    },
    [zeros([N]), zeros([N])] as const,
    null,
    { length: 100 },
  );
  return f.mean().add(g.mean());
}

const [a, b, c] = random.split(random.key(0), 3);
const x = random.normal(a, [N, 2]).mul(0.3);
const y = concatenate([
  random.normal(b, [N / 2, 2]).mul(0.2).add(tensor([2, 1])),
  random.normal(c, [N / 2, 2]).mul(0.2).add(tensor([2, -1])),
]);

// Points flow along the gradient.
const flow = jit((x: Tensor) =>
  scan((x) => [x.sub(grad(cost)(x, y).mul(0.1 * N)), cost(x, y)], x, null, { length: 40 })
);
const [end, costs] = flow(x);
await plot({ cost: costs }, { title: "Cost of transport by step" });
await scatter({ start: x, target: y, end }, { title: "Transported points" });

check(costs.at(-1).item() < costs.at(0).item() / 20, "the cost fell to less than a twentieth");
const upper = end.at("...", 1).greater(0).sum().item();
check(Math.abs(upper - N / 2) <= 2, `${upper} of ${N} points went to the upper heap`);
