// Pendulum swing-up
// Gradients through a simulation find forces that swing a pendulum up.
import { clip, cos, jit, optim, scan, sin, tensor, valueAndGrad, zeros } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot } from "./show.ts";

const LENGTH = 100;
const STEP = 0.05;
/** Too weak to lift the pendulum in one swing. */
const STRONGEST = 4;

/** Angles `[LENGTH]` from the lowest point, and the last speed, for forces `[LENGTH]`. */
function simulate(forces: Tensor): { angles: Tensor; speed: Tensor } {
  const [[, speed], angles] = scan(
    ([angle, speed], force) => {
      const faster = speed.add(force.sub(sin(angle).mul(9.81)).mul(STEP));
      const next = angle.add(faster.mul(STEP));
      return [[next, faster], next];
    },
    [tensor(0), tensor(0)] as const,
    forces,
  );
  return { angles, speed };
}
const limited = (x: Tensor) => x.tanh().mul(STRONGEST);

function loss(x: Tensor): Tensor {
  const { angles, speed } = simulate(limited(x));
  // Upright and at rest for the last ten steps, with little force.
  const upright = cos(angles.at([-10, null])).add(1).mean();
  return upright.mul(10).add(speed.square().mul(0.05)).add(limited(x).square().mean().mul(0.002));
}

const STEPS = 600;
const optimizer = optim.adam(optim.cosine(0.08, { steps: STEPS }));
type State = readonly [Tensor, optim.OptimizerState];
const step = ([x, memory]: State): [State, Tensor] => {
  const [value, slope] = valueAndGrad(loss)(x);
  const [updates, next] = optimizer.update(slope, memory, x);
  return [[optim.applyUpdates(x, updates), next], value];
};
const plan = jit((x: Tensor) => scan(step, [x, optimizer.init(x)], null, { length: STEPS }));
const [[x], losses] = plan(zeros([LENGTH]).add(0.1));
await plot({ loss: losses }, { title: "Loss by step" });

const forces = limited(x);
const { angles } = simulate(forces);
await plot({ "angle / π": angles.div(Math.PI), "force / 4": forces.div(STRONGEST) }, {
  title: "Angle and force by time",
});
const height = cos(angles.at(-1)).neg().item();
check(height > 0.98, `the pendulum stands: height ${height.toFixed(3)} of 1`);
check(clip(forces.abs(), STRONGEST, null).max().item() <= STRONGEST, "no force exceeds the limit");
