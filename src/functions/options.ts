/**
 * The options that functions of tensors share.
 *
 * @module
 */
import { checkDtype } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { readOptions } from "../base/options.ts";
import type { DtypeOptions } from "../core/methods.ts";

/** The dtype that `options` names, or `fallback`. */
export function readDtype(
  what: string,
  options: DtypeOptions | undefined,
  fallback: Dtype,
): Dtype {
  const { dtype = fallback } = readOptions(what, options, ["dtype"]);
  checkDtype(dtype);
  return dtype;
}
