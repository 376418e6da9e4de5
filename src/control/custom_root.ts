/**
 * Roots, differentiated by the implicit function theorem.
 *
 * @module
 */
import { toTensorOf } from "../core/convert.ts";
import { evaluateProgram } from "../core/program.ts";
import { zerosOf } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bind, isEvaluating, Tracer, WeakScalar } from "../core/trace.ts";
import { unflatten } from "../core/tree.ts";
import type { AnyFunction, TensorsOf } from "../core/tree_types.ts";
import { neg } from "../primitives/arithmetic.ts";
import { checkFunction, flattenInputs } from "../transforms/flatten_function.ts";
import type { FlatTree } from "../transforms/flatten_function.ts";
import { checkFloats, linearizeFlat, pushLinear } from "../transforms/linearize.ts";
import { withSymbolicZeros } from "../transforms/symbolic_zeros.ts";
import { customJvpPrimitive, JvpRule } from "./custom_jvp_primitive.ts";
import type { Moved } from "./custom_jvp_primitive.ts";
import { checkRule } from "./custom_rule.ts";
import { checkKnown, hold } from "./held.ts";
import { Space } from "./space.ts";
import { argumentsOf, stageBody } from "./stage_body.ts";
import type { Body } from "./stage_body.ts";

/** Traces `f` at a guess; a number in it takes the dtype of its position in the result. */
function stageResidual(f: AnyFunction, { leaves, structure }: FlatTree): Body {
  const staged = stageBody("customRoot", f, argumentsOf(structure), leaves);
  const isWider = (leaf: Tensor, i: number) =>
    leaf instanceof WeakScalar && staged.types[i]?.dtype === "float64";
  if (!leaves.some(isWider)) return staged;
  const types = leaves.map((leaf, i): Type =>
    isWider(leaf, i) ? { dtype: "float64", shape: [] } : leaf
  );
  return stageBody("customRoot", f, argumentsOf(structure), types);
}

/**
 * A root of a function, differentiated by the implicit function theorem: `f(x) = 0` remains true when
 * the values that `f` closes over change, so that `dx = -(df/dx)^-1 df`. Derivatives need only the
 * root, not the steps that led to it: `solve` may use any method, including a loop of unknown length.
 *
 * `f` may close over values that are differentiated; the guess has derivative zero. If only derivatives
 * trace the call, `solve` may branch on values, as plain loops do; under `jit` and `vmap` it needs
 * `whileLoop`.
 *
 * @category Systems of equations
 * @param f The function whose root is wanted: from a tree of floating-point tensors to one like it.
 * It is traced.
 * @param initialGuess A tree, the starting point. A number becomes float32, or float64 if `f` converts
 * it to that.
 * @param solve Receives `f` and the guess, returns the root.
 * @param tangentSolve Receives a linear function `g` (`f`, linearised at the root) and a tree `y`,
 * returns the solution `x` of `g(x) = y`: `y.div(g(1))` for scalars; otherwise a direct solver on the
 * Jacobian of `g`, or `customLinearSolve`. Reverse mode transposes it.
 * @returns The root, like the guess.
 * @throws {TreeError} when a function does not return a tree like the guess.
 * @throws {DtypeError} when the guess is not floating-point.
 *
 * @example The derivative of a root, found by Newton's method
 * ```ts
 * import { grad, tensor, whileLoop } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { customRoot } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * type Scalar = (x: Tensor) => Tensor;
 * const newton = (f: Scalar, guess: Tensor) =>
 *   whileLoop((x) => f(x).abs().greater(1e-5), (x) => x.sub(f(x).div(grad(f)(x))), guess);
 *
 * const cubeRoot = (a: Tensor) =>
 *   customRoot((x: Tensor) => x.pow(3).sub(a), tensor(1), newton, (g, y) => y.div(g(tensor(1))));
 *
 * assertTensorsClose(cubeRoot(tensor(8)), 2);
 * assertTensorsClose(grad(cubeRoot)(tensor(8)), 1 / 12);
 * ```
 */
