/**
 * L-BFGS and the search along its directions.
 *
 * @module
 */
import { wideDtype } from "../base/dtype.ts";
import { described } from "../core/description.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Tree } from "../core/tree.ts";
import { concatenate, copy, norm, where } from "../functions/mod.ts";
import { remember, scaleOf, timesInverse } from "../optimize/limited_memory.ts";
import { searchLine } from "../optimize/zoom.ts";
import type { Objective } from "../optimize/zoom.ts";
import { convert } from "../primitives/structure.ts";
import { valueAndGrad } from "../transforms/grad.ts";
import { noGrad } from "../transforms/no_grad.ts";
import { ravel } from "../tree/vectors.ts";
import { chain } from "./chain.ts";
import { checkCount, double, newCount, nextCount } from "./count.ts";
import { lossOf, movable, valueOf } from "./extras.ts";
import { checkState, closeUpdates, copyOf, fillLike, openGrads, openParams } from "./leaves.ts";
import { openState, openUpdates } from "./leaves.ts";
import type { ShapeOf } from "./leaves.ts";
import { checkCounts, readOptions } from "./options.ts";
import { checkOptimizer } from "./optimizer.ts";
import type { Optimizer, OptimizerState } from "./optimizer.ts";
import { scale, scaleBy } from "./scale.ts";

/**
 * Options of `scaleByLbfgs`.
 *
 * @category Optimizers
 */
export interface ScaleByLbfgsOptions {
  /** How many steps are remembered, m. Default 10. */
  readonly memory?: number;
}

/**
 * Options of `lineSearch`.
 *
 * @category Optimizers
 */
export interface LineSearchOptions {
  /** The largest number of points that a step evaluates. Default 20. */
  readonly maxPoints?: number;
}

/**
 * Options of `lbfgs`.
 *
 * @category Optimizers
 */
export interface LbfgsOptions extends ScaleByLbfgsOptions, LineSearchOptions {}

/**
 * The state of `scaleByLbfgs`; trees are like the parameters.
 *
 * @category Optimizers
 */
export type ScaleByLbfgsState = {
  /** The number of updates done: an int32 scalar. */
  readonly count: Tensor;
  /** The parameters of the last update. */
  readonly params: Tree<Tensor>;
  /** The gradients of the last update. */
  readonly gradients: Tree<Tensor>;
  /** The last changes of the parameters, the latest last: `[m, ...]` for each leaf. */
  readonly steps: Tree<Tensor>;
  /** The changes of the gradients that they made: `[m, ...]` for each leaf. */
  readonly changes: Tree<Tensor>;
};

/**
 * The state of `lineSearch`.
 *
 * @category Optimizers
 */
export type LineSearchState<Inner> = {
  /** The factor of the last direction: a float64 scalar. */
  readonly rate: Tensor;
  /** The loss at the end of the last step: a float64 scalar. */
  readonly value: Tensor;
  /** How many points the last search looked at: an int32 scalar. */
  readonly points: Tensor;
  /** The state of the optimiser. */
  readonly inner: Inner;
};

/** Leaves in the dtype that equations compute with, as one vector, and back. */
function vectorOf(leaves: readonly Tensor[]): [vector: Tensor, back: (x: Tensor) => Tensor[]] {
  const [vector, back] = ravel(leaves.map((x) => convert(x, wideDtype(x.dtype))));
  return [vector, (x) => (back(x) as Tensor[]).map((y, i) => convert(y, leaves[i].dtype))];
}

/**
 * L-BFGS's direction: gradients times the inverse of the Hessian, as far as the last m steps and the changes of
 * the gradients that they made tell. Where they tell nothing yet, gradients are divided by their common norm if
 * that is above 1. The leaves are one vector together. After Liu and Nocedal, "On the limited memory BFGS method
 * for large scale optimization" (1989); optax's `scale_by_lbfgs`.
 *
 * @category Optimizers
 * @param options m.
 * @returns The transform; its state is `{ count, params, gradients, steps, changes }`.
 * @throws {ArgumentError} when m is not a positive integer.
 *
 * @example One step of known length shows the curvature of a parabola
 * ```ts
 * import { grad, optim, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const loss = (x: Tensor) => x.sub(3).square().mul(5).sum();
 * const optimizer = optim.chain(optim.scaleByLbfgs(), optim.scale(-1));
 * let params = tensor([7]);
 * let state = optimizer.init(params);
 * for (let i = 0; i < 2; i++) {
 *   const [updates, next] = optimizer.update(grad(loss)(params), state, params);
 *   params = optim.applyUpdates(params, updates);
 *   state = next;
 * }
 * assertTensorsClose(params, [3]);
 * ```
 */
