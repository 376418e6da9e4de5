/**
 * Rewrites means of float32 in float64 for devices without float64. Such a mean is replaced if the program
 * uses only its rounded value and the rounding error. The rounded value becomes a mean of float32, and the
 * error becomes the mean of the differences between the elements and that value. So normalizations run
 * entirely on the device.
 *
 * @module
 */
import { withoutAxes } from "../../base/shape.ts";
import {
  type Atom,
  type Equation,
  Program,
  typeOf,
  Variable,
  withoutDeadEquations,
} from "../../core/program.ts";
import { withPrograms } from "../../passes/control.ts";
import { subPrimitive } from "../../primitives/arithmetic.ts";
import { reduceMeanPrimitive } from "../../primitives/moments.ts";
import type { ReduceParams } from "../../primitives/structure.ts";
import { broadcastPrimitive } from "../../primitives/structure.ts";

/** The program without such means in float64, including those in inner programs. */
export function meansInFloats(program: Program): Program {
  const makers = new Map<Atom, Equation>();
  const replaced = new Map<Atom, Atom>();
  const firsts = new Map<Atom, Atom>();
  const equations: Equation[] = [];
  let isChanged = false;

  /** The equation that computes a value, if it has this primitive and dtype. */
  const madeBy = (atom: Atom, name: string, dtype: string): Equation | null => {
    const maker = makers.get(atom);
    return maker?.primitive.name === name && typeOf(atom).dtype === dtype ? maker : null;
  };
  const meanIn = (atom: Atom): Equation | null => {
    const maker = madeBy(atom, "reduceMean", "float64");
    return maker !== null && typeOf(maker.inputs[0]).dtype === "float32" ? maker : null;
  };
  const add = (primitive: Equation["primitive"], inputs: Atom[], params: unknown, like: Atom) => {
    const { shape } = typeOf(like);
    const output = new Variable({ dtype: "float32", shape });
    equations.push({ primitive, inputs, params, outputs: [output] });
    return output;
  };
  /** The mean of float32 that replaces one in float64, with the shape of `like`. */
  const firstOf = ({ inputs, params, outputs: [mean] }: Equation): Atom => {
    let first = firsts.get(mean);
    if (first === undefined) {
      const { axes } = params as ReduceParams;
      first = add(reduceMeanPrimitive as Equation["primitive"], [inputs[0]], { axes }, mean);
      firsts.set(mean, first);
    }
    return first;
  };
  const restOf = (mean: Equation): Atom => {
    const { inputs: [x], params, outputs } = mean;
    const { axes } = params as ReduceParams;
    const { shape } = typeOf(x);
    const kept = withoutAxes(shape.map((_, i) => i), axes);
    const spread = add(
      broadcastPrimitive as Equation["primitive"],
      [firstOf(mean)],
      { shape, axes: kept },
      x,
    );
    const distances = add(subPrimitive as Equation["primitive"], [x, spread], null, x);
    return add(reduceMeanPrimitive as Equation["primitive"], [distances], { axes }, outputs[0]);
  };
  /** The replacement of a value of float32 that is computed from such a mean. */
  const insteadOf = ({ primitive: { name }, inputs: [wide], outputs: [output] }: Equation) => {
    if (name !== "convert" || output.type.dtype !== "float32") return null;
    const mean = meanIn(wide);
    if (mean !== null) return firstOf(mean);
    const difference = madeBy(wide, "sub", "float64");
    if (difference === null) return null;
    const [from, taken] = difference.inputs;
    const whole = meanIn(from);
    const again = madeBy(taken, "convert", "float64");
    return whole !== null && again !== null && again.inputs[0] === firsts.get(from)
      ? restOf(whole)
      : null;
  };

  for (const equation of program.equations) {
    const inputs = equation.inputs.map((atom) => replaced.get(atom) ?? atom);
    const current = withPrograms({ ...equation, inputs }, meansInFloats);
    const instead = insteadOf(current);
    if (instead === null) {
      isChanged ||= current.params !== equation.params;
      equations.push(current);
      for (const output of current.outputs) makers.set(output, current);
    } else {
      isChanged = true;
      replaced.set(equation.outputs[0], instead);
    }
  }
  if (!isChanged) return program;
  const results = program.results.map((atom) => replaced.get(atom) ?? atom);
  return withoutDeadEquations(new Program(program.binders, equations, results));
}
