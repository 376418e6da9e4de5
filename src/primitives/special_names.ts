/**
 * The names of the special functions that are primitives: all tables have the same entry for them. They
 * are computed by the evaluator, since their numbers of steps depend on the arguments.
 *
 * @module
 */

/** The primitives of `special_gamma.ts` and the files next to it. */
export const SPECIAL = [
  ...["gamma", "beta", "logBeta", "pochhammer", "polygammaStep"] as const,
  ...["incompleteGamma", "gammaDensity"] as const,
  ...["incompleteBeta", "incompleteBetaSlope", "betaDensity"] as const,
  ...["besselSeries", "besselScaled", "besselJ"] as const,
  ...[
    "expi",
    "expn",
    "sineIntegral",
    "cosineIntegral",
    "fresnel",
    "fresnelSlope",
    "spence",
  ] as const,
  ...["scaledTail", "dawson", "normalQuantile", "owensT"] as const,
  ...["zeta", "hyp1f1", "hyp2f1", "sphericalLegendre"] as const,
  ...["faddeeva", "complexLogGamma"] as const,
];

/** The name of one of them. */
export type SpecialName = typeof SPECIAL[number];

/** A table in which all of them have the same entry. */
export function forSpecial<T>(entry: T): Readonly<Record<SpecialName, T>> {
  return Object.fromEntries(SPECIAL.map((name) => [name, entry])) as Record<SpecialName, T>;
}
