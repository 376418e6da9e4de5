/**
 * The source of NaN and infinities.
 *
 * @module
 */
import { checkFlag, readOptions } from "../base/options.ts";
import { inspectFinite } from "../core/non_finite.ts";
import type { NonFinite } from "../core/non_finite.ts";
import { installInspector } from "../core/origin.ts";
import { checkFunction, checkSynchronous } from "../transforms/flatten_function.ts";
import type { AnyArgs } from "../core/tree_types.ts";

export type { InspectedValue, NonFinite } from "../core/non_finite.ts";
export type { Origin, Part } from "../core/origin.ts";

/**
 * Options of `findNaN`.
 *
 * @category Inspection
 */
export interface FindNaNOptions {
  /** Whether to search for infinities too; `true` by default. */
  readonly infinities?: boolean;
}

/** Ends the run once an operation is found. */
class Found {}

/**
 * The first operation that produces a NaN or an infinity from operands that have none. The function
 * runs one operation at a time, each inspected: functions under `jit` run uncompiled, and loops run
 * step by step. In the backward pass, the line is that of the differentiated operation.
 *
 * Results computed from an existing infinity, as in a mask of `-Infinity`, are not reported, but a NaN
 * computed from one is.
 *
 * @category Inspection
 * @param f The function that returns NaN: any function, also one made by `grad`, `jit` or `vmap`.
 * @param options Whether infinities count.
 * @returns A function of the same arguments that runs `f` up to the first such operation and returns a
 * report, which prints readably, or `null` when there is none.
 * @throws {ArgumentError} when `f` is not a function, or is async.
 *
 * @example A derivative at a kink
 * ```ts
 * import { grad, inspect, tensor } from "@jacobi/jacobi";
 *
 * const gradient = grad((x) => x.square().sum().sqrt());
 * const found = inspect.findNaN(gradient)(tensor([0, 0]));
 * if (found?.part !== "backward" || found.derivativeOf !== "sqrt") throw new Error(String(found));
 * if (inspect.findNaN(gradient)(tensor([3, 4])) !== null) throw new Error();
 * ```
 */
export function findNaN<Args extends AnyArgs>(
  f: (...args: Args) => unknown,
  options?: FindNaNOptions,
): (...args: Args) => NonFinite | null {
  checkFunction(f, "findNaN");
  const what = "Cannot apply findNaN";
  const { infinities = true } = readOptions(what, options, ["infinities"]);
  checkFlag(infinities, what, "infinities");
  return (...args) => {
    let first: NonFinite | null = null;
    const before = installInspector(inspectFinite({ nans: true, infinities }, (found) => {
      first ??= found;
      throw new Found();
    }));
    try {
      checkSynchronous(f(...args), "findNaN");
    } catch (error) {
      // If something was found, it does not matter how the function handled the exception.
      if (first === null) throw error;
    } finally {
      installInspector(before);
    }
    return first;
  };
}
