/**
 * The transforms: functions from functions to functions.
 *
 * @module
 */
export { grad, valueAndGrad } from "./grad.ts";
export type {
  ArgumentAt,
  ChosenKeys,
  GradArgs,
  GradOf,
  GradOptions,
  GradResult,
  ValueOf,
} from "./grad.ts";
export { hessian, hvp, jacfwd, jacrev } from "./jacobian.ts";
export type { JacobianOf, JacobianOptions } from "./jacobian.ts";
export { jvp } from "./jvp.ts";
export { linearize, linearTranspose, vjp } from "./linearize.ts";
export { noGrad, stopGradient } from "./no_grad.ts";
export { evalShape, makeProgram } from "./stage.ts";
export { vmap } from "./vmap.ts";
export type { Axes, BatchArgs, VmapOptions } from "./vmap.ts";
