/**
 * Loop nests: what fused elementwise work, data movement and reductions are written as before they
 * become code.
 *
 * @module
 */
import type { Dtype } from "../base/dtype.ts";

/**
 * A number for each round of the loops: `offset` plus the sum of `strides[i]` times the counter of
 * loop `i`. There are as many strides as loops.
 */
export interface Affine {
  /** The number where all counters are zero. */
  readonly offset: number;
  /** What one step of each loop adds; any integers. */
  readonly strides: readonly number[];
}

/** Where a nest reads or writes: element `offset + Σ strides · counters` of a buffer. */
export interface Access extends Affine {
  /** The number of the buffer. */
  readonly buffer: number;
}

/** A condition: `0 <= offset + Σ strides · counters < below`. */
export interface Guard extends Affine {
  /** The end. */
  readonly below: number;
}

/** A value that a nest computes in each round. */
export type LoopNode =
  /** An element of a buffer; zero where one of the guards fails, and the buffer is not read there. */
  | {
    readonly kind: "load";
    readonly dtype: Dtype;
    readonly from: Access;
    readonly guards?: readonly Guard[];
  }
  /** The same number in every round. */
  | { readonly kind: "constant"; readonly dtype: Dtype; readonly value: number }
  /** The same number in every round, given at each run: number `index` of the program's. */
  | { readonly kind: "given"; readonly dtype: Dtype; readonly index: number }
  /** A number made of the counters. */
  | { readonly kind: "index"; readonly dtype: Dtype; readonly of: Affine }
  /**
   * An elementwise primitive, by its name, of earlier nodes. `convert` converts from the dtype of
   * its input to `dtype`. `params` are the primitive's. `join` is no primitive: of two values of
   * which all bits of one are zero, it is the other.
   */
  | {
    readonly kind: "map";
    readonly dtype: Dtype;
    readonly operation: string;
    readonly inputs: readonly number[];
    readonly params?: unknown;
  }
  /**
   * An earlier node combined over all rounds of the reduced loops. A float64 sum or product may be of
   * float32: the elements, or in a sum with `times` their products with those of another node, are
   * combined exactly converted. With `when`, the number of a bool made of earlier reductions, its value is needed only
   * where that is true: then the loops are run again for it, and only if there is such a place; what
   * it combines may be made of earlier reductions, too.
   */
  | {
    readonly kind: "reduce";
    readonly dtype: Dtype;
    readonly operation: Combination;
    readonly input: number;
    readonly times?: number;
    /** Of float32, for sums of float64: a few may be added up as float32 first. */
    readonly isCoarse?: true;
    /** A product of floats: NaN where that of some of them may have left the range of float64. */
    readonly isGuarded?: true;
    readonly when?: number;
  };

/** How a reduction combines. `max` and `min` of floats give NaN if any is; of bool they are or, and. */
export type Combination = "sum" | "prod" | "max" | "min";

/** A node written to a buffer. */
export interface Store {
  /** The number of the node. */
  readonly node: number;
  /** Where to; injective, so that no element is written twice. */
  readonly to: Access;
}

/**
 * Loops around nodes. The last `reduced` loops are combined by `reduce` nodes. What depends on one of these
 * runs once for each round of the other loops, unless it also changes within the reduced ones: then it is for
 * another `reduce`, for which those loops run again. Stores do not change within reduced loops. A load may be
 * of a buffer that is stored to only if both are the same access, and then reads before the store writes.
 */
export interface Nest {
  /** How often each loop runs, outermost first; any may be 0. */
  readonly lengths: readonly number[];
  /** How many of them, the last ones, are reduced; with one at least there is a `reduce` node. */
  readonly reduced: number;
  /** The dtype of each buffer. */
  readonly buffers: readonly Dtype[];
  /** The values, each after those that it is made of. */
  readonly nodes: readonly LoopNode[];
  /** What is kept. */
  readonly stores: readonly Store[];
}
