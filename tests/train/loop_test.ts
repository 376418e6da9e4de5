import {
  arange,
  ArgumentError,
  data,
  io,
  metrics,
  nn,
  optim,
  random,
  ShapeError,
  tensor,
  train,
  tree,
  zeros,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals, assertRejects } from "../support/std.ts";

const key = random.key(0);

/** Asserts that two trees have the same bits. */
function assertSame(actual: unknown, expected: unknown): void {
  assertEquals(io.saveTree(actual), io.saveTree(expected));
}

/** Measurements but for their times. */
const untimed = (list: readonly train.Measurement[]): unknown =>
  list.map(({ seconds, ...rest }) => {
    assert(seconds >= 0);
    return rest;
  });

/** A place for the newest checkpoint. */
function store(every?: number): train.Checkpoints & { readonly files: Uint8Array<ArrayBuffer>[] } {
  const files: Uint8Array<ArrayBuffer>[] = [];
  return {
    ...every === undefined ? {} : { every },
    files,
    save: (bytes) => void files.push(bytes),
    load: () => Promise.resolve(files.at(-1)),
  };
}

const x = random.normal(key, [21, 3]);
const set = { x, y: x.sum(1).greater(0).astype("int32") };

/** A training with all that must be continued: dropout, statistics, augmentation, prefetching. */
const model = nn.sequential(
  nn.linear(3, 8),
  nn.batchNorm(8),
  nn.relu,
  nn.dropout(0.3),
  nn.linear(8, 2),
);
const step = train.step({
  model,
  loss: (model, { x, y }) => {
    const logits = model(x);
    return [nn.crossEntropy(logits, y), { accuracy: metrics.accuracy(logits, y) }];
  },
  optimizer: optim.adam(0.05),
});
const batches = data.prefetch(
  data.augment(
    data.batches(set, { batchSize: 6, key: random.key(1) }),
    random.key(2),
    (key, { x, y }) => ({ x: x.add(random.normal(key, x.shape).mul(0.1)), y }),
  ),
  2,
);
const evaluate = train.evaluation(
  data.batches(set, { batchSize: 8 }),
  ({ params, modelState }: ReturnType<typeof step.init>, { x, y }) => ({
    loss: nn.crossEntropy(model.apply(params, modelState, x)[0], y),
  }),
);
const whole = {
  step,
  state: step.init(random.key(3)),
  batches,
  epochs: 3,
  every: 2,
  evaluate,
  earlyStopping: { metric: "loss", patience: 5, minDelta: 0.01 },
};

Deno.test("training that was stopped at any step and continued has the same bits as without a stop", async () => {
  const uninterrupted = train.loop(whole);
  const expected = await uninterrupted.finish();
  assertEquals(uninterrupted.step, 12);
  for (const every of [1, 5, undefined]) {
    for (let stop = 1; stop <= 12; stop++) {
      const checkpoints = store(every);
      const controller = new AbortController();
      const progress = ({ step }: train.ProgressReport) => {
        if (step === stop) controller.abort();
      };
      const first = train.loop({ ...whole, checkpoints, progress, signal: controller.signal });
      if (stop < 12) await assertRejects(() => first.finish(), DOMException);
      else await first.finish();
      assertEquals(first.step, stop);
      const second = train.loop({ ...whole, checkpoints });
      assertSame(await second.finish(), expected);
      assertEquals(untimed(second.history), untimed(uninterrupted.history));
      assert(second.isFinished);
    }
  }
});

Deno.test("training left by break goes on where it was, with and without a checkpoint", async () => {
  const expected = train.loop(whole);
  const state = await expected.finish();
  const checkpoints = store(100);
  const left = train.loop({ ...whole, checkpoints });
  for await (const { step } of left) {
    if (step === 6) break;
  }
  // Saved at the break, though 100 steps were not done.
  assertEquals(checkpoints.files.length, 1);
  const saved = checkpoints.files[0];
  assertSame(await left.finish(), state);
  assertEquals(untimed(left.history), untimed(expected.history));
  const again = train.loop({ ...whole, checkpoints: { save() {}, load: () => saved } });
  assertSame(await again.finish(), state);
});