export function scaleByLbfgs(options?: ScaleByLbfgsOptions): Optimizer<ScaleByLbfgsState> {
  const what = "Cannot scale by L-BFGS";
  const { memory } = readOptions(what, options ?? {}, { memory: 10 });
  checkCounts(what, { memory }, 1);
  const rows: ShapeOf = ({ shape }) => [memory, ...shape];
  return described<Optimizer<ScaleByLbfgsState>>({ name: "scaleByLbfgs", settings: { memory } }, {
    init: (params) => ({
      count: newCount(),
      params: copyOf(params),
      gradients: fillLike(params, 0),
      steps: fillLike(params, 0, rows),
      changes: fillLike(params, 0, rows),
    }),
    update(grads, state, params) {
      checkState(state, ["count", "params", "gradients", "steps", "changes"]);
      const count = checkCount(state.count);
      const isFirst = count.equal(0);
      const opened = openParams(params);
      const gradients = openGrads(grads, opened);
      const places = movable(gradients);
      const old = {
        params: openState(state.params, opened, "params"),
        gradients: openState(state.gradients, opened, "gradients"),
        steps: openState(state.steps, opened, "steps", rows),
        changes: openState(state.changes, opened, "changes", rows),
      };
      const updates = gradients.map(() => null) as (Tensor | null)[];
      for (const place of places) {
        const [p, g] = [opened.leaves[place], gradients[place]!];
        const since = (now: Tensor, before: Tensor | null) => where(isFirst, 0, now.sub(before!));
        const [step, change] = [since(p, old.params[place]), since(g, old.gradients[place])];
        old.steps[place] = remember(old.steps[place]!, step);
        old.changes[place] = remember(old.changes[place]!, change);
        // Parameters and state may both be donated.
        old.params[place] = copy(p);
        old.gradients[place] = g;
      }
      if (places.length > 0) {
        const [vector, back] = vectorOf(places.map((place) => gradients[place]!));
        const matrix = (leaves: readonly (Tensor | null)[]) =>
          concatenate(
            places.map((place) => convert(leaves[place]!.reshape([memory, -1]), vector.dtype)),
            1,
          );
        const [steps, changes] = [matrix(old.steps), matrix(old.changes)];
        const size = norm(vector);
        const cap = where(size.greater(1), where(size.greater(1), size, 1).reciprocal(), 1);
        const direction = timesInverse(
          vector,
          steps,
          changes,
          where(isFirst, cap, scaleOf(steps, changes)),
        );
        back(direction).forEach((leaf, i) => updates[places[i]] = leaf);
      }
      return [closeUpdates(opened, updates), {
        count: nextCount(count),
        params: closeUpdates(opened, old.params),
        gradients: closeUpdates(opened, old.gradients),
        steps: closeUpdates(opened, old.steps),
        changes: closeUpdates(opened, old.changes),
      }];
    },
  });
}

/**
 * An optimiser whose step lengths are found by a line search for the strong Wolfe conditions
 * that begins at 1: a compiled loop. It needs the loss, `update(grads, state, params, { loss, value })`, whose
 * value is computed if it is not given. Derivatives treat the length as a constant. optax's
 * `scale_by_zoom_linesearch`, after Nocedal and Wright, "Numerical optimization" (2006), algorithms 3.5 and 3.6.
 *
 * @category Optimizers
 * @param optimizer The optimiser that gives directions, which have to lead downhill.
 * @param options The most points of a search.
 * @returns The optimiser; its state is `{ rate, value, points, inner }`.
 * @throws {ArgumentError} when `optimizer` is none, or the number is not a positive integer. `update` throws it
 * without a loss.
 *
 * @example Gradient descent without a learning rate
 * ```ts
 * import { grad, optim, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const loss = (x: Tensor) => x.square().mul(50).sum();
 * const optimizer = optim.lineSearch(optim.scale(-1));
 * const params = tensor([3]);
 * const [updates, state] = optimizer.update(
 *   grad(loss)(params),
 *   optimizer.init(params),
 *   params,
 *   { loss },
 * );
 * assertTensorsClose(optim.applyUpdates(params, updates), [0], { atol: 1e-4 });
 * assertTensorsClose(state.rate.astype("float32"), 0.01, { rtol: 1e-4 });
 * ```
 */
