/**
 * Linearisation: forward mode whose tangents are recorded instead of computed (partial evaluation).
 * Primal work is performed immediately; the result is a linear program, which can be evaluated or
 * transposed. Reverse mode is its transposition.
 *
 * Source: A. Radul, A. Paszke, R. Frostig, M. Johnson and D. Maclaurin, "You only linearize once:
 * tangents transpose to gradients", 2023.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError, dtypeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { evaluateProgram, RecordingTrace, Variable } from "../core/program.ts";
import type { Program } from "../core/program.ts";
import { zerosOf } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { currentTrace, runUnder, WeakScalar } from "../core/trace.ts";
import { leafPaths, showPath, unflatten } from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import type {
  AnyArgs,
  AnyFunction,
  Differentiable,
  LooseArgs,
  ResultArgs,
  TensorsOf,
} from "../core/tree_types.ts";
import { convert } from "../primitives/structure.ts";
import {
  checkFunction,
  conjugated,
  flattenFunction,
  flattenInputs,
  flattenLike,
  flattenResults,
  flattenTensors,
  primalOf,
} from "./flatten_function.ts";
import { flattenTangents, JvpTrace } from "./jvp.ts";
import { isOffset, transposeProgram } from "./transpose.ts";

/** A function's results at a point, with its derivative there as a linear program. */
export interface Linearized {
  /** The results. */
  readonly results: Tensor[];
  /** From the tangents of the floating-point primals to those of the floating-point results. */
  readonly program: Program;
  /** Which primals are floating-point, and therefore have a binder. */
  readonly active: readonly boolean[];
  /**
   * The dtype of each primal's gradient: its own; for a number, float64 if it was combined with
   * float64, float32 otherwise.
   */
  readonly dtypes: readonly Dtype[];
}

/** Linearises a flat function at `primals`, for `transform`. `unwrap` unwraps other traced values. */
export function linearizeFlat(
  transform: string,
  primals: readonly Tensor[],
  f: (args: readonly Tensor[], unwrap: (value: Tensor) => Tensor) => readonly Tensor[],
): Linearized {
  const tape = new RecordingTrace(transform, currentTrace());
  const trace = new JvpTrace(transform, tape, false);
  const active = primals.map((primal) => isFloat(primal.dtype));
  const inputs = primals.map((primal, i) =>
    active[i] ? trace.input(primal, tape.newBinder(primalOf(primal))) : primal
  );
  try {
    const outputs = runUnder(trace, () => f(inputs, (value) => trace.primalOf(value)));
    const results = outputs.map((output) => trace.primalOf(output));
    const tangents = outputs.filter((output) => isFloat(output.dtype)).map((output) =>
      trace.tangentOf(output) ?? zerosOf(output)
    );
    const dtypes = inputs.map((input) =>
      input instanceof WeakScalar && input.isWide ? "float64" : input.dtype
    );
    return { results, program: tape.finish(tangents), active, dtypes };
  } finally {
    trace.alive = false;
    tape.alive = false;
  }
}

/** Pushes tangents forward through a linear program that was recorded for them: `null` for zero. */
export function pushLinear(program: Program, tangents: readonly Tensor[]): (Tensor | null)[] {
  // The tangent of a result that does not move is a constant.
  return evaluateProgram(program, tangents).map((tangent, i) =>
    program.results[i] instanceof Variable ? tangent : null
  );
}

/** Pulls cotangents of the floating-point results back: one per primal, `null` where it has none. */
export function pullBack(
  { program, active, dtypes }: Linearized,
  cotangents: readonly (Tensor | null)[],
): (Tensor | null)[] {
  const pulled = transposeProgram(program, cotangents);
  let next = 0;
  return active.map((isActive, i) => {
    if (!isActive) return null;
    const place = next++;
    return convert(pulled[place] ?? zerosOf(program.binders[place].type), dtypes[i]);
  });
}

/** The cotangents of these results: `null` for zero, and for every integer and bool leaf. */
function flattenCotangents(
  structure: Structure,
  results: readonly Tensor[],
  cotangent: unknown,
): (Tensor | null)[] {
  const what = "Cannot pull back this cotangent";
  const parts = flattenLike(structure, results, cotangent, what);
  parts.forEach((part, i) => {
    if (part === null || isFloat(results[i].dtype)) return;
    throw argumentError(
      `${what}: ${showType(results[i])} at ${showPath(leafPaths(structure)[i])} ` +
        `has no cotangent; pass null`,
    );
  });
  return parts;
}

