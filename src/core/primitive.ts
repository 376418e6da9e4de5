/**
 * One record per primitive, with all of its rules. The interpreters in `transforms/` handle the four
 * kinds of derivative and refer to almost no primitive by name; a record that lacks a rule does not
 * type-check.
 *
 * @module
 */
import type { Placement } from "./sharding.ts";
import type { Concrete, Tensor, Type } from "./tensor.ts";

/**
 * The mapped axis of a batched value, or `null` for a value that is not batched.
 *
 * @category Inspection
 */
export type BatchAxis = number | null;

/**
 * A value and its mapped axis.
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

  /** The types of the results; throws when the arguments are not valid. */
  type(args: readonly Type[], params: P): readonly Type[];

  /** The reference implementation, on concrete tensors. `types` is the value returned by `type`. */
  evaluate(args: readonly Concrete[], params: P, types: readonly Type[]): readonly Concrete[];

  /**
   * The same operation with an additional axis: `axes[i]` is the mapped axis of `args[i]`, of length
   * `size`, or `null`; at least one argument is mapped. Returns each result with its mapped axis.
   * `axisName` is the name of that axis, if it has one: for collectives, and for primitives with
   * programs that contain some. If these mention the axis, it is possible that no argument is mapped.
   */
  batch(
    args: readonly Tensor[],
    axes: readonly BatchAxis[],
    size: number,
    params: P,
    axisName?: string,
  ): readonly Batched[];

  /** Its derivative. */
  readonly derivative: Derivative<P>;

  /**
   * How it handles operands and results of dtypes that are narrower than 32 bits: "moved" if elements
   * are only moved, or are zero, so that half floats can be passed as integers of their bits; "own" if
   * it supports all dtypes, as primitives that hold programs do. All others compute in the wide dtype
   * (`src/core/evaluation.ts`, `src/passes/widen.ts`).
   */
  readonly narrow?: "moved" | "own";

  /** For collectives: the named axis that they work across (`core/axes.ts`). */
  axisOf?(params: P): AxisUse;

  /**
   * For primitives that put named axes in scope of the programs that they hold: these axes, the
   * outermost first.
   */
  boundAxes?(params: P): readonly AxisUse[];

  /**
   * For primitives that move values between devices, or run on some: the location of the result; `null`
   * for one that is not placed, and `undefined` for one that stays where it was.
   */
  target?(params: P): Placement | null | undefined;

  /**
   * Whether it returns a result for all operands, NaN if necessary, in a time that depends on their
   * shapes alone. For primitives that hold programs: whether it does if these programs do.
   */
  readonly isTotal?: true;

  /**
   * Whether it computes the same as the program `params.program`, and is a separate primitive only for
   * its derivative: a compiler may inline the program's equations.
   */
  readonly isCall?: true;

  /**
   * Whether it has side effects besides computing its results. If so, it runs each time that its
   * program does, in program order.
   */
  readonly isEffectful?: true;
}

/**
 * The ways in which a primitive can be differentiated. Only floating-point arguments and results are
 * differentiated: integer and bool arguments of a linear or smooth primitive are constants.
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
 * Locally constant, or with an integer or bool result.
 *
 * @category Inspection
 */
export interface ZeroDerivative {
  /** The kind. */
  readonly kind: "zero";
  /** Whether it is otherwise the identity, as `stopGradient` is: zeros remain zeros. */
  readonly isIdentity?: true;
}

/**
 * Linear in all floating-point arguments together: the primitive is its own tangent map.
 *
 * @category Inspection
 */
