/**
 * Solutions of linear systems with implicit derivatives.
 *
 * @module
 */
import { checkFlag, readOptions } from "../base/options.ts";
import { evaluateProgram, Program, Variable } from "../core/program.ts";
import { zerosOf } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { bind, isEvaluating, Tracer } from "../core/trace.ts";
import { unflatten } from "../core/tree.ts";
import type { AnyFunction, TensorsOf } from "../core/tree_types.ts";
import { checkFunction, flattenTensors } from "../transforms/flatten_function.ts";
import { checkFloats } from "../transforms/linearize.ts";
import { checkRule } from "./custom_rule.ts";
import { checkKnown, hold, Unstaged } from "./held.ts";
import type { HeldFunction } from "./held.ts";
import { linearSolvePrimitive, transposeMatvec } from "./linear_solve_primitive.ts";
import { Space } from "./space.ts";
import { argumentsOf, stageBody } from "./stage_body.ts";

/**
 * How `customLinearSolve` solves the transposed system.
 *
 * @category Systems of equations
 */
export interface LinearSolveOptions<X> {
  /**
   * Solves the transposed system, for reverse mode: receives the product of the transposed matrix with
   * a vector, and the right-hand side.
   */
  readonly transposeSolve?: (
    vecmat: (x: TensorsOf<X>) => TensorsOf<X>,
    b: TensorsOf<X>,
  ) => TensorsOf<X>;
  /** Whether the matrix is symmetric, so that `solve` also solves the transposed system. Default false. */
  readonly symmetric?: boolean;
}

/** A held function of the same arguments, after `before` captured values and followed by `after`. */
function widen(
  { program, captured }: HeldFunction,
  before: readonly Tensor[],
  after: readonly Tensor[],
): Program | Unstaged {
  if (program instanceof Unstaged) return program.behind(before.length + captured + after.length);
  const unused = (list: readonly Tensor[]) => list.map((value) => new Variable(value));
  const binders = [
    ...unused(before),
    ...program.binders.slice(0, captured),
    ...unused(after),
    ...program.binders.slice(captured),
  ];
  return new Program(binders, program.equations, program.results);
}

/**
 * The solution of a linear system by any method, differentiated implicitly: if `A x = b`, then `A dx =
 * db - dA x`. Derivatives are solutions of linear systems with the same matrix, not derivatives of the
 * steps of `solve`, which may be a loop of unknown length.
 *
 * `matvec` may close over values that are differentiated. `solve` may close over any values, but their
 * use in it has no derivative. If only derivatives trace the call, solvers may branch on values, as
 * plain loops do; under `jit` and `vmap` they need `whileLoop`.
 *
 * @category Systems of equations
 * @param matvec The product of the matrix with a vector: a linear function from a tree like `b` to a
 * tree like `b`. It is traced.
 * @param b The right-hand side: a tree of floating-point tensors.
 * @param solve Receives `matvec` and a right-hand side, returns the solution.
 * @param options `transposeSolve` or `symmetric`, which are required for reverse mode.
 * @returns The solution, like `b`.
 * @throws {TreeError} when a function does not return a tree like `b`.
 * @throws {DtypeError} when `b` is not floating-point.
 * @throws {ArgumentError} from reverse mode, when neither option is given.
 *
 * @example The gradient of a solution with respect to the matrix
 * ```ts
 * import { grad, matmul, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { customLinearSolve } from "@jacobi/jacobi/linalg";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * // Jacobi's iteration, for matrices that are dominated by their diagonal.
 * function solve(product: (x: Tensor) => Tensor, b: Tensor): Tensor {
 *   let x = b.mul(0);
 *   for (let i = 0; i < 30; i++) x = x.add(b.sub(product(x)).div(4));
 *   return x;
 * }
 *
 * const b = tensor([1, 2]);
 * const f = (a: Tensor) =>
 *   customLinearSolve((x: Tensor) => matmul(a, x), b, solve, { symmetric: true }).sum();
 * const a = tensor([[4, 1], [1, 4]]);
 * assertTensorsClose(f(a), 0.6);
 * assertTensorsClose(grad(f)(a), [[-2 / 75, -7 / 75], [-2 / 75, -7 / 75]], { atol: 1e-6 });
 * ```
 */
export function customLinearSolve<X>(
  matvec: (x: TensorsOf<X>) => TensorsOf<X>,
  b: X,
  solve: (matvec: (x: TensorsOf<X>) => TensorsOf<X>, b: TensorsOf<X>) => TensorsOf<X>,
  options?: LinearSolveOptions<X>,
): TensorsOf<X> {
  const what = "Cannot apply customLinearSolve";
  checkFunction(matvec, "customLinearSolve");
  checkRule(solve, what, "solve");
  const { transposeSolve, symmetric = false } = readOptions(what, options, [
    "transposeSolve",
    "symmetric",
  ]);
  if (transposeSolve !== undefined) checkRule(transposeSolve, what, "transposeSolve");
  const isSymmetric = checkFlag(symmetric, what, "symmetric") && transposeSolve === undefined;
  const { leaves, structure } = flattenTensors(b, `${what} to this right-hand side`);
  checkFloats(leaves, structure, `${what} to this right-hand side`);
  const space = new Space(structure, leaves);
  const product = stageBody(
    "customLinearSolve",
    matvec as AnyFunction,
    argumentsOf(structure),
    leaves,
  );
  space.leaves(
    unflatten(product.structure, product.types.map(zerosOf)),
    `${what} to this matvec`,
    "the right-hand side",
  );
  const { program, captured: consts } = product;

  /** A flat solver, given the program of the product. */
  const solver =
    (method: typeof solve, name: string, matrix: () => Program) =>
    (args: readonly Tensor[]): Tensor[] => {
      const [known, right] = [args.slice(0, consts.length), args.slice(consts.length)];
      const multiply = (x: TensorsOf<X>): TensorsOf<X> => {
        const use = "Cannot multiply customLinearSolve's matrix by this vector";
        return space.tree(
          evaluateProgram(matrix(), [...known, ...space.argument(x, use)]),
        ) as TensorsOf<X>;
      };
      const solution = method(multiply, space.tree(right) as TensorsOf<X>);
      const use = `Cannot use what customLinearSolve's ${name} returned`;
      return space.leaves(solution, use, "the right-hand side");
    };
  const run = solver(solve, "solve", () => program);
  const args = [...consts, ...leaves];
  if (isEvaluating() && !args.some((value) => value instanceof Tracer)) {
    return space.tree(run(args)) as TensorsOf<X>;
  }
  const forward = hold("customLinearSolve", run, args);
  checkKnown(forward, args);
  const backward = transposeSolve === undefined ? null : hold(
    "customLinearSolve",
    solver(transposeSolve, "transposeSolve", () => transposeMatvec(program, consts)),
    args,
  );
  const others = backward?.values ?? [];
  const held = widen(forward, [], others);
  const results = bind(linearSolvePrimitive, [...forward.values, ...others, ...args], {
    program: held,
    captured: forward.captured + others.length,
    matrix: consts.length,
    matvec: program,
    transposed: isSymmetric ? held : backward === null ? null : widen(backward, forward.values, []),
  });
  return space.tree(results) as TensorsOf<X>;
}
