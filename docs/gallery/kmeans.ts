// k-means clustering
// Lloyd's algorithm with pairwise distances and segment sums, in one compiled loop.
import { argmin, concatenate, jit, ones, random, scan, segmentSum, tensor } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot, scatter } from "./show.ts";

const K = 4;
const truth = tensor([[0, 0], [4, 1], [1, 4], [5, 5]]);
const parts = random.split(random.key(1), K).map((key, i) =>
  random.normal(key, [80, 2]).mul(0.6).add(truth.at(i))
);
const x = concatenate(parts);
const distances = (centres: Tensor) => x.expandDims(1).sub(centres).square().sum(2);

const step = (centres: Tensor): [Tensor, Tensor] => {
  const squares = distances(centres);
  const nearest = argmin(squares, 1);
  const sums = segmentSum(x, nearest, { numSegments: K });
  const counts = segmentSum(ones([x.shape[0]]), nearest, { numSegments: K }).maximum(1);
  return [sums.div(counts.expandDims(1)), squares.min(1).mean()];
};

/** Centres far from each other: each next one is the point farthest from those already chosen. */
function start(): Tensor {
  let chosen = x.at([0, 1]);
  while (chosen.shape[0] < K) {
    const far = distances(chosen).min(1).argmax().item();
    chosen = concatenate([chosen, x.at([far, far + 1])]);
  }
  return chosen;
}
const [centres, errors] = jit((centres: Tensor) => scan(step, centres, null, { length: 12 }))(
  start(),
);
await plot({ "mean squared distance": errors });
const nearest = argmin(distances(centres), 1);
const groups = Array.from({ length: K }, (_, i) => x.at(nearest.equal(i)));
await scatter({
  ...Object.fromEntries(groups.map((group, i) => [`${i + 1}`, group])),
  centres,
}, { title: "Clusters and centres" });

const falls = errors.at([1, null]).sub(errors.at([null, -1])).max().item() <= 1e-6;
check(falls, "the error never grows");
const away = truth.expandDims(1).sub(centres).square().sum(2).min(1).max().sqrt().item();
check(away < 0.3, `every true centre has one within ${away.toFixed(2)}`);
console.log("sizes:", segmentSum(ones([x.shape[0]]), nearest, { numSegments: K }));
