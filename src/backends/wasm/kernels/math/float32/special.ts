/**
 * Special functions of float32, computed as those of doubles and rounded.
 *
 * @module
 */
import { rootOperations } from "../float64/cube_root.ts";
import { errorOperations } from "../float64/error.ts";
import { gammaOperations } from "../float64/gamma.ts";
import { polygammaOperations } from "../float64/polygamma.ts";
import { inDoubles } from "../halves.ts";
import type { Operation } from "../operation.ts";

function rounded(operation: Operation): Operation {
  return (code, params) => inDoubles(code, operation(code, params));
}

/** Special functions, by the name of their primitive. Errors are at most 0.501 ulp. */
export const specialOperations: Readonly<Record<string, Operation>> = {
  cbrt: rounded(rootOperations.cbrt),
  erfinv: rounded(errorOperations.erfinv),
  lgamma: rounded(gammaOperations.lgamma),
  polygamma: rounded(polygammaOperations.polygamma),
};
