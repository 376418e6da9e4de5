/**
 * Hyperparameters that are part of the state.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { described } from "../core/description.ts";
import { Tensor } from "../core/tensor.ts";
import { copy } from "../functions/mod.ts";
import { checkCount, double, newCount, nextCount } from "./count.ts";
import { checkScalar } from "./learning_rate.ts";
import type { LearningRate } from "./learning_rate.ts";
import { checkState } from "./leaves.ts";
import { checkFinite } from "./options.ts";
import { checkOptimizer } from "./optimizer.ts";
import type { Optimizer } from "./optimizer.ts";
import { callSchedule } from "./scale.ts";

/**
 * The state of `injectHyperparams`.
 *
 * @category Gradient transformations
 */
export type InjectHyperparamsState<Names extends string, Inner> = {
  /** The number of updates done: an int32 scalar. */
  readonly count: Tensor;
  /** The hyperparameters of the next update, as scalars; for schedules, those of the last update. */
  readonly hyperparams: { readonly [Name in Names]: Tensor };
  /** The state of the optimiser. */
  readonly inner: Inner;
};

/**
 * An optimiser whose hyperparameters are in its state, where they can be read, saved and replaced between
 * updates, also of compiled code; optax's `inject_hyperparams`. Learning rates, and factors of `scale`, may
 * be tensors, and so may be injected; so may the hyperparameters of a custom optimiser.
 *
 * @category Gradient transformations
 * @param make A function of an object of scalars that gives the optimiser. Its state must not depend on
 * their values.
 * @param hyperparams The initial values by name: numbers, which become float64, floating-point
 * scalars, or schedules of the number of updates done so far, which apply throughout.
 * @returns The optimiser; its state is `{ count, hyperparams, inner }`.
 * @throws {ArgumentError} when `make` is not a function or gives no optimiser, or a value is none of these.
 * @throws {ShapeError} or {DtypeError} when a tensor is not a floating-point scalar.
 *
 * @example A rate that is changed by hand
 * ```ts
 * import { optim, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.injectHyperparams(({ rate }) => optim.sgd(rate), { rate: 0.1 });
 * const params = tensor([1]);
 * const state = optimizer.init(params);
 * const slower = { ...state, hyperparams: { rate: state.hyperparams.rate.div(2) } };
 * assertTensorsClose(optimizer.update(tensor([4]), state, params)[0], [-0.4]);
 * assertTensorsClose(optimizer.update(tensor([4]), slower, params)[0], [-0.2]);
 * ```
 */
export function injectHyperparams<Names extends string, Inner>(
  make: (hyperparams: { readonly [Name in Names]: Tensor }) => Optimizer<Inner>,
  hyperparams: { readonly [Name in Names]: LearningRate },
): Optimizer<InjectHyperparamsState<Names, Inner>> {
  const what = "Cannot inject hyperparameters";
  if (typeof make !== "function") {
    throw argumentError(
      `${what} into ${describeValue(make)}: expected a function that gives an optimiser`,
    );
  }
  if (typeof hyperparams !== "object" || hyperparams === null || hyperparams instanceof Tensor) {
    throw argumentError(
      `${what} ${describeValue(hyperparams)}: expected an object such as { rate: 0.1 }`,
    );
  }
  const given = Object.entries<LearningRate>(hyperparams);
  for (const [name, value] of given) {
    if (value instanceof Tensor) checkScalar(value, `${what} with ${name}`);
    else if (typeof value !== "function") checkFinite(what, name, value);
  }
  type Values = { readonly [Name in Names]: Tensor };
  /** The values after `count` updates: those of `old`, except where schedules decide. */
  const valuesAt = (count: Tensor, old: Readonly<Record<string, Tensor>>): Values =>
    Object.fromEntries(given.map(([name, value]) => {
      if (typeof value !== "function") return [name, old[name]];
      const now = callSchedule(value, count);
      return [name, now instanceof Tensor ? now.astype("float64") : double(now)];
    })) as Values;
  const made = (values: Values): Optimizer<Inner> => {
    const optimizer = make(values);
    checkOptimizer(optimizer, what + " into");
    return optimizer;
  };
  const first = Object.fromEntries(
    given.map(([name, value]) => [name, typeof value === "number" ? double(value) : value]),
  ) as Readonly<Record<string, Tensor>>;
  return described<Optimizer<InjectHyperparamsState<Names, Inner>>>({
    name: "injectHyperparams",
    settings: hyperparams,
    parts: [],
  }, {
    init(params) {
      const count = newCount();
      const values = valuesAt(count, first);
      const copies = Object.entries<Tensor>(values).map(([name, value]) => [name, copy(value)]);
      return {
        count,
        hyperparams: Object.fromEntries(copies) as Values,
        inner: made(values).init(params),
      };
    },
    update(grads, state, params, extras) {
      checkState(state, ["count", "hyperparams", "inner"]);
      checkState(state.hyperparams, Object.keys(hyperparams));
      const count = checkCount(state.count);
      const values = valuesAt(count, state.hyperparams);
      const [updates, inner] = made(values).update(grads, state.inner, params, extras);
      return [updates, { count: nextCount(count), hyperparams: values, inner }];
    },
  });
}