export interface LinearDerivative<P> {
  /** The kind. */
  readonly kind: "linear";
  /**
   * The cotangents of the arguments, one per argument; any value where `needed` is false. In `args`,
   * known arguments (integer indices, conditions) are tensors and the others are types.
   */
  transpose(
    cotangents: readonly Tensor[],
    args: readonly Type[],
    params: P,
    needed: readonly boolean[],
  ): readonly (Tensor | null)[];
  /**
   * For a primitive that extracts a part of its first argument: the sum of `total`, a cotangent of that
   * argument from other uses, and the cotangent from this application, if that is cheaper than adding
   * the result of `transpose`; `null` otherwise.
   */
  onto?(total: Tensor, cotangent: Tensor, args: readonly Type[], params: P): Tensor | null;
  /**
   * Whether it only rearranges the elements of its one argument, so that its transpose is its inverse.
   */
  readonly isPermutation?: true;
  /**
   * The tangent when some floating-point arguments have tangent zero (`null`); without this rule, the
   * interpreter fills in zeros.
   */
  sparse?(tangents: readonly (Tensor | null)[], args: readonly Tensor[], params: P): Tensor;
}

/**
 * Linear in each of two arguments separately: the product rule holds.
 *
 * @category Inspection
 */
export interface BilinearDerivative<P> {
  /** The kind. */
  readonly kind: "bilinear";
  /** For each argument, its cotangent, given the cotangent of the result and the other argument. */
  readonly transpose: readonly [Adjoint<P>, Adjoint<P>];
}

/**
 * The cotangent of one argument, whose type is `own`, of a primitive that is linear in it. `other` is
 * the other argument. `args` are all arguments: this one as a type, the others as tensors.
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
 * Smooth: one tangent rule per argument, each linear in its tangent and composed of other operations.
 *
 * @category Inspection
 */
export interface SmoothDerivative<P> {
  /** The kind. */
  readonly kind: "smooth";
  /** One rule per argument; `null` for integer and bool arguments. */
  readonly tangents: readonly [Tangent<P> | null, ...(Tangent<P> | null)[]];
  /**
   * For each argument, its cotangent if the primitive is linear in that argument alone, as a quotient
   * is in its numerator. With this rule, tangent rules may apply the primitive to a tangent. Only for
   * primitives of one result.
   */
  readonly transpose?: readonly (Adjoint<P> | null)[];
}

/**
 * The contribution of the tangent `dx` of one argument to the tangents of the results: a tensor if
 * there is one result, else a list with one entry for each, `null` for zero.
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
 * The primitive runs a program from its parameters; its derivative is computed by differentiating that
 * program.
 *
 * @category Inspection
 */
export interface ProgramDerivative<P> {
  /** The kind. */
  readonly kind: "program";
  /**
   * The results, and the function from tangents to tangents (`null` for zero). Only the arguments for
   * which `isActive` holds will have tangents. Because work on primals and work on tangents are
   * separate, a linearisation can do the former immediately and record only the latter.
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
   * The results and their tangents together, for forward mode alone, where it would be wasteful to
   * store the values that the tangents need. Without it, `linearize` is used.
   */
  jvp?(
    primals: readonly Tensor[],
    tangents: readonly (Tensor | null)[],
    params: P,
  ): readonly (readonly [value: Tensor, tangent: Tensor | null])[];
  /** Which results depend on any of these arguments. */
  dependentResults(isGiven: readonly boolean[], params: P): readonly boolean[];
  /** Which results are zero where these arguments are, whatever the values of the other arguments. */
  zeroResults(isZero: readonly boolean[], params: P): readonly boolean[];
  /**
   * The cotangents of the arguments for which `isLinear` holds; the others are tensors in `args`.
   * Called only for applications that are linear in those arguments. A value taken from `totals` is
   * included in the returned cotangent; the caller adds the rest.
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
 * The accumulated cotangents of arguments, before those of this application are added. A program that
 * changes a few elements of a sum takes the sum and updates it in place, instead of returning a tensor
 * that is zero elsewhere.
 *
 * @category Inspection
 */
export interface Totals {
  /** Whether there is a cotangent for this argument. */
  has(argument: number): boolean;
  /** The cotangent, which the caller then owns; `null` if there is none. */
  take(argument: number): Tensor | null;
}

/** No accumulated cotangents. */
export const noTotals: Totals = { has: () => false, take: () => null };
