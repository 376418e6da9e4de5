/**
 * What the functions of an eval are, and what they share.
 *
 * @module
 */
import { tensor } from "@jacobi/jacobi";
import type { NestedArray, Tensor } from "@jacobi/jacobi";

/** A call of a function, made ready: only `run` is timed. */
export interface Prepared {
  /** Computes the result; it is there when the call returns. */
  run(): unknown;
  /** The result of the last run, as the eval expects it in JSON. */
  report(): unknown;
}

/** The functions of an eval, by their names in the protocol. */
export type Eval = Readonly<Record<string, (input: never) => Prepared>>;

/** A call that computes one value and reports it. */
export function prepared<T>(run: () => T, report: (value: T) => unknown): Prepared {
  let last: T;
  return { run: () => last = run(), report: () => report(last) };
}

/** A tensor of float64. */
export function floats(values: NestedArray | number): Tensor {
  return tensor(values, { dtype: "float64" });
}

/** The number in a tensor. */
export function toNumber(x: Tensor): number {
  return x.item() as number;
}

/** The numbers in a tensor, as nested arrays. */
export function toArray(x: Tensor): unknown {
  return x.toArray();
}
