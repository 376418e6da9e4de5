/**
 * The primitive of `customLinearSolve`: the solution of a linear system by any method. Its derivatives
 * are solutions of linear systems too.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import type { Primitive } from "../core/primitive.ts";
import { evaluateProgram } from "../core/program.ts";
import type { Program } from "../core/program.ts";
import { Tensor, zerosOf } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import { bind } from "../core/trace.ts";
import { neg, sub } from "../primitives/arithmetic.ts";
import { alignBatch } from "../primitives/structure.ts";
import { linearizeFlat, pushLinear } from "../transforms/linearize.ts";
import { isOffset } from "../transforms/transpose.ts";
import { evaluateHeld, mappedInFront, programOf, Unstaged } from "./held.ts";
import type { Held } from "./held.ts";
import { batchProgram, knowingZeros, transposeOpen } from "./programs.ts";

/**
 * Parameters of `linearSolve`. Its arguments are values captured by the solvers, values of which the
 * matrix is a function, and the right-hand side.
 */
export interface LinearSolveParams extends Held {
  /** The number of arguments, after the captured ones, of which the matrix is a function. */
  readonly matrix: number;
  /** The product of the matrix with a vector, from the arguments of the matrix and the vector. */
  readonly matvec: Program;
  /** Solves the transposed system, on arguments of the same roles; `null` if no solver was given. */
  readonly transposed: Program | Unstaged | null;
}

/** The product of the transposed matrix, a function of `known`, with a vector. */
export function transposeMatvec(matvec: Program, known: readonly Tensor[]): Program {
  const isLinear = matvec.binders.map((_, i) => i >= known.length);
  const all = matvec.results.map(() => true);
  const vector = matvec.binders.slice(known.length).map(({ type }) => type);
  return knowingZeros(
    [...known, ...vector],
    isLinear,
    (isZero) => transposeOpen(matvec, isLinear, all, { isForced: all, isZero }).program,
  );
}

/** Solves a linear system. */
export const linearSolvePrimitive: Primitive<LinearSolveParams> = {
  name: "linearSolve",
  isCall: true,
  type: (args, { captured, matrix }) =>
    args.slice(captured + matrix).map(({ dtype, shape }) => ({ dtype, shape })),
  evaluate: evaluateHeld,
  batch(args, axes, size, params, axisName) {
    const { captured, matrix, matvec, transposed } = params;
    const start = captured + matrix;
    const solver = programOf(params);
    if (transposed instanceof Unstaged) throw transposed.failure;
    // Derivatives use solutions for right-hand sides: both are mapped along the first axis.
    const solverAxes = axes.map((axis, i) => i < start ? axis : 0);
    const all = solver.results.map(() => true);
    const batched = (program: Program) =>
      batchProgram(program, solverAxes, size, axisName, all).program;
    const results = bind(
      linearSolvePrimitive,
      args.map((arg, i) => i < start ? arg : alignBatch(arg, axes[i], 0, size)),
      {
        captured,
        matrix,
        matvec: batchProgram(matvec, solverAxes.slice(captured), size, axisName, all).program,
        program: batched(solver),
        transposed: transposed === null
          ? null
          : transposed === solver
          ? batched(solver)
          : batched(transposed),
      },
    );
    return mappedInFront(results);
  },
  derivative: {
    kind: "program",
    // A x = b: A dx = db - dA x. The captured values of solvers have no derivative.
    linearize(primals, isActive, params) {
      const { captured, matrix, matvec } = params;
      const start = captured + matrix;
      const solution = bind(linearSolvePrimitive, primals, params);
      const known = primals.slice(0, start);
      const own = primals.slice(captured, start);
      const active = isActive.slice(captured, start);
      const product = active.includes(true)
        ? linearizeFlat("customLinearSolve", own.filter((_, i) => active[i]), (inputs) => {
          let next = 0;
          const filled = own.map((value, i) => active[i] ? inputs[next++] : value);
          return evaluateProgram(matvec, [...filled, ...solution]);
        }).program
        : null;
      const moves = product !== null || isActive.slice(start).includes(true);
      return {
        results: solution,
        push(tangents) {
          if (!moves) return solution.map(() => null);
          const moving = own.flatMap((value, i) =>
            active[i] ? [tangents[captured + i] ?? zerosOf(value)] : []
          );
          const products = product === null ? [] : pushLinear(product, moving);
          const right = solution.map((value, i) => {
            const [tangent, shift] = [tangents[start + i], products[i] ?? null];
            if (shift === null) return tangent ?? zerosOf(value);
            return tangent === null ? neg(shift) : sub(tangent, shift);
          });
          return bind(linearSolvePrimitive, [...known, ...right], params);
        },
      };
    },
    dependentResults: (_isGiven, { matvec }) => matvec.results.map(() => true),
    zeroResults(isZero, { captured, matrix }) {
      const right = isZero.slice(captured + matrix);
      return right.map(() => right.every(Boolean));
    },
    transpose(cotangents, args, params, isLinear) {
      const { captured, matrix, matvec, program, transposed } = params;
      const start = captured + matrix;
      const shifts = (arg: Type, i: number) =>
        i >= start && !isLinear[i] && arg instanceof Tensor && isOffset(arg);
      if (isLinear.indexOf(true) < start || args.some(shifts)) {
        throw argumentError(
          `Cannot transpose a linear solve by ${args.map(showType).join(" and ")}: ` +
            `the function is not linear in its arguments`,
        );
      }
      if (transposed === null) {
        throw argumentError(
          "Cannot differentiate customLinearSolve in reverse mode without a way to solve the " +
            "transposed system: pass transposeSolve, or symmetric: true where the matrix is",
        );
      }
      const isSymmetric = transposed === program;
      const pulled = bind(
        linearSolvePrimitive,
        [
          ...args.slice(0, start) as Tensor[],
          ...cotangents.map((cotangent, i) => cotangent ?? zerosOf(args[start + i])),
        ],
        {
          captured,
          matrix,
          matvec: isSymmetric
            ? matvec
            : transposeMatvec(matvec, args.slice(captured, start) as Tensor[]),
          program: transposed,
          transposed: program,
        },
      );
      return args.map((_, i) => isLinear[i] ? pulled[i - start] : null);
    },
  },
};
