/**
 * Loops over sequences.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { bind } from "../core/trace.ts";
import { leafPaths, unflatten } from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import type { TensorsOf, TupleHint, WithNumbers } from "../core/tree_types.ts";
import { canonical } from "./canonical.ts";
import { checkFunction, flattenTensors } from "../transforms/flatten_function.ts";
import { scanPrimitive } from "./scan_primitive.ts";
import {
  argumentsOf,
  checkPair,
  placeOf,
  readStart,
  settleCarry,
  stageOpenBody,
} from "./stage_body.ts";

/**
 * Options of `scan`.
 *
 * @category Control flow
 */
export interface ScanOptions {
  /** The number of steps: required when there are no sequences. */
  readonly length?: number;
  /** Whether to iterate from the last element to the first; results keep the order of `xs`. */
  readonly reverse?: boolean;
}

/**
 * A loop over sequences with a carried value: `f` receives the carry and one element of each sequence,
 * and returns the next carry and one element of each sequence of results.
 *
 * It is one operation, however long the sequences: it is traced once, compiles to one loop, and
 * supports both modes of differentiation. Its backward pass runs the steps from the last to the first
 * and keeps for each step only the values that its derivative needs; wrap `f` in `checkpoint` to keep
 * the carries alone.
 *
 * The values in `f` are traced, also outside of every transform: branch with `cond` or `where`.
 *
 * @category Control flow
 * @param f One step: `(carry, x) => [carry, y]`, pure. The carry keeps its structure, shapes and
 * dtypes; numbers in `init` take the dtype of the values that `f` returns for them.
 * @param init The first carry, a tree.
 * @param xs A tree of sequences: tensors `[length, ...]`, of which `f` receives `[...]`; `null` for
 * none.
 * @param options The number of steps, and the direction.
 * @returns The last carry, and the tree of `y`s stacked along a new first axis: `[length, ...]`.
 * @throws {ShapeError} when lengths differ, or the carry changes its shape.
 * @throws {DtypeError} when the carry changes its dtype.
 * @throws {TreeError} when the carry changes its structure, or `f` does not return a pair.
 * @throws {ArgumentError} when there are no sequences and no length.
 *
 * @example Running sums, and their gradient
 * ```ts
 * import { grad, scan, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const sums = (xs: Tensor) => scan((total, x) => [total.add(x), total.add(x)], 0, xs);
 * const [last, all] = sums(tensor([1, 2, 3]));
 * assertTensorsClose(last, 6);
 * assertTensorsClose(all, [1, 3, 6]);
 * assertTensorsClose(grad((xs) => sums(xs)[1].sum())(tensor([1, 2, 3])), [3, 2, 1]);
 * ```
 */
export function scan<const Init, const Xs, Y>(
  f: (
    carry: TensorsOf<Init>,
    x: TensorsOf<Xs>,
  ) => readonly [TensorsOf<Init> | TupleHint, Y | TupleHint],
  init: Init,
  xs: WithNumbers<readonly [Init, Xs], Xs>,
  options?: ScanOptions,
): [TensorsOf<Init>, TensorsOf<Y>];
/** The same when only the results of a step contain numbers. */
export function scan<const Init, const Xs, Y>(
  f: (
    carry: NoInfer<Init>,
    x: NoInfer<Xs>,
  ) => readonly [NoInfer<Init> | TupleHint, (Y & WithNumbers<Y>) | TupleHint],
  init: Init,
  xs: Xs,
  options?: ScanOptions,
): [Init, TensorsOf<Y>];
/** The same for trees that contain only tensors, or whose types are type parameters. */
export function scan<const Init, const Xs, Y>(
  f: (carry: NoInfer<Init>, x: NoInfer<Xs>) => readonly [NoInfer<Init> | TupleHint, Y | TupleHint],
  init: Init,
  xs: Xs,
  options?: ScanOptions,
): [Init, Y];
export function scan<const Init, const Xs, Y>(
  f: (
    carry: TensorsOf<Init>,
    x: TensorsOf<Xs>,
  ) => readonly [TensorsOf<Init> | TupleHint, Y | TupleHint],
  init: Init,
  xs: Xs,
  options?: ScanOptions,
): [TensorsOf<Init>, TensorsOf<Y>] {
  checkFunction(f, "scan");
  const what = "Cannot scan";
  const { length, reverse = false } = readOptions(what, options, ["length", "reverse"]);
  checkFlag(reverse, what, "reverse");
  const start = readStart(init, `${what} from this carry`);
  const sequences = readSequences(xs, what);
  const steps = countSteps(sequences, length, what);
  const elements = sequences.leaves.map(({ dtype, shape }) => ({ dtype, shape: shape.slice(1) }));
  const { step, init: carry } = settleCarry(start, (types, open) => {
    let yStructure: Structure = sequences.structure;
    let carryStructure = start.structure;
    const pair = (carry: unknown, x: unknown): unknown => {
      const result = f(open(carry) as TensorsOf<Init>, x as TensorsOf<Xs>);
      if (result instanceof Promise) return result;
      checkPair(result, what, "the function to return a pair [carry, y]");
      return result;
    };
    const body = stageOpenBody("scan", pair, argumentsOf(start.structure, sequences.structure), [
      ...types,
      ...elements,
    ]);
    if ("children" in body.structure) [carryStructure, yStructure] = body.structure.children;
    return { step: { body, yStructure }, structure: carryStructure, types: body.types };
  }, what);
  const { program, captured } = step.body;
  const results = bind(scanPrimitive, [...captured, ...carry, ...sequences.leaves], {
    body: canonical(program),
    length: steps,
    reverse,
    consts: captured.length,
    carry: carry.length,
  });
  return [
    unflatten(start.structure, results.slice(0, carry.length)),
    unflatten(step.yStructure, results.slice(carry.length)),
  ] as [TensorsOf<Init>, TensorsOf<Y>];
}

