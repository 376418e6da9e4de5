/**
 * Straight-line code: work on few elements, each of which is a separate value, without loops. Backends
 * that write code keep the values in registers, however many operations there are.
 *
 * @module
 */
import type { Dtype } from "../base/dtype.ts";
import type { Atom } from "../core/program.ts";

/** An element of a buffer. */
export interface Spot {
  /** The number of the buffer. */
  readonly buffer: number;
  /** The constant part of its offset from the beginning, before the terms. */
  readonly offset: number;
  /** Checked indices, by the numbers of their values, with the number of elements per step of each. */
  readonly terms: readonly { readonly index: number; readonly stride: number }[];
}

/** A value: one element. */
export type StraightValue =
  | { readonly kind: "load"; readonly dtype: Dtype; readonly from: Spot }
  | { readonly kind: "constant"; readonly dtype: Dtype; readonly value: number }
  /** The number that is passed to the program at this position at each run. */
  | { readonly kind: "given"; readonly dtype: Dtype; readonly index: number }
  /** An elementwise primitive, by its name, of earlier values. */
  | {
    readonly kind: "map";
    readonly dtype: Dtype;
    readonly operation: string;
    readonly inputs: readonly number[];
    readonly params?: unknown;
  }
  /** An integer as an index; the code traps unless it is less than `below`, and not negative. */
  | { readonly kind: "index"; readonly input: number; readonly below: number };

/** The operations, in order. */
export type StraightOp =
  | { readonly kind: "value"; readonly value: number }
  | { readonly kind: "store"; readonly value: number; readonly to: Spot }
  /** A buffer copied to another one, unless they are the same memory. */
  | { readonly kind: "copy"; readonly from: number; readonly to: number; readonly bytes: number };

/** Straight code on buffers. */
export interface Straight {
  readonly buffers: readonly Dtype[];
  readonly values: readonly StraightValue[];
  readonly ops: readonly StraightOp[];
}

/** Straight code of a group, with the values of its buffers. */
export interface StraightCode {
  readonly straight: Straight;
  /** For each buffer the value that it contains. */
  readonly atoms: readonly Atom[];
  /** Which of the buffers are written. */
  readonly writes: ReadonlySet<number>;
  /**
   * Pairs of buffers, by number, that may be the same memory: the one that is read, and the one that is
   * written.
   */
  readonly inPlace: readonly (readonly [from: number, to: number])[];
}
