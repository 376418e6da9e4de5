/**
 * Where NaN and infinities come from.
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
  /** Whether infinities are looked for too; `true` when left out. */
  readonly infinities?: boolean;
}

/** Ends the run once something is found. */
class Found {}

/**
 * The first operation that makes a NaN or an infinity out of operands that have none. The function
 * runs one operation at a time, each looked at: what `jit` compiled runs as it was written, and loops
 * run step by step. In the backward pass, the line is that of the operation that is differentiated.
 *
 * An infinity that was there already, as in a mask of `-Infinity`, is not reported where it goes on;
 * the NaN that comes of it is.
 *
 * @category Inspection
 * @param f The function that gives NaN: any function, also one made by `grad`, `jit` or `vmap`.
 * @param options Whether infinities count.
 * @returns A function of the same arguments that runs `f` up to the first such operation and gives a
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
      // Whatever the function made of what ended it.
      if (first === null) throw error;
    } finally {
      installInspector(before);
    }
    return first;
  };
}
