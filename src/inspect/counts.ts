/**
 * Operation counts of programs.
 *
 * @module
 */
import { sizeOf } from "../base/shape.ts";
import { asControl } from "../passes/control.ts";
import { Program, programsIn, typeOf } from "../core/program.ts";
import type { Equation } from "../core/program.ts";
import type { ContractParams } from "../primitives/contraction.ts";
import type { ConvParams } from "../primitives/window.ts";
import { checkIsProgram } from "./text.ts";

/**
 * The number of equations of each primitive in a program, including those in the bodies of loops and in
 * branches, each counted once.
 *
 * @category Inspection
 * @param program A program from `makeProgram`.
 * @returns Counts by the primitives' names; names that do not occur are absent.
 * @throws {ArgumentError} when `program` is not a program.
 *
 * @example Two products
 * ```ts
 * import { inspect, makeProgram } from "@jacobi/jacobi";
 *
 * const counts = inspect.countOperations(makeProgram((x) => x.mul(x).mul(x))(1));
 * if (counts.mul !== 2) throw new Error(JSON.stringify(counts));
 * ```
 */
export function countOperations(program: Program): { [primitive: string]: number } {
  checkIsProgram(program, "count the operations of");
  const counts: { [primitive: string]: number } = {};
  const count = ({ equations }: Program): void => {
    for (const equation of equations) {
      const { name } = equation.primitive;
      counts[name] = (counts[name] ?? 0) + 1;
      if (asControl(equation) !== null) programsIn(equation.params).forEach(count);
    }
  };
  count(program);
  return counts;
}

/** Primitives that move elements without arithmetic. */
const FREE: ReadonlySet<string> = new Set([
  "reshape",
  "transpose",
  "broadcast",
  "convert",
  "stopGradient",
  "iota",
  "select",
  "slice",
  "pad",
  "concatenate",
  "flip",
  "gather",
  "barrier",
  "move",
]);

/** Primitives that process each element of their argument. */
const PER_INPUT: ReadonlySet<string> = new Set([
  "reduceSum",
  "reduceMax",
  "reduceMin",
  "reduceProd",
  "reduceMean",
  "reduceNorm",
  "allFinite",
  "reduceSquares",
  "reduceRoot",
  "reduceSpread",
  "reduceCosine",
  "argmax",
  "argmin",
  "scatterAdd",
]);

/**
 * The number of floating-point operations of a program: two for each product that a contraction or
 * convolution adds up, one per element of an elementwise result or of a reduction's argument, none for
 * moving elements. A scan counts its body for each step; a loop whose number of steps is not known
 * counts as one step, and a switch as its longest branch.
 *
 * @category Inspection
 * @param program A program from `makeProgram`.
 * @returns The number of operations.
 * @throws {ArgumentError} when `program` is not a program.
 *
 * @example A matrix product
 * ```ts
 * import { inspect, makeProgram, matmul, TensorType } from "@jacobi/jacobi";
 *
 * const a = new TensorType("float32", [10, 20]);
 * const b = new TensorType("float32", [20, 30]);
 * const flops = inspect.countFlops(makeProgram(matmul)(a, b));
 * if (flops !== 2 * 10 * 20 * 30) throw new Error(String(flops));
 * ```
 */
export function countFlops(program: Program): number {
  checkIsProgram(program, "count the operations of");
  return sumFlops(program);
}

function sumFlops({ equations }: Program): number {
  return equations.reduce((sum, equation) => sum + flopsOf(equation), 0);
}

/** The number of operations of an equation that runs programs, or `null` for other equations. */
function flopsOfPrograms(equation: Equation): number | null {
  const control = asControl(equation);
  switch (control?.kind) {
    case "scan":
      return control.params.length * sumFlops(control.params.body);
    case "while":
      return sumFlops(control.params.condition) + sumFlops(control.params.body);
    case "switch":
      return Math.max(...control.params.branches.map(sumFlops));
    default: {
      if (equation.primitive.isCall !== true) return null;
      const { program } = equation.params as { readonly program: unknown };
      return program instanceof Program ? sumFlops(program) : null;
    }
  }
}

function flopsOf(equation: Equation): number {
  const { primitive, inputs, outputs, params } = equation;
  const { name } = primitive;
  const inner = flopsOfPrograms(equation);
  if (inner !== null) return inner;
  const outSize = outputs.reduce((sum, variable) => sum + sizeOf(variable.type.shape), 0);
  if (FREE.has(name)) return 0;
  if (PER_INPUT.has(name)) return sizeOf(typeOf(inputs[0]).shape);
  if (name === "contract") {
    const { contract } = params as ContractParams;
    const { shape } = typeOf(inputs[0]);
    return 2 * outSize * sizeOf(contract[0].map((axis) => shape[axis]));
  }
  if (name.startsWith("convolve")) return convolutionFlops(name, inputs.map(typeOf), params);
  return outSize;
}

/** Every product of an element of x with one of w that contributes to y, whichever of them is computed. */
function convolutionFlops(
  name: string,
  [first, second]: readonly { readonly shape: readonly number[] }[],
  params: unknown,
): number {
  const { kernel, output, groups } = params as ConvParams;
  const perImage = sizeOf(kernel) * sizeOf(output);
  const batch = first.shape[0];
  // convolve(x, w), convolveInput(y, w), convolveFilter(x, y): channels of x, outputs per group.
  const products = name === "convolveFilter"
    ? first.shape[1] * (second.shape[1] / groups)
    : second.shape[0] * second.shape[1];
  return 2 * batch * products * perImage;
}
