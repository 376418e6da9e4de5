/**
 * Transforms of single gradients that have no state.
 *
 * @module
 */
import { described } from "../core/description.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { isnan, mean, where } from "../functions/mod.ts";
import { closeUpdates, openGrads, openParams } from "./leaves.ts";
import type { Optimizer } from "./optimizer.ts";

function eachGradient(name: string, change: (gradient: Tensor) => Tensor): Optimizer<null> {
  return described<Optimizer<null>>({ name }, {
    init: () => null,
    update(grads, _state, params) {
      const opened = openParams(params);
      return [closeUpdates(opened, openGrads(grads, opened).map((g) => g && change(g))), null];
    },
  });
}

/**
 * Puts zero in place of NaN: a gradient that has one moves its element nowhere. optax's `zero_nans`.
 *
 * @category Gradient transformations
 * @returns The transform; its state is `null`.
 *
 * @example One bad element
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.zeroNans();
 * const params = tensor([1, 2]);
 * const [updates] = transform.update(tensor([NaN, 3]), transform.init(params), params);
 * assertTensorsClose(updates, [0, 3]);
 * ```
 */
export function zeroNans(): Optimizer<null> {
  return eachGradient("zeroNans", (g) => where(isnan(g), 0, g));
}

/**
 * Takes from the gradient of each matrix or kernel the mean over all axes but the first; vectors and
 * scalars stay. After Yong and others, "Gradient centralization: A new optimization technique for deep
 * neural networks" (2020); optax's `centralize`.
 *
 * @category Gradient transformations
 * @returns The transform; its state is `null`.
 *
 * @example Each row adds up to zero
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.centralize();
 * const params = tensor([[0, 0], [0, 0]]);
 * const [updates] = transform.update(tensor([[1, 3], [0, 4]]), transform.init(params), params);
 * assertTensorsClose(updates, [[-1, 1], [-2, 2]]);
 * ```
 */
export function centralize(): Optimizer<null> {
  return eachGradient("centralize", (g) => {
    if (g.ndim < 2) return g;
    const axes = g.shape.slice(1).map((_, i) => i + 1);
    return g.sub(mean(g, axes, { keepdims: true }));
  });
}

/**
 * Puts the sign in place of each element of the gradients; optax's `scale_by_sign`.
 *
 * @category Gradient transformations
 * @returns The transform; its state is `null`.
 *
 * @example Up, down or not at all
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.scaleBySign();
 * const params = tensor([1, 2, 3]);
 * const [updates] = transform.update(tensor([5, -0.1, 0]), transform.init(params), params);
 * assertTensorsClose(updates, [1, -1, 0]);
 * ```
 */
export function scaleBySign(): Optimizer<null> {
  return eachGradient("scaleBySign", (g) => g.sign());
}

/**
 * Puts zero in place of every gradient: the optimiser of parameters that stay. optax's `set_to_zero`.
 *
 * @category Gradient transformations
 * @returns The transform; its state is `null`.
 *
 * @example No step
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.setToZero();
 * const params = tensor([1, 2]);
 * const [updates] = transform.update(tensor([5, NaN]), transform.init(params), params);
 * assertTensorsClose(updates, [0, 0]);
 * ```
 */
export function setToZero(): Optimizer<null> {
  return eachGradient("setToZero", (g) => splat(0, g.dtype, g.shape));
}
