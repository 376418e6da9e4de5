import { concatenate, grad, jit, scan, zerosLike } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { type Eval, floats, prepared, toArray } from "./eval.ts";

interface Input {
  readonly x: readonly number[];
  readonly s: number;
}

/** `y` at time 2 by `steps` steps of the Runge-Kutta method, from `y(0) = 0`. */
function solve(x: Tensor, steps: number): Tensor {
  const h = 2 / steps;
  const [first, rest] = [x.at([0, 1]), x.at([1, null])];
  const slope = (y: Tensor) => concatenate([first, rest.mul(y.at([0, -1]))]);
  const step = (y: Tensor): [Tensor, null] => {
    const k1 = slope(y);
    const k2 = slope(y.add(k1.mul(h / 2)));
    const k3 = slope(y.add(k2.mul(h / 2)));
    const k4 = slope(y.add(k3.mul(h)));
    return [y.add(k1.add(k2.add(k3).mul(2)).add(k4).mul(h / 6)), null];
  };
  return scan(step, zerosLike(x), null, { length: steps })[0];
}

const primal = jit(solve, { staticArgnums: 1 });
const gradient = jit(grad((x: Tensor, steps: number) => solve(x, steps).at(-1)), {
  staticArgnums: 1,
});

/** A chain of linear equations, and the gradient of the last of its values. */
export const ode: Eval = {
  primal({ x, s }: Input) {
    const start = floats(x);
    return prepared(() => primal(start, s), toArray);
  },
  gradient({ x, s }: Input) {
    const start = floats(x);
    return prepared(() => gradient(start, s), toArray);
  },
};
