/**
 * Loop nests: the representation of fused elementwise work, data movement and reductions before they
 * become code.
 *
 * @module
 */
import type { Dtype } from "../base/dtype.ts";

/**
 * A number for each round of the loops: `offset` plus the sum of `strides[i]` times the counter of loop
 * `i`. There is one stride for each loop.
 */
export interface Affine {
  /** The number if all counters are zero. */
  readonly offset: number;
  /** The increment for one step of each loop; any integers. */
  readonly strides: readonly number[];
}

/** The element that a nest reads or writes: element `offset + Σ strides · counters` of a buffer. */
export interface Access extends Affine {
  /** The number of the buffer. */
  readonly buffer: number;
}

/** A condition: `0 <= offset + Σ strides · counters < below`. */
export interface Guard extends Affine {
  /** The end, exclusive. */
  readonly below: number;
}

/** A value that a nest computes in each round. */
export type LoopNode =
  /** An element of a buffer; zero if one of the guards fails, in which case the buffer is not read. */
  | {
    readonly kind: "load";
    readonly dtype: Dtype;
    readonly from: Access;
    readonly guards?: readonly Guard[];
  }
  /** The same number in every round. */
  | { readonly kind: "constant"; readonly dtype: Dtype; readonly value: number }
  /** The same number in every round, passed at each run: number `index` of the program's numbers. */
  | { readonly kind: "given"; readonly dtype: Dtype; readonly index: number }
  /** A number computed from the counters. */
  | { readonly kind: "index"; readonly dtype: Dtype; readonly of: Affine }
  /**
   * An elementwise primitive, by its name, of earlier nodes. `convert` converts from the dtype of its
   * input to `dtype`. `params` are the primitive's. `join` is not a primitive: given two values, one of
   * which has only zero bits, it is the other one.
   */
  | {
    readonly kind: "map";
    readonly dtype: Dtype;
    readonly operation: string;
    readonly inputs: readonly number[];
    readonly params?: unknown;
  }
  /**
   * An earlier node combined over all rounds of the reduced loops. A float64 sum or product may have
   * float32 elements: these, or in a sum with `times` their products with those of another node, are
   * converted exactly before they are combined. With `when`, the number of a bool computed from earlier
   * reductions, its value is needed only where that is true. The loops are then run again for it, only
   * if it is true anywhere, and the combined node may depend on earlier reductions, too.
   */
  | {
    readonly kind: "reduce";
    readonly dtype: Dtype;
    readonly operation: Combination;
    readonly input: number;
    readonly times?: number;
    /** For float32 elements of float64 sums: a few may be added up as float32 first. */
    readonly isCoarse?: true;
    /** A product of floats: NaN if a partial product may have left the range of float64. */
    readonly isGuarded?: true;
    readonly when?: number;
  };

/**
 * How a reduction combines. `max` and `min` of floats are NaN if any element is; for bool they are or,
 * and.
 */
export type Combination = "sum" | "prod" | "max" | "min";

/** A node written to a buffer. */
export interface Store {
  /** The number of the node. */
  readonly node: number;
  /** The destination; injective, so that no element is written twice. */
  readonly to: Access;
}

/**
 * Loops around nodes. The last `reduced` loops are combined by `reduce` nodes. A node that depends on
 * one of these runs once for each round of the other loops, unless it also changes within the reduced
 * ones: then it belongs to another `reduce`, for which those loops run again. Stores do not change
 * within reduced loops. A load may be of a buffer that is stored to only if both are the same access,
 * and then reads before the store writes.
 */
export interface Nest {
  /** The number of rounds of each loop, outermost first; any may be 0. */
  readonly lengths: readonly number[];
  /** The number of loops, the last ones, that are reduced; if there is one, there is a `reduce` node. */
  readonly reduced: number;
  /** The dtype of each buffer. */
  readonly buffers: readonly Dtype[];
  /** The values, each after the values it depends on. */
  readonly nodes: readonly LoopNode[];
  /** The results that are written. */
  readonly stores: readonly Store[];
}
