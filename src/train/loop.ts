/**
 * The loop of training.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { checkCount, checkFlag, readOptions } from "../base/options.ts";
import { sameShape, showType } from "../base/shape.ts";
import { Concrete, Tensor } from "../core/tensor.ts";
import { firstDifference, flatten, leafPaths, showPath, unflatten } from "../core/tree.ts";
import type { Batches, Position } from "../data/mod.ts";
import { toDevice } from "../device.ts";
import { copy } from "../functions/mod.ts";
import { loadTree, saveTree } from "../io/mod.ts";
import type { Bytes } from "../io/mod.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { joinMetrics, openProgress } from "./progress.ts";
import type { Progress, ProgressReport } from "./progress.ts";
import { Sums } from "./sums.ts";
import type { Numbers, SavedSums } from "./sums.ts";

const WHAT = "Cannot train";

/** How checkpoints are told from other trees, with the version of their form. */
const FORMAT = "jacobi.train.1";

/** For how many milliseconds the loop runs before the event loop turns, which frees dead tensors. */
const TURN = 20;

/**
 * What was measured.
 *
 * @category Training
 */
export type Measurement = {
  /** How many steps were taken. */
  readonly step: number;
  /** The number of the epoch of the last step, from 0 on. */
  readonly epoch: number;
  /** The means of the metrics of all steps since the last measurement. */
  readonly metrics: { readonly [name: string]: number };
  /** What `evaluate` returned, where its turn was. */
  readonly evaluation?: { readonly [name: string]: number };
  /** How long training took so far, with the time before it was continued. */
  readonly seconds: number;
};

/**
 * When to stop early.
 *
 * @category Training
 */
export interface EarlyStopping {
  /** The metric of `evaluate` that counts. */
  readonly metric: string;
  /** Whether the metric should become small (`"min"`, the default) or large (`"max"`). */
  readonly mode?: "min" | "max";
  /** After how many evaluations without an improvement to stop. */
  readonly patience: number;
  /** How much better than the best an improvement is at least. Default 0. */
  readonly minDelta?: number;
  /** Whether the state of the best evaluation is restored at the end. Default `true`. */
  readonly restoreBest?: boolean;
}

/**
 * What is used of an `AbortSignal`.
 *
 * @category Training
 */
export interface StopSignal {
  /** Throws the reason if training is to stop. */
  throwIfAborted(): void;
}

/**
 * Options of `loop`.
 *
 * @category Training
 */
export interface LoopOptions<State, Batch> {
  /** One step: the next state, and metrics by their names. What `step` returns is one. */
  readonly step: (
    state: State,
    batch: Batch,
  ) => readonly [State, object] | Promise<readonly [State, object]>;
  /** The first state, a tree of tensors. The loop works on a copy. */
  readonly state: State;
  /** The batches. */
  readonly batches: Batches<Batch>;
  /** How many epochs to train. */
  readonly epochs?: number;
  /** How many steps to train. Training ends with `epochs` or `steps`, whichever is first. */
  readonly steps?: number;
  /** After how many steps to measure; by default at the end of each epoch. */
  readonly every?: number;
  /** Evaluates a state: numbers or scalars by their names. `evaluation` makes such a function. */
  readonly evaluate?: (state: State) => object | Promise<object>;
  /** After how many steps to evaluate; by default at the end of each epoch, and of training. */
  readonly evaluateEvery?: number;
  /** When to stop early. */
  readonly earlyStopping?: EarlyStopping;
  /** Where checkpoints are saved, and where training goes on from; see `folder`. */
  readonly checkpoints?: Checkpoints;
  /**
   * `true` shows progress: a bar on a terminal, by the npm package `cli-progress`; a display in a notebook;
   * and otherwise a line for each measurement. A function is told of it instead.
   */
  readonly progress?: boolean | Progress;
  /** An `AbortSignal`, which stops training between two steps; the iteration ends in its reason. */
  readonly signal?: StopSignal;
}

/**
 * Training that is iterated over. A new iteration goes on where the last one was left.
 *
 * @category Training
 */
