/**
 * Functions with user-defined reverse mode.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import { argumentError, treeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { imaginaryLeaves } from "../core/complex.ts";
import { Tensor } from "../core/tensor.ts";
import { bind, currentTrace, WeakScalar } from "../core/trace.ts";
import { flatten, flattenUpTo, leafPaths, showPath, unflatten } from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import { neg } from "../primitives/arithmetic.ts";
import {
  checkFunction,
  conjugated,
  flattenLike,
  primalOf,
} from "../transforms/flatten_function.ts";
import { withSymbolicZeros } from "../transforms/symbolic_zeros.ts";
import { checkRule, readNondiff, ResultShape, RuleArguments } from "./custom_rule.ts";
import type { CustomRuleOptions } from "./custom_rule.ts";
import { customVjpPrimitive, VjpRule } from "./custom_vjp_primitive.ts";
import { hold } from "./held.ts";
import { checkPair } from "./stage_body.ts";
import type { AnyArgs } from "../core/tree_types.ts";

const LEAF: Structure = { kind: "leaf" };

/** The tensors of a tree of residuals, and the function that replaces them. */
function flattenResiduals(tree: unknown): {
  readonly residuals: Tensor[];
  readonly rebuild: (values: readonly Tensor[]) => unknown;
} {
  const { leaves, structure } = flatten(tree);
  return {
    residuals: leaves.flatMap((leaf) => leaf instanceof Tensor ? [primalOf(leaf)] : []),
    rebuild(values) {
      let next = 0;
      const filled = leaves.map((leaf) => {
        if (!(leaf instanceof Tensor)) return leaf;
        const value = values[next++];
        return leaf instanceof WeakScalar ? leaf.within(currentTrace(), value) : value;
      });
      return unflatten(structure, filled);
    },
  };
}

/** The values returned by a backward rule as one cotangent per input, `null` for zero. */
function readCotangents(args: RuleArguments, returned: unknown): (Tensor | null)[] {
  const what = "Cannot use what the backward rule of customVjp returned";
  const count = args.structures.length;
  if (!Array.isArray(returned) || returned.length !== count) {
    const got = Array.isArray(returned) ? `a list of ${returned.length}` : "no list";
    throw treeError(
      `${what}: expected a list of ${count}, one cotangent per argument that takes part, got ${got}`,
    );
  }
  const cotangents: (Tensor | null)[] = [];
  let next = 0;
  args.structures.forEach((structure, place) => {
    const isImaginary = imaginaryLeaves(structure);
    const paths = leafPaths(structure);
    const use = `${what} at ${showPath([place])}`;
    flattenUpTo(structure, returned[place], use, true).forEach((cotangent, i) => {
      const leaf = args.leaves[next++];
      if (!(leaf instanceof Tensor)) return;
      const path = [place, ...paths[i]];
      if (cotangent !== null && !isFloat(leaf.dtype)) {
        throw argumentError(
          `${what}: ${showType(leaf)} at ${showPath(path)} has no cotangent; return null`,
        );
      }
      const [value] = flattenLike(LEAF, [leaf], cotangent, what, path);
      cotangents.push(value !== null && isImaginary?.[i] ? neg(value) : value);
    });
  });
  return cotangents;
}

/**
 * `f` with a custom reverse rule: for gradients that are more stable, cheaper, or deliberately
 * different from the true ones. `grad` and `vjp` run `forward` in place of `f`, and `backward` in place
 * of its transposed derivative. Both are ordinary functions, so derivatives of any order, `vmap` and
 * `jit` are supported.
 *
 * If `backward` is linear in the cotangent, forward mode (`jvp`) works too, by transposing it. Values
 * that `f` closes over are constants: differentiating with respect to one is an error. Rules may run
 * later than `f`, and in another context: traced values must be passed to them as arguments and
 * residuals.
 *
 * @category Custom rules
 * @param f A pure function of trees of tensors.
 * @param forward Receives the arguments of `f`; returns `[out, residuals]`, the output of `f` and a
 * tree of any values that `backward` needs.
 * @param backward Receives the residuals and the cotangent of the output, a tree like it (zeros where
 * nothing depends on it, which cost no computation; `null` at integer and bool leaves); returns a list
 * with one cotangent tree per argument, each leaf of its argument's shape and dtype. `null` means zero,
 * also for a whole subtree, and is the only cotangent of an integer or bool leaf.
 * @returns A function with the results of `f`.
 * @throws {TreeError}, {ShapeError} or {DtypeError} when a rule returns something else.
 * @throws {ArgumentError} from forward mode, when `backward` is not linear in the cotangent.
 *
 * @example Clipping the gradient in the backward pass
 * ```ts
 * import { clip, customVjp, grad, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const clipped = customVjp(
 *   (x: Tensor) => x,
 *   (x: Tensor) => [x, null],
 *   (_residuals, cotangent: Tensor) => [clip(cotangent, -1, 1)],
 * );
 * const g = grad((x: Tensor) => clipped(x).square().sum());
 * assertTensorsClose(g(tensor([0.25, 3, -2])), [0.5, 1, -1]);
 * ```
 */