/** Sequences as flat tensors. */
interface Sequences {
  readonly leaves: readonly Tensor[];
  readonly structure: Structure;
}

function readSequences(xs: unknown, what: string): Sequences {
  const { leaves, structure } = flattenTensors(xs, `${what} over this sequence`);
  leaves.forEach((leaf, i) => {
    if (leaf.ndim > 0) return;
    throw shapeError(
      `${what} over ${showType(leaf)}${placeOf(leafPaths(structure)[i])}: ` +
        `a sequence has at least one axis; make lists of numbers tensors`,
    );
  });
  return { leaves, structure };
}

/** The number of steps, which must agree between sequences and option. */
function countSteps(
  { leaves, structure }: Sequences,
  length: number | undefined,
  what: string,
): number {
  if (length !== undefined && (!Number.isSafeInteger(length) || length < 0 || length > 2 ** 31)) {
    throw argumentError(
      `${what} with length ${describeValue(length)}: expected a non-negative integer below 2^31`,
    );
  }
  const pathOf = (i: number) => placeOf(leafPaths(structure)[i]);
  let steps = length;
  let from = "the option length";
  leaves.forEach((leaf, i) => {
    const own = leaf.shape[0];
    if (steps === undefined) [steps, from] = [own, `${showType(leaf)}${pathOf(i)}`];
    else if (steps !== own) {
      throw shapeError(
        `${what} over sequences of different lengths: ${from} has ${steps} steps, ` +
          `${showType(leaf)}${pathOf(i)} has ${own}`,
      );
    }
  });
  if (steps !== undefined) return steps;
  throw argumentError(`${what} without sequences: give the number of steps as length`);
}

/**
 * `f` applied to one element after the other, as one operation: whereas `vmap` needs memory for all
 * elements at once, `map` needs it for one.
 *
 * @category Control flow
 * @param f A pure function of one element: the tree `xs` with tensors `[...]`.
 * @param xs A tree of sequences: tensors `[length, ...]`.
 * @returns The tree of `f`'s results, stacked along a new first axis.
 * @throws {ShapeError} when lengths differ.
 *
 * @example Sums of rows
 * ```ts
 * import { map, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(map((row) => row.sum(), tensor([[1, 2], [3, 4]])), [3, 7]);
 * ```
 */
export function map<Xs, Y>(
  f: (x: TensorsOf<Xs>) => Y | TupleHint,
  xs: Xs & WithNumbers<Xs>,
): TensorsOf<Y>;
/** The same when only the results contain numbers. */
export function map<Xs, Y>(
  f: (x: NoInfer<Xs>) => (Y & WithNumbers<Y>) | TupleHint,
  xs: Xs,
): TensorsOf<Y>;
/** The same for trees that contain only tensors, or whose types are type parameters. */
export function map<Xs, Y>(f: (x: NoInfer<Xs>) => Y | TupleHint, xs: Xs): Y;
export function map<Xs, Y>(f: (x: TensorsOf<Xs>) => Y | TupleHint, xs: Xs): TensorsOf<Y> {
  checkFunction(f, "map");
  const what = "Cannot map";
  const sequences = readSequences(xs, what);
  if (sequences.leaves.length === 0) {
    throw argumentError(`${what} without sequences: the tree has no tensors`);
  }
  const elements = sequences.leaves.map(({ dtype, shape }) => ({ dtype, shape: shape.slice(1) }));
  const body = stageOpenBody("map", f, argumentsOf(sequences.structure), elements);
  const results = bind(scanPrimitive, [...body.captured, ...sequences.leaves], {
    body: canonical(body.program),
    length: countSteps(sequences, undefined, what),
    reverse: false,
    consts: body.captured.length,
    carry: 0,
  });
  return unflatten(body.structure, results) as TensorsOf<Y>;
}
