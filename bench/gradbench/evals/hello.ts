import { grad } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { type Eval, floats, prepared, toNumber } from "./eval.ts";

const square = (x: Tensor) => x.mul(x);

/** A function and its derivative, to check that both sides use the protocol. */
export const hello: Eval = {
  square: (x: number) => prepared(() => square(floats(x)), toNumber),
  double: (x: number) => prepared(() => grad(square)(floats(x)), toNumber),
};
