/**
 * The interface of kernels on a WebGPU device: passes over buffers, as text and numbers. This module does
 * not need a device.
 *
 * @module
 */
import type { Type } from "../../../core/tensor.ts";

/** The element type and shape of an operand of a kernel. */
export type Operand = Pick<Type, "dtype" | "shape">;

/** One dispatch. */
export interface Pass {
  /** WGSL; the entry point is `main`. */
  readonly code: string;
  /**
   * The operands to bind, in order: numbers of inputs, then outputs, then scratch buffers. Each occurs once.
   */
  readonly operands: readonly number[];
  /** The numbers of workgroups, each at most 65535. */
  readonly workgroups: readonly [number, number, number];
}

/** A kernel for one primitive. */
export interface Kernel {
  /** The passes in order; each pass sees the writes of earlier ones. */
  readonly passes: readonly Pass[];
  /** Sizes of scratch buffers, in bytes. */
  readonly scratch: readonly number[];
  /** Arithmetic operations, for display. */
  readonly operations: number;
  /**
   * The scratch buffer, by its number among the operands, whose first word is set to 1 by passes if an index
   * is out of range; otherwise they do not change it.
   */
  readonly flag?: number;
  /**
   * Whether passes change some elements of the output, which initially has the elements of operand 0, and do
   * not bind that operand.
   */
  readonly isChange?: true;
}

/** The capabilities of a device. */
export interface Limits {
  /** The maximum number of invocations of a workgroup. */
  readonly invocations: number;
  /** The size of workgroup memory in bytes. */
  readonly workgroupBytes: number;
  /** The maximum number of buffers that a pass may bind. */
  readonly bindings: number;
  /** Whether `f16` is supported. */
  readonly hasHalf: boolean;
  /** Whether subgroups are supported. */
  readonly hasSubgroups: boolean;
  /** Whether the driver runs on the CPU: barriers and short invocations are expensive there. */
  readonly isProcessor: boolean;
}

/** Writes a kernel; `null` if the evaluator must compute the primitive. */
export type Emit<P> = (
  inputs: readonly Operand[],
  params: P,
  outputs: readonly Operand[],
  limits: Limits,
) => Kernel | null;
