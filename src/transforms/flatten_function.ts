/**
 * Conversion of functions on trees, which users write, to functions on flat lists of tensors, which
 * transforms process.
 *
 * @module
 */
import { describeValue, isFloat } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError, treeError } from "../base/errors.ts";
import { sameShape, showType } from "../base/shape.ts";
import { imaginaryLeaves } from "../core/complex.ts";
import { leafToInput, leafToTensor, toTensorOf } from "../core/convert.ts";
import { Concrete, sameType, Tensor } from "../core/tensor.ts";
import type { TensorLike, Type } from "../core/tensor.ts";
import { checkAlive, isEvaluating, WeakScalar } from "../core/trace.ts";
import { flatten, flattenUpTo, leafPaths, showPath, unflatten } from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import type { AnyFunction } from "../core/tree_types.ts";
import { neg } from "../primitives/arithmetic.ts";
import { convert } from "../primitives/structure.ts";

/** A list of tensors with the tree that it came from. */
export interface FlatTree {
  /** The leaves. */
  readonly leaves: Tensor[];
  /** The tree's structure. */
  readonly structure: Structure;
}

/** The same, with the original leaves. */
interface Converted extends FlatTree {
  readonly given: readonly unknown[];
}

/** A tree of tensors, numbers and typed arrays as flat tensors. `what` is the start of messages. */
export function flattenTensors(tree: unknown, what: string): FlatTree {
  return convertLeaves(flatten(tree), what);
}

function convertLeaves({ leaves, structure }: ReturnType<typeof flatten>, what: string): Converted {
  const areReady = leaves.every((leaf) => leaf instanceof Tensor && !(leaf instanceof WeakScalar));
  if (areReady) return { leaves: leaves as Tensor[], structure, given: leaves };
  const paths = leafPaths(structure);
  const converted = leaves.map((leaf, i) => leafToTensor(leaf, paths[i], what));
  return { leaves: converted, structure, given: leaves };
}

/**
 * A tree of arguments as flat tensors for tracing: numbers are `WeakScalar`s, which keep their
 * precision and take the dtype of the tensor they are combined with. `what` is the start of messages.
 */
export function flattenInputs(tree: unknown, what: string): FlatTree {
  const { leaves, structure } = flatten(tree);
  const allTensors = leaves.every((leaf) => leaf instanceof Tensor);
  if (allTensors) return { leaves: leaves as Tensor[], structure };
  const paths = leafPaths(structure);
  return { leaves: leaves.map((leaf, i) => leafToInput(leaf, paths[i], what)), structure };
}

/** The tensor of an input for the computations of transforms: a number in double precision. */
export function primalOf(input: Tensor): Tensor {
  return input instanceof WeakScalar ? input.wide : input;
}

/** Throws unless `f` is a function. */
export function checkFunction(f: unknown, transform: string): asserts f is AnyFunction {
  if (typeof f !== "function") {
    throw argumentError(
      `Cannot apply ${transform} to ${describeValue(f)}: expected a function` +
        (f instanceof Tensor ? `; pass the function itself, not its result` : ""),
    );
  }
}

/** Throws when `output` is a promise: operations after an `await` are not traced. */
export function checkSynchronous(output: unknown, transform: string): void {
  if (!(output instanceof Promise)) return;
  // It will probably fail later, on tracers that are invalid by then; this error is already reported here.
  output.catch(() => {});
  throw argumentError(
    `Cannot apply ${transform} to an async function: expected its result, got a Promise; ` +
      `await what it needs before the call and pass that as an argument`,
  );
}

/** Tensors created from JavaScript values that functions returned, with descriptions of these. */
const returned = new WeakMap<Tensor, string>();

/**
 * The results of a function; those that were JavaScript values are marked for enclosing derivatives.
 * `values` describes these.
 */
export function noteReturned(
  results: readonly Tensor[],
  values: readonly (string | undefined)[],
): readonly Tensor[] {
  if (isEvaluating() || values.every((value) => value === undefined)) return results;
  return results.map((result, i) => {
    const value = values[i];
    if (value === undefined) return result;
    // A program returns its own constants.
    const own = result instanceof Concrete
      ? new Concrete(result.dtype, result.shape, result.storage)
      : result;
    returned.set(own, value);
    return own;
  });
}

/** Describes a JavaScript value that would become a constant. */
function describeConstant(leaf: unknown): string | undefined {
  if (leaf instanceof Tensor) return returned.get(leaf);
  if (ArrayBuffer.isView(leaf)) return `a ${describeValue(leaf)}`;
  return typeof leaf === "number" || typeof leaf === "boolean"
    ? `the ${typeof leaf} ${describeValue(leaf)}`
    : undefined;
}

