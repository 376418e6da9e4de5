/**
 * Loops whose length depends on values, and loops over ranges of integers.
 *
 * @module
 */
import { describeValue, isInteger } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import { toInteger, toTensor } from "../core/convert.ts";
import type { Primitive } from "../core/primitive.ts";
import { evaluateProgram, Program, Variable } from "../core/program.ts";
import type { Equation } from "../core/program.ts";
import type { Tensor } from "../core/tensor.ts";
import { bind } from "../core/trace.ts";
import { unflatten } from "../core/tree.ts";
import type { TensorsOf, TupleHint, WithNumbers } from "../core/tree_types.ts";
import { add, addPrimitive, minimum } from "../primitives/arithmetic.ts";
import { less } from "../primitives/comparison.ts";
import { constantLike, convert } from "../primitives/structure.ts";
import { boundedPrimitive, boundLoop } from "./bounded_loop.ts";
import type { Bound } from "./bounded_loop.ts";
import { canonical } from "./canonical.ts";
import { checkFunction } from "../transforms/flatten_function.ts";
import { scanPrimitive } from "./scan_primitive.ts";
import { argumentsOf, readStart, settleCarry, stageOpenBody } from "./stage_body.ts";
import type { Body, Start } from "./stage_body.ts";
import { whilePrimitive } from "./while_primitive.ts";

/**
 * Options of `whileLoop`.
 *
 * @category Control flow
 */
export interface WhileOptions {
  /**
   * The maximum number of steps: the loop then stops, whatever the condition. With this bound, the loop
   * supports reverse mode, and allocates memory for the residuals of this number of steps. For more
   * than 65,536 steps it allocates memory for 4096 steps, and runs each block of that length once more.
   */
  readonly maxSteps?: number;
  /**
   * Whether reverse mode keeps carried values of some steps only, a number that grows with the
   * logarithm of `maxSteps`, and recomputes the others; default false.
   */
  readonly checkpoint?: boolean;
}

/** Traces a condition on the carried value. */
function stageCondition(predicate: unknown, start: Start, init: readonly Tensor[]): Body {
  const body = stageOpenBody(
    "whileLoop",
    predicate as () => unknown,
    argumentsOf(start.structure),
    init,
  );
  const [type] = body.types;
  if (body.types.length !== 1 || body.structure.kind !== "leaf") {
    throw shapeError(
      "Cannot loop: the condition must return one bool scalar, " +
        `got a tree of ${body.types.length} leaves`,
    );
  }
  if (type.shape.length !== 0) {
    throw shapeError(
      `Cannot loop on ${showType(type)}: the condition must be one value; ` +
        `reduce it with all or any`,
    );
  }
  if (type.dtype !== "bool") {
    throw dtypeError(
      `Cannot loop on ${showType(type)}: the condition must be bool; compare it with notEqual`,
    );
  }
  return body;
}

/**
 * A loop that continues while a condition on the carried value holds.
 *
 * It is one operation: both functions are traced once. Forward mode (`jvp`, `jacfwd`) is supported;
 * reverse mode needs the bound `maxSteps`, since it keeps values of each step. With `checkpoint: true`
 * it keeps a number of carried values that grows with the logarithm of the steps, and runs each step a
 * few times more instead. Either way a loop that ends early costs only the steps that it takes, and the
 * time to fill that memory with zeros. Under `vmap` over values that the condition depends on, the loop
 * continues while any example does; finished examples are unchanged, and are not affected by the steps
 * of the others.
 *
 * @category Control flow
 * @param predicate Whether to continue: a pure function of the carried value that returns a bool
 * scalar.
 * @param step The next carried value: a pure function of the carried value, which keeps its structure,
 * shapes and dtypes; numbers in `init` take the dtype of the values returned for them.
 * @param init The initial carried value, a tree.
 * @param options A bound on the number of steps, and the memory use of reverse mode.
 * @returns The first carried value for which the condition does not hold, or the one after `maxSteps`
 * steps: evaluate the condition to distinguish the two.
 * @throws {ShapeError}, {DtypeError} or {TreeError} when the carried value changes its shape, dtype or
 * structure, or the condition does not return a bool scalar.
 * @throws {ArgumentError} from reverse mode without `maxSteps`, or when `maxSteps` is not a valid
 * number of steps.
 *
 * @example A square root by Newton's method
 * ```ts
 * import { jvp, tensor, whileLoop } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const root = (x: Tensor) =>
 *   whileLoop(
 *     (y) => y.square().sub(x).abs().greater(1e-5),
 *     (y) => y.add(x.div(y)).div(2),
 *     1,
 *   );
 * assertTensorsClose(root(tensor(2)), Math.SQRT2);
 * assertTensorsClose(jvp(root, [tensor(2)], [tensor(1)])[1], 0.5 / Math.SQRT2, { rtol: 1e-4 });
 * ```
 *
 * @example The gradient of a loop of at most a hundred steps
 * ```ts
 * import { grad, tensor, whileLoop } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const doubled = (x: Tensor) => whileLoop((y) => y.less(10), (y) => y.mul(2), x, { maxSteps: 100 });
 * assertTensorsClose(doubled(tensor(3)), 12);
 * assertTensorsClose(grad(doubled)(tensor(3)), 4);
 * ```
 */
