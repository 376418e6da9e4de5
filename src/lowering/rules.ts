/**
 * Rules that express primitives as parts of loops.
 *
 * @module
 */
import { withoutAxes } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { kindOf } from "../passes/kinds.ts";
import type { LoopKind, NamesOf } from "../passes/kinds.ts";
import {
  cosineFormula,
  meanFormula,
  rootFormula,
  spreadFormula,
  squaresFormula,
} from "../primitives/moment_formulas.ts";
import type { NestFormula } from "../primitives/moment_formulas.ts";
import { productFormula } from "../primitives/reduction.ts";
import type { BroadcastParams, ReduceParams, TransposeParams } from "../primitives/structure.ts";
import type { FlipParams, SliceParams } from "../primitives/slicing.ts";
import { combine } from "./coordinates.ts";
import type { Affine, Combination } from "./nest.ts";

/** The position in the argument, of shape `shape`, of the element at `coordinates` of the result. */
type Source = (coordinates: readonly Affine[], shape: Shape, params: unknown) => readonly Affine[];

/** How elements are combined: an operation or a formula. */
export type Reduction = Combination | NestFormula<never>;

/** How a primitive is expressed in loops. */
export type Rule =
  /** Kinds without further parameters. */
  | Exclude<LoopKind, { readonly kind: "view" | "reduce" }>
  /** Each element of the result is one of the argument's. */
  | { readonly kind: "view"; readonly source: Source }
  /** Elements are combined along axes. */
  | { readonly kind: "reduce"; readonly operation: Reduction }
  /** A product of each element of one argument with each of the other: nothing is summed. */
  | { readonly kind: "outer" };

const sources: Readonly<Record<NamesOf<"view">, Source>> = {
  transpose(coordinates, shape, params) {
    const source: Affine[] = new Array(shape.length);
    const { permutation } = params as TransposeParams;
    permutation.forEach((axis, i) => source[axis] = coordinates[i]);
    return source;
  },
  broadcast: (coordinates, _shape, params) =>
    (params as BroadcastParams).axes.map((axis) => coordinates[axis]),
  slice(coordinates, _shape, params) {
    const { start, step } = params as SliceParams;
    return coordinates.map((place, i) => combine([place], [step[i]], start[i]));
  },
  flip(coordinates, shape, params) {
    const { axes } = params as FlipParams;
    return coordinates.map((place, i) =>
      axes.includes(i) ? combine([place], [-1], shape[i] - 1) : place
    );
  },
};

const reductions: Readonly<Record<NamesOf<"reduce">, Reduction>> = {
  reduceSum: "sum",
  reduceMax: "max",
  reduceMin: "min",
  reduceProd: productFormula,
  reduceMean: meanFormula,
  reduceSquares: squaresFormula,
  reduceRoot: rootFormula,
  reduceSpread: spreadFormula,
  reduceCosine: cosineFormula,
};

/** The rule of a primitive. Primitives that hold programs, and those of the evaluator, are kernels. */
export function ruleOf(name: string): Rule {
  const kind = kindOf(name);
  switch (kind.kind) {
    case "view":
      return { kind: "view", source: sources[name as NamesOf<"view">] };
    case "reduce":
      return { kind: "reduce", operation: reductions[name as NamesOf<"reduce">] };
    default:
      return kind;
  }
}

/** The loops of a reduction: the axes of its argument that are kept, and those that are combined. */
export function reductionAxes(
  shape: Shape,
  params: unknown,
): { readonly kept: readonly number[]; readonly reduced: readonly number[] } {
  const { axes } = params as ReduceParams;
  return { kept: withoutAxes(shape.map((_, i) => i), axes), reduced: axes };
}