Deno.test("training measures means of steps, evaluates, and leaves its first state alone", async () => {
  const first = tree.map((x: Tensor) => x.copy(), whole.state);
  const { earlyStopping: _, ...plain } = whole;
  const losses: number[] = [];
  const eager = train.step({
    model,
    loss: (model, { x, y }) => nn.crossEntropy(model(x), y),
    optimizer: optim.adam(0.05),
    donate: false,
  });
  let state = whole.state;
  for (let epoch = 0; epoch < 2; epoch++) {
    for await (const batch of batches.epoch(epoch)) {
      const [next, { loss }] = eager(state, batch);
      losses.push(loss.item() as number);
      state = next;
    }
  }
  const seen: train.Measurement[] = [];
  for await (const one of train.loop({ ...plain, every: 3, epochs: 2 })) seen.push(one);
  assertEquals(seen.map(({ step, epoch }) => [step, epoch]), [[3, 0], [4, 0], [6, 1], [8, 1]]);
  const spans = [[0, 3], [3, 4], [4, 6], [6, 8]];
  seen.forEach(({ metrics: { loss } }, i) => {
    const part = losses.slice(...spans[i]);
    const mean = part.reduce((sum, loss) => sum + loss, 0) / part.length;
    assert(Math.abs(loss - mean) < 1e-6, `${loss} ${mean}`);
  });
  assertEquals(seen.map(({ evaluation }) => evaluation !== undefined), [false, true, false, true]);
  assertSame(whole.state, first);
  const byEpoch = train.loop({ step, state: whole.state, batches, steps: 6 });
  await byEpoch.finish();
  assertEquals(byEpoch.history.map(({ step, epoch }) => [step, epoch]), [[4, 0], [6, 1]]);
});

Deno.test("early stopping waits for its patience, and restores the best state", async () => {
  // The state counts steps, and is worst where it is far from 4.
  const count = {
    step: (state: Tensor, _batch: Tensor) => [state.add(1), {}] as const,
    state: tensor(0),
    batches: data.batches(arange(2), { batchSize: 1 }),
    epochs: 100,
    evaluate: (state: Tensor) => ({ far: state.sub(4).abs(), near: state.sub(4).abs().neg() }),
    evaluateEvery: 1,
  };
  for (const rule of [{ metric: "far" }, { metric: "near", mode: "max" }] as const) {
    const run = train.loop({ ...count, earlyStopping: { ...rule, patience: 3 } });
    assertTensorsClose(await run.finish(), 4);
    assertEquals([run.step, run.isFinished], [7, true]);
    const last = train.loop({
      ...count,
      earlyStopping: { ...rule, patience: 3, restoreBest: false },
    });
    assertTensorsClose(await last.finish(), 7);
  }
  const coarse = train.loop({
    ...count,
    earlyStopping: { metric: "far", patience: 2, minDelta: 1.5 },
  });
  // Better by 1 is not enough, better by 2 is: at steps 1 and 3.
  await coarse.finish();
  assertTensorsClose(coarse.state, 3);
  assertEquals(coarse.step, 5);
  const never = train.loop({
    ...count,
    evaluate: () => ({ far: NaN }),
    earlyStopping: { metric: "far", patience: 2 },
  });
  await never.finish();
  assertEquals(never.step, 2);
  // A finished training is still finished when it is started again, with the best state.
  const checkpoints = store();
  const stopping = { metric: "far", patience: 3 };
  await train.loop({ ...count, checkpoints, earlyStopping: stopping }).finish();
  const again = train.loop({ ...count, checkpoints, earlyStopping: stopping });
  assertTensorsClose(await again.finish(), 4);
  assertEquals(again.step, 7);
});

