/**
 * Kernels of control flow: a loop is one function of the module, which runs the steps of its body
 * repeatedly.
 *
 * @module
 */
import { bytesOf } from "../../../base/shape.ts";
import { typeOf } from "../../../core/program.ts";
import type { Builder } from "../kernels/kernel.ts";
import type { ControlEquation } from "../../../passes/control.ts";
import type { LoopKernel, LoopOptions } from "./loop.ts";
import { emitScan } from "./scan.ts";
import { emitSwitch } from "./switch.ts";
import { emitWhile } from "./while.ts";

/** The maximum number of operands of a function: engines reject more than a thousand. */
const MOST_OPERANDS = 900;

/**
 * The kernel of a loop or a switch, with arguments and results in the order of the equation; `null` if part
 * of it must be left to the evaluator.
 */
export function emitControl(
  builder: Builder,
  equation: ControlEquation,
  options: LoopOptions,
): LoopKernel | null {
  const { inputs, outputs } = equation;
  if (inputs.length + outputs.length > MOST_OPERANDS) return null;
  // Values that do not fit into memory are left to the evaluator, which throws the error.
  if ([...inputs, ...outputs].some((atom) => bytesOf(typeOf(atom)) >= 2 ** 32)) return null;
  switch (equation.kind) {
    case "scan":
      return emitScan(builder, equation, options);
    case "while":
      return emitWhile(builder, equation, options);
    case "switch":
      return emitSwitch(builder, equation, options);
  }
}
