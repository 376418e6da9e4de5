/**
 * Metrics of whole data sets.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { Tensor } from "../core/tensor.ts";
import { flatten } from "../core/tree.ts";
import type { Batches } from "../data/mod.ts";
import { jit } from "../jit.ts";
import { Sums } from "./sums.ts";

/**
 * A function that evaluates a state: the means of metrics over all batches, each weighted with its number of
 * examples, the length of its first tensor. For the option `evaluate` of `loop`, or alone.
 *
 * @category Training
 * @param batches The batches: those of epoch 0 are used, always the same.
 * @param f A pure function of a state and a batch that returns scalars by their names. It is compiled.
 * @returns The function, from a state to a promise of numbers.
 * @throws {ArgumentError} when an argument is of another kind; when evaluated, if there are no batches.
 *
 * @example Loss and accuracy
 * ```ts
 * import { data, metrics, nn, optim, random, tensor, train } from "@jacobi/jacobi";
 *
 * const model = nn.linear(2, 3);
 * const step = train.step({
 *   model,
 *   loss: (model, { x, y }) => nn.crossEntropy(model(x), y),
 *   optimizer: optim.sgd(0.1),
 * });
 * const set = {
 *   x: random.normal(random.key(0), [5, 2]),
 *   y: tensor([0, 1, 2, 1, 0], { dtype: "int32" }),
 * };
 * const evaluate = train.evaluation(
 *   data.batches(set, { batchSize: 2 }),
 *   ({ params, modelState }: ReturnType<typeof step.init>, { x, y }) => {
 *     const [logits] = model.apply(params, modelState, x);
 *     return { loss: nn.crossEntropy(logits, y), accuracy: metrics.accuracy(logits, y) };
 *   },
 * );
 * const { accuracy } = await evaluate(step.init(random.key(1)));
 * if (!(accuracy >= 0 && accuracy <= 1)) throw new Error(String(accuracy));
 * ```
 */
export function evaluation<State, Batch, Metrics extends { readonly [name: string]: Tensor }>(
  batches: Batches<Batch>,
  f: (state: State, batch: Batch) => Metrics,
): (state: State) => Promise<{ readonly [K in keyof Metrics]: number }> {
  const what = "Cannot evaluate";
  if (typeof Object(batches).epoch !== "function") {
    throw argumentError(
      `${what} with ${describeValue(batches)}: expected batches, which data.batches makes`,
    );
  }
  if (typeof f !== "function") {
    throw argumentError(`${what} with ${describeValue(f)}: expected a function of state and batch`);
  }
  const compiled = jit(f as (state: unknown, batch: unknown) => Metrics);
  return async (state) => {
    const sums = new Sums(what);
    let isEmpty = true;
    for await (const batch of batches.epoch(0)) {
      isEmpty = false;
      const first = flatten(batch).leaves.find((leaf) => leaf instanceof Tensor);
      await sums.add(compiled(state, batch), first?.shape[0] ?? 1);
    }
    if (isEmpty) throw argumentError(`${what}: the epoch has no batches`);
    return await sums.means() as { readonly [K in keyof Metrics]: number };
  };
}
