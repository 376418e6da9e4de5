/**
 * Users' functions as programs for control flow.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { dtypeError, shapeError, treeError } from "../base/errors.ts";
import { sameShape, showType } from "../base/shape.ts";
import { leafToInput, toTensorOf } from "../core/convert.ts";
import { closeProgram } from "../core/program.ts";
import type { Closed, Program } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { currentTrace, WeakScalar } from "../core/trace.ts";
import { firstDifference, flatten, leafPaths, showPath, unflatten } from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import type { AnyFunction } from "../core/tree_types.ts";
import { stage } from "../transforms/stage.ts";

/** A function as a program without references to outside values. */
export interface Body {
  /** The program; its first binders replace the captured tensors. */
  readonly program: Program;
  /** The captured tensors of the function. */
  readonly captured: readonly Tensor[];
  /** The structure of its result. */
  readonly structure: Structure;
  /** The types of its result. */
  readonly types: readonly Type[];
}

/**
 * Traces `f`, called with a list of arguments of this structure; captured tracers become arguments.
 * `transform` is for messages.
 */
export function stageBody(
  transform: string,
  f: AnyFunction,
  structure: Structure,
  types: readonly Type[],
): Body {
  const staged = stage(transform, f, structure, types);
  return { ...closeProgram(staged.program), structure: staged.structure, types: staged.types };
}

/**
 * The same, but captured tensors of different elements become arguments too. The program is then the
 * same for other tensors in their positions, and values derived from it can be reused (see
 * `canonical`).
 */
export function stageOpenBody(
  transform: string,
  f: AnyFunction,
  structure: Structure,
  types: readonly Type[],
): Body {
  const staged = stage(transform, f, structure, types);
  return { ...openProgram(staged.program), structure: staged.structure, types: staged.types };
}

/** The program with binders in place of everything that it captured, except numbers. */
export function openProgram(program: Program): Closed {
  return closeProgram(program, (value) => !(value instanceof Concrete) || value.held !== 1);
}

/** Several structures as the arguments of a function. */
export function argumentsOf(...children: readonly Structure[]): Structure {
  return { kind: "array", children };
}

/** The initial values that control flow carries from step to step. */
export interface Start {
  /** One leaf each; numbers have no dtype yet. */
  readonly leaves: readonly (Tensor | number)[];
  /** Their tree. */
  readonly structure: Structure;
}

/** Reads the initial carry. `what` is the start of messages: "Cannot scan from this carry". */
export function readStart(tree: unknown, what: string): Start {
  const { leaves, structure } = flatten(tree);
  const paths = leafPaths(structure);
  return {
    leaves: leaves.map((leaf, i) =>
      typeof leaf === "number" ? leaf : leafToInput(leaf, paths[i], what)
    ),
    structure,
  };
}

/** A traced step, with the carried values. */
interface TracedStep<Step> {
  readonly step: Step;
  readonly structure: Structure;
  readonly types: readonly Type[];
}

/**
 * Traces a step with `trace`, which receives the types of the carried values, and a function to apply
 * to the carry before the user's code receives it; it returns the traced step with the carried values.
 * A number takes the dtype of the value that the step returns for it.
 */
export function settleCarry<Step>(
  start: Start,
  trace: (types: readonly Type[], open: (carry: unknown) => unknown) => TracedStep<Step>,
  what: string,
): { readonly step: Step; readonly init: readonly Tensor[] } {
  const { leaves, structure } = start;
  const isNumber = (leaf: Tensor | number) =>
    typeof leaf === "number" || leaf instanceof WeakScalar;
  let types = leaves.map((leaf): Type =>
    typeof leaf === "number" || leaf instanceof WeakScalar
      ? { dtype: "float64", shape: [] }
      : { dtype: leaf.dtype, shape: leaf.shape }
  );
  // The first trace passes numbers as numbers, which determines the dtype that they carry.
  const isLoose = leaves.some(isNumber);
  let traced = trace(types, isLoose ? (carry) => loosen(start, carry) : (carry) => carry);
  checkCarryStructure(structure, traced.structure, what);
  for (let round = 0; isLoose && round <= 2 * leaves.length; round++) {
    const next = types.map((type, i): Type =>
      isNumber(leaves[i]) ? { dtype: traced.types[i].dtype, shape: [] } : type
    );
    if (round > 0 && next.every(({ dtype }, i) => dtype === types[i].dtype)) break;
    types = next;
    traced = trace(types, (carry) => carry);
  }
  const paths = leafPaths(structure);
  types.forEach((type, i) => {
    const after = traced.types[i];
    const place = placeOf(paths[i]);
    if (!sameShape(type.shape, after.shape)) {
      throw shapeError(
        `${what}: the carry${place} is ${showType(type)} before a step and ` +
          `${showType(after)} after it; a step must keep its shape`,
      );
    }
    if (type.dtype !== after.dtype) {
      throw dtypeError(
        `${what}: the carry${place} is ${showType(type)} before a step and ` +
          `${showType(after)} after it; convert with astype`,
      );
    }
  });
  const init = leaves.map((leaf, i) => toTensorOf(leaf, types[i].dtype, what));
  return { step: traced.step, init };
}

/** The carry with numbers in the positions that start as numbers. */
function loosen({ leaves, structure }: Start, carry: unknown): unknown {
  const values = flatten<Tensor>(carry).leaves;
  return unflatten(
    structure,
    leaves.map((leaf, i) => {
      if (leaf instanceof WeakScalar) return leaf.within(currentTrace(), values[i]);
      return typeof leaf === "number" ? new WeakScalar(currentTrace(), values[i], leaf) : values[i];
    }),
  );
}

/** A path in messages; empty at the root. */
export function placeOf(path: readonly (string | number)[]): string {
  return path.length === 0 ? "" : ` at ${showPath(path)}`;
}

function checkCarryStructure(before: Structure, after: Structure, what: string): void {
  const difference = firstDifference(before, after);
  if (difference === null) return;
  throw treeError(`${what}: a step must return a carry like the one it gets; ${difference}`);
}

/** Throws unless `value` is a pair. */
export function checkPair(value: unknown, what: string, expected: string): void {
  if (Array.isArray(value) && value.length === 2) return;
  throw treeError(`${what}: expected ${expected}, got ${describeValue(value)}`);
}
