/**
 * A pass that removes operations without effect. Every rule preserves the result bit for bit.
 *
 * @module
 */
import { inversePermutation, sameShape } from "../base/shape.ts";
import { Variable } from "../core/program.ts";
import type { Atom, Equation, Program } from "../core/program.ts";
import { Sharding } from "../core/sharding.ts";
import { Concrete } from "../core/tensor.ts";
import type { MoveParams } from "../primitives/move.ts";
import type { TransposeParams } from "../primitives/structure.ts";
import { rewrite } from "./rewrite.ts";

/** Whether `atom` is a constant with `value` everywhere. */
function isConstant(atom: Atom, value: number): boolean {
  return atom instanceof Concrete && atom.held === 1 &&
    Object.is(atom.elements[0], value);
}

/**
 * The input that equals an equation's result, given the equation and those that bind its inputs, or
 * `null`.
 */
type Simplification = (
  equation: Equation,
  origin: (atom: Atom) => Equation | undefined,
) => Atom | null;

const simplifications: Readonly<Record<string, Simplification>> = {
  // Multiplication by one preserves the signs of zeros and NaN; adding zero would lose the sign of -0.
  mul: ({ inputs: [x, y] }) => isConstant(y, 1) ? x : isConstant(x, 1) ? y : null,
  div: ({ inputs: [x, y] }) => isConstant(y, 1) ? x : null,
  sub: ({ inputs: [x, y] }) => isConstant(y, 0) ? x : null,
  neg: ({ inputs: [x] }, origin) => {
    const before = origin(x);
    return before?.primitive.name === "neg" ? before.inputs[0] : null;
  },
  // An optimised program is not differentiated any more.
  stopGradient: ({ inputs: [x] }) => x,
  // A program runs on one device; over a mesh, a `move` states how the value is divided.
  move: ({ inputs: [x], params }) => (params as MoveParams).to instanceof Sharding ? null : x,
  reshape: ({ inputs: [x], outputs }, origin) => {
    const before = origin(x);
    if (before?.primitive.name !== "reshape") return null;
    const [source] = before.inputs;
    const { shape } = source instanceof Variable ? source.type : source;
    return sameShape(shape, outputs[0].type.shape) ? source : null;
  },
  transpose: ({ inputs: [x], params }, origin) => {
    const before = origin(x);
    if (before?.primitive.name !== "transpose") return null;
    const first = (before.params as TransposeParams).permutation;
    const second = (params as TransposeParams).permutation;
    return sameShape(inversePermutation(first), second) ? before.inputs[0] : null;
  },
  select: ({ inputs: [condition, x, y] }) => {
    if (x === y) return x;
    if (!(condition instanceof Concrete) || condition.held !== 1) return null;
    return condition.elements[0] !== 0 ? x : y;
  },
};

/** Removes operations that change nothing, and pairs that are inverse to each other. */
export function simplify(program: Program): Program {
  const origins = new Map<Atom, Equation>();
  return rewrite(program, (equation) => {
    const rule = simplifications[equation.primitive.name];
    const atom = rule?.(equation, (input) => origins.get(input)) ?? null;
    if (atom !== null) return [atom];
    for (const output of equation.outputs) origins.set(output, equation);
    return null;
  });
}
