// Principal component analysis
// The singular value decomposition finds the plane that contains ten-dimensional data.
import { linalg, random, tensor } from "@jacobi/jacobi";
import { check, plot, scatter } from "./show.ts";

const [N, D] = [200, 10];
const [codeKey, planeKey, noiseKey] = random.split(random.key(0), 3);
// Two hidden coordinates of different spread, in a random plane.
const hidden = random.normal(codeKey, [N, 2]).mul(tensor([3, 1.5]));
const plane = random.orthogonal(planeKey, D).at([0, 2]);
const x = hidden.matmul(plane).add(random.normal(noiseKey, [N, D]).mul(0.3));

const centred = x.sub(x.mean(0));
const [, singular, directions] = linalg.svd(centred, { fullMatrices: false });
const variances = singular.square().div(N - 1);
await plot({ variance: variances }, { title: "Variance along each component" });
await scatter({ data: centred.matmul(directions.at([0, 2]).transpose()) }, {
  title: "The first two components",
});

const share = variances.at([0, 2]).sum().div(variances.sum()).item();
check(share > 0.9, `two components hold ${(100 * share).toFixed(1)}% of the variance`);
// Cosines of the angles between the two planes.
const cosines = linalg.svdvals(plane.matmul(directions.at([0, 2]).transpose()));
check(cosines.min().item() > 0.99, "they span the hidden plane");
const [values] = linalg.eigh(centred.transpose().matmul(centred).div(N - 1));
check(
  values.flip().sub(variances).abs().max().item() < 1e-3,
  "they are eigenvalues of the covariance",
);
