/**
 * The primitive that runs a program as one operation. It is differentiated, batched and transposed by
 * transforming its program, once for each program.
 *
 * @module
 */
import { runProgram } from "../backends/run.ts";
import { isInspecting } from "../core/origin.ts";
import type { Primitive } from "../core/primitive.ts";
import { dependentResultsOf, evaluateProgram, typeOf, zeroResultsOf } from "../core/program.ts";
import type { Program } from "../core/program.ts";
import { zerosOf } from "../core/tensor.ts";
import type { Concrete, Tensor } from "../core/tensor.ts";
import { bind, runEvaluated } from "../core/trace.ts";
import { batchProgram, linearizeProgram, placed, pullThrough } from "./programs.ts";

/** Parameters of `call`. */
export interface CallParams {
  /** The program, without captured tracers. */
  readonly program: Program;
}

/** Runs the program of its parameters. */
export const callPrimitive: Primitive<CallParams> = {
  name: "call",
  isTotal: true,
  isCall: true,
  type: (_args, { program }) => program.results.map(typeOf),
  evaluate: (args, { program }) =>
    isInspecting()
      ? runEvaluated(() => evaluateProgram(program, args)) as Concrete[]
      : runProgram(program, args),
  batch(args, axes, size, { program }, axisName) {
    const batched = batchProgram(program, axes, size, axisName);
    const results = bind(callPrimitive, args, { program: batched.program });
    return results.map((result, i) => [result, batched.axes[i]] as const);
  },
  derivative: {
    kind: "program",
    linearize(primals, isActive, { program }) {
      const { forward, linear, moves } = linearizeProgram(program, isActive);
      const all = bind(callPrimitive, primals, { program: forward });
      const count = program.results.length;
      const residuals = all.slice(count);
      return {
        results: all.slice(0, count),
        push(tangents) {
          if (!moves.includes(true)) return moves.map(() => null);
          const active = primals.flatMap((primal, i) =>
            isActive[i] ? [tangents[i] ?? zerosOf(primal)] : []
          );
          const pushed = bind(callPrimitive, [...residuals, ...active], { program: linear });
          return placed(moves, pushed);
        },
      };
    },
    dependentResults: (isGiven, { program }) => dependentResultsOf(program, isGiven),
    zeroResults: (isZero, { program }) => zeroResultsOf(program, isZero),
    transpose: (cotangents, args, { program }, isLinear, totals) =>
      pullThrough(
        [program],
        cotangents,
        args,
        isLinear,
        totals,
        ([transposed], values) => bind(callPrimitive, values, { program: transposed }),
      ),
  },
};

/** Runs a program as one operation. */
export function call(program: Program, args: readonly Tensor[]): readonly Tensor[] {
  return bind(callPrimitive, args, { program });
}