export function lineSearch<Inner>(
  optimizer: Optimizer<Inner>,
  options?: LineSearchOptions,
): Optimizer<LineSearchState<Inner>> {
  const what = "Cannot search along a line";
  checkOptimizer(optimizer, what + " with");
  const { maxPoints } = readOptions(what, options ?? {}, { maxPoints: 20 });
  checkCounts(what, { maxPoints }, 1);
  return described<Optimizer<LineSearchState<Inner>>>({
    name: "lineSearch",
    settings: { maxPoints },
    parts: [optimizer],
  }, {
    init: (params) => ({
      rate: double(1),
      value: double(Infinity),
      points: newCount(),
      inner: optimizer.init(params),
    }),
    update(grads, state, params, extras) {
      checkState(state, ["rate", "value", "points", "inner"]);
      const opened = openParams(params);
      const gradients = openGrads(grads, opened);
      const [directions, inner] = optimizer.update(grads, state.inner, params, extras);
      const steps = openUpdates(directions, opened, `${what} of these updates`);
      const chosen = gradients.map((g, i) => g && steps[i]);
      const places = movable(chosen);
      const loss = lossOf(extras, what, opened, chosen);
      if (places.length === 0) return [directions, { ...state, inner }];
      const taken = <T>(leaves: readonly (T | null)[]) => places.map((place) => leaves[place]!);
      const [x, back] = vectorOf(taken(opened.leaves));
      const onVectors = (x: Tensor) => loss(back(x));
      const objective = valueAndGrad(onVectors) as Objective;
      const search = noGrad((x: Tensor, p: Tensor, g: Tensor) => {
        const value = extras?.value === undefined ? onVectors(x) : valueOf(extras, what);
        const first = splat(1, x.dtype, []);
        return searchLine(objective, x, p, [value, g], { first, most: maxPoints });
      });
      const [rate, value, , , points] = search(
        x,
        vectorOf(taken(steps))[0],
        vectorOf(taken(gradients))[0],
      );
      return [scaleBy<typeof params>(directions, params, rate), {
        rate: rate.astype("float64"),
        value: value.astype("float64"),
        points,
        inner,
      }];
    },
  });
}

/**
 * L-BFGS: the direction of `scaleByLbfgs`, times −1, and a `lineSearch` along it. It is for losses without noise,
 * and needs them: `update(grads, state, params, { loss, value })`; `optimize.minimize` is the same as a loop of
 * its own. optax's `lbfgs`.
 *
 * @category Optimizers
 * @param options How many steps are remembered, and the most points of a search.
 * @returns The optimiser.
 * @throws {ArgumentError} when an option is not a positive integer. `update` throws it without a loss.
 *
 * @example Rosenbrock's valley
 * ```ts
 * import { jit, optim, tensor, valueAndGrad } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const loss = ({ a, b }: { a: Tensor; b: Tensor }) =>
 *   a.sub(1).square().add(b.sub(a.square()).square().mul(100));
 * const optimizer = optim.lbfgs();
 * const step = jit((params: { a: Tensor; b: Tensor }, state: optim.OptimizerState) => {
 *   const [value, grads] = valueAndGrad(loss)(params);
 *   const [updates, next] = optimizer.update(grads, state, params, { loss, value });
 *   return [optim.applyUpdates(params, updates), next] as const;
 * });
 * let params = { a: tensor(-1), b: tensor(2) };
 * let state = optimizer.init(params);
 * for (let i = 0; i < 40; i++) [params, state] = step(params, state);
 * assertTensorsClose(params.a, 1, { rtol: 1e-3 });
 * ```
 */
export function lbfgs(options?: LbfgsOptions): Optimizer {
  const what = "Cannot make lbfgs";
  const settings = readOptions(what, options ?? {}, { memory: 10, maxPoints: 20 });
  const { memory, maxPoints } = settings;
  checkCounts(what, { memory, maxPoints }, 1);
  const direction = chain<readonly OptimizerState[]>(scaleByLbfgs({ memory }), scale(-1));
  return described<Optimizer>(
    { name: "lbfgs", settings },
    lineSearch(direction, { maxPoints }) as unknown as Optimizer,
  );
}
