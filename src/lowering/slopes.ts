/**
 * Functions that share an exponential with their derivatives.
 *
 * @module
 */
import type { Dtype } from "../base/dtype.ts";

/** Adds a map node of an operation, and returns its number. */
export type Add = (operation: string, ...inputs: readonly number[]) => number;

/** A function and its derivative, both computed from a common subexpression. */
export interface Pair {
  readonly value: string;
  readonly slope: string;
  /** Adds nodes for both functions of node `x`. */
  readonly write: (add: Add, x: number) => readonly [value: number, slope: number];
}

const sigmoid: Pair = {
  value: "sigmoid",
  slope: "sigmoidBell",
  write(add, x) {
    const decay = add("decay", x);
    const value = add("sigmoidOfDecay", x, decay);
    return [value, add("sigmoidBellOfDecay", x, value, decay)];
  },
};

function withGaussian(value: string): Pair {
  return {
    value,
    slope: "gaussian",
    write(add, x) {
      const slope = add("gaussian", x);
      return [add(`${value}OfGaussian`, x, slope), slope];
    },
  };
}

const pairs: Readonly<Partial<Record<Dtype, readonly Pair[]>>> = {
  float32: [sigmoid, {
    value: "tanh",
    slope: "tanhSlope",
    write(add, x) {
      const decay = add("decay", add("add", x, x));
      const value = add("tanhOfDecay", x, decay);
      return [value, add("tanhSlopeOfDecay", x, value, decay)];
    },
  }],
  float64: [sigmoid, {
    value: "tanh",
    slope: "tanhSlope",
    write(add, x) {
      const value = add("tanh", x);
      return [value, add("tanhSlopeOfTanh", x, value)];
    },
  }, ...["erf", "erfc"].map(withGaussian)],
};

/** The pair that contains `operation`, if any. */
export function pairOf(dtype: Dtype, operation: string): Pair | undefined {
  return pairs[dtype]?.find(({ value, slope }) => operation === value || operation === slope);
}