function flattenOutput(output: unknown, transform: string): Converted {
  return convertLeaves(flatten(output), `Cannot return this value from ${transform}`);
}

/**
 * The results of a differentiated function, as flat tensors. JavaScript numbers and typed arrays among
 * them, also those that a nested transform has converted to tensors, are rejected: they cannot depend
 * on the arguments, and their derivative would silently be zero.
 */
export function flattenResults(
  output: unknown,
  transform: string,
  what = `Cannot return this value from ${transform}`,
): Converted {
  const flat = flatten(output);
  const { leaves, structure } = flat;
  leaves.forEach((leaf, i) => {
    const constant = describeConstant(leaf);
    if (constant === undefined) return;
    const path = structure.kind === "leaf" ? "" : ` at ${showPath(leafPaths(structure)[i])}`;
    throw argumentError(
      `Cannot take ${transform} of a function that returns ${constant}${path}: ` +
        `a JavaScript value does not depend on the arguments; ` +
        `return a tensor, without item, toArray or data`,
    );
  });
  return convertLeaves(flat, what);
}

/**
 * Cotangents with the imaginary parts negated. This converts between the public cotangents, which are
 * paired with tangents by complex products (JAX's convention), and those of transposed programs, which
 * are paired by real products.
 */
export function conjugated<Leaf extends Tensor | null>(
  structure: Structure,
  leaves: readonly Leaf[],
): readonly Leaf[] {
  const isImaginary = imaginaryLeaves(structure);
  if (isImaginary === null) return leaves;
  return leaves.map((leaf, i) => isImaginary[i] && leaf !== null ? neg(leaf) as Leaf : leaf);
}

/** A user's function on flat tensors; it stores the structure of its last result. */
export interface FlatFunction {
  /** Runs it on one value per leaf of the arguments. */
  readonly call: (leaves: readonly unknown[]) => Tensor[];
  /** The structure of the result of the last call. */
  readonly resultStructure: () => Structure;
  /** Which of its leaves were JavaScript values, with descriptions. */
  readonly resultValues: () => readonly (string | undefined)[];
}

/**
 * `f`, with its list of arguments as the leaves of `structure`. `takeApart` is `flattenResults` if `f`
 * is differentiated.
 */
export function flattenFunction(
  f: AnyFunction,
  structure: Structure,
  transform: string,
  takeApart: typeof flattenOutput = flattenOutput,
): FlatFunction {
  let result: Converted | undefined;
  return {
    call(leaves) {
      const args = unflatten(structure, leaves) as unknown[];
      const output = f(...args);
      checkSynchronous(output, transform);
      result = takeApart(output, transform);
      for (const leaf of result.leaves) checkAlive(leaf, `the result of ${transform}`);
      return result.leaves;
    },
    resultStructure() {
      return result!.structure;
    },
    resultValues: () => result!.given.map(describeConstant),
  };
}

/**
 * A tangent or cotangent tree as one tensor per leaf of `structure`, each of the type of its leaf;
 * `null` means zero, also for a whole subtree. Numbers, nested and typed arrays take the dtype of their
 * leaf. For a leaf that is a number, the value is a float of either precision, which becomes float64.
 */
export function flattenLike(
  structure: Structure,
  types: readonly Type[],
  tree: unknown,
  what: string,
  root: readonly (string | number)[] = [],
): (Tensor | null)[] {
  return flattenUpTo(structure, tree, what, true).map((part, i) => {
    if (part === null) return null;
    const isNumber = types[i] instanceof WeakScalar;
    const isReady = part instanceof Tensor && !(part instanceof WeakScalar) && !isNumber;
    if (isReady && sameType(part, types[i])) return part;
    const path = [...root, ...leafPaths(structure)[i]];
    if (part === undefined) {
      throw treeError(
        `${what}: expected ${showType(types[i])} at ${showPath(path)}, got undefined`,
      );
    }
    const dtype = isNumber ? "float64" : types[i].dtype;
    const value = toTensorOf(part as TensorLike, dtype, `${what}, at ${showPath(path)}`);
    if (!sameShape(value.shape, types[i].shape)) {
      throw shapeError(
        `${what}: expected ${showType(types[i])} at ${showPath(path)}, got ${showType(value)}`,
      );
    }
    if (isNumber && isFloat(value.dtype)) return convert(value, "float64");
    if (value.dtype !== types[i].dtype) {
      throw dtypeError(
        `${what}: expected ${showType(types[i])} at ${showPath(path)}, got ${showType(value)}; ` +
          `convert with astype`,
      );
    }
    return value;
  });
}
