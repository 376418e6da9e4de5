/**
 * Sophia.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { cond } from "../control/cond.ts";
import { copy, pow } from "../functions/mod.ts";
import { checkKey } from "../random/arguments.ts";
import { split } from "../random/key.ts";
import { rademacher } from "../random/vectors.ts";
import { grad } from "../transforms/grad.ts";
import { jvp } from "../transforms/jvp.ts";
import { assemble } from "./assemble.ts";
import type { DescentOptions } from "./assemble.ts";
import { checkCount, newCount, nextCount } from "./count.ts";
import { lossOf, movable } from "./extras.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkState, closeUpdates, fillLike, openGrads, openParams } from "./leaves.ts";
import { openUpdates, scalarFor, updateLeaves } from "./leaves.ts";
import { checkCounts, checkDecayRates, checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * Options of `scaleBySophia`.
 *
 * @category Optimizers
 */
export interface ScaleBySophiaOptions {
  /** The share of the first moment that stays from one update to the next. Default 0.965. */
  readonly beta1?: number;
  /** The share of the curvature that stays from one estimate to the next. Default 0.99. */
  readonly beta2?: number;
  /** The least curvature, above 0. Default 1e-8. */
  readonly eps?: number;
  /** The factor γ of the curvature. Default 0.01. */
  readonly gamma?: number;
  /** The largest magnitude c of an element of the direction. Default 1. */
  readonly threshold?: number;
  /** The number of updates k between two estimates of the curvature. Default 10. */
  readonly every?: number;
}

/**
 * Options of `sophia`; its weight decay is 1e-4 by default.
 *
 * @category Optimizers
 */
export interface SophiaOptions extends ScaleBySophiaOptions, DescentOptions {}

/**
 * The state of `scaleBySophia`; trees are like the parameters.
 *
 * @category Optimizers
 */
export type ScaleBySophiaState = {
  /** The number of updates done: an int32 scalar. */
  readonly count: Tensor;
  /** Where the next random signs come from, `uint32[2]`. */
  readonly key: Tensor;
  /** The decaying mean of the gradients, not yet corrected for its start at zero. */
  readonly firstMoment: Tree<Tensor>;
  /** The decaying mean of estimates of the Hessian's diagonal. */
  readonly curvature: Tree<Tensor>;
};

const SOPHIA = { beta1: 0.965, beta2: 0.99, eps: 1e-8, gamma: 0.01, threshold: 1, every: 10 };

function checkSophia(
  what: string,
  { beta1, beta2, eps, gamma, threshold, every }: typeof SOPHIA,
): void {
  checkDecayRates(what, { beta1, beta2 });
  checkNotNegative(what, { eps, gamma, threshold });
  if (eps === 0) throw argumentError(`${what} with eps 0: expected a number above 0`);
  checkCounts(what, { every }, 1);
}

/**
 * Sophia's direction, the mean of gradients over an estimate of the Hessian's diagonal, clipped. With
 * gradients g at update t = 1, 2, …:
 *
 * ```text
 * m = β₁ m + (1 − β₁) g
 * u = clip(m / (1 − β₁ᵗ) / max(γ h, ε), −c, c)
 * h = β₂ h + (1 − β₂) s ⊙ H s          (after updates 1, k + 1, 2k + 1, …, with random signs s)
 * ```
 *
 * H s is a Hessian-vector product, so it needs the loss: `update(grads, state, params, { loss })`. After Liu
 * and others, "Sophia: A scalable stochastic second-order optimizer for language model pre-training" (2024),
 * algorithm 3 with Hutchinson's estimator; optax's `contrib.sophia`, with its random numbers.
 *
 * @category Optimizers
 * @param key A key, `uint32[2]`.
 * @param options β₁, β₂, ε, γ, c and k.
 * @returns The transform; its state is `{ count, key, firstMoment, curvature }`.
 * @throws {ArgumentError} when `key` is not a key, or an option is out of range. `update` throws it without
 * a loss.
 *
 * @example The second direction uses the curvature
 * ```ts
 * import { optim, random, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const loss = (x: Tensor) => x.square().mul(tensor([10, 20])).sum();
 * const transform = optim.scaleBySophia(random.key(0), { beta1: 0, beta2: 0, gamma: 1 });
 * const params = tensor([0, 0]);
 * const [, state] = transform.update(tensor([5, 5]), transform.init(params), params, { loss });
 * const [updates] = transform.update(tensor([5, 5]), state, params, { loss });
 * assertTensorsClose(updates, [0.25, 0.125]);
 * ```
 */
