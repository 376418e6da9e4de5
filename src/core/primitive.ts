/**
 * One record per primitive, with all of its rules. The interpreters in `transforms/` know the four
 * kinds of derivative and almost no primitive by name; a record without one of its rules does not
 * compile.
 *
 * @module
 */
import type { Placement } from "./sharding.ts";
import type { Concrete, Tensor, Type } from "./tensor.ts";

/**
 * Where the mapped axis of a batched value lies, or `null` for a value that is not batched.
 *
 * @category Inspection
 */
export type BatchAxis = number | null;

/**
 * A value and the place of its mapped axis.
 *
 * @category Inspection
 */
export type Batched = readonly [value: Tensor, axis: BatchAxis];

/**
 * The named axis that a collective works across.
 *
 * @category Inspection
 */
export interface AxisUse {
  /** The axis's id. */
  readonly axisName: string;
  /** Its length. */
  readonly axisSize: number;
}

/**
 * A primitive operation on tensors of strict shapes: no broadcasting, no promotion. `P` is the type
 * of its static parameters, which must be plain immutable data (numbers, strings, lists, records of
 * these, or programs).
 *
 * @category Inspection
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
   * `axisName` is the name of that axis, if it has one: for collectives, and for primitives that hold
   * programs with some. Where these mention the axis, it may be that no argument is mapped.
   */
  batch(
    args: readonly Tensor[],
    axes: readonly BatchAxis[],
    size: number,
    params: P,
    axisName?: string,
  ): readonly Batched[];

  /** How it is differentiated. */
  readonly derivative: Derivative<P>;

  /**
   * What it does with operands and results of dtypes that are narrower than 32 bits: "moved" where
   * elements only change places, or are zero, so that half floats can be given as integers of their
   * bits; "own" where it knows all dtypes, as those that hold programs do. All others compute in the
   * wide dtype (`src/core/evaluation.ts`, `src/passes/widen.ts`).
   */
  readonly narrow?: "moved" | "own";

  /** For collectives: the named axis that they work across (`core/axes.ts`). */
  axisOf?(params: P): AxisUse;

  /** For what puts named axes in scope of the programs that it holds: these, the outermost first. */
  boundAxes?(params: P): readonly AxisUse[];

  /**
   * For what moves between devices, or runs on some: where its result is; `null` for one that is not
   * placed, and `undefined` for one that stays where it was.
   */
  target?(params: P): Placement | null | undefined;

  /**
   * Whether it gives a value for all elements of its operands, NaN if need be, in a time that depends
   * on their shapes alone; of primitives that hold programs, whether it does as far as these do.
   */
  readonly isTotal?: true;

  /**
   * Whether it computes just what the program `params.program` does, and has a name of its own for
   * its derivative alone: a compiler may put the program's equations in its place.
   */
  readonly isCall?: true;

  /**
   * Whether it acts besides computing its results: then it runs each time that its program does, in
   * its place.
   */
  readonly isEffectful?: true;
}

/**
 * The ways in which a primitive can be differentiated. Only floating-point arguments and results
 * take part: integer and bool arguments of a linear or smooth primitive are constants.
 *
 * @category Inspection
 */
export type Derivative<P> =
  | ZeroDerivative
  | LinearDerivative<P>
  | BilinearDerivative<P>
  | SmoothDerivative<P>
  | ProgramDerivative<P>;

/**
 * Locally constant, or of an integer or bool result.
 *
 * @category Inspection
 */
export interface ZeroDerivative {
  /** Names this kind. */
  readonly kind: "zero";
  /** Whether it is the identity otherwise, as `stopGradient` is: zeros stay zeros. */
  readonly isIdentity?: true;
}

