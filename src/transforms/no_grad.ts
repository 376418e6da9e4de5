/**
 * Regions without derivatives.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import type { Primitive } from "../core/primitive.ts";
import { Concrete, Tensor } from "../core/tensor.ts";
import { currentTrace, runUnder, Trace, WeakScalar } from "../core/trace.ts";
import { flatten, unflatten } from "../core/tree.ts";
import { stopGradient as stop, stopGradientPrimitive } from "../primitives/structure.ts";
import { checkFunction, checkSynchronous } from "./flatten_function.ts";

/**
 * Makes every operand a constant before its parent applies the operation, so that derivatives of
 * enclosing transforms end here, also for captured values. Transforms started inside have traces above
 * this one, which keep their derivatives.
 */
class NoGradTrace extends Trace {
  readonly #parent: Trace;
  /** Values created here, and those that are constants already: they have no derivatives to stop. */
  readonly #constants: WeakMap<Tensor, Tensor> = new WeakMap();

  constructor(parent: Trace) {
    super("noGrad");
    this.#parent = parent;
  }

  override process<P>(
    primitive: Primitive<P>,
    args: readonly Tensor[],
    params: P,
  ): readonly Tensor[] {
    const results = this.#parent.process(primitive, args.map((arg) => this.#stop(arg)), params);
    for (const result of results) this.#constants.set(result, result);
    return results;
  }

  #stop(value: Tensor): Tensor {
    if (value instanceof Concrete || !isFloat(value.dtype)) return value;
    let constant = this.#constants.get(value);
    if (constant === undefined) {
      [constant] = this.#parent.process(stopGradientPrimitive, [value], null);
      this.#constants.set(value, constant);
    }
    return constant;
  }
}

/**
 * `f` with derivative zero, as PyTorch's `no_grad` under its functional transforms: a transform
 * respects a `noGrad` inside the function that it differentiates, and ignores one around itself.
 * Operations inside are not recorded, including those on values that `f` closes over.
 *
 * @category Transforms
 * @param f Any function of trees; its result may be any tree.
 * @returns A function with the same values whose derivative is zero.
 *
 * @example A transform respects a noGrad inside it, and ignores one outside
 * ```ts
 * import { grad, noGrad, square } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(grad((x) => x.sub(noGrad(square)(x)))(3), 1);
 * assertTensorsClose(noGrad(() => grad((x) => x.square())(3))(), 6);
 * ```
 */
export function noGrad<Args extends unknown[], Out>(
  f: (...args: Args) => Out,
): (...args: Args) => Out {
  checkFunction(f, "noGrad");
  return (...args) => {
    const result = runUnder(new NoGradTrace(currentTrace()), () => f(...args));
    checkSynchronous(result, "noGrad");
    return stopGradient(result);
  };
}

/**
 * The same values with derivative zero, as PyTorch's `detach`.
 *
 * @category Transforms
 * @param tree A tree; its floating-point tensors become constants, other leaves are unchanged.
 * @returns A tree with the same values.
 *
 * @example A value used as a constant
 * ```ts
 * import { grad, stopGradient } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(grad((x) => x.mul(stopGradient(x)))(3), 3);
 * ```
 */
export function stopGradient<T>(tree: T): T {
  const { leaves, structure } = flatten(tree);
  return unflatten(
    structure,
    leaves.map((leaf) => {
      // A traced number remains a number, as a plain number does.
      if (leaf instanceof WeakScalar) return leaf.within(leaf.trace, stop(leaf.wide));
      return leaf instanceof Tensor && isFloat(leaf.dtype) ? stop(leaf) : leaf;
    }),
  ) as T;
}