export function whileLoop<const Init>(
  predicate: (value: TensorsOf<Init>) => Tensor | boolean,
  step: (value: TensorsOf<Init>) => TensorsOf<Init> | TupleHint,
  init: Init & WithNumbers<Init>,
  options?: WhileOptions,
): TensorsOf<Init>;
/** The same for a value that contains only tensors, or whose type is a type parameter. */
export function whileLoop<const Init>(
  predicate: (value: NoInfer<Init>) => Tensor | boolean,
  step: (value: NoInfer<Init>) => NoInfer<Init> | TupleHint,
  init: Init,
  options?: WhileOptions,
): Init;
export function whileLoop<const Init>(
  predicate: (value: TensorsOf<Init>) => Tensor | boolean,
  step: (value: TensorsOf<Init>) => TensorsOf<Init> | TupleHint,
  init: Init,
  options?: WhileOptions,
): TensorsOf<Init> {
  checkFunction(predicate, "whileLoop");
  checkFunction(step, "whileLoop");
  const what = "Cannot loop";
  const bound = readBounded(options, what);
  const start = readStart(init, `${what} from this value`);
  const { step: body, init: carry } = settleCarry(start, (types, open) => {
    const opened = (value: unknown) => step(open(value) as TensorsOf<Init>);
    const staged = stageOpenBody("whileLoop", opened, argumentsOf(start.structure), types);
    return { step: staged, structure: staged.structure, types: staged.types };
  }, what);
  const goes = stageCondition(predicate, start, carry);
  const args = [...goes.captured, ...body.captured, ...carry];
  const params = {
    condition: canonical(goes.program),
    body: canonical(body.program),
    conditionConsts: goes.captured.length,
    bodyConsts: body.captured.length,
  };
  const results = bound === null
    ? bind(whilePrimitive, args, params)
    : bind(boundedPrimitive, args, boundLoop(params, bound));
  return unflatten(start.structure, results) as TensorsOf<Init>;
}

/** Reads the bound of a loop; `null` for none. */
function readBounded(options: WhileOptions | undefined, what: string): Bound | null {
  const { maxSteps, checkpoint = false } = readOptions(what, options, ["maxSteps", "checkpoint"]);
  checkFlag(checkpoint, what, "checkpoint");
  if (maxSteps === undefined) {
    if (!checkpoint) return null;
    throw argumentError(`${what} with checkpoint and without maxSteps: give the most steps`);
  }
  if (Number.isInteger(maxSteps) && maxSteps >= 0 && maxSteps < 2 ** 31) {
    return { maxSteps, isCheckpointed: checkpoint };
  }
  throw argumentError(
    `${what} with maxSteps ${describeValue(maxSteps)}: expected a non-negative integer below 2^31`,
  );
}

/**
 * A loop over the integers from `lower` to `upper`, exclusive.
 *
 * With bounds that are JavaScript numbers it is a `scan`, and supports both modes of differentiation.
 * With bounds that are tensors it is a `whileLoop`: of any length, and with forward mode only.
 *
 * @category Control flow
 * @param lower The first integer: a number, or an integer scalar.
 * @param upper The end, exclusive.
 * @param step The next value: a pure function of the integer (an int32 scalar) and the value, which
 * keeps its structure, shapes and dtypes; numbers in `init` take the dtype of the values returned for
 * them.
 * @param init The initial value, a tree.
 * @returns The value after the last step; `init` when there are no steps.
 * @throws {ArgumentError} when a bound is a number that is not an integer of 32 bits.
 * @throws {ShapeError}, {DtypeError} or {TreeError} when a bound is not an integer scalar, or the value
 * changes its shape, dtype or structure.
 *
 * @example A power, and its derivative
 * ```ts
 * import { foriLoop, grad, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const cube = (x: Tensor) => foriLoop(0, 3, (_i, y) => y.mul(x), 1);
 * assertTensorsClose(cube(tensor(2)), 8);
 * assertTensorsClose(grad(cube)(tensor(2)), 12);
 * ```
 */
