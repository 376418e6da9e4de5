/**
 * Yogi.
 *
 * @module
 */
import { described } from "../core/description.ts";
import { pow } from "../functions/mod.ts";
import { assemble } from "./assemble.ts";
import type { DescentOptions } from "./assemble.ts";
import { checkCount, newCount, nextCount } from "./count.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkState, fillLike, scalarFor, updateLeaves } from "./leaves.ts";
import type { MomentsState } from "./moments.ts";
import { checkDecayRates, checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer } from "./optimizer.ts";
import { rootOf } from "./root.ts";

/**
 * Options of `scaleByYogi`.
 *
 * @category Optimizers
 */
export interface ScaleByYogiOptions {
  /** The share of the first moment that stays from one update to the next. Default 0.9. */
  readonly beta1?: number;
  /** One less what a square moves the second moment by, at most. Default 0.999. */
  readonly beta2?: number;
  /** A constant added to the root of the second moment. Default 1e-3. */
  readonly eps?: number;
  /** A constant added to the second moment within the root. Default 0. */
  readonly epsRoot?: number;
  /** Where both moments begin. Default 1e-6. */
  readonly initialAccumulator?: number;
}

/**
 * Options of `yogi`.
 *
 * @category Optimizers
 */
export interface YogiOptions extends ScaleByYogiOptions, DescentOptions {}

const YOGI = { beta1: 0.9, beta2: 0.999, eps: 1e-3, epsRoot: 0, initialAccumulator: 1e-6 };

function checkYogi(what: string, { beta1, beta2, ...rest }: typeof YOGI): void {
  checkDecayRates(what, { beta1, beta2 });
  checkNotNegative(what, rest);
}

/**
 * Yogi's direction, Adam's with a second moment that grows and falls by what a square allows. With gradients g
 * at update t = 1, 2, …:
 *
 * ```text
 * m = β₁ m + (1 − β₁) g
 * v = v − (1 − β₂) sign(v − g²) g²
 * u = m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ) + ε′) + ε)
 * ```
 *
 * After Zaheer and others, "Adaptive methods for nonconvex optimization" (2018), algorithm 2; optax's
 * `scale_by_yogi`.
 *
 * @category Optimizers
 * @param options β₁, β₂, ε, ε′, and where m and v begin.
 * @returns The transform; its state is `{ count, firstMoment, secondMoment }`.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example The first direction
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.scaleByYogi({ initialAccumulator: 0, eps: 0 });
 * const params = tensor([0, 0]);
 * const [updates] = transform.update(tensor([300, -2]), transform.init(params), params);
 * assertTensorsClose(updates, [1, -1], { rtol: 1e-5 });
 * ```
 */
export function scaleByYogi(options?: ScaleByYogiOptions): Optimizer<MomentsState> {
  const what = "Cannot scale by Yogi";
  const settings = readOptions(what, options ?? {}, YOGI);
  checkYogi(what, settings);
  const { beta1, beta2, eps, epsRoot, initialAccumulator } = settings;
  return described<Optimizer<MomentsState>>({ name: "scaleByYogi", settings }, {
    init: (params) => ({
      count: newCount(),
      firstMoment: fillLike(params, initialAccumulator),
      secondMoment: fillLike(params, initialAccumulator),
    }),
    update(grads, state, params) {
      checkState(state, ["count", "firstMoment", "secondMoment"]);
      const count = nextCount(checkCount(state.count));
      const t = count.astype("float64");
      const [first, second] = [beta1, beta2].map((beta) => scalarFor(pow(beta, t).neg().add(1)));
      const { firstMoment, secondMoment } = state;
      const old = { firstMoment, secondMoment };
      const [updates, moments] = updateLeaves(grads, params, old, (g, s) => {
        const square = g.square();
        const firstMoment = s.firstMoment.mul(beta1).add(g.mul(1 - beta1));
        const change = s.secondMoment.sub(square).sign().mul(square).mul(1 - beta2);
        const secondMoment = s.secondMoment.sub(change);
        const root = rootOf(secondMoment.div(second(g)).add(epsRoot)).add(eps);
        return { update: firstMoment.div(first(g)).div(root), firstMoment, secondMoment };
      });
      return [updates, { count, ...moments }];
    },
  });
}

/**
 * Yogi: the direction of `scaleByYogi` for the gradients g = d + λ p (−d with `maximize`), times −η; optax's
 * `yogi`.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule.
 * @param options β₁, β₂, ε, ε′, where m and v begin, weight decay λ, maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example One step
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.yogi(0.1);
 * const params = tensor([4]);
 * const [updates] = optimizer.update(tensor([30]), optimizer.init(params), params);
 * assertTensorsClose(updates, [-0.1], { rtol: 1e-3 });
 * ```
 */
export function yogi(learningRate: LearningRate, options?: YogiOptions): Optimizer {
  return assemble("yogi", learningRate, options ?? {}, {
    defaults: YOGI,
    direction: ({ beta1, beta2, eps, epsRoot, initialAccumulator }, what) => {
      const own = { beta1, beta2, eps, epsRoot, initialAccumulator };
      checkYogi(what, own);
      return [scaleByYogi(own)];
    },
  });
}
