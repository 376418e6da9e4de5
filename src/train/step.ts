/**
 * Steps of training, compiled.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { Tensor } from "../core/tensor.ts";
import { jit } from "../jit.ts";
import { module } from "../nn/mod.ts";
import type { AnyLayer, Empty, ParamsOf, Parts, PartsOf, StateOf } from "../nn/mod.ts";
import { applyUpdates } from "../optim/mod.ts";
import type { Optimizer, OptimizerState } from "../optim/mod.ts";
import { checkOptimizer } from "../optim/optimizer.ts";
import { checkKey } from "../random/arguments.ts";
import { split } from "../random/mod.ts";
import { valueAndGrad } from "../transforms/mod.ts";

/**
 * Everything that training changes: a tree of tensors, which can be saved.
 *
 * @category Training
 */
export type TrainState<Params, ModelState = Empty, Memory = OptimizerState> = {
  /** The parameters of the model. */
  readonly params: Params;
  /** The state of the model, such as running statistics. */
  readonly modelState: ModelState;
  /** The state of the optimizer. */
  readonly optimizerState: Memory;
  /** The random key of the next step. */
  readonly key: Tensor;
};

/**
 * What a loss returns: a scalar, or `[loss, metrics]` with scalars that are only to be looked at.
 *
 * @category Training
 */
export type LossResult =
  | Tensor
  | readonly [
    loss: Tensor,
    metrics: { readonly [name: string]: Tensor },
  ];

/**
 * The metrics of a step: the loss, and those that the loss function returned.
 *
 * @category Training
 */
export type StepMetrics<Out> = Out extends readonly [Tensor, infer Metrics]
  ? Metrics & { readonly loss: Tensor }
  : { readonly loss: Tensor };

/**
 * A compiled step of training. The tensors of the state that it is given are used up, unless `donate` is
 * `false`.
 *
 * @category Training
 */
export interface TrainStep<State, Batch, Metrics> {
  /** The state after one step, and its metrics. */
  (state: State, batch: Batch): [state: State, metrics: Metrics];
}

/**
 * A compiled step of training of a model.
 *
 * @category Training
 */
export interface ModelStep<P, Memory, Batch, Metrics>
  extends TrainStep<TrainState<ParamsOf<P>, StateOf<P>, Memory>, Batch, Metrics> {
  /**
   * The state before the first step.
   *
   * @param key A random key, for fresh weights and for the steps.
   * @param weights Parameters and state of the model, instead of fresh ones.
   */
  init(
    key: Tensor,
    weights?: readonly [params: ParamsOf<P>, modelState: StateOf<P>],
  ): TrainState<ParamsOf<P>, StateOf<P>, Memory>;
}

/**
 * A compiled step of training of any parameters.
 *
 * @category Training
 */
export interface LossStep<Params, Memory, Batch, Metrics>
  extends TrainStep<TrainState<Params, Empty, Memory>, Batch, Metrics> {
  /**
   * The state before the first step.
   *
   * @param key A random key, for the steps.
   * @param params The parameters: a tree of tensors.
   */
  init(key: Tensor, params: Params): TrainState<Params, Empty, Memory>;
}

/**
 * Options of `step` for a model.
 *
 * @category Training
 */
export interface ModelStepOptions<P, Batch, Out, Memory> {
  /** A layer, or a record or list of layers. */
  readonly model: P;
  /**
   * The loss of a batch. Its first argument is the model as a function of its input, or the record of such
   * functions, in training mode; state and random keys are passed on.
   */
  readonly loss: (model: PartsOf<P>, batch: Batch) => Out;
  /** The optimizer. */
  readonly optimizer: Optimizer<Memory>;
  /** Whether the step gives up the memory of the state that it is given. Default `true`. */
  readonly donate?: boolean;
}

/**
 * Options of `step` for parameters of any kind.
 *
 * @category Training
 */
