import { concatenate, jit } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { argmax, argmin, modes } from "./descent.ts";
import { type Eval, floats, prepared, toArray } from "./eval.ts";

interface Input {
  readonly start: readonly number[];
}

function objective(x: Tensor, y: Tensor): Tensor {
  return x.square().sum().sub(y.square().sum());
}

/** The saddle point, with one mode of differentiation for the outer descent and one for the inner. */
function variant(outer: string, inner: string) {
  const find = jit((start: Tensor) => {
    const greatest = (x: Tensor) =>
      objective(x, argmax((y) => objective(x, y), modes[inner], start));
    const x = argmin(greatest, modes[outer], start);
    const y = argmax((y) => objective(x, y), modes[outer], start);
    return concatenate([x, y]);
  });
  return (input: Input) => {
    const start = floats(input.start);
    return prepared(() => find(start), toArray);
  };
}

/** A descent within a descent. */
export const saddle: Eval = {
  ff: variant("f", "f"),
  fr: variant("f", "r"),
  rf: variant("r", "f"),
  rr: variant("r", "r"),
};
