/**
 * The compiler: a short list of passes, and a runner for what they leave.
 *
 * @module
 */
import { Program, withoutDeadEquations, withoutEffects } from "../core/program.ts";
import type { Concrete } from "../core/tensor.ts";
import { absorbTransposes } from "./absorb_transposes.ts";
import { bindConstants } from "./bind_constants.ts";
import { asControl, someEquation, withPrograms } from "./control.ts";
import { assemble, type CompiledProgram } from "./executable.ts";
import { indexError, InternalError } from "../base/errors.ts";
import { foldConstants } from "./fold_constants.ts";
import { hoistInvariants } from "./hoist_invariants.ts";
import { inlineBranches, inlineCalls } from "./inline_calls.ts";
import { pruneLoops } from "./prune_loops.ts";
import { hasIndices } from "./rules.ts";
import { makeRunner } from "./runner.ts";
import { shareEquations } from "./share_equations.ts";
import { simplify } from "./simplify.ts";
import { spreadUpdates } from "./spread_updates.ts";

/** One step of the compiler. */
export interface Pass {
  /** What it is called. */
  readonly name: string;
  /** The program after it; the same results, bit for bit. */
  readonly run: (program: Program) => Program;
}

/** Every pass, in the order in which they run. */
export const passes: readonly Pass[] = [
  { name: "inlineCalls", run: inlineCalls },
  { name: "spreadUpdates", run: spreadUpdates },
  { name: "foldConstants", run: foldConstants },
  { name: "inlineBranches", run: inlineBranches },
  { name: "simplify", run: simplify },
  { name: "absorbTransposes", run: absorbTransposes },
  { name: "bindConstants", run: bindConstants },
  { name: "optimizeBodies", run: optimizeBodies },
  { name: "pruneLoops", run: pruneLoops },
  { name: "hoistInvariants", run: hoistInvariants },
  { name: "shareEquations", run: shareEquations },
  { name: "removeDeadEquations", run: withoutDeadEquations },
];

const optimizedBodies = new WeakMap<Program, Program>();

/** Runs all passes on the programs of loops and switches, once for each. */
function optimizeBodies(program: Program): Program {
  if (!program.equations.some((equation) => asControl(equation) !== null)) return program;
  const equations = program.equations.map((equation) =>
    asControl(equation) === null ? equation : withPrograms(equation, optimizeBody)
  );
  return new Program(program.binders, equations, program.results);
}

function optimizeBody(body: Program): Program {
  let optimized = optimizedBodies.get(body);
  if (optimized === undefined) {
    optimizedBodies.set(body, optimized = optimize(body));
    optimizedBodies.set(optimized, optimized);
  }
  return optimized;
}

/** The program after all passes. */
export function optimize(program: Program): Program {
  return passes.reduce((current, pass) => pass.run(current), program);
}

/**
 * A program ready to run on concrete values. `names` are those of arguments that are given up, and
 * `null` for all others.
 */
export type Compiled = (
  args: readonly Concrete[],
  names?: readonly (string | null)[],
) => readonly Concrete[];

/** What a program becomes. */
interface Entry {
  readonly optimized: Program;
  /** The modules made of it, by which arguments are given up. */
  readonly versions: Map<string, CompiledProgram>;
  readonly run: Compiled;
}

const compiled = new WeakMap<Program, Entry>();

function entryOf(program: Program): Entry {
  let entry = compiled.get(program);
  if (entry === undefined) compiled.set(program, entry = makeEntry(optimize(program)));
  return entry;
}

function makeEntry(optimized: Program): Entry {
  const versions = new Map<string, CompiledProgram>();
  let plain: CompiledProgram | undefined;
  function run(
    args: readonly Concrete[],
    names?: readonly (string | null)[],
  ): readonly Concrete[] {
    try {
      if (names !== undefined) return versionOf(optimized, versions, names).run(args, names);
      plain ??= versionOf(optimized, versions, []);
      return plain.run(args);
    } catch (error) {
      if (!(error instanceof InternalError)) throw error;
      throw explain(error, optimized, args, names);
    }
  }
  return { optimized, versions, run };
}

function versionOf(
  optimized: Program,
  versions: Map<string, CompiledProgram>,
  names: readonly (string | null)[],
): CompiledProgram {
  const isDonated = optimized.binders.map((_, i) => (names[i] ?? null) !== null);
  const key = isDonated.map(Number).join("");
  let version = versions.get(key);
  if (version === undefined) versions.set(key, version = assemble(optimized, isDonated));
  return version;
}

/** Kernels stop where the evaluator has an error: it is asked, as long as the arguments are there. */
function explain(
  error: Error,
  optimized: Program,
  args: readonly Concrete[],
  names: readonly (string | null)[] | undefined,
): unknown {
  if (!someEquation(optimized, ({ primitive }) => hasIndices(primitive.name))) return error;
  if (names?.some((name) => name !== null)) {
    return indexError(
      "Cannot finish a jitted function: an index lies outside of its axis, and the arguments " +
        "that were donated are lost; run it without donateArgnums to see which",
    );
  }
  try {
    makeRunner(withoutEffects(optimized))(args);
  } catch (reason) {
    return reason;
  }
  return error;
}

/** The program as a module, compiled once for as long as the program lives. */
export function assembled(program: Program): CompiledProgram {
  const { optimized, versions } = entryOf(program);
  return versionOf(optimized, versions, []);
}

/** The program, optimised and ready to run; compiled once for as long as the program lives. */
export function compile(program: Program): Compiled {
  return entryOf(program).run;
}