export interface LossStepOptions<Params, Batch, Out, Memory> {
  /** No model. */
  readonly model?: undefined;
  /** The loss of a batch with these parameters; `key` is another one in each step. */
  readonly loss: (params: Params, batch: Batch, key: Tensor) => Out;
  /** The optimizer. */
  readonly optimizer: Optimizer<Memory>;
  /** Whether the step gives up the memory of the state that it is given. Default `true`. */
  readonly donate?: boolean;
}

/**
 * A step of training as one compiled function: the loss and its gradients, the optimizer's update, the new
 * state of the model and the next random key. It is traced once for each shape of batches.
 *
 * @category Training
 * @param options The model, the loss of a batch, and the optimizer. Without a model, the loss is a function of
 * parameters.
 * @returns The step, `(state, batch) => [state, { loss, ... }]`, with `init`, which makes the first state. A
 * state is `{ params, modelState, optimizerState, key }`. The step gives up the tensors of the state that it
 * is given, and uses their memory for the next one.
 * @throws {ArgumentError} when an option is not what it should be.
 *
 * @example Ten steps of a classifier
 * ```ts
 * import { nn, optim, random, tensor, train } from "@jacobi/jacobi";
 *
 * const step = train.step({
 *   model: nn.sequential(nn.linear(2, 16), nn.relu, nn.dropout(0.1), nn.linear(16, 2)),
 *   loss: (model, { x, y }) => nn.crossEntropy(model(x), y),
 *   optimizer: optim.adam(0.01),
 * });
 * const batch = {
 *   x: random.normal(random.key(0), [4, 2]),
 *   y: tensor([0, 1, 1, 0], { dtype: "int32" }),
 * };
 * let state = step.init(random.key(1));
 * for (let i = 0; i < 10; i++) {
 *   const [next, { loss }] = step(state, batch);
 *   state = next;
 *   if (!(loss.item() < 2)) throw new Error(String(loss));
 * }
 * ```
 *
 * @example Parameters of one's own, and another metric
 * ```ts
 * import { optim, random, tensor, train } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const step = train.step({
 *   loss: ({ w }: { w: Tensor }, x: Tensor) => [w.sub(x).square().sum(), { largest: w.max() }],
 *   optimizer: optim.sgd(0.25),
 * });
 * const state = step.init(random.key(0), { w: tensor([1, 2]) });
 * const [{ params }, { loss, largest }] = step(state, tensor([3, 4]));
 * assertTensorsClose(params.w, [2, 3]);
 * assertTensorsClose(loss, 8);
 * assertTensorsClose(largest, 2);
 * ```
 */
export function step<
  P extends Parts,
  Memory,
  Batch = { readonly [name: string]: Tensor },
  Out extends LossResult = LossResult,
>(
  options: ModelStepOptions<P, Batch, Out, Memory>,
): ModelStep<P, Memory, Batch, StepMetrics<Out>>;
/** The same for parameters of any kind. */
export function step<
  Params,
  Memory,
  Batch = { readonly [name: string]: Tensor },
  const Out extends LossResult = LossResult,
