/**
 * Muon.
 *
 * @module
 */
import { shapeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { matmul, norm, pow, transpose } from "../functions/mod.ts";
import { adamw } from "./adam.ts";
import { addDecayedWeights } from "./add_decayed_weights.ts";
import { chain } from "./chain.ts";
import { checkCount, newCount, nextCount } from "./count.ts";
import { checkLearningRate } from "./learning_rate.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkState, fillLike, scalarFor, updateLeaves } from "./leaves.ts";
import { masked } from "./masked.ts";
import { checkCounts, checkDecayRates, checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer, OptimizerState } from "./optimizer.ts";
import { prepare } from "./prepare.ts";
import { scaleByLearningRate } from "./scale.ts";

/**
 * Options of `scaleByMuon`.
 *
 * @category Optimizers
 */
export interface ScaleByMuonOptions {
  /** The share of the mean that stays from one update to the next. Default 0.95. */
  readonly beta?: number;
  /** Whether to look one step ahead. Default `true`. */
  readonly nesterov?: boolean;
  /** The number of steps of the iteration. Default 5. */
  readonly steps?: number;
  /** A constant added to the norm of a mean. Default 1e-8. */
  readonly eps?: number;
}

/**
 * Options of `muon`.
 *
 * @category Optimizers
 */
export interface MuonOptions extends ScaleByMuonOptions {
  /** The weight decay λ, of all leaves. Default 0. */
  readonly weightDecay?: number;
  /** Whether to climb instead of descending. Default `false`. */
  readonly maximize?: boolean;
}

/**
 * The state of `scaleByMuon`.
 *
 * @category Optimizers
 */
export type ScaleByMuonState = {
  /** The number of updates done: an int32 scalar. */
  readonly count: Tensor;
  /** The decaying mean m of the gradients, not yet corrected for its start at zero. */
  readonly firstMoment: Tree<Tensor>;
};

const MUON = { beta: 0.95, nesterov: true, steps: 5, eps: 1e-8 };

function checkMuon(what: string, { beta, steps, eps }: typeof MUON): void {
  checkDecayRates(what, { beta });
  checkCounts(what, { steps }, 0);
  checkNotNegative(what, { eps });
}

/**
 * A matrix with singular values near 1 and the singular vectors of `x`: an iteration of Newton and Schulz,
 * x ← a x + b (x xᵀ) x + c (x xᵀ)² x, with coefficients that move small singular values fast.
 */
function orthogonalized(x: Tensor, steps: number, eps: number): Tensor {
  const isTall = x.shape[0] > x.shape[1];
  let value = isTall ? transpose(x) : x;
  value = value.div(norm(value).add(eps));
  for (let i = 0; i < steps; i++) {
    const square = matmul(value, transpose(value));
    const both = square.mul(-4.775).add(matmul(square, square).mul(2.0315));
    value = value.mul(3.4445).add(matmul(both, value));
  }
  return isTall ? transpose(value) : value;
}

/**
 * Muon's direction, the mean of past gradients made nearly orthogonal. With gradients g at update
 * t = 1, 2, …:
 *
 * ```text
 * m = β m + (1 − β) g
 * h = m / (1 − βᵗ), or with nesterov β m / (1 − βᵗ⁺¹) + (1 − β) g / (1 − βᵗ)
 * u = √(max(1, rows / columns)) orthogonal(h)
 * ```
 *
 * After Jordan and others, "Muon: An optimizer for hidden layers in neural networks" (2024); optax's
 * `scale_by_muon` and `scale_by_shape` for weights `[output, input]`.
 *
 * @category Optimizers
 * @param options β, nesterov, the number of steps, ε.
 * @returns The transform, for leaves that are matrices; its state is `{ count, firstMoment }`.
 * @throws {ArgumentError} when an option is out of range.
 * @throws {ShapeError} when the gradient of a leaf is not a matrix; choose the matrices with `masked`.
 *
 * @example A direction with singular values near 1
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.scaleByMuon();
 * const params = tensor([[0, 0], [0, 0]]);
 * const [updates] = transform.update(tensor([[30, 0], [0, 4]]), transform.init(params), params);
 * assertTensorsClose(updates, [[1, 0], [0, 1]], { atol: 0.4 });
 * ```
 */
export function scaleByMuon(options?: ScaleByMuonOptions): Optimizer<ScaleByMuonState> {
  const what = "Cannot scale by Muon";
  const settings = readOptions(what, options ?? {}, MUON);
  checkMuon(what, settings);
  const { beta, nesterov, steps, eps } = settings;
  return described<Optimizer<ScaleByMuonState>>({ name: "scaleByMuon", settings }, {
    init: (params) => ({ count: newCount(), firstMoment: fillLike(params, 0) }),
    update(grads, state, params) {
      checkState(state, ["count", "firstMoment"]);
      const count = nextCount(checkCount(state.count));
      const t = count.astype("float64");
      const [now, next] = [t, t.add(1)].map((t) => scalarFor(pow(beta, t).neg().add(1)));
      const { firstMoment } = state;
      const [updates, moments] = updateLeaves(grads, params, { firstMoment }, (g, s) => {
        if (g.ndim !== 2) {
          throw shapeError(`${what} a gradient ${showType(g)}: expected a matrix; use masked`);
        }
        const firstMoment = s.firstMoment.mul(beta).add(g.mul(1 - beta));
        const ahead = (m: Tensor) => m.mul(beta).div(next(g)).add(g.mul(1 - beta).div(now(g)));
        const mean = nesterov ? ahead(firstMoment) : firstMoment.div(now(g));
        const [rows, columns] = g.shape;
        const size = Math.sqrt(Math.max(1, columns === 0 ? 1 : rows / columns));
        return { update: orthogonalized(mean, steps, eps).mul(size), firstMoment };
      });
      return [updates, { count, ...moments }];
    },
  });
}

/**
 * Muon for the matrices among the parameters: the direction of `scaleByMuon` plus λ p, times −η; all
 * other leaves have `adamw` with the same rate and decay. Embeddings and last layers are often better off
 * with Adam, too: `multiTransform` chooses by path.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule.
 * @param options β, nesterov, the number of steps, ε, weight decay λ, maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example A matrix and a vector
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.muon(0.1);
 * const params = { weight: tensor([[0, 0], [0, 0]]), bias: tensor([0]) };
 * const grads = { weight: tensor([[30, 0], [0, 4]]), bias: tensor([5]) };
 * const [updates] = optimizer.update(grads, optimizer.init(params), params);
 * assertTensorsClose(updates.weight, [[-0.1, 0], [0, -0.1]], { atol: 0.04 });
 * assertTensorsClose(updates.bias, [-0.1], { rtol: 1e-5 });
 * ```
 */
export function muon(learningRate: LearningRate, options?: MuonOptions): Optimizer {
  const what = "Cannot make muon";
  checkLearningRate(learningRate, what);
  const defaults = { ...MUON, weightDecay: 0, maximize: false };
  const settings = readOptions(what, options ?? {}, defaults);
  checkMuon(what, settings);
  const { beta, nesterov, steps, eps, weightDecay, maximize } = settings;
  checkNotNegative(what, { weightDecay });
  const ofMatrices = chain<readonly OptimizerState[]>(
    scaleByMuon({ beta, nesterov, steps, eps }),
    addDecayedWeights(weightDecay),
    scaleByLearningRate(learningRate),
  );
  return described<Optimizer>(
    { name: "muon", settings: { learningRate, ...settings } },
    chain<readonly OptimizerState[]>(
      ...prepare({ maximize, weightDecay: 0 }),
      masked(ofMatrices, (_path, leaf) => leaf.ndim === 2, adamw(learningRate, { weightDecay })),
    ),
  );
}
