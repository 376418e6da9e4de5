/**
 * Gradients of scalar functions.
 *
 * @module
 */
import { complexDtype, describeValue, isFloat } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import { isComplexNode, withComplexLeaves } from "../core/complex.ts";
import { toTensor } from "../core/convert.ts";
import { splat, Tensor } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import { checkAlive } from "../core/trace.ts";
import { flatten, unflatten } from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import type {
  AnyArgs,
  AnyFunction,
  Differentiable,
  LeavesOf,
  LooseArgs,
  TensorsOf,
} from "../core/tree_types.ts";
import type { FlatTree } from "./flatten_function.ts";
import {
  checkFunction,
  checkSynchronous,
  conjugated,
  flattenInputs,
  flattenResults,
} from "./flatten_function.ts";
import { checkFloats, linearizeFlat, pullBack } from "./linearize.ts";

/**
 * Options of `grad` and `valueAndGrad`.
 *
 * @category Transforms
 */
export interface GradOptions {
  /**
   * The argument to differentiate with respect to, or a list of them; negative positions count from the
   * last argument given. Default 0.
   */
  readonly argnums?: number | readonly number[];
  /** Whether the function returns `[value, aux]`, where `aux` is any tree. Default `false`. */
  readonly hasAux?: boolean;
  /**
   * Whether the function is holomorphic: a complex result of complex arguments, whose gradient is its
   * complex derivative. Default `false`: the result must be real.
   */
  readonly holomorphic?: boolean;
}

/**
 * The gradient's type: one tree like the argument, or a list of them for a list of `argnums`.
 *
 * @category Transforms
 */
export type GradOf<Args extends readonly unknown[], Options> = Options extends
  { readonly argnums: infer List extends readonly number[] }
  ? { -readonly [K in keyof List]: TensorsOf<ArgumentAt<Args, List[K]>> }
  : Options extends { readonly argnums: infer N extends number } ? TensorsOf<ArgumentAt<Args, N>>
  : TensorsOf<Args[0]>;

/**
 * The type of the argument at position `N`; of any of them when `N` counts from the last.
 *
 * @category Transforms
 */
export type ArgumentAt<Args extends readonly unknown[], N extends number> = `${N}` extends
  `-${string}` ? Args[number]
  : Args[N];

/**
 * The positions in `argnums`, as keys of the list of arguments.
 *
 * @category Transforms
 */
export type ChosenKeys<Options> = Options extends { readonly argnums: infer Argnums }
  ? Argnums extends readonly number[] ? `${Argnums[number]}`
  : Argnums extends number ? `${Argnums}`
  : never
  : "0";

/**
 * The parameters of a gradient: in the differentiated arguments, numbers may replace tensors; the
 * others are passed to the function unchanged, and so must have its types.
 *
 * @category Transforms
 */
export type GradArgs<Args extends readonly unknown[], Options> = number extends Args["length"]
  ? Options extends { readonly argnums: unknown } ? LooseArgs<Args>
  : [first: LeavesOf<Args[0]>, ...rest: Args]
  : { [K in keyof Args]: K extends ChosenKeys<Options> ? LeavesOf<Args[K]> : Args[K] };

/**
 * The value's type: the function's result, with tensors at its leaves.
 *
 * @category Transforms
 */
export type ValueOf<Out, Options> = Options extends { readonly hasAux: true }
  ? Out extends readonly [infer Value, infer Aux] ? [TensorsOf<Value>, TensorsOf<Aux>] : unknown
  : TensorsOf<Out>;

/**
 * The result of `grad`: the gradients, with the auxiliary output when there is one.
 *
 * @category Transforms
 */
export type GradResult<Args extends readonly unknown[], Out, Options> = Options extends
  { readonly hasAux: true }
  ? [GradOf<Args, Options>, Out extends readonly [unknown, infer Aux] ? TensorsOf<Aux> : unknown]
  : GradOf<Args, Options>;

/**
 * The gradient of a scalar function (reverse mode).
 *
 * @category Transforms
 * @param f A pure function of trees of tensors whose output is one floating-point scalar, or
 * `[scalar, aux]` with `hasAux`.
 * @param options The arguments to differentiate with respect to, and whether there is auxiliary
 * output.
 * @returns A function of the same arguments that returns the gradient: a tree like the chosen argument
 * (a list of trees for a list of `argnums`); with `hasAux`, `[gradient, aux]`. The gradient of an
 * argument that the output does not depend on is zero. Derivatives with respect to JavaScript numbers
 * have full precision; the gradient is float64 if the number was used as float64, otherwise of the
 * default dtype.
 * @throws {ShapeError} when the output is not a scalar: reduce it, or use `vjp` with a cotangent.
 * @throws {DtypeError} when the output or a chosen leaf is not floating-point: use `astype`.
 *
 * @example The gradient of a mean
 * ```ts
 * import { grad, ones, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const g = grad((x) => x.add(2).square().mul(3).mean())(ones([2, 2]));
 * assertTensorsClose(g, tensor([[4.5, 4.5], [4.5, 4.5]]));
 * ```
 */
