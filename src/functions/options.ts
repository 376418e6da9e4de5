/**
 * The options that functions of tensors share.
 *
 * @module
 */
import { checkDtype, describeValue, isFloat } from "../base/dtype.ts";
import type { Dtype, FloatDtype } from "../base/dtype.ts";
import { dtypeError } from "../base/errors.ts";
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

/** Throws unless `dtype` is that of floats; `what` begins the message: "Cannot make a window". */
export function checkFloatDtype(what: string, dtype: unknown): asserts dtype is FloatDtype {
  checkDtype(dtype);
  if (isFloat(dtype)) return;
  throw dtypeError(
    `${what} of dtype ${describeValue(dtype)}: expected a floating-point dtype`,
  );
}