export interface Loop<State> extends AsyncIterable<Measurement> {
  /**
   * The newest state. Steps that give up their state use it up: between two measurements it may be looked at,
   * and what is to be kept is kept with `copy`.
   */
  readonly state: State;
  /** How many steps were taken. */
  readonly step: number;
  /** All measurements so far, with those before training was continued. */
  readonly history: readonly Measurement[];
  /** Whether all epochs or steps are done, or training was stopped early. */
  readonly isFinished: boolean;
  /** Trains to the end, and returns the last state. */
  finish(): Promise<State>;
}

/** What early stopping remembers. */
type Stopping<State> = {
  readonly best: number;
  /** The state of the best evaluation, or `null` where it is not to be restored. */
  readonly state: State | null;
  /** How many evaluations were no improvement since. */
  readonly waited: number;
};

/** What a checkpoint holds. */
type Saved<State> = {
  readonly format: string;
  readonly state: State;
  readonly step: number;
  readonly position: Position;
  readonly isUnmeasured: boolean;
  readonly seconds: number;
  readonly sums: SavedSums;
  readonly stopping: Stopping<State> | null;
  readonly history: readonly Measurement[];
};

const FIELDS = [
  "state",
  "step",
  "position",
  "isUnmeasured",
  "seconds",
  "sums",
  "stopping",
  "history",
] as const;

/** A tree with copies of its tensors, which outlive the originals. */
function keep<T>(tree: T): T {
  const { leaves, structure } = flatten(tree);
  return unflatten(
    structure,
    leaves.map((leaf) => leaf instanceof Tensor ? copy(leaf) : leaf),
  ) as T;
}

/** Throws unless `value` is a function. */
function checkFunction(value: unknown, name: string): void {
  if (typeof value === "function") return;
  throw argumentError(`${WHAT}: expected a function as ${name}, got ${describeValue(value)}`);
}

/** Options of early stopping with their defaults. */
function readStopping(given: EarlyStopping): Required<EarlyStopping> {
  const what = "Cannot stop early";
  const { metric, mode = "min", patience, minDelta = 0, restoreBest = true } = readOptions(
    what,
    given,
    ["metric", "mode", "patience", "minDelta", "restoreBest"],
  );
  if (typeof metric !== "string") {
    throw argumentError(
      `${what}: expected the name of a metric of evaluate, got ${describeValue(metric)}`,
    );
  }
  if (mode !== "min" && mode !== "max") {
    throw argumentError(`${what}: expected "min" or "max" as mode, got ${describeValue(mode)}`);
  }
  checkCount(patience, what, "patience");
  if (typeof minDelta !== "number" || !(minDelta >= 0)) {
    throw argumentError(
      `${what}: expected a number of at least 0 as minDelta, got ${describeValue(minDelta)}`,
    );
  }
  checkFlag(restoreBest, what, "restoreBest");
  return { metric, mode, patience: patience!, minDelta, restoreBest };
}

const OPTIONS = [
  "step",
  "state",
  "batches",
  "epochs",
  "steps",
  "every",
  "evaluate",
  "evaluateEvery",
  "earlyStopping",
  "checkpoints",
  "progress",
  "signal",
] as const;

/** Options that must be there, and others that may be. */
function checkOptions<State, Batch>(given: LoopOptions<State, Batch>): LoopOptions<State, Batch> {
  const options = readOptions(WHAT, given, OPTIONS) as LoopOptions<State, Batch>;
  const { evaluate, checkpoints, progress, signal } = options;
  checkFunction(options.step, "step");
  if (typeof Object(options.batches).epoch !== "function") {
    throw argumentError(
      `${WHAT}: expected batches, which data.batches makes, got ${describeValue(options.batches)}`,
    );
  }
  for (const name of ["epochs", "steps", "every", "evaluateEvery"] as const) {
    if (options[name] !== undefined) checkCount(options[name], WHAT, name);
  }
  if (options.epochs === undefined && options.steps === undefined) {
    throw argumentError(`${WHAT}: expected a number of epochs or steps`);
  }
  if (evaluate !== undefined) checkFunction(evaluate, "evaluate");
  if (checkpoints !== undefined) {
    checkFunction(Object(checkpoints).save, "checkpoints.save");
    if (Object(checkpoints).load !== undefined) checkFunction(checkpoints.load, "checkpoints.load");
    if (checkpoints.every !== undefined) checkCount(checkpoints.every, WHAT, "checkpoints.every");
  }
  if (progress !== undefined && typeof progress !== "boolean") checkFunction(progress, "progress");
  if (signal !== undefined && typeof Object(signal).throwIfAborted !== "function") {
    throw argumentError(
      `${WHAT}: expected an AbortSignal as signal, got ${describeValue(signal)}`,
    );
  }
  if ((options.earlyStopping ?? options.evaluateEvery) !== undefined && evaluate === undefined) {
    throw argumentError(`${WHAT}: earlyStopping and evaluateEvery need evaluate`);
  }
  return options;
}

