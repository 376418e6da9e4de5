/**
 * The program checker: run after every transform in tests.
 *
 * @module
 */
import { internalError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { programsIn, typeOf, Variable } from "./program.ts";
import type { Atom, Program } from "./program.ts";
import { checkAlive, Tracer } from "./trace.ts";
import { sameType } from "./tensor.ts";

/** Programs without tracers that passed the check; they are immutable. */
const sound = new WeakSet<Program>();

/**
 * Throws unless every variable is bound once and before its use, every equation's results have the
 * types that its primitive gives them, and no captured constant has outlived its transform.
 */
export function checkProgram(program: Program): void {
  if (sound.has(program)) return;
  let isClosed = true;
  const bound = new Set<Variable>();
  const bindVariable = (variable: Variable, place: string): void => {
    if (bound.has(variable)) throw internalError(`A variable is bound twice, last by ${place}`);
    bound.add(variable);
  };
  const checkUse = (atom: Atom, place: string): void => {
    if (atom instanceof Variable) {
      if (!bound.has(atom)) {
        throw internalError(`A variable of type ${showType(atom.type)} is unbound in ${place}`);
      }
    } else if (atom instanceof Tracer) {
      isClosed = false;
      checkAlive(atom, place);
    }
  };
  program.binders.forEach((variable) => bindVariable(variable, "the binders"));
  program.equations.forEach((equation, index) => {
    const place = `equation ${index} (${equation.primitive.name})`;
    equation.inputs.forEach((atom) => checkUse(atom, place));
    const types = equation.primitive.type(equation.inputs.map(typeOf), equation.params);
    if (types.length !== equation.outputs.length) {
      throw internalError(
        `${place} binds ${equation.outputs.length} variables for ${types.length} results`,
      );
    }
    for (const inner of programsIn(equation.params)) {
      checkProgram(inner);
      isClosed &&= sound.has(inner);
    }
    types.forEach((type, i) => {
      const declared = equation.outputs[i].type;
      if (!sameType(type, declared)) {
        throw internalError(
          `${place} declares ${showType(declared)} for a result of type ${showType(type)}`,
        );
      }
      bindVariable(equation.outputs[i], place);
    });
  });
  program.results.forEach((atom) => checkUse(atom, "the results"));
  if (isClosed) sound.add(program);
}