/** Spreads the values of the floating-point positions over all positions, with `null` at the others. */
function spread(values: readonly Tensor[], types: readonly Type[]): (Tensor | null)[] {
  let next = 0;
  return types.map((type) => isFloat(type.dtype) ? values[next++] : null);
}

/**
 * The value of a function, and the function that pulls cotangents back (reverse mode).
 *
 * @category Transforms
 * @param f A pure function of trees of tensors.
 * @param primals The point: `f`'s arguments.
 * @returns The output of `f`, and a pullback that takes a cotangent tree like the output (`null` means
 * zero, also for a whole subtree, and is the only cotangent of an integer or bool leaf) and returns an
 * array with one cotangent tree per primal, `null` at its integer and bool leaves. The pullback may be
 * called any number of times. Numbers among the primals keep their precision, as in `grad`.
 * @throws {TreeError}, {ShapeError} or {DtypeError} from the pullback, when the cotangent does not
 * match the output.
 *
 * @example An external cotangent
 * ```ts
 * import { pow, square, sub, tensor, vjp } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [q, pullback] = vjp(
 *   (a, b) => sub(pow(a, 3).mul(3), square(b)),
 *   tensor([2, 3]),
 *   tensor([6, 4]),
 * );
 * const [da, db] = pullback(tensor([1, 1]));
 * assertTensorsClose(q, tensor([-12, 65]));
 * assertTensorsClose(da, tensor([36, 81]));
 * assertTensorsClose(db, tensor([-12, -8]));
 * ```
 */
export function vjp<Args extends AnyArgs = Tensor[], Out extends Differentiable = Tensor>(
  f: (...args: Args) => Out,
  ...primals: NoInfer<LooseArgs<Args>>
): [TensorsOf<Out>, (cotangent: unknown) => ResultArgs<Args>];
/** The same for a function that another transform creates inline: `vjp(jit(f), …)`. */
export function vjp<Args extends AnyArgs, Out extends Differentiable>(
  f: (...args: Args) => Out,
  ...primals: NoInfer<LooseArgs<Args>>
): [TensorsOf<Out>, (cotangent: unknown) => ResultArgs<Args>];
export function vjp(
  f: AnyFunction,
  ...primals: unknown[]
): [unknown, (cotangent: unknown) => unknown] {
  checkFunction(f, "vjp");
  const { leaves, structure } = flattenInputs(primals, "Cannot take a vjp at these primals");
  const flat = flattenFunction(f, structure, "vjp", flattenResults);
  const linearized = linearizeFlat("vjp", leaves, flat.call);
  const outStructure = flat.resultStructure();
  const { results } = linearized;
  const pullback = (cotangent: unknown): unknown => {
    const parts = conjugated(outStructure, flattenCotangents(outStructure, results, cotangent));
    const cotangents = parts.filter((_, i) => isFloat(results[i].dtype));
    return unflatten(structure, conjugated(structure, pullBack(linearized, cotangents)));
  };
  return [unflatten(outStructure, results), pullback];
}

/**
 * The value of a function, and its derivative there as a linear function. Primal work is done once:
 * every call of the pushforward computes only values that depend on the tangents.
 *
 * @category Transforms
 * @param f A pure function of trees of tensors.
 * @param primals The point: `f`'s arguments.
 * @returns The output of `f`, and a pushforward that takes one tangent tree per primal (`null` means
 * zero, also for a whole subtree) and returns the tangent of the output, `null` at integer and bool
 * leaves.
 *
 * @example One linearisation, many directions
 * ```ts
 * import { linearize, square } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y, push] = linearize(square, 3);
 * assertTensorsClose(y, 9);
 * assertTensorsClose(push(1), 6);
 * assertTensorsClose(push(10), 60);
 * ```
 */