Deno.test("an error of a step, of the data or of an evaluation leaves the last good state", async () => {
  const expected = await train.loop(whole).finish();
  // Each fails once in the middle, and the same training goes on after that.
  const failing = (at: number) => {
    let calls = 0;
    return () => {
      if (++calls === at) throw new Error("broken");
    };
  };
  const atStep = failing(6);
  const atBatch = failing(6);
  const atEvaluation = failing(2);
  const broken = [
    {
      ...whole,
      step: (...args: Parameters<typeof step>) => {
        atStep();
        return step(...args);
      },
    },
    { ...whole, batches: data.map(batches, (batch) => (atBatch(), batch)) },
    {
      ...whole,
      evaluate: (state: typeof whole.state) => {
        atEvaluation();
        return evaluate(state);
      },
    },
  ];
  for (const options of broken) {
    const checkpoints = store(100);
    const run = train.loop({ ...options, checkpoints });
    await assertRejects(() => run.finish(), Error, "broken");
    assert(run.step >= 5 && run.step <= 8, String(run.step));
    assertEquals(checkpoints.files.length, 1);
    const [saved] = checkpoints.files;
    assertSame(await run.finish(), expected);
    const again = train.loop({ ...whole, checkpoints: { save() {}, load: () => saved } });
    assertSame(await again.finish(), expected);
  }
});

Deno.test("an error anywhere between two steps changes neither the measurements nor the state that follow", async () => {
  const calls = { read: 0, evaluate: 0, save: 0, progress: 0, step: 0 };
  type Place = keyof typeof calls;
  let broken: readonly [place: Place, call: number] | null = null;
  const call = (place: Place): void => {
    if (++calls[place] === broken?.[1] && place === broken[0]) throw new Error(`broken ${place}`);
  };
  const options = {
    step: (state: Tensor, x: Tensor) => {
      call("step");
      return [state.add(x.sum()), { loss: x.mean() }] as const;
    },
    state: tensor(0),
    batches: data.map(data.batches(arange(8), { batchSize: 2, key }), (x) => (call("read"), x)),
    epochs: 2,
    every: 1,
    evaluateEvery: 1,
    evaluate: (state: Tensor) => (call("evaluate"), { sum: state }),
    progress: () => call("progress"),
    earlyStopping: { metric: "sum", mode: "max" as const, patience: 9 },
  };
  const outcome = ({ history, state }: train.Loop<Tensor>) => [untimed(history), state.item()];
  const clean = train.loop(options);
  await clean.finish();
  const expected = outcome(clean);
  for (const place of ["read", "evaluate", "save", "progress", "step"] as const) {
    for (let at = 1; at <= 8; at++) {
      for (const name in calls) calls[name as Place] = 0;
      broken = [place, at];
      const { save, files } = store();
      const checkpoints: train.Checkpoints = {
        every: 1,
        save: (...args) => (call("save"), save(...args)),
      };
      const run = train.loop({ ...options, checkpoints });
      await assertRejects(() => run.finish(), Error, "broken");
      // The same training goes on, and so does one that finds the checkpoint.
      const again = train.loop({
        ...options,
        checkpoints: { save() {}, load: () => files.at(-1) },
      });
      for (const each of [again, run]) {
        await each.finish();
        assertEquals(outcome(each), expected);
      }
    }
  }
});

Deno.test("where a failed step has used up its state, that of the last checkpoint is there", async () => {
  const classify = train.step({
    loss: (w: Tensor, y: Tensor) => nn.crossEntropy(w, y),
    optimizer: optim.sgd(0.1),
  });
  let isBroken = true;
  const labels = data.map(
    data.batches(arange(12).astype("int32").mod(3), { batchSize: 2 }),
    (y) => isBroken ? y.add(y.at(0).equal(2).astype("int32").mul(9)) : y,
  );
  const state = classify.init(key, random.normal(key, [2, 3]));
  const checkpoints = store(1);
  const run = train.loop({ step: classify, state, batches: labels, epochs: 1, checkpoints });
  await assertRejects(() => run.finish(), RangeError, "an index lies outside of its axis");
  assertEquals(run.step, 1);
  assert(Number.isFinite(run.state.params.sum().item()));
  isBroken = false;
  const clean = train.loop({ step: classify, state, batches: labels, epochs: 1 });
  assertSame(await run.finish(), await clean.finish());
});

