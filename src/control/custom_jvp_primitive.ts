/**
 * The primitive of `customJvp` and `customRoot`: a function with a forward rule.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import type { BatchAxis, Primitive } from "../core/primitive.ts";
import { evaluateProgram, RecordingTrace, Variable } from "../core/program.ts";
import type { Program } from "../core/program.ts";
import { zerosOf } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { bind, currentTrace, runUnder } from "../core/trace.ts";
import { alignBatch } from "../primitives/structure.ts";
import { isOffset } from "../transforms/transpose.ts";
import { batchFlat } from "../transforms/vmap.ts";
import {
  dependentResultsOfHeld,
  evaluateHeld,
  mappedWhereNeeded,
  programOf,
  transposeHeld,
  typesOfHeld,
  zeroResultsOfHeld,
} from "./held.ts";
import type { Held } from "./held.ts";
import { batchProgram } from "./programs.ts";

/** Results and their tangents, `null` for zero. */
export interface Moved {
  /** The function's results. */
  readonly results: readonly Tensor[];
  /** One tangent per result. */
  readonly tangents: readonly (Tensor | null)[];
}

/**
 * From all arguments, captured ones first, and their tangents (`null` for zero) to the results and
 * their tangents.
 */
export type Move = (primals: readonly Tensor[], tangents: readonly (Tensor | null)[]) => Moved;

/** A forward rule on flat tensors. */
export class JvpRule {
  /** The name of the function in messages. */
  readonly transform: string;
  /** Runs it. */
  readonly move: Move;

  /** The rule of this function. */
  constructor(transform: string, move: Move) {
    this.transform = transform;
    this.move = move;
  }

  /** The rule with an additional axis, which is the first axis of results and tangents. */
  batched(axes: readonly BatchAxis[], size: number, axisName: string | undefined): JvpRule {
    return new JvpRule(this.transform, (primals, tangents) => {
      const isGiven = tangents.map((tangent) => tangent !== null);
      let isMoving: boolean[] = [];
      const all = batchFlat(
        (values) => {
          let next = primals.length;
          const moved = this.move(
            values.slice(0, primals.length),
            isGiven.map((given) => given ? values[next++] : null),
          );
          isMoving = moved.tangents.map((tangent) => tangent !== null);
          return [...moved.results, ...moved.tangents.filter((tangent) => tangent !== null)];
        },
        [...primals, ...tangents.filter((tangent) => tangent !== null)],
        [...axes, ...axes.filter((_, i) => isGiven[i])],
        size,
        axisName,
      ).map(([value, axis]) => alignBatch(value, axis, 0, size));
      let next = isMoving.length;
      return {
        results: all.slice(0, isMoving.length),
        tangents: isMoving.map((moving) => moving ? all[next++] : null),
      };
    });
  }

  /** The text in printed programs. */
  toString(): string {
    return "rule";
  }
}

/** Parameters of `customJvp`: the function that runs without derivatives, and the rule. */
export interface CustomJvpParams extends Held {
  /** The rule, on all arguments. */
  readonly rule: JvpRule;
}

/** Runs a function that has a forward rule. */
export const customJvpPrimitive: Primitive<CustomJvpParams> = {
  name: "customJvp",
  isCall: true,
  type: typesOfHeld,
  evaluate: evaluateHeld,
  batch(args, axes, size, params, axisName) {
    const program = programOf(params);
    const all = program.results.map(() => true);
    const results = bind(customJvpPrimitive, args, {
      program: batchProgram(program, axes, size, axisName, all).program,
      captured: params.captured,
      rule: params.rule.batched(axes, size, axisName),
    });
    return mappedWhereNeeded(results, program, axes, size, axisName);
  },
  derivative: {
    kind: "program",
    linearize(primals, isActive, { rule }) {
      // The rule performs its work on primals immediately; its work on tangents is recorded.
      const tape = new RecordingTrace(rule.transform, currentTrace());
      let moved: Moved;
      let linear: Program;
      try {
        const inputs = primals.map((primal, i) => isActive[i] ? tape.newBinder(primal) : null);
        moved = runUnder(tape, () => rule.move(primals, inputs));
        linear = tape.finish(moved.tangents.filter((tangent) => tangent !== null));
        moved.results.forEach((result) => {
          if (!tape.owns(result)) return;
          throw argumentError(
            `Cannot differentiate a function with ${rule.transform}: ` +
              `its rule gives a result of ${showType(result)} that depends on a tangent; ` +
              `return [out, tangent]`,
          );
        });
      } finally {
        tape.alive = false;
      }
      let place = 0;
      const moves = moved.tangents.map((tangent) => {
        if (tangent === null) return false;
        const atom = linear.results[place++];
        if (atom instanceof Variable) return true;
        if (!isOffset(atom)) return false;
        throw argumentError(
          `Cannot differentiate a function with ${rule.transform}: ` +
            `its rule gives a tangent of ${
              showType(tangent)
            } that does not depend on any tangent; ` +
            `return null for zero`,
        );
      });
      return {
        results: moved.results,
        push(tangents) {
          const active = primals.flatMap((primal, i) =>
            isActive[i] ? [tangents[i] ?? zerosOf(primal)] : []
          );
          const pushed = evaluateProgram(linear, active);
          let next = 0;
          return moved.tangents.map((tangent, i) => {
            const value = tangent === null ? null : pushed[next++];
            return moves[i] ? value : null;
          });
        },
      };
    },
    jvp(primals, tangents, { rule }) {
      const moved = rule.move(primals, tangents);
      return moved.results.map((result, i) => [result, moved.tangents[i]]);
    },
    dependentResults: dependentResultsOfHeld,
    zeroResults: zeroResultsOfHeld,
    transpose: transposeHeld,
  },
};
