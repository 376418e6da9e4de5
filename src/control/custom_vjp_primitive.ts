/**
 * The primitives of `customVjp`: a function with a reverse rule, and the linear map whose transpose the
 * rule defines.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import { ArgumentError, argumentError } from "../base/errors.ts";
import { insertAt, showType } from "../base/shape.ts";
import type { BatchAxis, Primitive, ProgramDerivative } from "../core/primitive.ts";
import { RecordingTrace, Variable } from "../core/program.ts";
import type { Program } from "../core/program.ts";
import { Tensor, zerosOf } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import { bind, currentTrace, runUnder } from "../core/trace.ts";
import { scale } from "../primitives/arithmetic.ts";
import { alignBatch, reduceSum } from "../primitives/structure.ts";
import { isOffset, transposeProgram } from "../transforms/transpose.ts";
import { batchFlat } from "../transforms/vmap.ts";
import { callPrimitive } from "./call.ts";
import type { CallParams } from "./call.ts";
import {
  checkCaptured,
  dependentResultsOfHeld,
  evaluateHeld,
  mappedInFront,
  mappedWhereNeeded,
  programOf,
  transposeHeld,
  typesOfHeld,
  zeroResultsOfHeld,
} from "./held.ts";
import type { Held } from "./held.ts";
import { batchProgram, placed, record } from "./programs.ts";

/**
 * From residuals and the cotangents of results to those of arguments: one entry each, `null` for zero.
 */
export type Pull = (
  residuals: readonly Tensor[],
  cotangents: readonly (Tensor | null)[],
) => readonly (Tensor | null)[];

/** The results of a forward rule. */
export interface Forwarded {
  /** The function's results. */
  readonly results: readonly Tensor[];
  /** The residuals for the backward rule. */
  readonly residuals: readonly Tensor[];
  /** The backward rule. */
  readonly pull: Pull;
}

/** A backward rule with an additional axis, which is the first axis of the cotangents of results. */
function batchPull(
  pull: Pull,
  residualAxes: readonly BatchAxis[],
  inputAxes: readonly BatchAxis[],
  size: number,
  axisName: string | undefined,
): Pull {
  return (residuals, cotangents) => {
    const isGiven = cotangents.map((cotangent) => cotangent !== null);
    const given = cotangents.filter((cotangent) => cotangent !== null);
    let isThere: boolean[] = [];
    const pulled = batchFlat(
      (values) => {
        const [own, moving] = [values.slice(0, residuals.length), values.slice(residuals.length)];
        let next = 0;
        const all = pull(own, isGiven.map((isOne) => isOne ? moving[next++] : null));
        isThere = all.map((cotangent) => cotangent !== null);
        return all.filter((cotangent) => cotangent !== null);
      },
      [...residuals, ...given],
      [...residualAxes, ...given.map(() => 0)],
      size,
      axisName,
    );
    let next = 0;
    return isThere.map((there, i) => {
      if (!there) return null;
      const [value, axis] = pulled[next++];
      const target = inputAxes[i];
      if (target !== null) return alignBatch(value, axis, target, size);
      // An argument that all examples share gets the sum of their cotangents.
      return axis === null ? scale(value, size) : reduceSum(value, [axis]);
    });
  };
}

/** A forward rule, on flat tensors, that returns its backward rule along with the residuals. */
export class VjpRule {
  /** Runs it. */
  readonly forward: (args: readonly Tensor[]) => Forwarded;

  /** The rule of this function. */
  constructor(forward: (args: readonly Tensor[]) => Forwarded) {
    this.forward = forward;
  }

  /** The rule with an additional axis, which is the first axis of results. */
  batched(axes: readonly BatchAxis[], size: number, axisName: string | undefined): VjpRule {
    return new VjpRule((args) => {
      let count = 0;
      let pull: Pull | undefined;
      const all = batchFlat(
        (examples) => {
          const forwarded = this.forward(examples);
          count = forwarded.results.length;
          pull = forwarded.pull;
          return [...forwarded.results, ...forwarded.residuals];
        },
        args,
        axes,
        size,
        axisName,
      );
      const kept = all.slice(count);
      return {
        results: all.slice(0, count).map(([value, axis]) => alignBatch(value, axis, 0, size)),
        residuals: kept.map(([value]) => value),
        pull: batchPull(pull!, kept.map(([, axis]) => axis), axes, size, axisName),
      };
    });
  }

