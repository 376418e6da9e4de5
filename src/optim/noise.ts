/**
 * Noise on gradients.
 *
 * @module
 */
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { copy, pow } from "../functions/mod.ts";
import { checkKey } from "../random/arguments.ts";
import { normal } from "../random/continuous.ts";
import { split } from "../random/key.ts";
import { assemble } from "./assemble.ts";
import { checkCount, newCount, nextCount } from "./count.ts";
import type { DescentOptions } from "./assemble.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkState, openGrads, openParams, scalarFor, updateLeaves } from "./leaves.ts";
import { checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * Options of `addNoise`.
 *
 * @category Optimizers
 */
export interface AddNoiseOptions {
  /** The variance η of the noise at the first update. Default 0.01. */
  readonly eta?: number;
  /** The power γ by which the variance falls. Default 0.55. */
  readonly gamma?: number;
}

/**
 * Options of `noisySgd`.
 *
 * @category Optimizers
 */
export interface NoisySgdOptions extends AddNoiseOptions, DescentOptions {}

/**
 * The state of `addNoise`.
 *
 * @category Optimizers
 */
export type AddNoiseState = {
  /** The number of updates done: an int32 scalar. */
  readonly count: Tensor;
  /** Where the next noise comes from, `uint32[2]`. */
  readonly key: Tensor;
};

const NOISE = { eta: 0.01, gamma: 0.55 };

/**
 * Adds normally distributed noise of variance η / tᵞ to the gradients of update t = 1, 2, …. After
 * Neelakantan and others, "Adding gradient noise improves learning for very deep networks" (2015); optax's
 * `add_noise`, with its random numbers.
 *
 * @category Optimizers
 * @param key A key, `uint32[2]`.
 * @param options η and γ.
 * @returns The transform; its state is `{ count, key }`.
 * @throws {ArgumentError} when `key` is not a key, or an option is negative or not finite.
 *
 * @example Noise of deviation 0.1
 * ```ts
 * import { optim, random, zeros } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.addNoise(random.key(0), { eta: 0.01 });
 * const params = zeros([1000]);
 * const [updates] = transform.update(params, transform.init(params), params);
 * assertTensorsClose(updates.std(), 0.1, { rtol: 0.1 });
 * ```
 */
export function addNoise(key: Tensor, options?: AddNoiseOptions): Optimizer<AddNoiseState> {
  const what = "Cannot add noise";
  checkKey(key, what);
  const { eta, gamma } = readOptions(what, options ?? {}, NOISE);
  checkNotNegative(what, { eta, gamma });
  return described<Optimizer<AddNoiseState>>({ name: "addNoise", settings: { eta, gamma } }, {
    init: () => ({ count: newCount(), key: copy(key) }),
    update(grads, state, params) {
      checkState(state, ["count", "key"]);
      const count = nextCount(checkCount(state.count));
      const deviation = scalarFor(pow(count.astype("float64"), -gamma).mul(eta).sqrt());
      const [next, own] = split(state.key);
      const gradients = openGrads(grads, openParams(params)).filter((g) => g !== null);
      const keys = split(own, gradients.length).values();
      const [updates] = updateLeaves(grads, params, {}, (g) => {
        const noise = normal(keys.next().value!, g.shape, { dtype: g.dtype as "float32" });
        return { update: g.add(noise.mul(deviation(g))) };
      });
      return [updates, { count, key: next }];
    },
  });
}

/**
 * Gradient descent with noise: `addNoise` to the gradients d + λ p (−d with `maximize`), times −η; optax's
 * `noisy_sgd`.
 *
 * @category Optimizers
 * @param learningRate The rate: a number of at least 0, a scalar tensor, or a schedule.
 * @param key A key, `uint32[2]`.
 * @param options Variance and power of the noise, weight decay λ, maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when `key` is not a key, or an option is out of range.
 *
 * @example Without noise
 * ```ts
 * import { optim, random, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.noisySgd(0.1, random.key(0), { eta: 0 });
 * const params = tensor([1]);
 * const [updates] = optimizer.update(tensor([5]), optimizer.init(params), params);
 * assertTensorsClose(updates, [-0.5]);
 * ```
 */
export function noisySgd(
  learningRate: LearningRate,
  key: Tensor,
  options?: NoisySgdOptions,
): Optimizer {
  return assemble("noisySgd", learningRate, options ?? {}, {
    defaults: NOISE,
    direction: ({ eta, gamma }, what) => {
      checkKey(key, what);
      checkNotNegative(what, { eta, gamma });
      return [addNoise(key, { eta, gamma })];
    },
  });
}