export function foriLoop<const Init>(
  lower: number | Tensor,
  upper: number | Tensor,
  step: (i: Tensor, value: TensorsOf<Init>) => TensorsOf<Init> | TupleHint,
  init: Init & WithNumbers<Init>,
): TensorsOf<Init>;
/** The same for a value that contains only tensors, or whose type is a type parameter. */
export function foriLoop<const Init>(
  lower: number | Tensor,
  upper: number | Tensor,
  step: (i: Tensor, value: NoInfer<Init>) => NoInfer<Init> | TupleHint,
  init: Init,
): Init;
export function foriLoop<const Init>(
  lower: number | Tensor,
  upper: number | Tensor,
  step: (i: Tensor, value: TensorsOf<Init>) => TensorsOf<Init> | TupleHint,
  init: Init,
): TensorsOf<Init> {
  checkFunction(step, "foriLoop");
  const what = "Cannot loop";
  const [from, to] = [readBound(lower, "lower"), readBound(upper, "upper")];
  const start = readStart(init, `${what} from this value`);
  const { step: body, init: carry } = settleCarry(start, (types, open) => {
    const opened = (i: Tensor, value: unknown) => step(i, open(value) as TensorsOf<Init>);
    const place = { dtype: "int32", shape: [] } as const;
    const args = argumentsOf({ kind: "leaf" }, start.structure);
    const staged = stageOpenBody("foriLoop", opened, args, [place, ...types]);
    return { step: staged, structure: staged.structure, types: staged.types };
  }, what);
  const { program, captured } = body;
  if (typeof from === "number" && typeof to === "number") {
    const count = captured.length;
    const results = bind(scanPrimitive, [...captured, boundAsTensor(from), ...carry], {
      body: canonical(counting(program, count)),
      length: Math.max(0, to - from),
      reverse: false,
      consts: count,
      carry: 1 + carry.length,
    });
    return unflatten(start.structure, results.slice(1)) as TensorsOf<Init>;
  }
  const [first, last] = [boundAsTensor(from), boundAsTensor(to)];
  const loop = whileLoop(
    ([i, end]) => less(i, end),
    ([i, end, ...values]) => {
      const next = evaluateProgram(program, [...captured, i, ...values]);
      return [add(i, constantLike(i, 1)), end, ...next];
    },
    [first, last, ...carry],
  );
  return unflatten(start.structure, loop.slice(2)) as TensorsOf<Init>;
}

/** The program that also returns the integer after its first `count` arguments, incremented. */
function counting({ binders, equations, results }: Program, count: number): Program {
  const place = binders[count];
  const next = new Variable(place.type);
  const step: Equation = {
    primitive: addPrimitive as Primitive,
    inputs: [place, constantLike(place.type, 1)],
    params: null,
    outputs: [next],
  };
  return new Program(binders, [...equations, step], [next, ...results]);
}

/** A bound as a number if it is one, or as an int32 scalar. */
function readBound(bound: number | Tensor, name: string): number | Tensor {
  const what = `Cannot loop with the ${name} bound`;
  if (typeof bound === "number") {
    if (Number.isInteger(bound) && Math.abs(bound) < 2 ** 31) return bound;
    throw argumentError(`${what} ${bound}: expected an integer of 32 bits`);
  }
  const value = toTensor(toInteger(bound), what);
  if (value.ndim !== 0) throw shapeError(`${what} ${showType(value)}: expected one integer`);
  if (!isInteger(value.dtype)) {
    throw dtypeError(`${what} ${showType(value)}: expected an integer; convert with astype`);
  }
  // Numbers outside the range of int32 exceed the number of steps of any loop.
  return convert(
    value.dtype === "uint32" ? minimum(value, constantLike(value, 2 ** 31 - 1)) : value,
    "int32",
  );
}

function boundAsTensor(bound: number | Tensor): Tensor {
  return typeof bound === "number" ? constantLike({ dtype: "int32", shape: [] }, bound) : bound;
}