  /** The text in printed programs. */
  toString(): string {
    return "forward";
  }
}

/** Parameters of `customVjp`: the function that runs without derivatives, and the rule. */
export interface CustomVjpParams extends Held {
  /** The rule, on the arguments after the captured ones. */
  readonly rule: VjpRule;
}

/** The forward rule's results, and the map of tangents whose transpose is its backward rule. */
function linearize(
  primals: readonly Tensor[],
  isActive: readonly boolean[],
  { captured, rule }: CustomVjpParams,
) {
  checkCaptured("customVjp", primals, isActive, captured);
  const args = primals.slice(captured);
  const active = isActive.slice(captured);
  const { results, residuals, pull } = rule.forward(args);
  const moves = results.map(({ dtype }) => isFloat(dtype));
  const pushforward = new Pushforward(
    residuals,
    args.filter((_, i) => active[i]),
    results.filter((_, i) => moves[i]),
    (kept, cotangents) => {
      let next = 0;
      const pulled = pull(kept, moves.map((moving) => moving ? cotangents[next++] : null));
      return pulled.filter((_, i) => active[i]);
    },
  );
  /** The operands of the map, and its results in their positions. */
  const operands = (tangents: readonly (Tensor | null)[]) => [
    ...residuals,
    ...args.flatMap((arg, i) => active[i] ? [tangents[captured + i] ?? zerosOf(arg)] : []),
  ];
  const place = (pushed: readonly Tensor[]) => placed(moves, pushed);
  return { results, moves: moves.includes(true), pushforward, operands, place };
}

/** Runs a function that has a reverse rule. */
export const customVjpPrimitive: Primitive<CustomVjpParams> = {
  name: "customVjp",
  isCall: true,
  type: typesOfHeld,
  evaluate: evaluateHeld,
  batch(args, axes, size, params, axisName) {
    const program = programOf(params);
    const all = program.results.map(() => true);
    const results = bind(customVjpPrimitive, args, {
      program: batchProgram(program, axes, size, axisName, all).program,
      captured: params.captured,
      rule: params.rule.batched(axes.slice(params.captured), size, axisName),
    });
    return mappedWhereNeeded(results, program, axes, size, axisName);
  },
  derivative: {
    kind: "program",
    linearize(primals, isActive, params) {
      const { results, moves, pushforward, operands, place } = linearize(primals, isActive, params);
      return {
        results,
        push: (tangents) =>
          place(moves ? bind(pushforwardPrimitive, operands(tangents), pushforward) : []),
      };
    },
    jvp(primals, tangents, params) {
      const isActive = tangents.map((tangent) => tangent !== null);
      const { results, moves, pushforward, operands, place } = linearize(primals, isActive, params);
      const out = place(moves ? pushforward.push(operands(tangents)) : []);
      return results.map((result, i) => [result, out[i]]);
    },
    dependentResults: dependentResultsOfHeld,
    zeroResults: zeroResultsOfHeld,
    transpose: transposeHeld,
  },
};

/** Parameters of the map of tangents: its types, and its transpose. */
class Pushforward {
  /** The types of the residuals, which are its first arguments. */
  readonly residuals: readonly Type[];
  /** The types of its argument tangents. */
  readonly inputs: readonly Type[];
  /** The types of its result tangents. */
  readonly outputs: readonly Type[];
  readonly #pull: Pull;
  #program: Program | undefined;

  /** The map whose transpose is `pull`. */
  constructor(
    residuals: readonly Type[],
    inputs: readonly Type[],
    outputs: readonly Type[],
    pull: Pull,
  ) {
    const typesOf = (list: readonly Type[]) => list.map(({ dtype, shape }) => ({ dtype, shape }));
    this.residuals = typesOf(residuals);
    this.inputs = typesOf(inputs);
    this.outputs = typesOf(outputs);
    this.#pull = pull;
  }

  /** Pulls cotangents back. */
  pull(
    residuals: readonly Tensor[],
    cotangents: readonly (Tensor | null)[],
  ): readonly (Tensor | null)[] {
    return this.#pull(residuals, cotangents);
  }

