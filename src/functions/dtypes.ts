/**
 * Information about dtypes: their limits, their common dtypes, and the values that they can represent.
 *
 * @module
 */
import {
  byteSize,
  categoryOf,
  checkDtype,
  describeValue,
  epsilonOf,
  isFloat,
  leastNormal,
  rangeOf,
} from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError, dtypeError } from "../base/errors.ts";
import type { TensorLike } from "../core/tensor.ts";
import { commonDtype } from "./broadcasting.ts";
import { zeros } from "./creation.ts";

/**
 * The limits of a floating-point dtype.
 *
 * @category Tensors
 */
export interface FloatInfo {
  /** How many bits a number takes. */
  readonly bits: number;
  /** The difference of 1 and the next larger number. */
  readonly eps: number;
  /** The largest finite number. */
  readonly max: number;
  /** The least finite number. */
  readonly min: number;
  /** The least positive number with all digits. */
  readonly smallestNormal: number;
  /** The least positive number. */
  readonly smallestSubnormal: number;
}

/**
 * The limits of an integer dtype.
 *
 * @category Tensors
 */
export interface IntegerInfo {
  /** How many bits a number takes. */
  readonly bits: number;
  /** The largest number. */
  readonly max: number;
  /** The least number. */
  readonly min: number;
}

/**
 * A family of dtypes: those of NumPy's abstract types.
 *
 * @category Tensors
 */
export type DtypeFamily =
  | "bool"
  | "signedInteger"
  | "unsignedInteger"
  | "integer"
  | "floating"
  | "complexFloating"
  | "inexact"
  | "number";

/**
 * The limits of a floating-point dtype, or of the parts of a complex one.
 *
 * @category Tensors
 * @param dtype A floating-point or complex dtype.
 * @returns The limits, as `numpy.finfo` and `jax.numpy.finfo` have them.
 * @throws {DtypeError} when it is another dtype, or none.
 *
 * @example Half floats
 * ```ts
 * import { finfo } from "@jacobi/jacobi";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(finfo("float16").max, 65504);
 * strictEqual(finfo("bfloat16").eps, 2 ** -7);
 * ```
 */
export function finfo(dtype: Dtype): FloatInfo {
  checkDtype(dtype);
  const category = categoryOf(dtype);
  if (category !== "float" && category !== "complex") {
    throw dtypeError(
      `Cannot give floating-point limits of ${dtype}: expected a floating-point or complex dtype` +
        (category === "integer" ? "; use iinfo" : ""),
    );
  }
  const [min, max] = rangeOf(dtype);
  const [eps, smallestNormal] = [epsilonOf(dtype), leastNormal(dtype)];
  const bits = 8 * byteSize(dtype) / (category === "complex" ? 2 : 1);
  return { bits, eps, max, min, smallestNormal, smallestSubnormal: smallestNormal * eps };
}

/**
 * The limits of an integer dtype.
 *
 * @category Tensors
 * @param dtype An integer dtype.
 * @returns The limits, as `numpy.iinfo` has them.
 * @throws {DtypeError} when it is another dtype, or none.
 *
 * @example The range of bytes
 * ```ts
 * import { iinfo } from "@jacobi/jacobi";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * deepStrictEqual(iinfo("int8"), { bits: 8, max: 127, min: -128 });
 * ```
 */
export function iinfo(dtype: Dtype): IntegerInfo {
  checkDtype(dtype);
  if (categoryOf(dtype) !== "integer") {
    throw dtypeError(
      `Cannot give integer limits of ${dtype}: expected an integer dtype` +
        (isFloat(dtype) ? "; use finfo" : ""),
    );
  }
  const [min, max] = rangeOf(dtype);
  return { bits: 8 * byteSize(dtype), max, min };
}

/**
 * The dtype in which arguments meet, by the table of JAX: the higher category of bool, integer, float and
 * complex, and within one category the narrowest dtype that holds the values of all. `float16` and
 * `bfloat16` meet in `float32`. `uint32` and a signed integer meet in none, since there are no integers
 * of 64 bits; in JAX they meet in `int64`. Numbers, booleans and nested arrays adopt the dtype of the
 * other arguments.
 *
 * @category Tensors
 * @param args Tensors, numbers, arrays, and names of dtypes.
 * @returns The dtype of their sum.
 * @throws {DtypeError} when there is no such dtype, or a name is none.
 * @throws {ArgumentError} when an argument is none of these, or there are none.
 *
 * @example Small integers
 * ```ts
 * import { resultType, tensor } from "@jacobi/jacobi";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(resultType("uint8", "int8"), "int16");
 * strictEqual(resultType(tensor([1, 2], { dtype: "bfloat16" }), 0.5), "bfloat16");
 * ```
 */