export function customVjp<Args extends AnyArgs, Out, Residuals>(
  f: (...args: Args) => Out,
  forward: (...args: Args) => readonly [NoInfer<Out>, Residuals],
  backward: (residuals: Residuals, cotangent: NoInfer<Out>) => readonly unknown[],
): (...args: Args) => Out;
/**
 * `f` with a custom reverse rule, and arguments that are not differentiated.
 *
 * @param f A pure function of trees of tensors, and of any values at `nondiffArgnums`.
 * @param forward Receives the arguments of `f`; returns `[out, residuals]`.
 * @param backward Receives the arguments at `nondiffArgnums`, then the residuals and the cotangent of
 * the output; returns a list with one cotangent tree for each of the other arguments.
 * @param options `nondiffArgnums`: the positions of the arguments that are not differentiated, which
 * may be any values.
 * @returns A function with the results of `f`.
 * @throws {ArgumentError} when `nondiffArgnums` are not positions.
 *
 * @example A function among the arguments
 * ```ts
 * import { customVjp, grad, sin } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * type Map = (x: Tensor) => Tensor;
 * const straightThrough = customVjp(
 *   (f: Map, x: Tensor) => f(x),
 *   (f: Map, x: Tensor): [Tensor, null] => [f(x), null],
 *   (_f, _residuals, cotangent) => [cotangent],
 *   { nondiffArgnums: 0 },
 * );
 * assertTensorsClose(grad((x: Tensor) => straightThrough(sin, x))(2), 1);
 * ```
 */
export function customVjp<Args extends AnyArgs, Out, Residuals>(
  f: (...args: Args) => Out,
  forward: (...args: Args) => readonly [NoInfer<Out>, Residuals],
  backward: (...args: AnyArgs) => readonly unknown[],
  options: CustomRuleOptions | undefined,
): (...args: Args) => Out;
export function customVjp(
  f: (...args: unknown[]) => unknown,
  forward: (...args: unknown[]) => readonly [unknown, unknown],
  backward: (...args: unknown[]) => readonly unknown[],
  options?: CustomRuleOptions,
): (...args: unknown[]) => unknown {
  const what = "Cannot apply customVjp";
  checkFunction(f, "customVjp");
  checkRule(forward, what, "forward");
  checkRule(backward, what, "backward");
  const positions = readNondiff(what, options);
  return (...args) => {
    const own = new RuleArguments(args, positions, "Cannot call a function with customVjp");
    if (own.isPlain) return f(...args);
    const shape = new ResultShape();
    const rule = new VjpRule((values) => {
      const pair = forward(...own.args(values));
      const use = "Cannot use what the forward rule of customVjp returned";
      checkPair(pair, use, "[out, residuals]");
      const results = shape.read(pair[0], `${use} as the output`, "the function's own");
      const { residuals, rebuild } = flattenResiduals(pair[1]);
      return {
        results,
        residuals,
        pull: (kept, cotangents) =>
          withSymbolicZeros("customVjp", shape.types, cotangents, (filled) => {
            const given = unflatten(shape.structure, conjugated(shape.structure, filled));
            return readCotangents(own, backward(...own.nondiff, rebuild(kept), given));
          }),
      };
    });
    const inputs = own.inputs;
    const { program, captured, values } = hold(
      "customVjp",
      (tensors) =>
        shape.read(f(...own.args(tensors)), "Cannot return this value from customVjp", "before"),
      inputs,
    );
    const results = bind(customVjpPrimitive, [...values, ...inputs], { program, captured, rule });
    return unflatten(shape.structure, results);
  };
}