  /** Pushes tangents forward, by the transpose of the backward rule in its cotangent. */
  push(args: readonly Tensor[]): Tensor[] {
    const count = this.residuals.length;
    const tape = new RecordingTrace("customVjp", currentTrace());
    let linear: Program;
    try {
      const cotangents = this.outputs.map((type) => tape.newBinder(type));
      const pulled = runUnder(tape, () => this.#pull(args.slice(0, count), cotangents));
      linear = tape.finish(pulled.map((value, i) => value ?? zerosOf(this.inputs[i])));
    } finally {
      tape.alive = false;
    }
    let pushed: readonly (Tensor | null)[];
    try {
      const isLinear = linear.results.every((atom) => atom instanceof Variable || !isOffset(atom));
      if (!isLinear) throw argumentError("The backward rule adds a constant");
      pushed = transposeProgram(linear, args.slice(count));
    } catch (error) {
      if (!(error instanceof ArgumentError)) throw error;
      throw argumentError(
        "Cannot take a forward-mode derivative of a function with customVjp whose backward rule " +
          "is not linear in the cotangent: use reverse mode (grad, vjp, jacrev), " +
          "or define the function with customJvp",
      );
    }
    return pushed.map((value, i) => value ?? zerosOf(this.outputs[i]));
  }

  /** The map as a program. */
  get program(): Program {
    return this.#program ??= record(
      [...this.residuals, ...this.inputs],
      (args) => this.push(args),
    );
  }

  /** The map with an additional axis, which is the first axis of results. */
  batched(
    axes: readonly BatchAxis[],
    size: number,
    axisName: string | undefined,
  ): Pushforward {
    const insert = ({ dtype, shape }: Type, axis: BatchAxis): Type => ({
      dtype,
      shape: axis === null ? shape : insertAt(shape, axis, size),
    });
    const residualAxes = axes.slice(0, this.residuals.length);
    const inputAxes = axes.slice(this.residuals.length);
    return new Pushforward(
      this.residuals.map((type, i) => insert(type, residualAxes[i])),
      this.inputs.map((type, i) => insert(type, inputAxes[i])),
      this.outputs.map((type) => insert(type, 0)),
      batchPull(this.#pull, residualAxes, inputAxes, size, axisName),
    );
  }

  /** The text in printed programs. */
  toString(): string {
    return "backward";
  }
}

/** The map of tangents whose transpose is a backward rule. */
const pushforwardPrimitive: Primitive<Pushforward> = {
  name: "customVjpPushforward",
  isCall: true,
  type: (_args, { outputs }) => outputs,
  evaluate: (args, { program }) => evaluateHeld(args, { program, captured: 0 }),
  batch(args, axes, size, params, axisName) {
    const batched = params.batched(axes, size, axisName);
    return mappedInFront(bind(pushforwardPrimitive, args, batched));
  },
  derivative: {
    kind: "program",
    linearize(primals, isActive, params) {
      const count = params.residuals.length;
      if (isActive.indexOf(true) < count) {
        const rule = callPrimitive.derivative as ProgramDerivative<CallParams>;
        return rule.linearize(primals, isActive, { program: params.program });
      }
      const residuals = primals.slice(0, count);
      const push = (tangents: readonly Tensor[]) =>
        bind(pushforwardPrimitive, [...residuals, ...tangents], params);
      return {
        results: push(primals.slice(count)),
        push: (tangents) =>
          push(primals.slice(count).map((primal, i) => tangents[count + i] ?? zerosOf(primal))),
      };
    },
    dependentResults: (_isGiven, { outputs }) => outputs.map(() => true),
    zeroResults(isZero, { residuals, outputs }) {
      const isStill = isZero.slice(residuals.length).every(Boolean);
      return outputs.map(() => isStill);
    },
    transpose(cotangents, args, params, isLinear) {
      const count = params.residuals.length;
      const shifts = (arg: Type, i: number) =>
        !isLinear[i] && i >= count && arg instanceof Tensor && isOffset(arg);
      if (isLinear.indexOf(true) < count || args.some(shifts)) {
        throw argumentError(
          `Cannot transpose the derivative of a function with customVjp by ` +
            `${args.map(showType).join(" and ")}: the function is not linear in its arguments`,
        );
      }
      const pulled = params.pull(args.slice(0, count) as Tensor[], cotangents);
      return isLinear.map((linear, i) => linear ? pulled[i - count] : null);
    },
  },
};
