/**
 * Conditional execution.
 *
 * @module
 */
import { describeValue, isInteger } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError, treeError } from "../base/errors.ts";
import { sameShape, showType } from "../base/shape.ts";
import { toInteger, toTensor } from "../core/convert.ts";
import { Program, Variable } from "../core/program.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { bind, currentTrace, WeakScalar } from "../core/trace.ts";
import { firstDifference, leafPaths, unflatten } from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import type {
  AnyArgs,
  AnyFunction,
  EachNoInfer,
  TensorsOf,
  TupleHint,
  WithNumbers,
} from "../core/tree_types.ts";
import { minimum } from "../primitives/arithmetic.ts";
import { constantLike, convert } from "../primitives/structure.ts";
import { canonical } from "./canonical.ts";
import { checkFunction, flattenInputs, primalOf } from "../transforms/flatten_function.ts";
import { placeOf, stageOpenBody } from "./stage_body.ts";
import type { Body } from "./stage_body.ts";
import { switchPrimitive } from "./switch_primitive.ts";

/**
 * One of two computations, selected by a condition whose value may not be known yet: only the selected
 * one runs. Under `vmap` over the condition each branch runs for the examples that select it, if there
 * are any. The other examples are not affected by its errors, its effects, or a NaN in its derivative.
 *
 * Both functions are traced, whatever the condition, and must return results of equal structures,
 * shapes and dtypes. They may use values from outside.
 *
 * @category Control flow
 * @param pred The condition: a bool scalar.
 * @param onTrue The function for a true condition: a pure function of the operands.
 * @param onFalse The function for a false condition.
 * @param operands The arguments of both functions: any trees. Numbers take the dtype of the tensors
 * they are combined with.
 * @returns The result of the selected function.
 * @throws {DtypeError} when the condition is not bool, or the results differ in dtype.
 * @throws {ShapeError} when the condition is not a scalar, or the results differ in shape.
 * @throws {TreeError} when the results differ in structure.
 *
 * @example A derivative that depends on the branch
 * ```ts
 * import { cond, grad, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const f = grad((x) => cond(x.greater(0), (x) => x.square(), (x) => x.neg(), x));
 * assertTensorsClose(f(tensor(3)), 6);
 * assertTensorsClose(f(tensor(-3)), -1);
 * ```
 */
export function cond<Operands extends AnyArgs, Out>(
  pred: WithNumbers<Operands, TensorLike>,
  onTrue: (...operands: TensorsOf<Operands>) => Out | TupleHint,
  onFalse: (...operands: TensorsOf<Operands>) => NoInfer<Out> | TupleHint,
  ...operands: Operands
): TensorsOf<Out>;
/** The same when only the results contain numbers. */
export function cond<Operands extends AnyArgs, Out>(
  pred: TensorLike,
  onTrue: (...operands: EachNoInfer<Operands>) => (Out & WithNumbers<Out>) | TupleHint,
  onFalse: (...operands: EachNoInfer<Operands>) => NoInfer<Out> | TupleHint,
  ...operands: Operands
): TensorsOf<Out>;
/** The same for trees that contain only tensors, or whose types are type parameters. */
export function cond<Operands extends AnyArgs, Out>(
  pred: TensorLike,
  onTrue: (...operands: EachNoInfer<Operands>) => Out | TupleHint,
  onFalse: (...operands: EachNoInfer<Operands>) => NoInfer<Out> | TupleHint,
  ...operands: Operands
): Out;
export function cond(
  pred: TensorLike,
  onTrue: AnyFunction,
  onFalse: AnyFunction,
  ...operands: unknown[]
): unknown {
  const what = "Cannot use cond";
  checkFunction(onTrue, "cond");
  checkFunction(onFalse, "cond");
  const condition = toTensor(pred, `${what} with this condition`);
  if (condition.ndim !== 0) {
    throw shapeError(
      `${what} on ${showType(condition)}: the condition must be one value; ` +
        `reduce it with all or any, or choose elementwise with where`,
    );
  }
  if (condition.dtype !== "bool") {
    throw dtypeError(
      `${what} on ${showType(condition)}: the condition must be bool; compare it with notEqual`,
    );
  }
  const index = convert(condition, "int32");
  const branches = [onFalse, onTrue];
  const names = ["onFalse", "onTrue"];
  return choose("cond", index, branches, names, operands);
}

/** The maximum number of branches. */
const MAX_BRANCHES = 2 ** 14;

/**
 * One of several computations, selected by an index whose value may not be known yet: only the selected
 * one runs. An index below 0 selects the first, and an index beyond the last selects the last. Under
 * `vmap` over the index each branch runs for the examples that select it, as in `cond`.
 *
 * @category Control flow
 * @param index The number of the branch: an integer scalar.
 * @param branches Pure functions of the operands, at least one; their results have equal structures,
 * shapes and dtypes.
 * @param operands The arguments of all functions: any trees. Numbers take the dtype of the tensors
 * they are combined with.
 * @returns The result of the selected function.
 * @throws {DtypeError} when the index is not an integer, or the results differ in dtype.
 * @throws {ShapeError} when the index is not a scalar, or the results differ in shape.
 * @throws {TreeError} when the results differ in structure.
 * @throws {ArgumentError} when there are no branches.
 *
 * @example A table of functions
 * ```ts
 * import { cos, sin, switchCase, tensor, vmap } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const f = (i: Tensor, x: Tensor) => switchCase(i, [(x) => x.mul(2), sin, cos], x);
 * const index = tensor([0, 1, 2, 9], { dtype: "int32" });
 * assertTensorsClose(vmap(f, [0, null])(index, tensor(1)), [2, Math.sin(1), Math.cos(1), Math.cos(1)]);
 * ```
 */
