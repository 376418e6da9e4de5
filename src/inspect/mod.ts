/**
 * Inspection of programs: as text, and by their operations.
 *
 * @example The operations of a gradient
 * ```ts
 * import { grad, inspect, makeProgram, sin } from "@jacobi/jacobi";
 *
 * const program = makeProgram(grad((x) => sin(x)))(1);
 * console.log(inspect.toText(program));
 * if (inspect.countOperations(program).cos !== 1) throw new Error(String(program));
 * ```
 *
 * @module
 */
import "./display.ts";

export * from "./counts.ts";
export { dependence } from "./dependence.ts";
export { describe } from "./describe.ts";
export { engine } from "./engine.ts";
export type { EngineInfo } from "./engine.ts";
export type { Dependence, NamesOf } from "./dependence.ts";
export { toDot } from "./dot.ts";
export type { DotOptions } from "./dot.ts";
export * from "./find_nan.ts";
export { image } from "./image.ts";
export type { ImageOptions, Picture } from "./image.ts";
export * from "./kernels.ts";
export * from "./optimize.ts";
export { profile } from "./profile.ts";
export type { Profile, ProfileRow, Span, SpanInfo, SpanKind } from "./profile.ts";
export { showSharding } from "./sharding.ts";
export { toStableHlo } from "./stable_hlo.ts";
export { toSvg } from "./svg.ts";
export { toText } from "./text.ts";
export type {
  Adjoint,
  AxisUse,
  BatchAxis,
  Batched,
  BilinearDerivative,
  Derivative,
  LinearDerivative,
  Primitive,
  ProgramDerivative,
  SmoothDerivative,
  Tangent,
  Totals,
  ZeroDerivative,
} from "../core/primitive.ts";
export type { Atom, Equation, Variable } from "../core/program.ts";
