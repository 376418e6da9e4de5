/**
 * Adafactor.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { mean, minimum, norm, pow } from "../functions/mod.ts";
import { addDecayedWeights } from "./add_decayed_weights.ts";
import { assemble } from "./assemble.ts";
import type { DescentOptions } from "./assemble.ts";
import { chain } from "./chain.ts";
import { checkCount, newCount, nextCount } from "./count.ts";
import { setToZero } from "./gradients.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkState, closeUpdates, fillLike, openGrads, openParams } from "./leaves.ts";
import { scalarFor, updateLeaves } from "./leaves.ts";
import type { ShapeOf } from "./leaves.ts";
import { checkNotNegative, readOptions } from "./options.ts";
import type { Optimizer, OptimizerState } from "./optimizer.ts";
import { scaleByLearningRate } from "./scale.ts";

/**
 * Options of `scaleByAdafactor`.
 *
 * @category Optimizers
 */
export interface ScaleByAdafactorOptions {
  /** The power c of the number of updates that a new square's share is, from −1 to 0. Default −0.8. */
  readonly beta2Decay?: number;
  /** The least root ε₁ of a mean square; 0, the default, means the dtype's epsilon. */
  readonly eps1?: number;
  /** The least root mean square ε₂ of a parameter that its steps are in proportion to. Default 0.001. */
  readonly eps2?: number;
  /** The largest root mean square d of a direction, above 0. Default 1. */
  readonly threshold?: number;
}

/**
 * Options of `adafactor`.
 *
 * @category Optimizers
 */
export interface AdafactorOptions extends ScaleByAdafactorOptions, DescentOptions {}

/**
 * The state of `scaleByAdafactor`: trees like the parameters, with other shapes.
 *
 * @category Optimizers
 */
export type ScaleByAdafactorState = {
  /** The number of updates done: an int32 scalar. */
  readonly count: Tensor;
  /** Mean squares of the rows of matrices, `[..., n, 1]`; `null` for vectors and scalars. */
  readonly rows: Tree<Tensor>;
  /** Those of the columns, `[..., 1, m]`; `null` for vectors and scalars. */
  readonly columns: Tree<Tensor>;
  /** Mean squares of vectors and scalars; `null` for matrices. */
  readonly whole: Tree<Tensor>;
};

const ADAFACTOR = { beta2Decay: -0.8, eps1: 0, eps2: 1e-3, threshold: 1 };

function checkAdafactor(what: string, { beta2Decay, threshold, ...rest }: typeof ADAFACTOR): void {
  checkNotNegative(what, { ...rest, threshold });
  if (beta2Decay > 0 || beta2Decay < -1) {
    throw argumentError(`${what} with beta2Decay ${beta2Decay}: expected a number from -1 to 0`);
  }
  if (threshold === 0) {
    throw argumentError(`${what} with threshold 0: expected a number above 0`);
  }
}

const isMatrix = ({ ndim, size }: Tensor): boolean => ndim > 1 && size > 0;

/** For matrices, the mean over one of their last two axes is stored. */
const alongAxis = (axis: -1 | -2): ShapeOf => (x) => isMatrix(x) ? x.shape.with(axis, 1) : null;

const shapes = {
  rows: alongAxis(-1),
  columns: alongAxis(-2),
  whole: (x: Tensor) => isMatrix(x) ? null : x.shape,
};

/** The machine epsilon of the dtype in which the equations are computed. */
const epsilonOf = ({ dtype }: Tensor): number => dtype === "float64" ? 2 ** -52 : 2 ** -23;

const rootMeanSquare = (x: Tensor): Tensor => norm(x).div(Math.sqrt(Math.max(x.size, 1)));

/**
 * Adafactor's direction, which remembers the mean squares of a matrix's rows r and columns c instead of
 * those of its elements. With gradients g and parameters p of a leaf, at update t = 1, 2, …:
 *
 * ```text
 * r = r + tᶜ (mean(g², columns) − r),   c = c + tᶜ (mean(g², rows) − c)
 * v = r c / max(mean(r), ε₁)                         (vectors and scalars: v = v + tᶜ (g² − v))
 * h = g / √max(v, ε₁²)
 * u = max(ε₂, RMS(p)) h / max(1, RMS(h) / d)
 * ```
 *
 * Axes before the last two number matrices, but the root mean square RMS is that of the whole leaf.
 * After Shazeer and Stern, "Adafactor: Adaptive learning rates with sublinear memory cost" (2018),
 * algorithms 4 and 5, in PyTorch's form.
 *
 * @category Optimizers
 * @param options The power c, ε₁, ε₂ and d.
 * @returns The transform; its state is `{ count, rows, columns, whole }`.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example A direction as long as the parameter
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const transform = optim.scaleByAdafactor();
 * const params = tensor([[2, -2], [2, 2]]);
 * const grads = tensor([[3, 3], [-6, 6]]);
 * const [updates, state] = transform.update(grads, transform.init(params), params);
 * assertTensorsClose(updates, [[2, 2], [-2, 2]], { rtol: 1e-5 });
 * assertTensorsClose(state.rows as typeof params, [[9], [36]], { rtol: 1e-5 });
 * ```
 */
