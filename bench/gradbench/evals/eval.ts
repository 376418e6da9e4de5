/**
 * The types of the functions of an eval, and helpers for them.
 *
 * @module
 */
import { tensor } from "@jacobi/jacobi";
import type { NestedArray, Tensor } from "@jacobi/jacobi";

/** A prepared call of a function: only `run` is timed. */
export interface Prepared {
  /** Computes the result, which is complete when the call returns. */
  run(): unknown;
  /** The result of the last run, in the JSON form that the eval expects. */
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