/**
 * Linear in all floating-point arguments together: it is its own tangent map.
 *
 * @category Inspection
 */
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
   * For a primitive that takes a part of its first argument: `total`, a cotangent of that argument
   * from elsewhere, plus what comes back through this application, where that takes less than adding
   * what `transpose` gives; `null` where it does not.
   */
  onto?(total: Tensor, cotangent: Tensor, args: readonly Type[], params: P): Tensor | null;
  /**
   * Whether it gives the elements of its one argument in other places, so that its transpose undoes
   * it.
   */
  readonly isPermutation?: true;
  /**
   * The tangent when some floating-point arguments have tangent zero (`null`); without it, the
   * interpreter fills in zeros.
   */
  sparse?(tangents: readonly (Tensor | null)[], args: readonly Tensor[], params: P): Tensor;
}

/**
 * Linear in each of two arguments by itself: the product rule holds.
 *
 * @category Inspection
 */
export interface BilinearDerivative<P> {
  /** Names this kind. */
  readonly kind: "bilinear";
  /** For each argument, its cotangent given that of the result and the other argument. */
  readonly transpose: readonly [Adjoint<P>, Adjoint<P>];
}

/**
 * Cotangent of one argument, whose type is `own`, of a primitive that is linear in it. `other` is the
 * other argument, and `args` are all of them: the others are tensors, this one just a type.
 *
 * @category Inspection
 */
export type Adjoint<P> = (
  cotangent: Tensor,
  other: Tensor,
  own: Type,
  params: P,
  args: readonly Type[],
) => Tensor;

/**
 * Smooth: one tangent rule per argument, each linear in its tangent and made of other operations.
 *
 * @category Inspection
 */
export interface SmoothDerivative<P> {
  /** Names this kind. */
  readonly kind: "smooth";
  /** One rule per argument; `null` for integer and bool arguments. */
  readonly tangents: readonly [Tangent<P> | null, ...(Tangent<P> | null)[]];
  /**
   * For each argument, its cotangent where the primitive is linear in it alone, as a quotient is in
   * its numerator: with it, tangent rules may apply the primitive to a tangent. Only for primitives
   * of one result.
   */
  readonly transpose?: readonly (Adjoint<P> | null)[];
}

/**
 * What the tangent `dx` of one argument adds to the tangents of the results: a tensor where there is
 * one result, else a list with one entry for each, `null` for zero.
 *
 * @category Inspection
 */
export type Tangent<P> = (
  dx: Tensor,
  args: readonly Tensor[],
  results: readonly Tensor[],
  params: P,
) => Tensor | readonly (Tensor | null)[];

/**
 * The primitive runs a program that its parameters hold, and is differentiated by differentiating it.
 *
 * @category Inspection
 */
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
   * The results and their tangents together, for forward mode by itself, where keeping what the
   * tangents need would be waste. Without it, `linearize` serves.
   */
  jvp?(
    primals: readonly Tensor[],
    tangents: readonly (Tensor | null)[],
    params: P,
  ): readonly (readonly [value: Tensor, tangent: Tensor | null])[];
  /** Which results depend on any of these arguments. */
  dependentResults(isGiven: readonly boolean[], params: P): readonly boolean[];
  /** Which results are zero where these arguments are, whatever the others are. */
  zeroResults(isZero: readonly boolean[], params: P): readonly boolean[];
  /**
   * The cotangents of the arguments for which `isLinear`; the others are tensors in `args`. Called
   * only for applications that are linear in those arguments. What is taken of `totals` is part of
   * them; the caller adds the rest.
   */
  transpose(
    cotangents: readonly (Tensor | null)[],
    args: readonly Type[],
    params: P,
    isLinear: readonly boolean[],
    totals: Totals,
  ): readonly (Tensor | null)[];
}

/**
 * What cotangents of arguments amount to before an application's own are added. A program that
 * changes few places of a sum takes it and changes it within, instead of giving zeros elsewhere.
 *
 * @category Inspection
 */
export interface Totals {
  /** Whether there is something for this argument. */
  has(argument: number): boolean;
  /** What there is, which is then owned by the caller; `null` if nothing. */
  take(argument: number): Tensor | null;
}

/** Nothing to add to. */
export const noTotals: Totals = { has: () => false, take: () => null };