export function customRoot<X>(
  f: (x: TensorsOf<X>) => TensorsOf<X>,
  initialGuess: X,
  solve: (f: (x: TensorsOf<X>) => TensorsOf<X>, initialGuess: TensorsOf<X>) => TensorsOf<X>,
  tangentSolve: (g: (x: TensorsOf<X>) => TensorsOf<X>, y: TensorsOf<X>) => TensorsOf<X>,
): TensorsOf<X> {
  const what = "Cannot apply customRoot";
  checkFunction(f, "customRoot");
  checkRule(solve, what, "solve");
  checkRule(tangentSolve, what, "tangentSolve");
  const guess = flattenInputs(initialGuess, `${what} from this guess`);
  checkFloats(guess.leaves, guess.structure, `${what} from this guess`);
  const { program, captured: consts, structure, types } = stageResidual(f as AnyFunction, guess);
  const space = new Space(
    guess.structure,
    guess.leaves.map((leaf, i) =>
      leaf instanceof WeakScalar
        ? { dtype: types[i]?.dtype === "float64" ? "float64" : leaf.dtype, shape: [] }
        : leaf
    ),
  );
  space.leaves(unflatten(structure, types.map(zerosOf)), `${what} to this function`, "the guess");
  const start = guess.leaves.map((leaf, i) =>
    leaf instanceof WeakScalar ? toTensorOf(leaf, space.types[i].dtype, what) : leaf
  );

  /** The function, given the values that it closes over. */
  const residual = (known: readonly Tensor[]) => (x: TensorsOf<X>): TensorsOf<X> => {
    const leaves = space.argument(x, "Cannot call customRoot's function with this argument");
    return space.tree(evaluateProgram(program, [...known, ...leaves])) as TensorsOf<X>;
  };
  const run = (args: readonly Tensor[]): Tensor[] => {
    const [known, from] = [args.slice(0, consts.length), args.slice(consts.length)];
    const root = solve(residual(known), space.tree(from) as TensorsOf<X>);
    return space.leaves(root, "Cannot use what customRoot's solve returned", "the guess");
  };
  if (isEvaluating() && ![...consts, ...start].some((value) => value instanceof Tracer)) {
    return space.tree(run(start)) as TensorsOf<X>;
  }
  const held = hold("customRoot", run, [...consts, ...start]);
  checkKnown(held, [...consts, ...start]);
  const first = held.captured + consts.length;
  const rule: JvpRule = new JvpRule("customRoot", (primals, tangents): Moved => {
    const params = { program: held.program, captured: held.captured, rule };
    const root = bind(customJvpPrimitive, primals, params);
    const known = primals.slice(held.captured, first);
    const moving = tangents.slice(held.captured, first);
    if (moving.every((tangent) => tangent === null)) {
      return { results: root, tangents: root.map(() => null) };
    }
    const change = linearizeFlat(
      "customRoot",
      known.filter((_, i) => moving[i] !== null),
      (inputs) => {
        let next = 0;
        const filled = known.map((value, i) => moving[i] === null ? value : inputs[next++]);
        return evaluateProgram(program, [...filled, ...root]);
      },
    ).program;
    const slope = linearizeFlat("customRoot", root, (x) =>
      evaluateProgram(program, [...known, ...x])).program;
    const g = (x: TensorsOf<X>): TensorsOf<X> => {
      const leaves = space.argument(x, "Cannot call customRoot's linearised function like this");
      return space.tree(evaluateProgram(slope, leaves)) as TensorsOf<X>;
    };
    const y = pushLinear(change, moving.filter((tangent) => tangent !== null));
    const x = withSymbolicZeros("customRoot", space.types, y, (filled) => {
      const solution = tangentSolve(g, unflatten(space.structure, filled) as TensorsOf<X>);
      const use = "Cannot use what customRoot's tangentSolve returned";
      return space.leaves(solution, use, "the guess");
    });
    return { results: root, tangents: x.map((one) => one === null ? null : neg(one)) };
  });
  const results = bind(customJvpPrimitive, [...held.values, ...consts, ...start], {
    program: held.program,
    captured: held.captured,
    rule,
  });
  return space.tree(results) as TensorsOf<X>;
}
