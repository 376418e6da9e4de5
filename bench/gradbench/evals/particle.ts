import { jit, stack, whileLoop } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { argmin, type Mode, modes } from "./descent.ts";
import { type Eval, floats, prepared, toNumber } from "./eval.ts";

interface Input {
  readonly w: number;
}

/** The duration of a step of Euler's method, in seconds. */
const STEP = 0.1;

/** The bound on the number of steps in reverse mode; the particle takes less than 200. */
const MOST_STEPS = 1000;

/** The square of the position where the particle crosses the x axis, for a second charge moved by `w`. */
function miss(w: Tensor, mode: Mode): Tensor {
  const fixed = floats([10, 0]);
  const moved = stack([floats(10), w.at(0).neg().add(10)]);
  const distance = (x: Tensor, charge: Tensor) => x.sub(charge).square().sum().sqrt();
  const potential = (x: Tensor) =>
    distance(x, moved).reciprocal().add(distance(x, fixed).reciprocal());
  const slope = mode(potential);
  const start = { x: floats([0, 8]), velocity: floats([0.75, 0]) };
  type State = typeof start;
  const isAbove = ({ x, velocity }: State) => x.add(velocity.mul(STEP)).at(1).greater(0);
  const step = ({ x, velocity }: State): State => ({
    x: x.add(velocity.mul(STEP)),
    velocity: velocity.sub(slope(x).mul(STEP)),
  });
  // The step that would cross the axis is shortened, by the velocity at its beginning, as in the eval.
  const { x, velocity } = whileLoop(isAbove, step, start, { maxSteps: MOST_STEPS });
  const below = x.add(velocity.mul(STEP));
  const rest = below.at(1).neg().div(velocity.at(1));
  return below.at(0).add(velocity.at(0).mul(rest)).square();
}

/** The control that reaches the origin, with one mode for the descent and one for the force. */
function variant(outer: string, inner: string) {
  const find = jit((w: Tensor) =>
    argmin((w) => miss(w, modes[inner]), modes[outer], w.expandDims(0)).at(0)
  );
  return (input: Input) => {
    const w = floats(input.w);
    return prepared(() => find(w), toNumber);
  };
}

/** A charged particle: derivatives within a loop within a descent. */
export const particle: Eval = {
  ff: variant("f", "f"),
  fr: variant("f", "r"),
  rf: variant("r", "f"),
  rr: variant("r", "r"),
};
