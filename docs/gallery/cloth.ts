// Cloth simulation
// Mass-spring dynamics whose forces are the gradient of an energy.
import { foriLoop, grad, jit, linspace, ones, scan, stack, zeros } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot, scatter } from "./show.ts";

const [ROWS, COLUMNS] = [12, 16];
const REST = 1 / (COLUMNS - 1);

/** Positions `[rows, columns, 2]` of a cloth that hangs by two corners and has been pushed aside. */
const across = linspace(0, 0.8, COLUMNS).expandDims(0).broadcastTo([ROWS, COLUMNS]);
const down = linspace(0, -(ROWS - 1) * REST, ROWS).expandDims(1).broadcastTo([ROWS, COLUMNS]);
const start = stack([across, down], -1);
const isFree = ones([ROWS, COLUMNS, 1]).set([0, 0], 0).set([0, -1], 0);

/** Gravity, and springs along rows, columns and both diagonals. */
function energy(x: Tensor): Tensor {
  const spring = (a: Tensor, b: Tensor, rest: number) =>
    a.sub(b).square().sum(-1).add(1e-9).sqrt().sub(rest).square().sum().mul(2000 / 2);
  const slope = REST * Math.SQRT2;
  return [
    spring(x.at([1, null]), x.at([null, -1]), REST),
    spring(x.at(null, [1, null]), x.at(null, [null, -1]), REST),
    spring(x.at([1, null], [1, null]), x.at([null, -1], [null, -1]), slope),
    spring(x.at([1, null], [null, -1]), x.at([null, -1], [1, null]), slope),
    x.at("...", 1).sum().mul(9.81 * 0.02),
  ].reduce((a, b) => a.add(b));
}

const STEP = 0.002;
const MASS = 0.02;
/** A damped step of the semi-implicit Euler method. */
const advance = (x: Tensor, v: Tensor): [Tensor, Tensor] => {
  const faster = v.sub(grad(energy)(x).mul(STEP / MASS)).mul(isFree).mul(0.995);
  return [x.add(faster.mul(STEP)), faster];
};
const simulate = jit((x: Tensor) =>
  scan(
    ([x, v]) => {
      const next = foriLoop(0, 25, (_, [x, v]) => advance(x, v), [x, v] as const);
      return [next, { x, energy: energy(x), kinetic: v.square().sum().mul(MASS / 2) }];
    },
    [x, zeros(x.shape)] as const,
    null,
    { length: 120 },
  )
);
const [[end, v], history] = simulate(start);
await plot({ energy: history.energy, kinetic: history.kinetic }, {
  title: "Potential and kinetic energy by time",
});
await scatter({
  start: start.reshape(-1, 2),
  middle: history.x.at(20).reshape(-1, 2),
  end: end.reshape(-1, 2),
}, { title: "The cloth" });

const force = grad(energy)(end).mul(isFree).norm(-1).max().item();
check(v.abs().max().item() < 0.05, "it has come to rest");
check(force < 0.1, `at rest forces cancel: the largest is ${force.toExponential(1)}`);
check(end.at(0, 0).sub(start.at(0, 0)).abs().max().item() < 1e-6, "the corners did not move");