export function scaleByAdafactor(
  options?: ScaleByAdafactorOptions,
): Optimizer<ScaleByAdafactorState> {
  const what = "Cannot scale by Adafactor";
  const settings = readOptions(what, options ?? {}, ADAFACTOR);
  checkAdafactor(what, settings);
  const { beta2Decay, eps1, eps2, threshold } = settings;
  return described<Optimizer<ScaleByAdafactorState>>({ name: "scaleByAdafactor", settings }, {
    init: (params) => ({
      count: newCount(),
      rows: fillLike(params, 0, shapes.rows),
      columns: fillLike(params, 0, shapes.columns),
      whole: fillLike(params, 0, shapes.whole),
    }),
    update(grads, state, params) {
      checkState(state, ["count", "rows", "columns", "whole"]);
      const count = nextCount(checkCount(state.count));
      const share = scalarFor(pow(count.astype("float64"), beta2Decay));
      const { rows, columns, whole } = state;
      const [updates, next] = updateLeaves(grads, params, { rows, columns, whole }, (g, s, p) => {
        const least = eps1 > 0 ? eps1 : epsilonOf(g);
        const square = g.square();
        const towards = (old: Tensor, now: Tensor) => old.add(now.sub(old).mul(share(g)));
        const moments = isMatrix(g)
          ? {
            rows: towards(s.rows, mean(square, -1, { keepdims: true })),
            columns: towards(s.columns, mean(square, -2, { keepdims: true })),
            whole: undefined,
          }
          : { rows: undefined, columns: undefined, whole: towards(s.whole, square) };
        const size = moments.rows && mean(moments.rows, -2, { keepdims: true }).maximum(least);
        const estimate = size ? moments.rows.mul(moments.columns).div(size) : moments.whole!;
        const direction = estimate.maximum(least * least).rsqrt().mul(g);
        const excess = rootMeanSquare(direction).div(threshold).maximum(1);
        const update = direction.mul(rootMeanSquare(p).maximum(eps2).div(excess));
        return { update, ...moments };
      }, shapes);
      return [updates, { count, ...next }];
    },
  });
}

/** Adds −η λ p to what are steps already. */
function shrink(learningRate: LearningRate, decay: number): Optimizer {
  const part = chain<readonly OptimizerState[]>(
    setToZero() as Optimizer,
    addDecayedWeights(decay) as Optimizer,
    scaleByLearningRate(learningRate) as Optimizer,
  );
  return {
    init: (params) => part.init(params),
    update(steps, state, params) {
      const opened = openParams(params);
      const [own, next] = part.update(steps, state as readonly OptimizerState[], params);
      const more = openGrads(own, opened);
      const sums = openGrads(steps, opened).map((step, i) => step && step.add(more[i]!));
      return [closeUpdates(opened, sums), next];
    },
  };
}

/**
 * Adafactor, with PyTorch's equations: the direction of `scaleByAdafactor`, times −min(η, 1 / √t) at update
 * t = 1, 2, …, and −η λ p.
 *
 * @category Optimizers
 * @param learningRate The rate η: a number of at least 0, a scalar tensor, or a schedule. PyTorch's
 * default is 0.01.
 * @param options The power c, ε₁, ε₂, d, weight decay λ, maximize.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is out of range.
 *
 * @example A step of a tenth of the parameter
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.adafactor(0.1);
 * const params = tensor([[2, -2], [2, 2]]);
 * const grads = tensor([[3, 3], [-6, 6]]);
 * const [updates] = optimizer.update(grads, optimizer.init(params), params);
 * assertTensorsClose(updates, [[-0.2, -0.2], [0.2, -0.2]], { rtol: 1e-5 });
 * ```
 */
export function adafactor(learningRate: LearningRate, options?: AdafactorOptions): Optimizer {
  return assemble("adafactor", learningRate, options ?? {}, {
    defaults: ADAFACTOR,
    decays: "nothing",
    changesRate: (rate, count) => minimum(rate, count.add(1).rsqrt()),
    direction: ({ beta2Decay, eps1, eps2, threshold }, what) => {
      const own = { beta2Decay, eps1, eps2, threshold };
      checkAdafactor(what, own);
      return [scaleByAdafactor(own)];
    },
    after: ({ weightDecay }) => weightDecay > 0 ? [shrink(learningRate, weightDecay)] : [],
  });
}