>(
  options: LossStepOptions<Params, Batch, Out, Memory>,
): LossStep<Params, Memory, Batch, StepMetrics<Out>>;
export function step(
  options:
    | ModelStepOptions<Parts, unknown, LossResult, unknown>
    | LossStepOptions<unknown, unknown, LossResult, unknown>,
): object {
  const what = "Cannot make a step of training";
  const { model, loss, optimizer, donate = true } = readOptions(
    what,
    options as LossStepOptions<unknown, unknown, LossResult, unknown>,
    ["model", "loss", "optimizer", "donate"],
  );
  if (typeof loss !== "function") {
    throw argumentError(`${what}: expected a function as loss, got ${describeValue(loss)}`);
  }
  checkOptimizer(optimizer, `${what} with`);
  checkFlag(donate, what, "donate");
  const { init, apply } = model === undefined ? withoutModel(loss) : withModel(model, loss);

  // Profiles, warnings and errors show its name.
  const run = jit(function trainStep(state: TrainState<unknown, unknown, unknown>, batch: unknown) {
    const { params, modelState, optimizerState, key } = state;
    const [next, own] = split(key);
    const lossOf = (params: unknown) => {
      const [out, newState] = apply(params, modelState, batch, { train: true, key: own });
      const [loss, metrics] = readLoss(out);
      return [loss, { metrics, newState }] as const;
    };
    const [[value, { metrics, newState }], gradients] = valueAndGrad(lossOf, { hasAux: true })(
      params,
    );
    const extras = { value, loss: (params: unknown) => lossOf(params)[0] };
    const [updates, memory] = optimizer!.update(gradients, optimizerState, params, extras);
    const after = {
      params: applyUpdates(params, updates),
      modelState: newState,
      optimizerState: memory,
      key: next,
    };
    return [after, { ...metrics, loss: value }];
  }, donate ? { donateArgnums: 0 } : {});

  function initState(key: Tensor, given?: unknown): TrainState<unknown, unknown, unknown> {
    checkKey(key, "Cannot begin training");
    const [weights, first] = split(key);
    const [params, modelState] = init(weights, given);
    return { params, modelState, optimizerState: optimizer!.init(params), key: first };
  }

  return Object.assign(
    (state: TrainState<unknown, unknown, unknown>, batch: unknown) => run(checkState(state), batch),
    { init: initState },
  );
}

/** `state`, checked to be one. */
function checkState<S>(state: S): S {
  const { key, ...rest } = Object(state) as Partial<TrainState<unknown, unknown, unknown>>;
  const what = "Cannot take a step of training";
  if (!("params" in rest && "modelState" in rest && "optimizerState" in rest)) {
    throw argumentError(
      `${what} from ${describeValue(state)}: expected the state that init or the last step gave`,
    );
  }
  checkKey(key, what);
  return state;
}

/** How the first weights are made, and the loss as a layer. */
interface LossLayer {
  readonly init: (key: Tensor, given: unknown) => readonly [params: unknown, state: unknown];
  readonly apply: AnyLayer["apply"];
}

function withModel(model: Parts, loss: (...args: never[]) => unknown): LossLayer {
  const call = loss as unknown as (model: unknown, batch: unknown) => unknown;
  const wire = module as unknown as (parts: Parts, f: typeof call) => AnyLayer;
  const layer = wire(model, (parts, batch) => call(parts, batch));
  return {
    init(key, given) {
      if (given === undefined) return layer.init(key);
      if (Array.isArray(given) && given.length === 2) return given as [unknown, unknown];
      throw argumentError(
        `Cannot begin training with ${describeValue(given)}: expected [params, modelState]`,
      );
    },
    apply: layer.apply,
  };
}

function withoutModel(loss: (...args: never[]) => unknown): LossLayer {
  const call = loss as unknown as (params: unknown, batch: unknown, key: Tensor) => unknown;
  return {
    init(_key, given) {
      if (given !== undefined) return [given, {}];
      throw argumentError("Cannot begin training: expected parameters behind the key");
    },
    apply: (params, state, batch, context) => [call(params, batch, context!.key!), state],
  };
}

/** A loss with its metrics. */
function readLoss(out: unknown): [loss: Tensor, metrics: object] {
  if (out instanceof Tensor) return [out, {}];
  if (Array.isArray(out) && out.length === 2 && out[0] instanceof Tensor) {
    const [loss, metrics] = out;
    if (Object(metrics) === metrics && !Array.isArray(metrics) && !(metrics instanceof Tensor)) {
      if (!("loss" in metrics)) return [loss, metrics];
      throw argumentError(
        `Cannot take a step of training: expected metrics with other names than "loss", which is the ` +
          `loss itself, got { ${Object.keys(metrics).join(", ")} }`,
      );
    }
  }
  throw argumentError(
    `Cannot take a step of training: expected a scalar tensor or [loss, { name: metric }] from the ` +
      `loss, got ${describeValue(out)}`,
  );
}