export function switchCase<Operands extends AnyArgs, Out>(
  index: WithNumbers<Operands, TensorLike>,
  branches: readonly ((...operands: TensorsOf<Operands>) => Out | TupleHint)[],
  ...operands: Operands
): TensorsOf<Out>;
/** The same when only the results contain numbers. */
export function switchCase<Operands extends AnyArgs, Out>(
  index: TensorLike,
  branches:
    readonly ((...operands: EachNoInfer<Operands>) => (Out & WithNumbers<Out>) | TupleHint)[],
  ...operands: Operands
): TensorsOf<Out>;
/** The same for trees that contain only tensors, or whose types are type parameters. */
export function switchCase<Operands extends AnyArgs, Out>(
  index: TensorLike,
  branches: readonly ((...operands: EachNoInfer<Operands>) => Out | TupleHint)[],
  ...operands: Operands
): Out;
export function switchCase(
  index: TensorLike,
  branches: readonly AnyFunction[],
  ...operands: unknown[]
): unknown {
  const what = "Cannot use switchCase";
  if (!Array.isArray(branches) || branches.length === 0 || branches.length > MAX_BRANCHES) {
    throw argumentError(
      `${what} with the branches ${describeValue(branches)}: expected a list of functions`,
    );
  }
  const list = Array.from(branches);
  list.forEach((branch) => checkFunction(branch, "switchCase"));
  return choose(
    "switchCase",
    readIndex(index, what),
    list,
    list.map((_, i) => `branch ${i}`),
    operands,
  );
}

function readIndex(index: TensorLike, what: string): Tensor {
  const isWhole = typeof index === "number" && Number.isInteger(index);
  const clamped = isWhole ? Math.min(Math.max(index, -1), 2 ** 31 - 1) : index;
  const value = isWhole
    ? convert(toTensor(clamped, what), "int32")
    : toTensor(toInteger(index), `${what} with this index`);
  if (value.ndim !== 0) {
    throw shapeError(`${what} with the index ${showType(value)}: expected one integer`);
  }
  if (!isInteger(value.dtype) && value.dtype !== "bool") {
    throw dtypeError(
      `${what} with the index ${showType(value)}: expected an integer; convert with astype`,
    );
  }
  // A number outside the range of int32 is out of range too, at the same end.
  return value.dtype === "uint32"
    ? convert(minimum(value, constantLike(value, 2 ** 31 - 1)), "int32")
    : convert(value, "int32");
}

function choose(
  transform: string,
  index: Tensor,
  branches: readonly AnyFunction[],
  names: readonly string[],
  operands: readonly unknown[],
): unknown {
  const what = `Cannot use ${transform}`;
  const { leaves: inputs, structure } = flattenInputs(operands, `${what} with these operands`);
  const leaves = inputs.map(primalOf);
  // One list instead of one argument each, since the number of arguments of a call is limited.
  const list: Structure = { kind: "array", children: leaves.map(() => ({ kind: "leaf" })) };
  const bodies = branches.map((branch) => {
    const onList = (values: readonly Tensor[]): unknown =>
      branch(...unflatten(structure, numbersWithin(inputs, values)) as unknown[]);
    return stageOpenBody(transform, onList, { kind: "array", children: [list] }, leaves);
  });
  bodies.forEach((body, i) => checkAlike(bodies[0], body, names[0], names[i], what));
  // Every branch takes the captured values of all branches.
  const captured = [...new Set(bodies.flatMap((body) => body.captured))];
  const programs = bodies.map(({ program, captured: own }) => {
    const places = new Map<Tensor, Variable>();
    own.forEach((value, i) => places.set(value, program.binders[i]));
    const binders = captured.map((value) => places.get(value) ?? new Variable(value));
    const branch = new Program(
      [...binders, ...program.binders.slice(own.length)],
      program.equations,
      program.results,
    );
    return canonical(branch);
  });
  const results = bind(switchPrimitive, [index, ...captured, ...leaves], { branches: programs });
  return unflatten(bodies[0].structure, results);
}

/**
 * `values`, as numbers where the operands are numbers: they take the dtype of the tensors they are
 * combined with.
 */
function numbersWithin(operands: readonly Tensor[], values: readonly Tensor[]): readonly Tensor[] {
  return operands.map((operand, i) =>
    operand instanceof WeakScalar ? operand.within(currentTrace(), values[i]) : values[i]
  );
}

function checkAlike(a: Body, b: Body, first: string, second: string, what: string): void {
  const difference = firstDifference(a.structure, b.structure);
  if (difference !== null) {
    throw treeError(
      `${what}: the results of ${first} and ${second} must have one structure; ${difference}`,
    );
  }
  a.types.forEach((type, i) => {
    const other = b.types[i];
    const message = () =>
      `${what}: ${first} gives ${showType(type)} and ${second} gives ${showType(other)}` +
      placeOf(leafPaths(a.structure)[i]);
    if (!sameShape(type.shape, other.shape)) {
      throw shapeError(`${message()}; the shapes must be equal`);
    }
    if (type.dtype !== other.dtype) throw dtypeError(`${message()}; convert with astype`);
  });
}
