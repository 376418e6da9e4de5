/**
 * The function of a primitive with custom derivative rules that runs if no derivative is needed: a
 * program, or a function without one.
 *
 * @module
 */
import { argumentError, TraceError, traceError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { noTotals } from "../core/primitive.ts";
import type { BatchAxis, Batched, ProgramDerivative } from "../core/primitive.ts";
import { dependentResultsOf, evaluateProgram, typeOf, zeroResultsOf } from "../core/program.ts";
import type { Program } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { runEvaluated } from "../core/trace.ts";
import type { Structure } from "../core/tree.ts";
import { sliceAxis } from "../primitives/slicing.ts";
import { reshape } from "../primitives/structure.ts";
import { callPrimitive } from "./call.ts";
import type { CallParams } from "./call.ts";
import { batchProgram } from "./programs.ts";
import { stageBody } from "./stage_body.ts";

/**
 * A function that branches on values, and therefore has no program. It runs if the values are known; in
 * forward and reverse mode the derivative rule replaces it.
 */
export class Unstaged {
  readonly #run: (args: readonly Tensor[]) => readonly Tensor[];
  readonly #failure: TraceError;
  #last: { readonly args: readonly Type[]; readonly results: readonly Tensor[] } | null = null;

  /** The function, and the error thrown when it was traced. */
  constructor(run: (args: readonly Tensor[]) => readonly Tensor[], failure: TraceError) {
    this.#run = run;
    this.#failure = failure;
  }

  /** The function of the arguments after the first `count`. */
  behind(count: number): Unstaged {
    return new Unstaged((args) => this.#run(args.slice(count)), this.#failure);
  }

  /** The error of the tracing of the function. */
  get failure(): Error {
    return traceError(this.#failure.message);
  }

  /** The results, cached for the same list of arguments. */
  results(args: readonly Type[]): readonly Tensor[] {
    if (this.#last?.args === args) return this.#last.results;
    if (!args.every((arg) => arg instanceof Concrete)) throw this.failure;
    const results = runEvaluated(() => this.#run(args));
    this.#last = { args, results };
    return results;
  }

  /** The results, which are removed from the cache. */
  take(args: readonly Tensor[]): readonly Tensor[] {
    const results = this.results(args);
    this.#last = null;
    return results;
  }

  /** The text in printed programs. */
  toString(): string {
    return "a function of known values";
  }
}

/** The function of a primitive with a rule that runs if no derivative is needed. */
export interface Held {
  /** A program, or a function that has none. */
  readonly program: Program | Unstaged;
  /** The number of first arguments that are values captured by functions. */
  readonly captured: number;
}

/** A held function, with the captured values. */
export interface HeldFunction extends Held {
  /** The captured values. */
  readonly values: readonly Tensor[];
}

/**
 * Traces a flat function. A function that reads values cannot be traced: it is held as it is, and can
 * be used if the values are known.
 */
export function hold(
  transform: string,
  run: (args: readonly Tensor[]) => readonly Tensor[],
  types: readonly Type[],
): HeldFunction {
  const list: Structure = { kind: "array", children: types.map(() => ({ kind: "leaf" })) };
  try {
    const { program, captured } = stageBody(
      transform,
      (args: readonly Tensor[]) => run(args),
      { kind: "array", children: [list] },
      types,
    );
    return { program, captured: captured.length, values: captured };
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    return { program: new Unstaged(run, error), captured: 0, values: [] };
  }
}

/**
 * Throws when a function without a program would run on unknown values. Its primitive may still be
 * recorded for its derivative, which runs on known values.
 */
export function checkKnown({ program }: Held, args: readonly Tensor[]): void {
  if (!(program instanceof Unstaged)) return;
  for (const arg of args) {
    try {
      arg.concrete("read");
    } catch {
      throw program.failure;
    }
  }
}

/** The held program; throws if there is none. */
export function programOf({ program }: Held): Program {
  if (program instanceof Unstaged) throw program.failure;
  return program;
}

/** The types of the results of a held function. */
export function typesOfHeld(args: readonly Type[], { program }: Held): readonly Type[] {
  return program instanceof Unstaged
    ? program.results(args).map(({ dtype, shape }) => ({ dtype, shape }))
    : program.results.map(typeOf);
}

/** Runs a held function, one operation after the other. */
export function evaluateHeld(args: readonly Tensor[], { program }: Held): readonly Concrete[] {
  const results = program instanceof Unstaged
    ? program.take(args)
    : runEvaluated(() => evaluateProgram(program, args));
  return results as readonly Concrete[];
}

/** Which results of a held function depend on any of these arguments; all, without a program. */
export function dependentResultsOfHeld(
  isGiven: readonly boolean[],
  { program }: Held,
): readonly boolean[] {
  return program instanceof Unstaged ? [] : dependentResultsOf(program, isGiven);
}

/** Which results of a held function are zero where these arguments are; unknown without a program. */
export function zeroResultsOfHeld(
  isZero: readonly boolean[],
  { program }: Held,
): readonly boolean[] {
  return program instanceof Unstaged ? [false] : zeroResultsOf(program, isZero);
}

/** The cotangents of a held program's own arguments, ignoring its rules. */
export function transposeHeld(
  cotangents: readonly (Tensor | null)[],
  args: readonly Type[],
  params: Held,
  isLinear: readonly boolean[],
): readonly (Tensor | null)[] {
  const rule = callPrimitive.derivative as ProgramDerivative<CallParams>;
  return rule.transpose(cotangents, args, { program: programOf(params) }, isLinear, noTotals);
}

/** All results with their mapped axis first. */
export function mappedInFront(results: readonly Tensor[]): readonly Batched[] {
  return results.map((result) => [result, 0]);
}

/**
 * The results of a program that was batched with all of them mapped along the first axis. For those
 * that do not depend on the example, the first example's result is used for all.
 */
export function mappedWhereNeeded(
  results: readonly Tensor[],
  program: Program,
  axes: readonly BatchAxis[],
  size: number,
  axisName: string | undefined,
): readonly Batched[] {
  if (size === 0 || !axes.includes(null)) return mappedInFront(results);
  const own = batchProgram(program, axes, size, axisName).axes;
  return results.map((result, i) =>
    own[i] !== null
      ? [result, 0]
      : [reshape(sliceAxis(result, 0, 0, 1), result.shape.slice(1)), null]
  );
}

/** Throws when a captured value is differentiated. */
export function checkCaptured(
  transform: string,
  primals: readonly Tensor[],
  isActive: readonly boolean[],
  captured: number,
): void {
  const place = isActive.findIndex((active, i) => active && i < captured);
  if (place < 0) return;
  throw argumentError(
    `Cannot differentiate a function with ${transform} by ${showType(primals[place])}, ` +
      `which it does not get as an argument that takes part: its rule has no derivative for it; ` +
      `pass it as an argument, outside of nondiffArgnums`,
  );
}
