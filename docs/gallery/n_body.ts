// Three-body problem
// Gravity as the gradient of a potential, integrated by a symplectic method.
import { eye, foriLoop, grad, jit, scan, tensor, triu } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot, scatter } from "./show.ts";

// Three equal masses on the figure of eight of Chenciner and Montgomery (2000).
const x0 = tensor([[0.97000436, -0.24308753], [-0.97000436, 0.24308753], [0, 0]]);
const v0 = tensor([
  [0.466203685, 0.43236573],
  [0.466203685, 0.43236573],
  [-0.93240737, -0.86473146],
]);
const PERIOD = 6.32591398;

function potential(x: Tensor): Tensor {
  const distances = x.expandDims(1).sub(x).square().sum(2).add(eye(3)).sqrt();
  return triu(distances.reciprocal(), 1).sum().neg();
}
const force = (x: Tensor) => grad(potential)(x).neg();
const energy = (x: Tensor, v: Tensor) => v.square().sum().div(2).add(potential(x));

const [FRAMES, SUBSTEPS] = [200, 20];
const h = PERIOD / (FRAMES * SUBSTEPS);
/** A leapfrog step. */
const advance = (x: Tensor, v: Tensor): [Tensor, Tensor] => {
  const half = v.add(force(x).mul(h / 2));
  const next = x.add(half.mul(h));
  return [next, half.add(force(next).mul(h / 2))];
};
const simulate = jit((x: Tensor, v: Tensor) =>
  scan(
    ([x, v]) => {
      const next = foriLoop(0, SUBSTEPS, (_, [x, v]) => advance(x, v), [x, v] as const);
      return [next, [x, energy(x, v)]];
    },
    [x, v] as const,
    null,
    { length: FRAMES },
  )
);
const [[end], [path, energies]] = simulate(x0, v0);
await scatter(
  Object.fromEntries([0, 1, 2].map((i) => [`body ${i + 1}`, path.at(null, i)])),
  { title: "One period of the figure of eight" },
);
await plot({ "energy, relative change": energies.div(energies.at(0)).sub(1) });
check(energies.div(energies.at(0)).sub(1).abs().max().item() < 1e-4, "energy is conserved");
check(end.sub(x0).norm().item() < 0.01, "after one period all are back where they were");
