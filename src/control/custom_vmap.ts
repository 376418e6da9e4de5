/**
 * Functions with user-defined batching.
 *
 * @module
 */
import { argumentError, shapeError, treeError } from "../base/errors.ts";
import { sameShape, showType } from "../base/shape.ts";
import type { Batched, Primitive } from "../core/primitive.ts";
import type { Program } from "../core/program.ts";
import type { Tensor } from "../core/tensor.ts";
import { bind, isEvaluating, Tracer } from "../core/trace.ts";
import { broadcastPrefix, firstDifference, unflatten } from "../core/tree.ts";
import type { AnyArgs, AnyFunction } from "../core/tree_types.ts";
import { moveAxis } from "../primitives/structure.ts";
import {
  checkFunction,
  flattenInputs,
  flattenTensors,
  primalOf,
} from "../transforms/flatten_function.ts";
import { callPrimitive } from "./call.ts";
import { checkRule } from "./custom_rule.ts";
import { checkPair, stageBody } from "./stage_body.ts";

/** Parameters of `customVmap`: the program, and the rule. */
interface CustomVmapParams {
  readonly program: Program;
  /** The number of captured values, which are the first arguments. */
  readonly captured: number;
  readonly rule: BatchRule;
}

/** A rule on flat tensors; the batched ones have the batch axis first. */
type BatchRule = (
  size: number,
  isBatched: readonly boolean[],
  values: readonly Tensor[],
) => readonly Batched[];

/** Runs a program that has a batching rule. */
export const customVmapPrimitive: Primitive<CustomVmapParams> = {
  ...callPrimitive as unknown as Primitive<CustomVmapParams>,
  name: "customVmap",
  batch(args, axes, size, { captured, rule }) {
    if (axes.slice(0, captured).some((axis) => axis !== null)) {
      throw argumentError(
        "Cannot map a function with customVmap over a value that it does not get as an argument: " +
          "its batching rule gets arguments only; pass it as an argument",
      );
    }
    const own = axes.slice(captured);
    const values = args.slice(captured).map((arg, i) => {
      const axis = own[i];
      return axis === null || axis === 0 ? arg : moveAxis(arg, axis, 0);
    });
    return rule(size, own.map((axis) => axis !== null), values);
  },
};

/**
 * `f` with a custom batching rule: under `vmap` the rule computes the results of all examples at once,
 * and `f` is not run for each example. Derivatives are those of `f`, or, within `vmap`, those of the
 * rule.
 *
 * @category Custom rules
 * @param f A pure function of trees of tensors.
 * @param batchRule Receives the length of the batch; a list with, for each argument, a tree like it of
 * booleans: whether the leaf is batched; and the arguments, in which batched leaves have the batch axis
 * first. Returns `[out, isBatched]`: the results, and which of them are batched, one boolean for all or
 * a tree prefix of them.
 * @returns A function with the results of `f`.
 * @throws {ArgumentError} when one of the two is not a function; from `vmap`, when `f` uses a mapped
 * value that is not an argument.
 * @throws {TreeError} from `vmap`, when the rule returns a tree that differs from that of `f`.
 *
 * @example A product of all rows at once
 * ```ts
 * import { customVmap, matmul, ones, vmap } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const times: (a: Tensor, x: Tensor) => Tensor = customVmap(
 *   (a: Tensor, x: Tensor) => matmul(a, x),
 *   (_size, [isMatrix], a, x) =>
 *     isMatrix ? [vmap(matmul)(a, x), true] : [matmul(x, a.transpose()), true],
 * );
 * assertTensorsClose(vmap(times, [null, 0])(ones([2, 3]), ones([4, 3])), [[3, 3], [3, 3], [3, 3], [3, 3]]);
 * ```
 */
export function customVmap<Args extends AnyArgs, Out>(
  f: (...args: Args) => Out,
  batchRule: (
    axisSize: number,
    isBatched: AnyArgs,
    ...args: Args
  ) => readonly [NoInfer<Out>, unknown],
): (...args: Args) => Out {
  checkFunction(f, "customVmap");
  checkRule(batchRule, "Cannot apply customVmap", "the rule");
  return (...args) => {
    const what = "Cannot call a function with customVmap";
    const { leaves, structure } = flattenInputs(args, what);
    const inputs = leaves.map(primalOf);
    if (isEvaluating() && !inputs.some((input) => input instanceof Tracer)) return f(...args);
    const body = stageBody("customVmap", f as AnyFunction, structure, inputs);
    const rule: BatchRule = (size, isBatched, values) => {
      const flags = unflatten(structure, isBatched) as unknown[];
      const pair = batchRule(size, flags, ...unflatten(structure, values) as Args);
      const use = "Cannot use what the rule of customVmap returned";
      checkPair(pair, use, "[out, isBatched]");
      const results = flattenTensors(pair[0], use);
      const difference = firstDifference(body.structure, results.structure);
      if (difference !== null) {
        throw treeError(`${use}: it must be like what the function returns; ${difference}`);
      }
      const isFlag = (value: unknown): value is boolean => typeof value === "boolean";
      const batched = broadcastPrefix(pair[1], body.structure, isFlag, use);
      return results.leaves.map((result, i): Batched => {
        const { dtype, shape } = body.types[i];
        const expected = { dtype, shape: batched[i] ? [size, ...shape] : shape };
        if (result.dtype === dtype && sameShape(result.shape, expected.shape)) {
          return [result, batched[i] ? 0 : null];
        }
        throw shapeError(`${use}: expected ${showType(expected)}, got ${showType(result)}`);
      });
    };
    const results = bind(customVmapPrimitive, [...body.captured, ...inputs], {
      program: body.program,
      captured: body.captured.length,
      rule,
    });
    return unflatten(body.structure, results) as Out;
  };
}
