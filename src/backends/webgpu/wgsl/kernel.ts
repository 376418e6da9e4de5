/**
 * What computes a primitive on a WebGPU device: passes over buffers, as text and numbers. Nothing here
 * needs a device.
 *
 * @module
 */
import type { Type } from "../../../core/tensor.ts";

/** Memory for the elements of an operand, as kernels see it. */
export type Operand = Pick<Type, "dtype" | "shape">;

/** One dispatch. */
export interface Pass {
  /** WGSL; the entry point is `main`. */
  readonly code: string;
  /** What is bound, in order: numbers of inputs, then outputs, then scratch buffers. Each once. */
  readonly operands: readonly number[];
  /** How many workgroups; each number is 65535 at most. */
  readonly workgroups: readonly [number, number, number];
}

/** What computes one primitive. */
export interface Kernel {
  /** What is done, in order; each pass sees what those before it have written. */
  readonly passes: readonly Pass[];
  /** Sizes of scratch buffers, in bytes. */
  readonly scratch: readonly number[];
  /** Arithmetic operations, for people. */
  readonly operations: number;
  /**
   * The scratch buffer, by its number among the operands, whose first word passes make 1 where an index lay
   * outside of its axis; otherwise they leave it as it is.
   */
  readonly flag?: number;
  /**
   * Whether passes change some places of the output, which has the elements of operand 0 before, and do not
   * bind that operand.
   */
  readonly isChange?: true;
}

/** What a device can do. */
export interface Limits {
  /** Invocations of a workgroup. */
  readonly invocations: number;
  /** Bytes that a workgroup shares. */
  readonly workgroupBytes: number;
  /** Buffers that a pass may bind. */
  readonly bindings: number;
  /** Whether there is `f16`. */
  readonly hasHalf: boolean;
  /** Whether there are subgroups. */
  readonly hasSubgroups: boolean;
  /** Whether a driver computes on the processor: barriers and short invocations cost much there. */
  readonly isProcessor: boolean;
}

/** Writes a kernel; `null` where the evaluator is to compute it. */
export type Emit<P> = (
  inputs: readonly Operand[],
  params: P,
  outputs: readonly Operand[],
  limits: Limits,
) => Kernel | null;