export function grad<
  Args extends AnyArgs = Tensor[],
  const Out extends Differentiable = Tensor,
  const Options extends GradOptions = Record<never, never>,
>(
  f: (...args: Args) => Out,
  options?: Options,
): (...args: GradArgs<Args, Options>) => GradResult<Args, Out, Options> {
  const both = makeValueAndGrad(f, options, "grad");
  return (...args) => {
    const [value, gradients] = both(args);
    return (options?.hasAux ? [gradients, (value as unknown[])[1]] : gradients) as GradResult<
      Args,
      Out,
      Options
    >;
  };
}

/**
 * The value of a scalar function together with its gradient, at the cost of one evaluation of the
 * function.
 *
 * @category Transforms
 * @param f As for `grad`.
 * @param options As for `grad`.
 * @returns A function that returns `[value, gradient]`; with `hasAux`, `[[value, aux], gradient]`.
 * @throws As for `grad`.
 *
 * @example Value and gradient
 * ```ts
 * import { tensor, valueAndGrad } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [value, gradient] = valueAndGrad((x) => x.square().sum())(tensor([1, 2]));
 * assertTensorsClose(value, 5);
 * assertTensorsClose(gradient, tensor([2, 4]));
 * ```
 */
export function valueAndGrad<
  Args extends AnyArgs = Tensor[],
  const Out extends Differentiable = Tensor,
  const Options extends GradOptions = Record<never, never>,
>(
  f: (...args: Args) => Out,
  options?: Options,
): (...args: GradArgs<Args, Options>) => [ValueOf<Out, Options>, GradOf<Args, Options>] {
  const both = makeValueAndGrad(f, options, "valueAndGrad");
  return (...args) => both(args) as [ValueOf<Out, Options>, GradOf<Args, Options>];
}

function makeValueAndGrad(
  f: AnyFunction,
  options: GradOptions | undefined,
  transform: string,
): (args: readonly unknown[]) => [value: unknown, gradients: unknown] {
  checkFunction(f, transform);
  const { argnums = 0, hasAux = false, holomorphic = false } = readOptions(
    `Cannot apply ${transform}`,
    options,
    ["argnums", "hasAux", "holomorphic"],
  );
  checkFlag(holomorphic, `Cannot apply ${transform}`, "holomorphic");
  checkFlag(hasAux, `Cannot apply ${transform}`, "hasAux");
  return (args) => {
    const isList = Array.isArray(argnums);
    const places = checkArgnums(argnums, args.length, transform);
    const chosen = places.map((place) => args[place]);
    const what = `Cannot take ${transform} by ${
      places.length === 1 ? `argument ${places[0]}` : `arguments ${places.join(", ")}`
    }`;
    const { leaves, structure } = places.length === 1
      ? flattenOne(chosen[0], what)
      : flattenInputs(chosen, what);
    checkFloats(leaves, places.length === 1 ? onlyChild(structure) : structure, what);
    if (holomorphic) checkHolomorphic(leaves, structure, transform, "arguments");
    let value: unknown;
    const linearized = linearizeFlat(transform, leaves, (inputs, unwrap) => {
      const trees = unflatten(structure, inputs) as unknown[];
      const full = [...args];
      places.forEach((place, i) => full[place] = trees[i]);
      const output = f(...full);
      checkSynchronous(output, transform);
      const [scalar, aux] = hasAux ? splitAux(output, transform) : [output, null];
      const result = checkScalar(scalar, transform, holomorphic);
      const parts = result.leaves.map(unwrap);
      const whole = unflatten(result.structure, parts);
      value = hasAux ? [whole, unwrapTree(aux, unwrap)] : whole;
      return result.leaves;
    });
    const one = splat(1, linearized.results[0].dtype, []);
    const cotangents = linearized.results.map((_, i) => i === 0 ? one : null);
    const pulled = conjugated(structure, pullBack(linearized, cotangents));
    const gradients = unflatten(structure, pulled) as unknown[];
    return [value, isList ? gradients : gradients[0]];
  };
}