export function resultType(...args: readonly (TensorLike | Dtype)[]): Dtype {
  const what = "Cannot find the dtype of";
  if (args.length === 0) throw argumentError(`${what} no arguments: expected at least one`);
  const read = args.map((arg): TensorLike => {
    if (typeof arg !== "string") return arg;
    checkDtype(arg);
    return zeros([], { dtype: arg });
  });
  return commonDtype(what, read);
}

/**
 * Whether every value of one dtype can be represented in another, so that conversion loses nothing.
 *
 * @category Tensors
 * @param from The dtype of the values.
 * @param to The dtype that they would be converted to.
 * @returns The same as `numpy.can_cast` with safe conversion.
 * @throws {DtypeError} when one of them is no dtype.
 *
 * @example Integers in a half float
 * ```ts
 * import { canCast } from "@jacobi/jacobi";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(canCast("uint8", "float16"), true);
 * strictEqual(canCast("int16", "float16"), false);
 * strictEqual(canCast("float16", "bfloat16"), false);
 * ```
 */
export function canCast(from: Dtype, to: Dtype): boolean {
  checkDtype(from);
  checkDtype(to);
  const [own, other] = [categoryOf(from), categoryOf(to)];
  if (from === to || own === "bool") return true;
  if (own === "complex" && other !== "complex") return false;
  const [[low, high], [least, most]] = [rangeOf(from), rangeOf(to)];
  if (own === "integer") {
    if (other === "integer") return least <= low && high <= most;
    // Floats hold all integers up to a power of two.
    return (other === "float" || other === "complex") &&
      Math.max(-low, high) <= 2 / epsilonOf(to);
  }
  return (other === "float" || other === "complex") && high <= most &&
    epsilonOf(to) <= epsilonOf(from) && leastNormal(to) <= leastNormal(from);
}

/** The categories in each family. */
const FAMILIES: Readonly<Record<DtypeFamily, (dtype: Dtype) => boolean>> = {
  bool: (dtype) => dtype === "bool",
  signedInteger: (dtype) => categoryOf(dtype) === "integer" && rangeOf(dtype)[0] < 0,
  unsignedInteger: (dtype) => categoryOf(dtype) === "integer" && rangeOf(dtype)[0] === 0,
  integer: (dtype) => categoryOf(dtype) === "integer",
  floating: (dtype) => categoryOf(dtype) === "float",
  complexFloating: (dtype) => categoryOf(dtype) === "complex",
  inexact: (dtype) => categoryOf(dtype) === "float" || categoryOf(dtype) === "complex",
  number: (dtype) => dtype !== "bool",
};

/**
 * Whether a dtype belongs to a family of dtypes.
 *
 * @category Tensors
 * @param dtype The dtype.
 * @param family `"bool"`, `"signedInteger"`, `"unsignedInteger"`, `"integer"` (both), `"floating"`,
 * `"complexFloating"`, `"inexact"` (both), or `"number"` (all but bool).
 * @returns The same as `numpy.issubdtype` with the abstract type of that name.
 * @throws {DtypeError} when the first is no dtype.
 * @throws {ArgumentError} when the second is no family.
 *
 * @example Floats of any width
 * ```ts
 * import { isSubdtype } from "@jacobi/jacobi";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(isSubdtype("bfloat16", "floating"), true);
 * strictEqual(isSubdtype("uint8", "signedInteger"), false);
 * ```
 */
export function isSubdtype(dtype: Dtype, family: DtypeFamily): boolean {
  checkDtype(dtype);
  if (typeof family !== "string" || !Object.hasOwn(FAMILIES, family)) {
    throw argumentError(
      `Cannot look for ${dtype} in ${describeValue(family)}: expected one of ` +
        Object.keys(FAMILIES).join(", "),
    );
  }
  return FAMILIES[family](dtype);
}
