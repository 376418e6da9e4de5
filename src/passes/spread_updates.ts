/**
 * A pass that makes updates at known positions elementwise if they are part of elementwise work: the
 * loops that compute the rest then select the value, and no intermediate result is stored.
 *
 * @module
 */
import { sizeOf } from "../base/shape.ts";
import type { Atom, Equation } from "../core/program.ts";
import { Program, typeOf, Variable } from "../core/program.ts";
import { splat } from "../core/tensor.ts";
import { addPrimitive } from "../primitives/arithmetic.ts";
import { selectPrimitive } from "../primitives/comparison.ts";
import type { BlockStart } from "../primitives/dynamic_slicing.ts";
import { padPrimitive } from "../primitives/slicing.ts";
import { kindOf } from "./kinds.ts";
import { isUpdate } from "./kinds.ts";

/** Whether an equation replaces, or adds to, a block at a known position. */
function isKnownUpdate({ primitive, inputs }: Equation): boolean {
  return isUpdate(primitive.name) && inputs.length === 2;
}

/** Makes updates elementwise whose operands or readers are elementwise work on the whole tensor. */
export function spreadUpdates(program: Program): Program {
  if (!program.equations.some(isKnownUpdate)) return program;
  const inMemory = new Set<Atom>(program.binders);
  const readByLoops = new Set<Atom>();
  for (const { primitive, inputs, outputs } of program.equations.toReversed()) {
    const { kind } = kindOf(primitive.name);
    for (const input of inputs) {
      const isAll = kind !== "kernel" && kind !== "alias" &&
        outputs.some(({ type }) => 2 * sizeOf(type.shape) >= sizeOf(typeOf(input).shape));
      const isRead = isAll || kind === "reduce" ||
        kind === "alias" && readByLoops.has(outputs[0]);
      if (isRead) readByLoops.add(input);
    }
  }
  const equations: Equation[] = [];
  for (const equation of program.equations) {
    const { primitive, inputs, outputs } = equation;
    const { kind } = kindOf(primitive.name);
    const isSpread = isKnownUpdate(equation) &&
      (!inMemory.has(inputs[0]) || readByLoops.has(outputs[0]));
    if (isSpread) equations.push(...spread(equation));
    else {
      equations.push(equation);
      if (kind === "kernel" || kind === "alias" && inMemory.has(inputs[0])) {
        outputs.forEach((output) => inMemory.add(output));
      }
    }
  }
  return new Program(program.binders, equations, program.results);
}

/** The update as a selection between its block, padded to the full size, and the previous value. */
function spread(equation: Equation): readonly Equation[] {
  const { primitive, inputs: [x, update], outputs: [output], params, origin } = equation;
  const start = (params as BlockStart).start as readonly number[];
  const { shape, dtype } = output.type;
  const sizes = typeOf(update).shape;
  const padding = {
    low: start,
    high: shape.map((length, axis) => length - start[axis] - sizes[axis]),
    interior: shape.map(() => 0),
  };
  const equations: Equation[] = [];
  const apply = (
    primitive: Equation["primitive"],
    inputs: readonly Atom[],
    params: unknown,
    output: Variable,
  ): Variable => {
    const own = { primitive, inputs, params, outputs: [output] };
    equations.push(origin === undefined ? own : { ...own, origin });
    return output;
  };
  const pad = padPrimitive as Equation["primitive"];
  const block = apply(pad, [update], padding, new Variable({ dtype, shape }));
  const mask = apply(
    pad,
    [splat(1, "bool", sizes)],
    padding,
    new Variable({ dtype: "bool", shape }),
  );
  const values = primitive.name === "updateSlice" ? block : apply(
    addPrimitive as Equation["primitive"],
    [x, block],
    null,
    new Variable({ dtype, shape }),
  );
  apply(selectPrimitive as Equation["primitive"], [mask, values, x], null, output);
  return equations;
}