/** One argument as a list of one, so that messages name paths inside it. */
function flattenOne(arg: unknown, what: string): ReturnType<typeof flattenInputs> {
  const { leaves, structure } = flattenInputs(arg, what);
  return { leaves, structure: { kind: "array", children: [structure] } };
}

function onlyChild(structure: Structure): Structure {
  return structure.kind === "array" ? structure.children[0] : structure;
}

/** The positions in `argnums`, one or a list of them, checked and distinct. */
export function checkArgnums(argnums: unknown, count: number, transform: string): number[] {
  const places = Array.from(
    Array.isArray(argnums) ? argnums : [argnums],
    (argnum) => checkArgnum(argnum, count, transform),
  );
  const again = places.find((place, i) => places.indexOf(place) < i);
  if (again !== undefined) {
    throw argumentError(
      `Cannot take ${transform} by arguments ${describeValue(argnums)}: ` +
        `argument ${again} is named twice`,
    );
  }
  return places;
}

/** An argument's position, checked and counted from the front. */
function checkArgnum(argnum: unknown, count: number, transform: string): number {
  const isInteger = typeof argnum === "number" && Number.isInteger(argnum);
  if (!isInteger || argnum < -count || argnum >= count) {
    throw argumentError(
      `Cannot take ${transform} by argument ${describeValue(argnum)}: ` +
        `expected the position of one of the ${count} arguments given`,
    );
  }
  return argnum < 0 ? argnum + count : argnum;
}

function splitAux(output: unknown, transform: string): [unknown, unknown] {
  if (Array.isArray(output) && output.length === 2) return output as [unknown, unknown];
  throw argumentError(
    `Cannot take ${transform} with hasAux: the function must return [value, aux], ` +
      `got ${describeValue(output)}`,
  );
}

/**
 * Throws unless all leaves of an argument or result of a holomorphic function are parts of complex
 * tensors.
 */
export function checkHolomorphic(
  leaves: readonly Type[],
  structure: Structure,
  transform: string,
  role: "arguments" | "results",
): void {
  const { counts } = withComplexLeaves(structure);
  const place = counts.indexOf(1);
  if (place < 0) return;
  const leaf = leaves[counts.slice(0, place).reduce((sum, count) => sum + count, 0)];
  throw dtypeError(
    `Cannot take ${transform} with holomorphic: expected complex ${role}, got ${
      showType(leaf)
    }; leave holomorphic out, or convert with astype`,
  );
}

/** The result of a function whose gradient is computed: one leaf, or both parts of a complex one. */
function checkScalar(output: unknown, transform: string, isHolomorphic: boolean): FlatTree {
  const { leaves, structure } = flattenResults(
    output,
    transform,
    `Cannot take ${transform} of a function with this result`,
  );
  const isComplex = isComplexNode(structure);
  if (structure.kind !== "leaf" && !isComplex) {
    throw argumentError(
      `Cannot take ${transform} of a function that returns ${describeValue(output)}: ` +
        `expected one scalar; return [value, aux] and pass hasAux for more`,
    );
  }
  const [result] = leaves;
  checkAlive(result, `the result of ${transform}`);
  const shown = isComplex ? { dtype: complexDtype(result.dtype), shape: result.shape } : result;
  if (isComplex && !isHolomorphic) {
    throw dtypeError(
      `Cannot take ${transform} of a function that returns ${showType(shown)}: expected a real ` +
        `scalar; take real, imag or abs of it, or pass holomorphic if the function is`,
    );
  }
  if (isHolomorphic) checkHolomorphic(leaves, structure, transform, "results");
  if (!isFloat(result.dtype)) {
    throw dtypeError(
      `Cannot take ${transform} of a function that returns ${showType(result)}: ` +
        `expected a floating-point scalar; convert with astype`,
    );
  }
  if (result.ndim > 0) {
    throw shapeError(
      `Cannot take ${transform} of a function that returns ${showType(shown)}: ` +
        `expected a scalar; reduce it with sum or mean, or use vjp with a cotangent`,
    );
  }
  return { leaves, structure };
}

/** A tree with all of its tensors unwrapped; other leaves are unchanged. */
function unwrapTree(tree: unknown, unwrap: (value: Tensor) => Tensor): unknown {
  const { leaves, structure } = flatten(tree);
  const unwrapped = leaves.map((leaf) => {
    if (!(leaf instanceof Tensor)) return leaf;
    checkAlive(leaf, "an auxiliary result");
    return unwrap(toTensor(leaf, "Cannot return this auxiliary result"));
  });
  return unflatten(structure, unwrapped);
}
