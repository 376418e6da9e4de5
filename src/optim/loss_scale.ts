/**
 * Loss scaling, for gradients in half floats.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { described } from "../core/description.ts";
import { splat } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { logicalAnd, where } from "../functions/mod.ts";
import { convert } from "../primitives/structure.ts";
import { allFinite, chosen } from "./choose.ts";
import { checkCount, newCount, nextCount } from "./count.ts";
import { checkState, closeUpdates, openGrads, openParams } from "./leaves.ts";
import { readOptions } from "./options.ts";
import { checkOptimizer } from "./optimizer.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * Options of `lossScale`.
 *
 * @category Gradient transformations
 */
export interface LossScaleOptions {
  /** The scale at first, a positive number. Default 2^16. */
  readonly initialScale?: number;
  /** The factor of the scale after a number of finite steps, at least 1. Default 2. */
  readonly growthFactor?: number;
  /** The factor of the scale after a step that is left out, from 0 to 1. Default 0.5. */
  readonly backoffFactor?: number;
  /** After how many finite steps in a row the scale grows. Default 2000. */
  readonly growthInterval?: number;
}

/**
 * The state of `lossScale`.
 *
 * @category Gradient transformations
 */
export type LossScaleState<Inner> = {
  /** The factor by which the loss must be multiplied: a float32 scalar. */
  readonly scale: Tensor;
  /** How many steps in a row had finite gradients since the scale last changed: an int32 scalar. */
  readonly finiteSteps: Tensor;
  /** How many steps were left out: an int32 scalar. */
  readonly skippedSteps: Tensor;
  /** The state of the optimiser. */
  readonly inner: Inner;
};

/** The largest scale: the next power of two is out of float32's range. */
const LARGEST = 2 ** 127;

/** The least scale, whose reciprocal is in float32's range. */
const LEAST = 2 ** -126;

/**
 * An optimiser for gradients of a loss that was multiplied by `state.scale`, so that they do not
 * underflow in float16. They are divided by the scale again. A step in which one of them is infinite or
 * NaN is left out, which is to say that parameters and the optimiser's state stay, and the scale
 * shrinks; after some finite steps in a row it grows. Numbers are those of `torch.amp.GradScaler`;
 * after Micikevicius et al., "Mixed precision training" (2018).
 *
 * Multiply a float32 loss: in float16 the product may be out of range. Powers of two change no digit.
 * The optimiser sees gradients of its parameters' dtypes; parameters should be float32 and be converted
 * for the computation (`computeDtype` of the layers), since small updates of half floats are lost.
 *
 * @category Gradient transformations
 * @param optimizer The optimiser that gets the gradients.
 * @param options The scale at first, and how it grows and shrinks.
 * @returns The optimiser; its state is `{ scale, finiteSteps, skippedSteps, inner }`.
 * @throws {ArgumentError} when `optimizer` is none, or an option is out of range.
 *
 * @example A loss with gradients that float16 cannot hold
 * ```ts
 * import { grad, optim, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.lossScale(optim.sgd(1e9));
 * const params = { w: tensor([1]) };
 * const state = optimizer.init(params);
 * const loss = ({ w }: { w: Tensor }) => w.astype("float16").astype("float32").mul(1e-9).sum();
 * const grads = grad((params: { w: Tensor }) => loss(params).mul(state.scale))(params);
 * const [updates] = optimizer.update(grads, state, params);
 * assertTensorsClose(updates.w, [-1], { rtol: 1e-2 });
 * // Without a scale, the gradient is 0.
 * assertTensorsClose(grad(loss)(params).w, [0]);
 * ```
 */
export function lossScale<Inner>(
  optimizer: Optimizer<Inner>,
  options?: LossScaleOptions,
): Optimizer<LossScaleState<Inner>> {
  const what = "Cannot scale losses";
  checkOptimizer(optimizer, what);
  const read = readOptions(what, options ?? {}, {
    initialScale: 2 ** 16,
    growthFactor: 2,
    backoffFactor: 0.5,
    growthInterval: 2000,
  });
  const { initialScale, growthFactor, backoffFactor, growthInterval } = read;
  const check = (name: string, isSound: boolean, value: number, expected: string) => {
    if (!isSound) throw argumentError(`${what} with ${name} ${value}: expected ${expected}`);
  };
  check(
    "initialScale",
    initialScale >= LEAST && initialScale <= LARGEST,
    initialScale,
    "a number from 2^-126 to 2^127",
  );
  check("growthFactor", growthFactor >= 1, growthFactor, "a number of at least 1");
  check(
    "backoffFactor",
    backoffFactor > 0 && backoffFactor <= 1,
    backoffFactor,
    "a number above 0 and at most 1",
  );
  check(
    "growthInterval",
    Number.isInteger(growthInterval) && growthInterval > 0,
    growthInterval,
    "a positive integer",
  );
  return described<Optimizer<LossScaleState<Inner>>>({
    name: "lossScale",
    settings: read,
    parts: [optimizer],
  }, {
    init: (params) => ({
      scale: splat(initialScale, "float32", []),
      finiteSteps: newCount(),
      skippedSteps: newCount(),
      inner: optimizer.init(params),
    }),
    update(grads, state, params, extras) {
      checkState(state, ["scale", "finiteSteps", "skippedSteps", "inner"]);
      const { scale, inner } = state;
      const opened = openParams(params);
      const given = openGrads(grads, opened);
      const isFinite = allFinite(given);
      const factor = scale.reciprocal();
      // Half floats are divided as float32: the scale may be out of their range.
      const unscaled = given.map((g) => g && convert(where(isFinite, g.mul(factor), 0), g.dtype));
      const [updates, next] = optimizer.update(
        closeUpdates(opened, unscaled),
        inner,
        params,
        extras,
      );
      const steps = nextCount(checkCount(state.finiteSteps));
      const grows = steps.greaterEqual(growthInterval);
      const grown = where(grows, scale.mul(growthFactor).minimum(LARGEST), scale);
      return [chosen(isFinite, updates, null), {
        scale: where(isFinite, grown, scale.mul(backoffFactor).maximum(LEAST)),
        finiteSteps: where(logicalAnd(isFinite, grows.logicalNot()), steps, 0),
        skippedSteps: where(
          isFinite,
          state.skippedSteps,
          nextCount(checkCount(state.skippedSteps)),
        ),
        inner: chosen(isFinite, next, inner),
      }];
    },
  });
}
