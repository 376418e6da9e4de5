/**
 * Whole Jacobians and Hessians over trees, and Hessian-vector products.
 *
 * @module
 */
import { complexDtype, isFloat } from "../base/dtype.ts";
import { argumentError, dtypeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { showType, sizeOf } from "../base/shape.ts";
import { ComplexTensor, withComplexLeaves } from "../core/complex.ts";
import { evaluateProgram } from "../core/program.ts";
import { allocateFor, Concrete, zerosOf } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { leafPaths, showPath, unflatten } from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import type {
  AnyArgs,
  AnyFunction,
  Differentiable,
  IsAny,
  LooseArgs,
  TensorsOf,
} from "../core/tree_types.ts";
import { neg } from "../primitives/arithmetic.ts";
import { moveAxis, reshape } from "../primitives/structure.ts";
import {
  checkFunction,
  flattenFunction,
  flattenInputs,
  flattenResults,
  flattenTensors,
} from "./flatten_function.ts";
import { checkArgnums, checkHolomorphic, grad } from "./grad.ts";
import type { GradArgs, GradOf } from "./grad.ts";
import { checkList, jvp } from "./jvp.ts";
import { checkFloats, linearizeFlat, pullBack } from "./linearize.ts";
import type { Linearized } from "./linearize.ts";
import { vmapFlat } from "./vmap.ts";

/**
 * Options of `jacfwd`, `jacrev` and `hessian`.
 *
 * @category Transforms
 */
export interface JacobianOptions {
  /** The argument to differentiate with respect to, or a list of them. Default 0. */
  readonly argnums?: number | readonly number[];
  /**
   * Whether the function is holomorphic: blocks of complex results and complex arguments are its
   * complex derivatives. Default `false`: there must be no such blocks.
   */
  readonly holomorphic?: boolean;
}

/**
 * A tree like `Out`, with a tree like `In` in place of each tensor.
 *
 * @category Transforms
 */
export type JacobianOf<Out, In> = IsAny<Out> extends true ? Out
  : [Out] extends [Tensor] ? In
  : Out extends null | undefined | string | AnyFunction ? Out
  : { [K in keyof Out]: JacobianOf<Out[K], In> };

/** A function linearised at its arguments, with the structures for its Jacobian. */
interface Point {
  readonly linearized: Linearized;
  /** The structure of the argument, or of the list of arguments, differentiated by. */
  readonly inStructure: Structure;
  /** The types of the tangents. */
  readonly inputs: readonly Type[];
  readonly outStructure: Structure;
}

/** A function of any arguments with one result, for transforms that inspect neither. */
type Direct = (...args: unknown[]) => Tensor;

/** The Jacobian's blocks: one list per result leaf, one block per input leaf. */
type Blocks = (point: Point) => Tensor[][];

function makeJacobian(
  f: AnyFunction,
  options: JacobianOptions | undefined,
  transform: string,
  blocks: Blocks,
  refusal: (argument: Type) => string = () =>
    `of a complex function of complex arguments: ` +
    `pass holomorphic if the function is, or take real and imag of both`,
): (...args: unknown[]) => unknown {
  checkFunction(f, transform);
  const { argnums = 0, holomorphic = false } = readOptions(
    `Cannot apply ${transform}`,
    options,
    ["argnums", "holomorphic"],
  );
  checkFlag(holomorphic, `Cannot apply ${transform}`, "holomorphic");
  return (...args) => {
    const isList = Array.isArray(argnums);
    const places = checkArgnums(argnums, args.length, transform);
    const chosen = isList ? places.map((place) => args[place]) : args[places[0]];
    const what = `Cannot take ${transform} by arguments ${places.join(", ")}`;
    const { leaves, structure } = flattenInputs(chosen, what);
    checkFloats(leaves, structure, what);
    if (holomorphic) checkHolomorphic(leaves, structure, transform, "arguments");
    const flat = flattenFunction(
      (value) => {
        const full = [...args];
        places.forEach((place, i) => full[place] = isList ? value[i] : value);
        return f(...full);
      },
      { kind: "array", children: [structure] },
      transform,
      flattenResults,
    );
    const linearized = linearizeFlat(transform, leaves, flat.call);
    const outStructure = flat.resultStructure();
    checkResults(linearized.results, outStructure, transform);
    const inputs = linearized.program.binders.map((binder) => binder.type);
    const point = { linearized, inStructure: structure, inputs, outStructure };
    if (holomorphic) checkHolomorphic(linearized.results, outStructure, transform, "results");
    return assemble(blocks(point), point, (argument) => {
      if (!holomorphic) throw dtypeError(`Cannot take ${transform} ${refusal(argument)}`);
    });
  };
}

/**
 * The tree of blocks, in which blocks of the parts of complex numbers are combined. `allow` throws if
 * there may be no block of complex results and complex arguments.
 */
function assemble(
  blocks: readonly (readonly Tensor[])[],
  { inStructure, outStructure, inputs }: Point,
  allow: (argument: Type) => void,
): unknown {
  const [rows, columns] = [outStructure, inStructure].map(withComplexLeaves);
  const starts = ({ counts }: typeof rows): readonly number[] => {
    let next = 0;
    return counts.map((count) => (next += count) - count);
  };
  const columnStarts = starts(columns);
  const trees = starts(rows).map((i, row) => {
    const tree = columnStarts.map((k, column) => {
      const isOut = rows.counts[row] === 2;
      const isIn = columns.counts[column] === 2;
      if (isOut && isIn) allow({ dtype: complexDtype(inputs[k].dtype), shape: inputs[k].shape });
      const block = blocks[i][k];
      if (isOut) return new ComplexTensor(block, blocks[i + 1][k]);
      return isIn ? new ComplexTensor(block, neg(blocks[i][k + 1])) : block;
    });
    return unflatten(columns.structure, tree);
  });
  return unflatten(rows.structure, trees);
}

function checkResults(results: readonly Tensor[], structure: Structure, transform: string): void {
  const bad = results.findIndex((result) => !isFloat(result.dtype));
  if (bad < 0) return;
  throw dtypeError(
    `Cannot take ${transform} of a function that returns ${showType(results[bad])} at ${
      showPath(leafPaths(structure)[bad])
    }: expected floating-point results; convert with astype`,
  );
}

/** The unit vectors of a tensor's space: `[size, ...shape]`. */
function unitVectors(type: Type): Tensor {
  const size = sizeOf(type.shape);
  const shape = [size, ...type.shape];
  const elements = allocateFor({ dtype: type.dtype, shape });
  for (let i = 0; i < size; i++) elements[i * size + i] = 1;
  return new Concrete(type.dtype, shape, elements);
}

/** Columns: one pushforward per input element. */
function forwardBlocks({ linearized, inputs }: Point): Tensor[][] {
  const { program, results } = linearized;
  const columns = inputs.map((input, k) => {
    const pushed = vmapFlat(
      ([tangent]) =>
        evaluateProgram(program, inputs.map((other, i) => i === k ? tangent : zerosOf(other))),
      [unitVectors(input)],
      sizeOf(input.shape),
    );
    return pushed.map((block, i) => {
      const result = results[i];
      const last = moveAxis(block, 0, result.ndim);
      return reshape(last, [...result.shape, ...input.shape]);
    });
  });
  return results.map((_, i) => columns.map((column) => column[i]));
}

/** Rows: one pullback per result element. */
function reverseBlocks({ linearized, inputs }: Point): Tensor[][] {
  const { results } = linearized;
  return results.map((result, i) => {
    const pulled = vmapFlat(
      ([cotangent]) =>
        pullBack(linearized, results.map((_, k) => k === i ? cotangent : null)) as Tensor[],
      [unitVectors(result)],
      result.size,
    );
    return pulled.map((block, k) => reshape(block, [...result.shape, ...inputs[k].shape]));
  });
}

/**
 * The Jacobian of a function, column by column (forward mode): preferable for functions with more
 * outputs than inputs.
 *
 * @category Transforms
 * @param f A pure function of trees of floating-point tensors.
 * @param options The arguments to differentiate with respect to.
 * @returns A function of the same arguments that returns a tree like the output of `f`, with a tree
 * like the argument (a list of them for a list of `argnums`) at each leaf; each block has the shape of
 * the output's leaf followed by that of the input's leaf.
 * @throws {DtypeError} when an input or output leaf is not floating-point.
 *
 * @example The Jacobian of a square
 * ```ts
 * import { jacfwd, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(jacfwd((x) => x.square())(tensor([1, 2])), tensor([[2, 0], [0, 4]]));
 * ```
 */
export function jacfwd<
  Args extends AnyArgs = Tensor[],
  const Out extends Differentiable = Tensor,
  const Options extends JacobianOptions = Record<never, never>,
>(
  f: (...args: Args) => Out,
  options?: Options,
): (...args: GradArgs<Args, Options>) => JacobianOf<TensorsOf<Out>, GradOf<Args, Options>> {
  return makeJacobian(f, options, "jacfwd", forwardBlocks) as never;
}

/**
 * The Jacobian of a function, row by row (reverse mode): preferable for functions with more inputs than
 * outputs. Same arguments and result as `jacfwd`.
 *
 * @category Transforms
 * @param f A pure function of trees of floating-point tensors.
 * @param options The arguments to differentiate with respect to.
 * @returns As `jacfwd`.
 * @throws {DtypeError} when an input or output leaf is not floating-point.
 *
 * @example The Jacobian of a square
 * ```ts
 * import { jacrev, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(jacrev((x) => x.square())(tensor([1, 2])), tensor([[2, 0], [0, 4]]));
 * ```
 */
export function jacrev<
  Args extends AnyArgs = Tensor[],
  const Out extends Differentiable = Tensor,
  const Options extends JacobianOptions = Record<never, never>,
>(
  f: (...args: Args) => Out,
  options?: Options,
): (...args: GradArgs<Args, Options>) => JacobianOf<TensorsOf<Out>, GradOf<Args, Options>> {
  return makeJacobian(f, options, "jacrev", reverseBlocks) as never;
}

/**
 * The Hessian of a function, forward over reverse.
 *
 * @category Transforms
 * @param f A pure function of trees of floating-point tensors, usually with a scalar output.
 * @param options The arguments to differentiate with respect to.
 * @returns A function of the same arguments that returns the second derivatives: for one array in and a
 * scalar out, a tensor of shape `[...shape, ...shape]`; over trees, a tree of trees.
 * @throws {DtypeError} when an input or output leaf is not floating-point.
 *
 * @example The Hessian of a cubic
 * ```ts
 * import { hessian, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(hessian((x) => x.pow(3).sum())(tensor([1, 2])), tensor([[6, 0], [0, 12]]));
 * ```
 */
export function hessian<
  Args extends AnyArgs = Tensor[],
  const Out extends Differentiable = Tensor,
  const Options extends JacobianOptions = Record<never, never>,
>(
  f: (...args: Args) => Out,
  options?: Options,
): (
  ...args: GradArgs<Args, Options>
) => JacobianOf<JacobianOf<TensorsOf<Out>, GradOf<Args, Options>>, GradOf<Args, Options>> {
  const gradients = makeJacobian(f, options, "hessian", reverseBlocks);
  return makeJacobian(
    gradients,
    options,
    "hessian",
    forwardBlocks,
    // The gradient with respect to a complex argument is complex even if `f` is real, and it is not
    // holomorphic.
    (argument) =>
      `of a real function by ${showType(argument)}: expected real arguments; pass real and ` +
      `imaginary parts by themselves: hessian((re, im) => f(complex(re, im)), { argnums: [0, 1] })`,
  ) as never;
}

/**
 * The product of the Hessian of a scalar function with a vector, forward over reverse: at the cost of a
 * few evaluations of `f`, independent of the number of elements of the arguments.
 *
 * @category Transforms
 * @param f A pure function of trees of floating-point tensors with a scalar output.
 * @param primals The point: the list of `f`'s arguments.
 * @param tangents The vector: a list like `primals`; `null` means zero.
 * @returns An array with one tree per primal, like `primals`; `null` for a primal without
 * floating-point leaves.
 * @throws As `grad` and `jvp`.
 *
 * @example A Hessian-vector product
 * ```ts
 * import { hvp, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [product] = hvp((x) => x.pow(3).sum(), [tensor([1, 2])], [tensor([1, 1])]);
 * assertTensorsClose(product, tensor([6, 12]));
 * ```
 */
export function hvp<Args extends AnyArgs = Tensor[]>(
  f: (...args: Args) => Differentiable,
  primals: NoInfer<LooseArgs<Args>>,
  tangents: unknown,
): { [K in keyof Args]: Args[K] };
/** The same for a function that another transform creates inline: `hvp(jit(f), …)`. */
export function hvp<Args extends AnyArgs>(
  f: (...args: Args) => Differentiable,
  primals: NoInfer<LooseArgs<Args>>,
  tangents: unknown,
): { [K in keyof Args]: Args[K] };
export function hvp(f: AnyFunction, primals: readonly unknown[], tangents: unknown): unknown[] {
  checkFunction(f, "hvp");
  if (!Array.isArray(primals) || primals.length === 0) {
    throw argumentError("Cannot apply hvp: primals must be a list with one entry per argument");
  }
  checkList(primals, "hvp", "primals");
  // An argument of integers or bools has no derivative: it is part of the point, not of the direction.
  const hasFloats = primals.map((primal) =>
    flattenTensors(primal, "Cannot apply hvp at these primals").leaves.some((leaf) =>
      isFloat(leaf.dtype)
    )
  );
  const argnums = [...primals.keys()].filter((i) => hasFloats[i]);
  const gradient = grad(f as Direct, { argnums });
  const [, products] = jvp(gradient, primals, tangents) as unknown as [unknown, unknown[]];
  let next = 0;
  return hasFloats.map((has) => has ? products[next++] : null);
}