Deno.test("a first step that has used up its state leaves the first state", async () => {
  const pick = train.step({
    loss: (w: Tensor, i: Tensor) => nn.crossEntropy(w, i),
    optimizer: optim.sgd(0.1),
  });
  let index = 9;
  const batches = data.map(
    data.batches(arange(1), { batchSize: 1 }),
    () => tensor([index], { dtype: "int32" }),
  );
  const run = train.loop({
    step: pick,
    state: pick.init(key, tensor([[1, 2]])),
    batches,
    epochs: 1,
  });
  await assertRejects(() => run.finish(), RangeError, "an index lies outside of its axis");
  assertTensorsClose(run.state.params, [[1, 2]]);
  index = 1;
  await run.finish();
  assertEquals(run.step, 1);
});

Deno.test("a mean is over the steps that have the metric", async () => {
  let count = 0;
  const run = train.loop({
    step: (state: null) => [state, { loss: ++count, ...count % 4 === 0 ? { norm: 6 } : {} }],
    state: null,
    batches: data.batches(arange(8), { batchSize: 1 }),
    epochs: 1,
  });
  await run.finish();
  assertEquals(run.history[0].metrics, { loss: 4.5, norm: 6 });
  const none = data.batches(zeros([0, 2]), { batchSize: 2 });
  await assertRejects(
    () => train.evaluation(none, (_: null, x) => ({ sum: x.sum() }))(null),
    ArgumentError,
    "Cannot evaluate: the epoch has no batches",
  );
});

Deno.test("metrics are read behind the steps, and an endless device queue is not built up", async () => {
  let [taken, read, most] = [0, 0, 0];
  const read1 = () =>
    new Promise((resolve) =>
      setTimeout(() => {
        read++;
        resolve(Float32Array.of(1));
      }, 1)
    );
  const slow = (): Tensor => Object.create(tensor(1), { read: { value: read1 } });
  await train.loop({
    step: (state: null) => {
      most = Math.max(most, ++taken - read);
      return [state, { loss: slow() }];
    },
    state: null,
    batches: data.batches(arange(50), { batchSize: 1 }),
    epochs: 1,
  }).finish();
  assertEquals([taken, read], [50, 50]);
  assert(most > 2 && most < 10, String(most));
});

Deno.test("progress is told of steps, measurements and the end", async () => {
  const reports: train.ProgressReport[] = [];
  const progress = (report: train.ProgressReport) => void reports.push(report);
  await train.loop({ ...whole, epochs: 2, every: 4, progress }).finish();
  assertEquals(reports.map(({ step, kind }) => [step, kind]), [
    ...[[1, "step"], [2, "step"], [3, "step"], [4, "measurement"]],
    ...[[5, "step"], [6, "step"], [7, "step"], [8, "measurement"], [8, "end"]],
  ]);
  const [last] = reports.slice(-1);
  assertEquals([last.total, last.epoch], [8, 1]);
  assertEquals(Object.keys(last.metrics).sort(), ["accuracy", "evaluation.loss", "loss"]);
});

Deno.test("without a terminal, progress is a line for each measurement", async () => {
  const { log } = console;
  const lines: string[] = [];
  console.log = (line) => void lines.push(line);
  try {
    await train.loop({
      step: (state: null) => [state, { loss: 0.125 }],
      state: null,
      batches: data.batches(arange(4), { batchSize: 2 }),
      epochs: 2,
      progress: true,
    }).finish();
  } finally {
    console.log = log;
  }
  // With one, the bar is what this test cannot see.
  if (globalThis.process?.stderr?.isTTY) return;
  assertEquals(lines.map((line) => line.replace(/\d+\.\d s/, "0.0 s")), [
    "step 2/4, epoch 1, loss 0.125, 0.0 s",
    "step 4/4, epoch 2, loss 0.125, 0.0 s",
  ]);
});

