/**
 * Functions with user-defined forward mode.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { zerosOf } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { bind } from "../core/trace.ts";
import { leafPaths, showPath, unflatten } from "../core/tree.ts";
import { checkFunction, flattenLike } from "../transforms/flatten_function.ts";
import { withSymbolicZeros } from "../transforms/symbolic_zeros.ts";
import { customJvpPrimitive, JvpRule } from "./custom_jvp_primitive.ts";
import { checkRule, readNondiff, ResultShape, RuleArguments } from "./custom_rule.ts";
import type { CustomRuleOptions } from "./custom_rule.ts";
import { checkCaptured, hold } from "./held.ts";
import { checkPair } from "./stage_body.ts";
import type { AnyArgs } from "../core/tree_types.ts";

/** The tangents that a rule returned, `null` for zero. */
function readTangents(
  shape: ResultShape,
  results: readonly Tensor[],
  returned: unknown,
): (Tensor | null)[] {
  const what = "Cannot use what the rule of customJvp returned as the tangent";
  return flattenLike(shape.structure, results, returned, what).map((tangent, i) => {
    if (tangent === null || isFloat(results[i].dtype)) return tangent;
    const place = showPath(leafPaths(shape.structure)[i]);
    throw argumentError(
      `${what}: ${showType(results[i])} at ${place} has no tangent; return null`,
    );
  });
}

/**
 * `f` with a custom forward rule. Reverse mode transposes the rule, so that one rule serves `jvp` and
 * `grad`. Rules are ordinary functions, so derivatives of any order, `vmap` and `jit` are supported.
 *
 * Values that `f` closes over are constants: differentiating with respect to one is an error. The rule
 * may run later than `f`, and in another context: traced values must be passed to it as arguments.
 *
 * @category Custom rules
 * @param f A pure function of trees of tensors.
 * @param rule Receives the list of the arguments of `f` and the list of their tangents, trees like them
 * (zeros where an argument has no tangent, which cost no computation; `null` at integer and bool
 * leaves); returns `[out, tangent]`, the output of `f` and its tangent, a tree like it. The tangent
 * must be linear in the tangents. `null` means zero, also for a whole subtree, and is the only tangent
 * of an integer or bool leaf.
 * @returns A function with the results of `f`.
 * @throws {TreeError}, {ShapeError} or {DtypeError} when the rule returns something else.
 * @throws {ArgumentError} from reverse mode, when the tangent is not linear in the tangents.
 *
 * @example log(1 + exp(x)) without overflow in its derivative
 * ```ts
 * import { customJvp, exp, grad, log1p, reciprocal, sub } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const log1pexp: (x: Tensor) => Tensor = customJvp(
 *   (x: Tensor) => log1p(exp(x)),
 *   ([x], [dx]) => [log1pexp(x), sub(1, reciprocal(exp(x).add(1))).mul(dx)],
 * );
 * assertTensorsClose(grad(log1pexp)(100), 1);
 * ```
 */
export function customJvp<Args extends AnyArgs, Out>(
  f: (...args: Args) => Out,
  rule: (primals: Args, tangents: Args) => readonly [NoInfer<Out>, unknown],
): (...args: Args) => Out;
/**
 * `f` with a custom forward rule, and arguments that are not differentiated.
 *
 * @param f A pure function of trees of tensors, and of any values at `nondiffArgnums`.
 * @param rule Receives the arguments at `nondiffArgnums`, then the list of the other arguments and the
 * list of their tangents; returns `[out, tangent]`.
 * @param options `nondiffArgnums`: the positions of the arguments that are not differentiated, which
 * may be any values.
 * @returns A function with the results of `f`.
 * @throws {ArgumentError} when `nondiffArgnums` are not positions.
 *
 * @example An exponent that is not differentiated
 * ```ts
 * import { customJvp, grad, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const power = customJvp(
 *   (x: Tensor, n: number) => x.pow(n),
 *   (n, [x], [dx]) => [x.pow(n), x.pow(n - 1).mul(n).mul(dx)],
 *   { nondiffArgnums: 1 },
 * );
 * assertTensorsClose(grad((x: Tensor) => power(x, 3))(tensor(2)), 12);
 * ```
 */
export function customJvp<Args extends AnyArgs, Out>(
  f: (...args: Args) => Out,
  rule: (...args: AnyArgs) => readonly [NoInfer<Out>, unknown],
  options: CustomRuleOptions | undefined,
): (...args: Args) => Out;
export function customJvp(
  f: (...args: unknown[]) => unknown,
  rule: (...args: AnyArgs) => readonly [unknown, unknown],
  options?: CustomRuleOptions,
): (...args: unknown[]) => unknown {
  const what = "Cannot apply customJvp";
  checkFunction(f, "customJvp");
  checkRule(rule, what, "the rule");
  const positions = readNondiff(what, options);
  return (...args) => {
    const own = new RuleArguments(args, positions, "Cannot call a function with customJvp");
    if (own.isPlain) return f(...args);
    const shape = new ResultShape();
    const inputs = own.inputs;
    const { program, captured, values } = hold(
      "customJvp",
      (tensors) =>
        shape.read(f(...own.args(tensors)), "Cannot return this value from customJvp", "before"),
      inputs,
    );
    const move = new JvpRule("customJvp", (primals, tangents) => {
      checkCaptured("customJvp", primals, tangents.map((one) => one !== null), captured);
      const given = tangents.slice(captured);
      const all = withSymbolicZeros("customJvp", inputs, given, (filled) => {
        const pair = rule(
          ...own.nondiff,
          own.fill(primals.slice(captured)),
          own.fill(filled, own.leaves.map((leaf) => typeof leaf === "number" ? 0 : null)),
        );
        const use = "Cannot use what the rule of customJvp returned";
        checkPair(pair, use, "[out, tangent]");
        const results = shape.read(pair[0], `${use} as the output`, "the function's own");
        return [...results, ...readTangents(shape, results, pair[1])];
      });
      return {
        results: shape.types.map((type, i) => all[i] ?? zerosOf(type)),
        tangents: all.slice(shape.types.length),
      };
    });
    const results = bind(customJvpPrimitive, [...values, ...inputs], {
      program,
      captured,
      rule: move,
    });
    return unflatten(shape.structure, results);
  };
}
