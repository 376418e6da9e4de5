/**
 * Adam and AdamW.
 *
 * @module
 */
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { pow } from "../functions/mod.ts";
import { addDecayedWeights } from "./add_decayed_weights.ts";
import { chain } from "./chain.ts";
import { checkCount, newCount, nextCount } from "./count.ts";
import { checkLearningRate } from "./learning_rate.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkState, fillLike, scalarFor, updateLeaves } from "./leaves.ts";
import { checkDecayRates, checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer, OptimizerState } from "./optimizer.ts";
import { prepare } from "./prepare.ts";
import { rootOf } from "./root.ts";
import { scaleByLearningRate } from "./scale.ts";

/**
 * Options of `scaleByAdam`.
 *
 * @category Optimizers
 */
export interface ScaleByAdamOptions {
  /** The share of the first moment that stays from one update to the next. Default 0.9. */
  readonly beta1?: number;
  /** The share of the second moment that stays from one update to the next. Default 0.999. */
  readonly beta2?: number;
  /** A constant added to the root of the second moment. Default 1e-8. */
  readonly eps?: number;
  /** Whether to divide by the largest second moment so far. Default `false`. */
  readonly amsgrad?: boolean;
}

/**
 * Options of `adam` and `adamw`.
 *
 * @category Optimizers
 */
export interface AdamOptions extends ScaleByAdamOptions {
  /** The weight decay λ. Default 0 for `adam`, 0.01 for `adamw`. */
  readonly weightDecay?: number;
  /** Whether to climb instead of descending. Default `false`. */
  readonly maximize?: boolean;
}

/**
 * The state of `scaleByAdam`: the trees are like the parameters.
 *
 * @category Optimizers
 */
export type ScaleByAdamState = {
  /** The number of updates done: an int32 scalar. */
  readonly count: Tensor;
  /** The decaying mean m of the gradients, not yet corrected for its start at zero. */
  readonly firstMoment: Tree<Tensor>;
  /** The decaying mean v of their squares, in the same form. */
  readonly secondMoment: Tree<Tensor>;
  /** The largest second moment so far; `null` without `amsgrad`. */
  readonly largestSecondMoment: Tree<Tensor>;
};

const ADAM = { beta1: 0.9, beta2: 0.999, eps: 1e-8, amsgrad: false };

/**
 * Adam's direction: the mean of past gradients over the root of the mean of their squares. With
 * gradients g at update t = 1, 2, …:
 *
 * ```text
 * m = β₁ m + (1 − β₁) g
 * v = β₂ v + (1 − β₂) g²
 * w = v, or with amsgrad the largest v so far
 * u = (m / (1 − β₁ᵗ)) / (√w / √(1 − β₂ᵗ) + ε)
 * ```
 *
 * After Kingma and Ba, "Adam: A method for stochastic optimization" (2015), algorithm 1, and Reddi,
 * Kale and Kumar, "On the convergence of Adam and beyond" (2018), in PyTorch's form, where the
 * largest moment is taken before the correction. The root of a moment below the smallest normal
 * number is that number's, so that derivatives through an update stay finite where a gradient was
 * zero.
 *
 * @category Optimizers
 * @param options β₁, β₂, ε, and whether to use the largest second moment.
 * @returns The transform; its state is `{ count, firstMoment, secondMoment, largestSecondMoment }`.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example The first direction is the gradient's sign
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.scaleByAdam();
 * const params = tensor([0, 0]);
 * const [updates] = transform.update(tensor([300, -0.02]), transform.init(params), params);
 * assertTensorsClose(updates, tensor([1, -1]), { rtol: 1e-5 });
 * ```
 */
