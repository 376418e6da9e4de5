import { grad, jit, linspace, zerosLike } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { type Eval, floats, prepared, toArray, toNumber } from "./eval.ts";

interface Input {
  readonly x: readonly number[];
  readonly n: number;
}

/** The squared error of the polynomial with coefficients `x` as an approximation of `sign(t)`. */
function objective(x: Tensor, t: Tensor): Tensor {
  let value = zerosLike(t);
  for (let i = x.shape[0] - 1; i >= 0; i--) value = value.mul(t).add(x.at(i));
  return t.sign().sub(value).square().sum().mul(0.5);
}

const primal = jit(objective);
const gradient = jit(grad(objective));

function read({ x, n }: Input): [Tensor, Tensor] {
  return [floats(x), linspace(-1, 1, n, { dtype: "float64" })];
}

/** A polynomial fitted to a step function. */
export const llsq: Eval = {
  primal(input: Input) {
    const [x, t] = read(input);
    return prepared(() => primal(x, t), toNumber);
  },
  gradient(input: Input) {
    const [x, t] = read(input);
    return prepared(() => gradient(x, t), toArray);
  },
};