/**
 * The loop of training: takes steps on batches, epoch after epoch, and yields what it measured. The device is
 * not waited for: metrics are read while it works on the next steps. The event loop turns now and then, so
 * that memory stays bounded.
 *
 * With `checkpoints`, the state, the position in the data, the measurements and the memory of early stopping
 * are saved in one file, and training that finds one continues exactly as if it had not been stopped: all
 * bits of the results are the same, for steps that are pure functions. A checkpoint is also saved when the
 * iteration ends, by `break`, by the signal or by an error; so an interrupted run can be started again as it
 * is.
 *
 * After an error, `state` is that of the last step that succeeded. Where the step that failed had already
 * given up its state (an index out of range in a compiled step that donates), it is that of the last
 * checkpoint, or the first one in the first step. What was due after the last step, such as an evaluation that
 * failed, is done when the iteration goes on.
 *
 * @category Training
 * @param options The step, the first state, the batches, and how long to train.
 * @returns The training, to be iterated over, or to be awaited with `finish`. Nothing is done before.
 * @throws {ArgumentError} when an option is not what it should be; while training, when a checkpoint is of
 * another training, an epoch has no batches, or metrics are not scalars by their names.
 *
 * @example Training a small network
 * ```ts
 * import { data, nn, optim, random, train } from "@jacobi/jacobi";
 *
 * const x = random.normal(random.key(0), [64, 2]);
 * const y = x.at("...", 0).mul(x.at("...", 1)).expandDims(1);
 * const step = train.step({
 *   model: nn.sequential(nn.linear(2, 16), nn.tanh, nn.linear(16, 1)),
 *   loss: (model, { x, y }) => nn.mseLoss(model(x), y),
 *   optimizer: optim.adam(0.05),
 * });
 * const batches = data.batches({ x, y }, { batchSize: 16, key: random.key(1) });
 * const training = train.loop({ step, state: step.init(random.key(2)), batches, epochs: 10 });
 * for await (const { epoch, metrics } of training) {
 *   if (epoch === 9 && !(metrics.loss < 0.5)) throw new Error(String(metrics.loss));
 * }
 * const { params } = training.state;
 * if (String(params[0].weight.shape) !== "16,2") throw new Error();
 * ```
 *
 * @example Stopped and continued
 * ```ts
 * import { arange, data, optim, random, tensor, train } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const step = train.step({
 *   loss: (w: Tensor, x: Tensor) => x.sub(w).square().mean(),
 *   optimizer: optim.adam(0.1),
 * });
 * let file: Uint8Array | null = null;
 * const options = {
 *   step,
 *   state: step.init(random.key(0), tensor(0)),
 *   batches: data.batches(arange(8), { batchSize: 2, key: random.key(1) }),
 *   epochs: 3,
 *   every: 1,
 * };
 * const checkpoints = { save: (bytes: Uint8Array) => void (file = bytes), load: () => file };
 * for await (const { step } of train.loop({ ...options, checkpoints })) {
 *   if (step === 5) break;
 * }
 * const continued = await train.loop({ ...options, checkpoints }).finish();
 * const whole = await train.loop(options).finish();
 * assertTensorsClose(continued.params, whole.params, { rtol: 0, atol: 0 });
 * ```
 */
export function loop<State, Batch>(options: LoopOptions<State, Batch>): Loop<State> {
  return new Training(options);
}