export function scaleByAdam(options?: ScaleByAdamOptions): Optimizer<ScaleByAdamState> {
  if (options === undefined) options = {};
  const what = "Cannot scale by Adam";
  const { beta1, beta2, eps, amsgrad } = readOptions(what, options, ADAM);
  checkDecayRates(what, { beta1, beta2 });
  checkNotNegative(what, { eps });
  return described<Optimizer<ScaleByAdamState>>({
    name: "scaleByAdam",
    settings: { beta1, beta2, eps, amsgrad },
  }, {
    init: (params) => ({
      count: newCount(),
      firstMoment: fillLike(params, 0),
      secondMoment: fillLike(params, 0),
      largestSecondMoment: amsgrad ? fillLike(params, 0) : null,
    }),
    update(grads, state, params) {
      checkState(state, ["count", "firstMoment", "secondMoment", "largestSecondMoment"]);
      const count = nextCount(checkCount(state.count));
      const t = count.astype("float64");
      const correction1 = pow(beta1, t).neg().add(1);
      const correction2 = pow(beta2, t).neg().add(1);
      // The corrections are scalars: with them in the denominator, each leaf is scaled only once.
      const rootScale = scalarFor(correction1.div(correction2.sqrt()));
      const epsilon = scalarFor(correction1.mul(eps));
      const { firstMoment, secondMoment, largestSecondMoment } = state;
      const old = { firstMoment, secondMoment, ...(amsgrad ? { largestSecondMoment } : {}) };
      const [updates, moments] = updateLeaves(grads, params, old, (g, s) => {
        const firstMoment = s.firstMoment.mul(beta1).add(g.mul(1 - beta1));
        const secondMoment = s.secondMoment.mul(beta2).add(g.square().mul(1 - beta2));
        const largestSecondMoment = amsgrad
          ? s.largestSecondMoment.maximum(secondMoment)
          : undefined;
        const root = rootOf(largestSecondMoment ?? secondMoment);
        const update = firstMoment.div(root.mul(rootScale(g)).add(epsilon(g)));
        return { update, firstMoment, secondMoment, largestSecondMoment };
      });
      return [updates, {
        count,
        ...moments,
        largestSecondMoment: moments.largestSecondMoment ?? null,
      }];
    },
  });
}

/** The options that `adam` and `adamw` share, checked. */
function readAdam(what: string, rate: unknown, options: unknown, weightDecay: number) {
  checkLearningRate(rate, what);
  const read = readOptions(what, options, { ...ADAM, weightDecay, maximize: false });
  const { beta1, beta2, eps, amsgrad } = read;
  checkDecayRates(what, { beta1, beta2 });
  checkNotNegative(what, { eps, weightDecay: read.weightDecay });
  return { ...read, direction: scaleByAdam({ beta1, beta2, eps, amsgrad }) };
}

/**
 * Adam, with PyTorch's equations: the direction of `scaleByAdam` for the gradients g = d + λ p (−d
 * with `maximize`), times −η. The weight decay passes through the moments; `adamw` keeps it apart.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule.
 * @param options β₁, β₂, ε, weight decay λ, amsgrad, maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example A parabola's minimum
 * ```ts
 * import { grad, optim, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const loss = ({ x }: { x: Tensor }) => x.sub(3).square().sum();
 * const optimizer = optim.adam(optim.cosine(0.5, { steps: 200 }));
 * let params = { x: tensor([0, 10]) };
 * let state = optimizer.init(params);
 * for (let i = 0; i < 200; i++) {
 *   const [updates, next] = optimizer.update(grad(loss)(params), state, params);
 *   params = optim.applyUpdates(params, updates);
 *   state = next;
 * }
 * assertTensorsClose(params.x, tensor([3, 3]), { rtol: 1e-3 });
 * ```
 */
export function adam(learningRate: LearningRate, options?: AdamOptions): Optimizer {
  if (options === undefined) options = {};
  const { direction, ...settings } = readAdam("Cannot make adam", learningRate, options, 0);
  return described<Optimizer>(
    { name: "adam", settings: { learningRate, ...settings } },
    chain<readonly OptimizerState[]>(
      ...prepare(settings),
      direction,
      scaleByLearningRate(learningRate),
    ),
  );
}

/**
 * Adam with decoupled weight decay, with PyTorch's equations: u = −η (a + λ p), where a is the
 * direction of `scaleByAdam` for the gradients (for their negatives with `maximize`). After
 * Loshchilov and Hutter, "Decoupled weight decay regularization" (2019), algorithm 2.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule.
 * @param options β₁, β₂, ε, weight decay λ (0.01 by default), amsgrad, maximize.
 * @returns The optimiser. To spare some leaves the decay, compose it: `chain(scaleByAdam(),
 * addDecayedWeights(0.01, mask), scaleByLearningRate(rate))`.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example Without gradients, only the decay is left
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.adamw(0.1, { weightDecay: 0.5 });
 * const params = tensor([4]);
 * const [updates] = optimizer.update(tensor([0]), optimizer.init(params), params);
 * assertTensorsClose(updates, tensor([-0.2]));
 * ```
 */
export function adamw(learningRate: LearningRate, options?: AdamOptions): Optimizer {
  if (options === undefined) options = {};
  const { direction, ...settings } = readAdam("Cannot make adamw", learningRate, options, 0.01);
  return described<Optimizer>(
    { name: "adamw", settings: { learningRate, ...settings } },
    chain<readonly OptimizerState[]>(
      ...prepare({ maximize: settings.maximize, weightDecay: 0 }),
      direction,
      addDecayedWeights(settings.weightDecay),
      scaleByLearningRate(learningRate),
    ),
  );
}