export function scaleBySophia(
  key: Tensor,
  options?: ScaleBySophiaOptions,
): Optimizer<ScaleBySophiaState> {
  const what = "Cannot scale by Sophia";
  checkKey(key, what);
  const settings = readOptions(what, options ?? {}, SOPHIA);
  checkSophia(what, settings);
  const { beta1, beta2, eps, gamma, threshold, every } = settings;
  return described<Optimizer<ScaleBySophiaState>>({ name: "scaleBySophia", settings }, {
    init: (params) => ({
      count: newCount(),
      key: copy(key),
      firstMoment: fillLike(params, 0),
      curvature: fillLike(params, 0),
    }),
    update(grads, state, params, extras) {
      checkState(state, ["count", "key", "firstMoment", "curvature"]);
      const before = checkCount(state.count);
      const count = nextCount(before);
      const correction = scalarFor(pow(beta1, count.astype("float64")).neg().add(1));
      const { firstMoment, curvature } = state;
      const old = { firstMoment, curvature };
      const [updates, moments] = updateLeaves(grads, params, old, (g, s) => {
        const firstMoment = s.firstMoment.mul(beta1).add(g.mul(1 - beta1));
        const newton = firstMoment.div(correction(g)).div(s.curvature.mul(gamma).maximum(eps));
        return { ...s, update: newton.clip(-threshold, threshold), firstMoment };
      });
      const opened = openParams(params);
      const gradients = openGrads(grads, opened);
      const loss = lossOf(extras, what, opened, gradients);
      const places = movable(gradients);
      const known = openUpdates(moments.curvature, opened, what);
      const point = places.map((place) => opened.leaves[place]);
      const estimate = (): [Tensor, Tensor[]] => {
        const [next, own] = split(state.key);
        const keys = split(own, places.length);
        const draw = (x: Tensor, i: number) => rademacher(keys[i], x.shape, { dtype: x.dtype });
        const signs = point.map(draw);
        const [, product] = jvp(grad(loss), [point], [signs]) as unknown as [null, Tensor[]];
        const mean = (h: Tensor, i: number) =>
          h.mul(beta2).add(product[i].mul(signs[i]).mul(1 - beta2));
        return [next, places.map((place, i) => mean(known[place]!, i))];
      };
      const keep = (): [Tensor, Tensor[]] => [state.key, places.map((place) => known[place]!)];
      const isDue = before.mod(every).equal(0);
      const [next, estimates] = places.length === 0 ? keep() : cond(isDue, estimate, keep);
      places.forEach((place, i) => known[place] = estimates[i]);
      return [updates, {
        count,
        key: next,
        firstMoment: moments.firstMoment,
        curvature: closeUpdates(opened, known),
      }];
    },
  });
}

/**
 * Sophia: the direction of `scaleBySophia` plus λ p, times −η; optax's `contrib.sophia`.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule.
 * @param key A key, `uint32[2]`.
 * @param options β₁, β₂, ε, γ, c, k, weight decay λ (1e-4 by default), maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when `key` is not a key, or an option is out of range. `update` throws it without
 * a loss.
 *
 * @example The first step is clipped
 * ```ts
 * import { grad, optim, random, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const loss = (x: Tensor) => x.square().sum();
 * const optimizer = optim.sophia(0.1, random.key(0), { weightDecay: 0 });
 * const params = tensor([3, -4]);
 * const [updates] = optimizer.update(grad(loss)(params), optimizer.init(params), params, { loss });
 * assertTensorsClose(updates, [-0.1, 0.1]);
 * ```
 */
export function sophia(
  learningRate: LearningRate,
  key: Tensor,
  options?: SophiaOptions,
): Optimizer {
  return assemble("sophia", learningRate, options ?? {}, {
    defaults: SOPHIA,
    weightDecay: 1e-4,
    decays: "direction",
    direction: ({ beta1, beta2, eps, gamma, threshold, every }, what) => {
      checkKey(key, what);
      const own = { beta1, beta2, eps, gamma, threshold, every };
      checkSophia(what, own);
      return [scaleBySophia(key, own)];
    },
  });
}