Deno.test("a step without a model trains any parameters, and passes on metrics", () => {
  const fit = train.step({
    loss: ({ w }: { w: Tensor }, x: Tensor, key: Tensor) =>
      [w.sub(x).square().sum(), { noise: random.uniform(key) }] as const,
    optimizer: optim.sgd(0.25),
    donate: false,
  });
  const state = fit.init(key, { w: tensor([1, 2]) });
  const [first, { loss, noise }] = fit(state, tensor([3, 4]));
  assertTensorsClose(first.params.w, [2, 3]);
  assertTensorsClose(loss, 8);
  const [, { noise: other }] = fit(first, tensor([3, 4]));
  assert(noise.item() !== other.item());
  // Without donation, the state is still there.
  assertSame(fit(state, tensor([3, 4]))[0], first);
});

Deno.test("a step of a model is what the library's parts do by hand", () => {
  const first = step.init(random.key(5));
  const [weights, next] = random.split(random.key(5));
  assertSame(first.params, model.init(weights)[0]);
  assertSame(first.key, next);
  const own = step.init(random.key(6), [first.params, first.modelState]);
  assertSame(own.params, first.params);
  const [after, { loss }] = step(tree.map((x: Tensor) => x.copy(), first), set);
  assert(Number.isFinite(loss.item()));
  assert(after.modelState[1].running_mean.abs().sum().item() as number > 0);
  const evaluated = model.apply(after.params, after.modelState, x)[0];
  assertEquals(evaluated.shape, [21, 2]);
});

Deno.test("2,000 steps take no more memory than a few", async () => {
  const wide = train.step({
    model: nn.linear(64, 1),
    loss: (model, { x }) => model(x).square().mean(),
    optimizer: optim.adam(0.001),
  });
  // 128 KiB a batch: if batches were kept, 2,000 steps would hold 256 MiB.
  const rows = random.normal(key, [2048, 64]);
  const run = train.loop({
    step: wide,
    state: wide.init(key),
    batches: data.batches({ x: rows }, { batchSize: 512, key }),
    steps: 2000,
    every: 200,
  });
  const used: number[] = [];
  for await (const _ of run) {
    used.push(Deno.memoryUsage().rss / 2 ** 20);
  }
  assertEquals(used.length, 10);
  const [begin, end] = [Math.max(...used.slice(0, 3)), Math.max(...used.slice(-3))];
  assert(end < begin + 60, `from ${begin} MiB to ${end} MiB`);
});

Deno.test("timers run while training does: a signal comes through", async () => {
  let isDone = false;
  const run = train.loop({
    step: (state: null) => {
      for (const begin = performance.now(); performance.now() - begin < 1;);
      return [state, {}];
    },
    state: null,
    batches: data.batches(arange(2), { batchSize: 1 }),
    steps: 10_000,
    signal: AbortSignal.timeout(50),
  });
  const timer = setTimeout(() => isDone = true, 1);
  await assertRejects(() => run.finish(), DOMException);
  clearTimeout(timer);
  // How many steps fit in depends on what else the machine does.
  assert(isDone && run.step > 0 && run.step < 5000, String(run.step));
});

