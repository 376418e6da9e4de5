/**
 * One record per primitive, with all of its rules. The interpreters in `transforms/` know the four
 * kinds of derivative and almost no primitive by name; a record without one of its rules does not
 * compile.
 *
 * @module
 */
import type { Concrete, Tensor, Type } from "./tensor.ts";

/** Where the mapped axis of a batched value lies, or `null` for a value that is not batched. */
export type BatchAxis = number | null;

/** A value and the place of its mapped axis. */
export type Batched = readonly [value: Tensor, axis: BatchAxis];

/**
 * A primitive operation on tensors of strict shapes: no broadcasting, no promotion. `P` is the type
 * of its static parameters, which must be plain immutable data (numbers, strings, lists, records of
 * these, or programs).
 */
export interface Primitive<P = unknown> {
  /** The name under which it is printed. */
  readonly name: string;

  /** The types of the results; throws when the arguments do not fit. */
  type(args: readonly Type[], params: P): readonly Type[];

  /** The reference meaning, on concrete tensors. `types` is what `type` gave. */
  evaluate(args: readonly Concrete[], params: P, types: readonly Type[]): readonly Concrete[];

  /**
   * The same operation over one more axis: `axes[i]` is the mapped axis of `args[i]`, of length
   * `size`, or `null`; at least one argument is mapped. Gives each result with its mapped axis.
   */
  batch(
    args: readonly Tensor[],
    axes: readonly BatchAxis[],
    size: number,
    params: P,
  ): readonly Batched[];

  /** How it is differentiated. */
  readonly derivative: Derivative<P>;
}

/**
 * The ways in which a primitive can be differentiated. Only floating-point arguments and results
 * take part: integer and bool arguments of a linear or smooth primitive are constants.
 */
export type Derivative<P> =
  | ZeroDerivative
  | LinearDerivative<P>
  | BilinearDerivative<P>
  | SmoothDerivative<P>
  | ProgramDerivative<P>;

/** Locally constant, or of an integer or bool result. */
export interface ZeroDerivative {
  /** Names this kind. */
  readonly kind: "zero";
}

/** Linear in all floating-point arguments together: it is its own tangent map. */
export interface LinearDerivative<P> {
  /** Names this kind. */
  readonly kind: "linear";
  /**
   * The cotangents of the arguments, one per argument; anything where `needed` is false. Known
   * arguments (integer indices, conditions) are tensors in `args`, the others just types.
   */
  transpose(
    cotangents: readonly Tensor[],
    args: readonly Type[],
    params: P,
    needed: readonly boolean[],
  ): readonly (Tensor | null)[];
  /**
   * The tangent when some floating-point arguments have tangent zero (`null`); without it, the
   * interpreter fills in zeros.
   */
  sparse?(tangents: readonly (Tensor | null)[], args: readonly Tensor[], params: P): Tensor;
}

/** Linear in each of two arguments by itself: the product rule holds. */
export interface BilinearDerivative<P> {
  /** Names this kind. */
  readonly kind: "bilinear";
  /** For each argument, its cotangent given that of the result and the other argument. */
  readonly transpose: readonly [Adjoint<P>, Adjoint<P>];
}

/** Cotangent of one argument of a bilinear primitive, whose type is `own`. */
export type Adjoint<P> = (cotangent: Tensor, other: Tensor, own: Type, params: P) => Tensor;

/** Smooth: one tangent rule per argument, each linear in its tangent and made of other operations. */
export interface SmoothDerivative<P> {
  /** Names this kind. */
  readonly kind: "smooth";
  /** One rule per argument; `null` for integer and bool arguments. */
  readonly tangents: readonly [Tangent<P> | null, ...(Tangent<P> | null)[]];
  /**
   * For each of two arguments, its cotangent where the primitive is linear in it alone, as a
   * quotient is in its numerator: with it, tangent rules may apply the primitive to a tangent.
   */
  readonly transpose?: readonly [Adjoint<P> | null, Adjoint<P> | null];
}

/** What the tangent `dx` of one argument adds to the tangents of the results. */
export type Tangent<P> = (
  dx: Tensor,
  args: readonly Tensor[],
  results: readonly Tensor[],
  params: P,
) => Tensor;

/** The primitive runs a program that its parameters hold, and is differentiated by differentiating it. */
export interface ProgramDerivative<P> {
  /** Names this kind. */
  readonly kind: "program";
  /**
   * The results, and the function from tangents to tangents (`null` for zero). Only the arguments for
   * which `isActive` will have tangents. The split into work on primals and work on tangents is what
   * lets a linearisation do the first at once and record only the second.
   */
  linearize(
    primals: readonly Tensor[],
    isActive: readonly boolean[],
    params: P,
  ): {
    readonly results: readonly Tensor[];
    readonly push: (tangents: readonly (Tensor | null)[]) => readonly (Tensor | null)[];
  };
  /**
   * The cotangents of the arguments for which `isLinear`; the others are tensors in `args`. Called
   * only for applications that are linear in those arguments.
   */
  transpose(
    cotangents: readonly (Tensor | null)[],
    args: readonly Type[],
    params: P,
    isLinear: readonly boolean[],
  ): readonly (Tensor | null)[];
}
