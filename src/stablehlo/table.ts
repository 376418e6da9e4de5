/**
 * The rule of every primitive.
 *
 * @module
 */
import type { primitives } from "../primitives/mod.ts";
import type { PrimitiveName } from "../primitives/mod.ts";
import { forSpecial } from "../primitives/special_names.ts";
import { elementwise } from "./elementwise.ts";
import { elimination } from "./elimination.ts";
import { indexing } from "./indexing.ts";
import { jacobi } from "./jacobi.ts";
import { linalg } from "./linalg.ts";
import { ordering } from "./ordering.ts";
import { orthogonal } from "./orthogonal.ts";
import { products } from "./products.ts";
import { transforms } from "./fourier.ts";
import { gammaSlope } from "./gamma_slope.ts";
import { gamma } from "./random_gamma.ts";
import { reductions } from "./reductions.ts";
import type { ParamsOf, Rule } from "./rule.ts";
import { structure } from "./structure.ts";
import { transcendental } from "./transcendental.ts";

/**
 * The entry for a primitive: its rule, or `expanded` if a pass replaces it before, or `host` if it is
 * left to the evaluator.
 */
type Entry<P> = Rule<P> | "expanded" | "host";

const table: { readonly [Name in PrimitiveName]: Entry<ParamsOf<(typeof primitives)[Name]>> } = {
  ...elementwise,
  ...elimination,
  ...indexing,
  ...jacobi,
  ...linalg,
  ...ordering,
  ...orthogonal,
  ...products,
  ...gamma,
  ...gammaSlope,
  ...reductions,
  ...structure,
  ...transcendental,
  ...transforms,

  softmax: "expanded",
  standardize: "expanded",
  reduceNorm: "expanded",
  complexLu: "host",
  complexComplement: "host",
  complexEigh: "host",
  complexSvd: "host",
  eig: "host",
  schur: "host",
  complexSchur: "host",
  ...forSpecial("host" as const),

  analytic: "expanded",
  analyticPair: "expanded",
  hypot: "expanded",
  checkIndices: "expanded",
  insertionPlaces: "expanded",
};

/** The rule of a primitive, or `null` if it has none. */
export function ruleOf(name: string): Rule<unknown> | null {
  const entry = (table as Readonly<Record<string, Entry<unknown> | undefined>>)[name];
  return typeof entry === "function" ? entry : null;
}