class Training<State, Batch> implements Loop<State> {
  readonly #options: LoopOptions<State, Batch>;
  readonly #rule: Required<EarlyStopping> | null;
  #state: State;
  #step = 0;
  #position: Position = { epoch: 0, batch: 0 };
  #history: Measurement[] = [];
  #sums: Sums = new Sums(WHAT);
  #stopping: Stopping<State> | null = null;
  #isStopped = false;
  /** Whether what is due after the last step is still to be done, since an error came before. */
  #isUnmeasured = false;
  /** The state of the last step, where `state` is the best one. */
  #last: State | null = null;
  #hasBegun = false;
  #isRunning = false;
  /** The seconds before this iteration, and when it began. */
  #before = 0;
  #began = 0;
  /** The step that the last checkpoint is of. */
  #saved = 0;
  #turned = 0;

  constructor(given: LoopOptions<State, Batch>) {
    this.#options = checkOptions(given);
    const { earlyStopping, state } = this.#options;
    this.#rule = earlyStopping === undefined ? null : readStopping(earlyStopping);
    this.#state = keep(state);
  }

  get state(): State {
    return this.#state;
  }

  get step(): number {
    return this.#step;
  }

  get history(): readonly Measurement[] {
    return [...this.#history];
  }

  get isFinished(): boolean {
    const { steps = Infinity, epochs = Infinity } = this.#options;
    if (this.#isUnmeasured) return false;
    return this.#isStopped || this.#step >= steps || this.#position.epoch >= epochs;
  }

  async finish(): Promise<State> {
    // deno-lint-ignore no-empty
    for await (const _ of this) {}
    return this.#state;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Measurement, void, undefined> {
    if (this.#isRunning) throw argumentError(`${WHAT}: it is iterated over already`);
    this.#isRunning = true;
    this.#began = this.#turned = performance.now();
    const { progress } = this.#options;
    let show: Progress = () => {};
    let hasFailed = false;
    try {
      if (progress) show = progress === true ? await openProgress() : progress;
      await this.#begin();
      while (!this.isFinished) yield* this.#runEpoch(show);
    } catch (error) {
      hasFailed = true;
      await this.#recover();
      throw error;
    } finally {
      const report = this.#report("end");
      try {
        await this.#close(hasFailed);
      } finally {
        this.#before = this.#seconds();
        this.#isRunning = false;
        showEnd(show, report, hasFailed);
      }
    }
  }

  /** Loads a checkpoint, before the first step. */
  async #begin(): Promise<void> {
    if (this.#last !== null) [this.#state, this.#last] = [this.#last, null];
    if (this.#hasBegun) return;
    const bytes = await this.#options.checkpoints?.load?.();
    if (bytes !== undefined && bytes !== null) this.#restore(readCheckpoint<State>(bytes));
    this.#hasBegun = true;
  }

  /** Goes on from what was saved; changes nothing if that does not fit. */
  #restore(saved: Saved<State>): void {
    const { stopping } = saved;
    const state = this.#fit(saved.state);
    this.#stopping = stopping === null || this.#rule === null
      ? null
      : { ...stopping, state: stopping.state === null ? null : this.#fit(stopping.state) };
    this.#state = state;
    this.#step = this.#saved = saved.step;
    this.#position = saved.position;
    this.#isUnmeasured = saved.isUnmeasured;
    this.#history = [...saved.history];
    this.#sums = new Sums(WHAT, saved.sums);
    this.#before = saved.seconds;
    this.#isStopped = (this.#stopping?.waited ?? 0) >= (this.#rule?.patience ?? Infinity);
  }

  /** A saved state, checked to be like the first one, and moved to where that is. */
  #fit(saved: State): State {
    const what = `${WHAT}: the checkpoint does not fit the state`;
    const advice = "train the model that was saved, or keep its checkpoints elsewhere";
    const [given, found] = [flatten(this.#options.state), flatten(saved)];
    const difference = firstDifference(given.structure, found.structure);
    if (difference !== null) throw argumentError(`${what}: ${difference}; ${advice}`);
    const paths = leafPaths(given.structure);
    const leaves = given.leaves.map((leaf, i) => {
      const other = found.leaves[i];
      if (!(leaf instanceof Tensor)) return other;
      const isLike = other instanceof Tensor && other.dtype === leaf.dtype &&
        sameShape(other.shape, leaf.shape);
      if (!isLike) {
        throw argumentError(
          `${what}: expected ${showType(leaf)} at ${showPath(paths[i])}, ` +
            `got ${other instanceof Tensor ? showType(other) : describeValue(other)}; ${advice}`,
        );
      }
      return leaf.placement === null ? other : toDevice(other, leaf.placement);
    });
    return unflatten(given.structure, leaves) as State;
  }

  /** The rest of an epoch. */
  async *#runEpoch(show: Progress): AsyncGenerator<Measurement, void, undefined> {
    const { step, batches, signal } = this.#options;
    const { epoch, batch: first } = this.#position;
    const iterator = batches.epoch(epoch, first)[Symbol.asyncIterator]();
    try {
      let next = await iterator.next();
      if (next.done && first === 0) throw argumentError(`${WHAT}: epoch ${epoch} has no batches`);
      if (next.done || this.#isUnmeasured) yield* this.#measure(next.done === true, show);
      while (!next.done && !this.isFinished) {
        signal?.throwIfAborted();
        const [state, metrics] = readStep(await step(this.#state, next.value));
        this.#state = state;
        this.#step++;
        this.#position = { epoch, batch: this.#position.batch + 1 };
        this.#isUnmeasured = true;
        await this.#sums.add(metrics);
        // The next batch is made while the device works.
        next = await iterator.next();
        yield* this.#measure(next.done === true, show);
        await this.#turn();
      }
    } finally {
      await iterator.return?.();
    }
  }

  /** What is due after a step: measurement, evaluation, early stopping, a checkpoint. */
  async *#measure(isLast: boolean, show: Progress): AsyncGenerator<Measurement, void, undefined> {
    const { epochs, steps, every, evaluate, evaluateEvery, checkpoints } = this.#options;
    const { epoch } = this.#position;
    const isDue = (count: number | undefined): boolean =>
      count === undefined ? isLast : this.#step % count === 0;
    const isEnd = this.#step === steps || isLast && epoch + 1 === epochs;
    const isEvaluated = evaluate !== undefined && (isDue(evaluateEvery) || isEnd);
    const isMeasured = isDue(every) || isEvaluated || isEnd;
    let measurement: Measurement | null = null;
    if (isMeasured) {
      const metrics = await this.#sums.means();
      const evaluation = isEvaluated ? await readNumbers(await evaluate(this.#state)) : undefined;
      const seconds = this.#seconds();
      const known = { step: this.#step, epoch, metrics, seconds };
      measurement = evaluation === undefined ? known : { ...known, evaluation };
      if (evaluation !== undefined) this.#judge(evaluation);
      this.#sums = new Sums(WHAT);
      this.#history.push(measurement);
    }
    this.#isUnmeasured = false;
    if (isLast) this.#position = { epoch: epoch + 1, batch: 0 };
    if (checkpoints !== undefined && isDue(checkpoints.every)) await this.#save();
    show(this.#report(isMeasured ? "measurement" : "step"));
    if (measurement !== null) yield measurement;
  }

  /** Compares an evaluation with the best one. */
  #judge(evaluation: Numbers): void {
    if (this.#rule === null) return;
    const { metric, mode, minDelta, patience, restoreBest } = this.#rule;
    const value = evaluation[metric];
    if (value === undefined) {
      throw argumentError(
        `Cannot stop early: evaluate returned no metric ${describeValue(metric)}, only ` +
          (Object.keys(evaluation).join(", ") || "none"),
      );
    }
    const best = this.#stopping?.best ?? NaN;
    const gain = mode === "min" ? best - value : value - best;
    // The first number is the best one; NaN never is.
    const isBetter = Number.isNaN(best)
      ? !Number.isNaN(value)
      : gain > 0 && (gain >= minDelta || gain === Infinity);
    this.#stopping = isBetter || this.#stopping === null
      ? { best: value, state: restoreBest ? keep(this.#state) : null, waited: isBetter ? 0 : 1 }
      : { ...this.#stopping, waited: this.#stopping.waited + 1 };
    this.#isStopped = this.#stopping.waited >= patience;
  }

  /** Saves a checkpoint of what is now. */
  async #save(): Promise<void> {
    const saved: Saved<State> = {
      format: FORMAT,
      state: this.#state,
      step: this.#step,
      position: this.#position,
      isUnmeasured: this.#isUnmeasured,
      seconds: this.#seconds(),
      sums: await this.#sums.save(),
      stopping: this.#stopping,
      history: this.#history,
    };
    for (const leaf of flatten(saved).leaves) {
      if (leaf instanceof Tensor) await leaf.concrete("save").arrive();
    }
    const info = { step: this.#step, epoch: this.#position.epoch };
    await this.#options.checkpoints!.save(saveTree(saved), info);
    this.#saved = this.#step;
  }

  /**
   * After an error: if the step that failed has used up its state, goes back to the last checkpoint, or to the
   * first state where that was its own.
   */
  async #recover(): Promise<void> {
    const isLost = flatten(this.#state).leaves.some((leaf) =>
      leaf instanceof Concrete && leaf.isDonated
    );
    if (!isLost) return;
    try {
      if (this.#step === 0) this.#state = keep(this.#options.state);
      if (this.#saved === 0) return;
      const bytes = await this.#options.checkpoints?.load?.();
      if (bytes !== undefined && bytes !== null) this.#restore(readCheckpoint<State>(bytes));
    } catch {
      // The error that ended the training counts.
    }
  }

  /** At the end of an iteration: a last checkpoint, and the best state if training is finished. */
  async #close(hasFailed: boolean): Promise<void> {
    try {
      if (this.#options.checkpoints !== undefined && this.#step > this.#saved) await this.#save();
    } catch (error) {
      if (!hasFailed) throw error;
    }
    const best = this.#stopping?.state ?? null;
    if (this.isFinished && best !== null) [this.#last, this.#state] = [this.#state, keep(best)];
  }

  /** Lets the event loop turn if it has not for long. */
  async #turn(): Promise<void> {
    if (performance.now() - this.#turned < TURN) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#turned = performance.now();
  }

  #seconds(): number {
    return this.#before + (performance.now() - this.#began) / 1000;
  }

  #report(kind: ProgressReport["kind"]): ProgressReport {
    const { steps, epochs, batches: { length } } = this.#options;
    const most = Math.min(
      steps ?? Infinity,
      epochs === undefined || typeof length !== "number" ? Infinity : epochs * length,
    );
    const last = this.#history.at(-1);
    const { epoch, batch } = this.#position;
    return {
      step: this.#step,
      total: most === Infinity ? null : most,
      epoch: batch === 0 ? Math.max(0, epoch - 1) : epoch,
      metrics: last === undefined ? {} : joinMetrics(last.metrics, last.evaluation),
      seconds: this.#seconds(),
      kind,
    };
  }
}

/** A checkpoint, read and checked to be one. */
function readCheckpoint<State>(bytes: Bytes): Saved<State> {
  let saved: Saved<State>;
  try {
    saved = loadTree<Saved<State>>(bytes);
  } catch (error) {
    throw argumentError(
      `${WHAT}: the newest checkpoint is broken; remove it to go on from the one before, or from the ` +
        `start (${(error as Error).message})`,
    );
  }
  if (Object(saved).format !== FORMAT) {
    throw argumentError(`${WHAT}: the file is a tree, but no checkpoint of a training`);
  }
  const missing = FIELDS.find((name) => saved[name] === undefined);
  if (missing === undefined) return saved;
  throw argumentError(`${WHAT}: the checkpoint has no ${missing}; it is of another version`);
}

/** Reports the end, after an error without errors of its own. */
function showEnd(show: Progress, report: ProgressReport, hasFailed: boolean): void {
  try {
    show(report);
  } catch (error) {
    if (!hasFailed) throw error;
  }
}

/** What a step returned. */
function readStep<State>(result: readonly [State, object]): readonly [State, object] {
  if (Array.isArray(result) && result.length === 2) return result as [State, object];
  throw argumentError(
    `${WHAT}: expected [state, metrics] from the step, got ${describeValue(result)}`,
  );
}

/** Metrics of an evaluation as numbers. */
async function readNumbers(metrics: unknown): Promise<Numbers> {
  const sums = new Sums("Cannot evaluate");
  await sums.add(metrics);
  return await sums.means();
}
