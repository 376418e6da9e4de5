import { grad, jit, jvp, matmul, onesLike } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { type Eval, floats, prepared, toArray, toNumber } from "./eval.ts";

interface Input {
  readonly points: readonly (readonly number[])[];
  readonly centroids: readonly (readonly number[])[];
}

/** The sum of the squared distances from each point to the nearest centroid. */
function costOf(centroids: Tensor, points: Tensor): Tensor {
  const squares = (x: Tensor) => x.square().sum(1);
  const products = matmul(points, centroids.transpose());
  const distances = squares(points).expandDims(1).add(squares(centroids)).sub(products.mul(2));
  return distances.min(1).sum();
}

const cost = jit(costOf);

/** Newton's direction: the Hessian is diagonal, so its product with ones determines it. */
const direction = jit((centroids: Tensor, points: Tensor) => {
  const gradient = (centroids: Tensor) => grad(costOf)(centroids, points);
  const [slope, curvature] = jvp(gradient, [centroids], [onesLike(centroids)]);
  return slope.div(curvature);
});

function read({ points, centroids }: Input): [Tensor, Tensor] {
  return [floats(centroids), floats(points)];
}

/** Clusters by Newton's method: gradient and Hessian together. */
export const kmeans: Eval = {
  cost(input: Input) {
    const [centroids, points] = read(input);
    return prepared(() => cost(centroids, points), toNumber);
  },
  dir(input: Input) {
    const [centroids, points] = read(input);
    return prepared(() => direction(centroids, points), toArray);
  },
};
