/**
 * The passes: program transformations, for every backend. Each is a small file and preserves the
 * results bit for bit. `kinds.ts` has the information about primitives by name, `control.ts` about
 * those that hold programs; `forms.ts` is for backends that share code between programs that differ
 * only in constants.
 *
 * @module
 */
import { runInside } from "../core/axes.ts";
import { Program, withoutDeadEquations } from "../core/program.ts";
import type { Equation } from "../core/program.ts";
import { absorbTransposes } from "./absorb_transposes.ts";
import { bindConstants } from "./bind_constants.ts";
import { asControl, placesOf, withPrograms } from "./control.ts";
import { expandComposites } from "./expand_composites.ts";
import { foldConstants } from "./fold_constants.ts";
import { hoistInvariants } from "./hoist_invariants.ts";
import { inlineBranches, inlineCalls } from "./inline_calls.ts";
import { pruneLoops } from "./prune_loops.ts";
import { shareEquations } from "./share_equations.ts";
import { simplify } from "./simplify.ts";
import { spreadUpdates } from "./spread_updates.ts";
import { widen } from "./widen.ts";

/** One pass. */
export interface Pass {
  /** Its name. */
  readonly name: string;
  /** The transformed program, with the same results, bit for bit. */
  readonly run: (program: Program) => Program;
}

/** The passes that run first, also on a branch before it replaces its switch. */
const firstPasses: readonly Pass[] = [
  { name: "inlineCalls", run: inlineCalls },
  { name: "widen", run: widen },
  { name: "expandComposites", run: expandComposites },
  { name: "spreadUpdates", run: spreadUpdates },
  { name: "foldConstants", run: foldConstants },
];

/** Every pass, in the order in which they run. */
export const passes: readonly Pass[] = [
  ...firstPasses,
  {
    name: "inlineBranches",
    run: (program) => inlineBranches(program, (branch) => runAll(firstPasses, branch)),
  },
  { name: "simplify", run: simplify },
  { name: "absorbTransposes", run: absorbTransposes },
  { name: "bindConstants", run: bindConstants },
  { name: "optimizeBodies", run: optimizeBodies },
  { name: "pruneLoops", run: pruneLoops },
  // Values that switches pass through can now cancel with their inverse operations.
  { name: "simplifyAgain", run: simplify },
  { name: "hoistInvariants", run: hoistInvariants },
  { name: "shareEquations", run: shareEquations },
  { name: "removeDeadEquations", run: withoutDeadEquations },
];

const optimizedBodies = new WeakMap<Program, Program>();

/** Runs all passes on the programs of loops, switches and mesh positions, once for each. */
function optimizeBodies(program: Program): Program {
  const hasBodies = (equation: Equation) =>
    asControl(equation) !== null || placesOf(equation) !== null;
  if (!program.equations.some(hasBodies)) return program;
  const equations = program.equations.map((equation) =>
    hasBodies(equation)
      ? runInside(
        equation.primitive,
        equation.params,
        () => withPrograms(equation, optimizeBody),
      )
      : equation
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

function runAll(list: readonly Pass[], program: Program): Program {
  return list.reduce((current, pass) => pass.run(current), program);
}

/** The program after all passes. */
export function optimize(program: Program): Program {
  return runAll(passes, program);
}
