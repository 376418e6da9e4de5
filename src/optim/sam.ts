/**
 * Sharpness-aware minimization.
 *
 * @module
 */
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { where } from "../functions/mod.ts";
import { grad } from "../transforms/grad.ts";
import { lossOf } from "./extras.ts";
import { normOf } from "./global_norm.ts";
import { closeUpdates, openGrads, openParams, scalarFor } from "./leaves.ts";
import { checkNotNegative, readOptions } from "./options.ts";
import { checkOptimizer } from "./optimizer.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * Options of `sam`.
 *
 * @category Optimizers
 */
export interface SamOptions {
  /** How far up the gradients are taken, ρ. Default 0.05. */
  readonly rho?: number;
}

/**
 * Sharpness-aware minimization: an optimiser that gets the gradients at the worst point of a small ball
 * around the parameters, ∇L(p + ρ g / ‖g‖), and so prefers wide valleys. It needs the loss:
 * `update(grads, state, params, { loss })`, and evaluates its gradient once. After Foret and others,
 * "Sharpness-aware minimization for efficiently improving generalization" (2021), algorithm 1; optax's
 * `contrib.sam` with `opaque_mode`.
 *
 * @category Optimizers
 * @param optimizer The optimiser that gets those gradients.
 * @param options ρ.
 * @returns The optimiser; its state is that of `optimizer`.
 * @throws {ArgumentError} when `optimizer` is none, or ρ is negative or not finite. `update` throws it
 * without a loss.
 *
 * @example The gradient of a parabola one step further up
 * ```ts
 * import { grad, optim, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const loss = (x: Tensor) => x.square().sum();
 * const optimizer = optim.sam(optim.sgd(0.1), { rho: 0.5 });
 * const params = tensor([3, 4]);
 * const [updates] = optimizer.update(grad(loss)(params), optimizer.init(params), params, { loss });
 * assertTensorsClose(updates, [-0.66, -0.88], { rtol: 1e-5 });
 * ```
 */
export function sam<Inner>(optimizer: Optimizer<Inner>, options?: SamOptions): Optimizer<Inner> {
  const what = "Cannot make sam";
  checkOptimizer(optimizer, what);
  const { rho } = readOptions(what, options ?? {}, { rho: 0.05 });
  checkNotNegative(what, { rho });
  return described<Optimizer<Inner>>({ name: "sam", settings: { rho }, parts: [optimizer] }, {
    init: optimizer.init,
    update(grads, state, params, extras) {
      const opened = openParams(params);
      const gradients = openGrads(grads, opened);
      const loss = lossOf(extras, "Cannot update by sam", opened, gradients);
      const total = normOf(gradients, 2);
      const length = scalarFor(where(total.greater(0), total.reciprocal().mul(rho), 0));
      const up = (g: Tensor, i: number) => opened.leaves[i].add(g.mul(length(g)));
      const climbed = gradients.flatMap((g, i) => g === null ? [] : [up(g, i)]);
      const worst = climbed.length === 0 ? [] : grad(loss)(climbed) as readonly Tensor[];
      let next = 0;
      const used = gradients.map((g) => g && worst[next++]);
      return optimizer.update(closeUpdates(opened, used), state, params, extras);
    },
  });
}
