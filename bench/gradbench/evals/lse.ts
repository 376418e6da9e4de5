import { grad, jit } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { type Eval, floats, prepared, toArray, toNumber } from "./eval.ts";

/** The logarithm of the sums of exponentials over the last axis. */
export function logSumExp(x: Tensor): Tensor {
  const most = x.max(-1, { keepdims: true });
  return x.sub(most).exp().sum(-1).log().add(most.squeeze(-1));
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