export function linearize<Args extends AnyArgs = Tensor[], Out extends Differentiable = Tensor>(
  f: (...args: Args) => Out,
  ...primals: NoInfer<LooseArgs<Args>>
): [TensorsOf<Out>, (...tangents: unknown[]) => TensorsOf<Out>];
/** The same for a function that another transform creates inline: `linearize(jit(f), …)`. */
export function linearize<Args extends AnyArgs, Out extends Differentiable>(
  f: (...args: Args) => Out,
  ...primals: NoInfer<LooseArgs<Args>>
): [TensorsOf<Out>, (...tangents: unknown[]) => TensorsOf<Out>];
export function linearize(
  f: AnyFunction,
  ...primals: unknown[]
): [unknown, (...tangents: unknown[]) => unknown] {
  checkFunction(f, "linearize");
  const { leaves, structure } = flattenInputs(primals, "Cannot linearize at these primals");
  const flat = flattenFunction(f, structure, "linearize", flattenResults);
  const linearized = linearizeFlat("linearize", leaves, flat.call);
  const { results, program, active } = linearized;
  const outStructure = flat.resultStructure();
  const pushforward = (...tangents: unknown[]): unknown => {
    const parts = flattenTangents(structure, leaves, tangents, "linearize");
    const inputs = leaves.flatMap((leaf, i) =>
      active[i] ? [parts[i] ?? zerosOf(primalOf(leaf))] : []
    );
    const pushed = evaluateProgram(program, inputs);
    return unflatten(outStructure, spread(pushed, results));
  };
  return [unflatten(outStructure, results), pushforward];
}

/**
 * The transpose of a linear function.
 *
 * @category Transforms
 * @param f A function that is linear in all of its arguments together.
 * @param examples Arguments that determine the types; their values are not used.
 * @returns A function from a cotangent tree like `f`'s output, in which `null` means zero, also for a whole
 * subtree, to an array with one cotangent tree per example.
 * @throws {ArgumentError} when `f` is not linear.
 * @throws {DtypeError} when an example is not floating-point.
 *
 * @example The transpose of a matrix product
 * ```ts
 * import { linearTranspose, matmul, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const a = tensor([[1, 2], [3, 4]]);
 * const [ct] = linearTranspose((x) => matmul(a, x), tensor([0, 0]))(tensor([1, 10]));
 * assertTensorsClose(ct, matmul(a.transpose(), tensor([1, 10])));
 * ```
 */
export function linearTranspose<
  Args extends AnyArgs = Tensor[],
  Out extends Differentiable = Tensor,
>(
  f: (...args: Args) => Out,
  ...examples: NoInfer<LooseArgs<Args>>
): (cotangent: unknown) => ResultArgs<Args>;
/** The same for a function that another transform creates inline: `linearTranspose(jit(f), …)`. */
export function linearTranspose<Args extends AnyArgs, Out extends Differentiable>(
  f: (...args: Args) => Out,
  ...examples: NoInfer<LooseArgs<Args>>
): (cotangent: unknown) => ResultArgs<Args>;
export function linearTranspose(
  f: AnyFunction,
  ...examples: unknown[]
): (cotangent: unknown) => unknown {
  checkFunction(f, "linearTranspose");
  const what = "Cannot transpose at these examples";
  const { leaves, structure } = flattenTensors(examples, what);
  checkFloats(leaves, structure, what);
  const flat = flattenFunction(f, structure, "linearTranspose", flattenResults);
  const tape = new RecordingTrace("linearTranspose", currentTrace());
  let program: Program;
  let results: readonly Tensor[];
  try {
    results = runUnder(tape, () => flat.call(leaves.map((leaf) => tape.newBinder(leaf))));
    program = tape.finish(results);
  } finally {
    tape.alive = false;
  }
  const outStructure = flat.resultStructure();
  program.results.forEach((atom, i) => {
    if (atom instanceof Variable || !isOffset(atom)) return;
    throw argumentError(
      `Cannot transpose a function that returns the constant ${showType(atom)} at ` +
        `${showPath(leafPaths(outStructure)[i])}: the function is not linear in its arguments`,
    );
  });
  return (cotangent) => {
    const parts = conjugated(outStructure, flattenCotangents(outStructure, results, cotangent));
    const pulled = transposeProgram(program, parts);
    const filled = pulled.map((value, i) => value ?? zerosOf(leaves[i]));
    return unflatten(structure, conjugated(structure, filled));
  };
}

/** Throws unless every leaf is floating-point. */
export function checkFloats(
  leaves: readonly Tensor[],
  structure: Structure,
  what: string,
): void {
  const bad = leaves.findIndex((leaf) => !isFloat(leaf.dtype));
  if (bad < 0) return;
  const path = showPath(leafPaths(structure)[bad]);
  throw dtypeError(
    `${what}: ${showType(leaves[bad])} at ${path} is not floating-point; convert it with astype`,
  );
}