Deno.test("training says what does not fit", async () => {
  const good = {
    step: (state: Tensor) => [state, {}] as const,
    state: tensor(0),
    batches: data.batches(arange(2), { batchSize: 1 }),
    epochs: 1,
  };
  // deno-lint-ignore no-explicit-any
  const refuse = (options: any, message: string) =>
    assertRefused(() => train.loop(options), ArgumentError, message);
  refuse({ ...good, step: 1 }, "Cannot train: expected a function as step, got 1");
  refuse(
    { ...good, batches: [1] },
    "Cannot train: expected batches, which data.batches makes, got [1]",
  );
  refuse({ ...good, epochs: 0 }, "Cannot train: expected a positive integer as epochs, got 0");
  refuse({ ...good, epochs: undefined }, "Cannot train: expected a number of epochs or steps");
  refuse(
    { ...good, evaluateEvery: 1 },
    "Cannot train: earlyStopping and evaluateEvery need evaluate",
  );
  refuse(
    { ...good, checkpoints: {} },
    "Cannot train: expected a function as checkpoints.save, got undefined",
  );
  refuse({ ...good, signal: 1 }, "Cannot train: expected an AbortSignal as signal, got 1");
  refuse(
    { ...good, evaluate: () => ({}), earlyStopping: { metric: "loss", patience: 0 } },
    "Cannot stop early: expected a positive integer as patience, got 0",
  );
  // deno-lint-ignore no-explicit-any
  const fails = (options: any, message: string) =>
    assertRejects(() => train.loop({ ...good, ...options }).finish(), ArgumentError, message);
  await fails({ step: () => 1 }, "Cannot train: expected [state, metrics] from the step, got 1");
  await fails(
    { step: () => [tensor(0), { loss: tensor([1, 2]) }] },
    'Cannot train: expected a scalar or a number as the metric "loss", got float32[2]',
  );
  await fails(
    { step: () => [tensor(0), tensor(1)] },
    "Cannot train: expected metrics by their names, such as { loss }, got",
  );
  await fails(
    { evaluate: () => ({ accuracy: 1 }), earlyStopping: { metric: "loss", patience: 1 } },
    'Cannot stop early: evaluate returned no metric "loss", only accuracy',
  );
  await fails(
    { batches: data.batches(arange(0), { batchSize: 1 }) },
    "Cannot train: epoch 0 has no batches",
  );
  const checkpoints = store();
  await train.loop({ ...good, checkpoints }).finish();
  await fails(
    { state: tensor([0, 0]), checkpoints },
    "Cannot train: the checkpoint does not fit the state: expected float32[2] at the root, " +
      "got float32[]; train the model that was saved, or keep its checkpoints elsewhere",
  );
  await fails(
    { checkpoints: { save() {}, load: () => new Uint8Array(3) } },
    "Cannot train: the newest checkpoint is broken; remove it to go on from the one before, or from the " +
      "start (Cannot read a tree: expected at least 8 bytes, got 3; the file may be cut short)",
  );
  await fails(
    { checkpoints: { save() {}, load: () => io.saveTree({ a: 1 }) } },
    "Cannot train: the file is a tree, but no checkpoint of a training",
  );
  const other = { format: "jacobi.train.1", state: tensor(9), step: 3 };
  const damaged = train.loop({
    ...good,
    checkpoints: { save() {}, load: () => io.saveTree(other) },
  });
  await assertRejects(
    () => damaged.finish(),
    ArgumentError,
    "Cannot train: the checkpoint has no position; it is of another version",
  );
  assertEquals([damaged.step, damaged.state.item()], [0, 0]);
  const run = train.loop({ ...good, batches: data.batches(arange(4), { batchSize: 1 }), every: 1 });
  for await (const _ of run) {
    await assertRejects(
      () => run.finish(),
      ArgumentError,
      "Cannot train: it is iterated over already",
    );
    break;
  }
  assertRefused(
    () => train.step({ loss: 1 as never, optimizer: optim.sgd(1) }),
    ArgumentError,
    "Cannot make a step of training: expected a function as loss, got 1",
  );
  const text = train.step({ loss: () => 1 as never, optimizer: optim.sgd(1) });
  assertRefused(
    () => text(text.init(key, tensor(1)), {}),
    ArgumentError,
    "Cannot take a step of training: expected a scalar tensor or [loss, { name: metric }] from the " +
      "loss, got 1",
  );
  const named = train.step({
    loss: (w: Tensor) => [w, { loss: w, error: w }],
    optimizer: optim.sgd(1),
  });
  assertRefused(
    () => named(named.init(key, tensor(1)), {}),
    ArgumentError,
    'Cannot take a step of training: expected metrics with other names than "loss", which is the loss ' +
      "itself, got { loss, error }",
  );
  const vector = train.step({ loss: (w: Tensor) => w, optimizer: optim.sgd(1) });
  await assertRejects(
    () => Promise.resolve().then(() => vector(vector.init(key, tensor([1])), {})),
    ShapeError,
  );
  assertRefused(
    () => train.folder(new URL("https://example.com/a")),
    ArgumentError,
    "Cannot keep checkpoints in a folder: expected its path, got https://example.com/a",
  );
  assertRefused(
    () => train.folder("", { keep: 1 }),
    ArgumentError,
    'Cannot keep checkpoints in a folder: expected its path, got ""',
  );
});
