/**
 * Adadelta.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { assemble } from "./assemble.ts";
import type { DescentOptions } from "./assemble.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkState, fillLike, updateLeaves } from "./leaves.ts";
import { checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * Options of `scaleByAdadelta`.
 *
 * @category Optimizers
 */
export interface ScaleByAdadeltaOptions {
  /** The share of the means that stays from one update to the next. Default 0.9. */
  readonly rho?: number;
  /** A constant added within the roots; above 0. Default 1e-6. */
  readonly eps?: number;
}

/**
 * Options of `adadelta`.
 *
 * @category Optimizers
 */
export interface AdadeltaOptions extends ScaleByAdadeltaOptions, DescentOptions {}

/**
 * The state of `scaleByAdadelta`: trees like the parameters.
 *
 * @category Optimizers
 */
export type ScaleByAdadeltaState = {
  /** The decaying mean v of squared gradients. */
  readonly secondMoment: Tree<Tensor>;
  /** The decaying mean a of squared directions. */
  readonly squaredUpdates: Tree<Tensor>;
};

const ADADELTA = { rho: 0.9, eps: 1e-6 };

function checkAdadelta(what: string, { rho, eps }: { rho: number; eps: number }): void {
  checkNotNegative(what, { rho, eps });
  if (rho > 1) throw argumentError(`${what} with rho ${rho}: expected a number from 0 to 1`);
  if (eps === 0) throw argumentError(`${what} with eps 0: expected a number above 0`);
}

/**
 * Adadelta's direction, which has the units of the parameters:
 *
 * ```text
 * v = ρ v + (1 − ρ) g²
 * u = √(a + ε) / √(v + ε) g
 * a = ρ a + (1 − ρ) u²
 * ```
 *
 * After Zeiler, "ADADELTA: An adaptive learning rate method" (2012), algorithm 1.
 *
 * @category Optimizers
 * @param options ρ and ε.
 * @returns The transform; its state is `{ secondMoment, squaredUpdates }`.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example Large and small gradients come out alike
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.scaleByAdadelta({ rho: 0.75, eps: 1e-6 });
 * const params = tensor([0, 0]);
 * const [updates] = transform.update(tensor([300, -20]), transform.init(params), params);
 * assertTensorsClose(updates, [0.002, -0.002], { rtol: 1e-5 });
 * ```
 */
export function scaleByAdadelta(options?: ScaleByAdadeltaOptions): Optimizer<ScaleByAdadeltaState> {
  const what = "Cannot scale by Adadelta";
  const { rho, eps } = readOptions(what, options ?? {}, ADADELTA);
  checkAdadelta(what, { rho, eps });
  return described<Optimizer<ScaleByAdadeltaState>>({
    name: "scaleByAdadelta",
    settings: { rho, eps },
  }, {
    init: (params) => ({
      secondMoment: fillLike(params, 0),
      squaredUpdates: fillLike(params, 0),
    }),
    update(grads, state, params) {
      checkState(state, ["secondMoment", "squaredUpdates"]);
      const { secondMoment, squaredUpdates } = state;
      return updateLeaves(grads, params, { secondMoment, squaredUpdates }, (g, s) => {
        const secondMoment = s.secondMoment.mul(rho).add(g.square().mul(1 - rho));
        const root = s.squaredUpdates.add(eps).sqrt();
        const update = root.div(secondMoment.add(eps).sqrt()).mul(g);
        const squaredUpdates = s.squaredUpdates.mul(rho).add(update.square().mul(1 - rho));
        return { update, secondMoment, squaredUpdates };
      });
    },
  });
}

/**
 * Adadelta, with PyTorch's equations: the direction of `scaleByAdadelta` for the gradients g = d + λ p
 * (−d with `maximize`), times −η.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule. PyTorch's
 * default is 1.
 * @param options ρ, ε, weight decay λ, maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example One step
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.adadelta(1, { rho: 0.75 });
 * const params = tensor([4]);
 * const [updates] = optimizer.update(tensor([30]), optimizer.init(params), params);
 * assertTensorsClose(updates, [-0.002], { rtol: 1e-5 });
 * ```
 */
export function adadelta(learningRate: LearningRate, options?: AdadeltaOptions): Optimizer {
  return assemble("adadelta", learningRate, options ?? {}, {
    defaults: ADADELTA,
    direction: ({ rho, eps }, what) => {
      checkAdadelta(what, { rho, eps });
      return [scaleByAdadelta({ rho, eps })];
    },
  });
}
