import { grad, jit } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { type Eval, floats, prepared, toArray, toNumber } from "./eval.ts";

function logSumExp(x: Tensor): Tensor {
  const most = x.max();
  return most.add(x.sub(most).exp().sum().log());
}

const primal = jit(logSumExp);
const gradient = jit(grad(logSumExp));

/** The logarithm of a sum of exponentials, from a maximum and a sum, and its gradient. */
export const lse: Eval = {
  primal(input: { readonly x: readonly number[] }) {
    const x = floats(input.x);
    return prepared(() => primal(x), toNumber);
  },
  gradient(input: { readonly x: readonly number[] }) {
    const x = floats(input.x);
    return prepared(() => gradient(x), toArray);
  },
};
