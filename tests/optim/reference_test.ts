import type { Tensor } from "../../src/core/tensor.ts";
import { slice } from "../../src/core/slices.ts";
import * as optim from "../../src/optim/mod.ts";
import { key } from "../../src/random/key.ts";
import otherReference from "../fixtures/optim.json" with { type: "json" };
import sgdReference from "../fixtures/sgd.json" with { type: "json" };
import { assertEquals } from "../support/std.ts";
import { assertTreesClose, double, mapTree } from "./trees.ts";

// Everything here is compared with PyTorch's numbers; see the fixtures' scripts.

/** PyTorch's options, all numbers and flags but those that are pairs. */
type TorchOptions = Readonly<Record<string, number | boolean | readonly number[]>>;

const OPTION_NAMES: Readonly<Record<string, string>> = {
  weight_decay: "weightDecay",
  lr_decay: "lrDecay",
  initial_accumulator_value: "initialAccumulator",
  momentum_decay: "momentumDecay",
  b1: "beta1",
  b2: "beta2",
  b3: "beta3",
  eps_root: "epsRoot",
  trust_coefficient: "coefficient",
};

/** PyTorch's options under our names, without the learning rate. */
function convertOptions(
  { lr: _, learning_rate: _rate, betas, etas, step_sizes, ...rest }: TorchOptions,
): Record<string, number | boolean> {
  const options = Object.entries(rest).map(([name, value]) => [OPTION_NAMES[name] ?? name, value]);
  if (Array.isArray(betas)) options.push(["beta1", betas[0]], ["beta2", betas[1]]);
  if (Array.isArray(etas)) options.push(["shrink", etas[0]], ["grow", etas[1]]);
  if (Array.isArray(step_sizes)) {
    options.push(["smallest", step_sizes[0]], ["largest", step_sizes[1]]);
  }
  return Object.fromEntries(options);
}

const { adabelief, adadelta, adagrad, adam, adamax, adamw, lamb, lars, lion, nadam } = optim;
const { radam, rmsprop, rprop, sgd, yogi, adan, signSgd } = optim;
const optimizers = {
  ...{ adabelief, adadelta, adagrad, adam, adamax, adamw, lamb, lars, lion, nadam },
  ...{ radam, rmsprop, rprop, sgd, yogi, adan, sign_sgd: signSgd, signum: signSgd },
};

/** The parameter after each step. */
function trace(optimizer: optim.Optimizer, start: number[], gradients: number[][]): Tensor[] {
  let params = double(start);
  let state = optimizer.init(params);
  return gradients.map((gradient) => {
    const [updates, next] = optimizer.update(double(gradient), state, params);
    params = optim.applyUpdates(params, updates);
    state = next;
    return params;
  });
}

Deno.test("sgd takes PyTorch's steps with every option", () => {
  const { cases, start, gradients } = sgdReference;
  assertEquals(cases.length, 8);
  for (const { options, trajectory } of cases) {
    const optimizer = sgd(options.lr, convertOptions(options as unknown as TorchOptions));
    assertTreesClose(trace(optimizer, start, gradients), trajectory.map(double), 1e-12);
  }
});

Deno.test("optimisers that PyTorch has take its steps with every option", () => {
  const { cases, start, gradients } = otherReference;
  assertEquals(cases.length, 34);
  assertEquals(new Set(cases.map(({ optimizer }) => optimizer)).size, 9);
  for (const { optimizer: name, options, trajectory } of cases) {
    const make = optimizers[name as keyof typeof optimizers];
    const optimizer = make(options.lr, convertOptions(options as unknown as TorchOptions));
    assertTreesClose(trace(optimizer, start, gradients), trajectory.map(double), 1e-12);
  }
});

Deno.test("optimisers that optax has take its steps with every option", () => {
  const { optaxCases, start, gradients } = otherReference;
  assertEquals(optaxCases.length, 14);
  for (const { optimizer: name, options, trajectory } of optaxCases) {
    const make = optimizers[name as keyof typeof optimizers];
    const optimizer = make(
      options.learning_rate,
      convertOptions(options as unknown as TorchOptions),
    );
    assertTreesClose(trace(optimizer, start, gradients), trajectory.map(double), 1e-12);
  }
});

Deno.test("optimisers around optimisers take optax's steps", () => {
  const { wrapperCases, start, gradients } = otherReference;
  assertEquals(wrapperCases.length, 8);
  const inner = adam(0.1);
  const wrappers: Readonly<Record<string, (args: unknown[]) => optim.Optimizer>> = {
    ema: ([decay, debias]) =>
      optim.chain(inner, optim.ema(decay as number, { debias: debias as boolean })),
    multiSteps: ([steps]) => optim.multiSteps(inner, steps as number),
    applyIfFinite: ([errors]) => optim.applyIfFinite(inner, errors as number),
    lookahead: ([steps, rate]) => optim.lookahead(inner, steps as number, rate as number),
  };
  for (const { wrapper, args, bad, trajectory } of wrapperCases) {
    const given = gradients.map((gradient, i) =>
      (bad as number[]).includes(i) ? gradient.with(2, NaN) : gradient
    );
    const wanted = (trajectory as (number | "nan")[][]).map((x) => double(x.map(Number)));
    assertTreesClose(trace(wrappers[wrapper](args), start, given), wanted, 1e-12);
  }
});

Deno.test("optimisers that need the loss or random numbers take optax's steps", () => {
  const { lossCases, values, start, gradients } = otherReference;
  assertEquals(lossCases.length, 13);
  const loss = (x: Tensor) => {
    const [head, tail] = [x.at(slice(0, -1)), x.at(slice(1, null))];
    const powers = x.square().square().sum().mul(0.1);
    return x.mul(0.3).exp().sum().add(tail.mul(head.square()).sum().mul(0.5)).add(powers);
  };
  const inverse: optim.Schedule = (count) => count.astype("float64").reciprocal().mul(0.1);
  type Options = Readonly<Record<string, number>>;
  const makes: Readonly<Record<string, (options: Options) => optim.Optimizer>> = {
    noisySgd: (options) => optim.noisySgd(0.1, key(3), options),
    reduceOnPlateau: ({ accumulation_size = 1, min_scale = 0, ...rest }) =>
      optim.chain(
        adam(0.1),
        optim.reduceOnPlateau({
          accumulationSize: accumulation_size,
          minScale: min_scale,
          ...rest,
        }),
      ),
    polyakSgd: ({ f_min = 0, max_learning_rate = 1, eps = 0 }) =>
      optim.polyakSgd({ leastValue: f_min, maxLearningRate: max_learning_rate, eps }) as never,
    sam: (options) => optim.sam(adam(0.1), options),
    sophia: ({ update_interval, clip_threshold = 1, ...rest }) =>
      optim.sophia(0.1, key(3), {
        every: update_interval,
        threshold: clip_threshold,
        ...convertOptions(rest),
      }),
    scheduleFree: ({ b1 = 0.9, weight_lr_power = 2 }) =>
      optim.scheduleFree(adam(0.1, { beta1: 0 }), inverse, {
        beta: b1,
        weightPower: weight_lr_power,
      }),
  };
  for (const { optimizer: name, options, trajectory, evaluated } of lossCases) {
    const optimizer = makes[name](options as unknown as Options);
    let params = double(start);
    let state = optimizer.init(params);
    gradients.forEach((gradient, i) => {
      const extras = { value: double(values[i]), loss };
      const [updates, next] = optimizer.update(double(gradient), state, params, extras);
      params = optim.applyUpdates(params, updates);
      state = next;
      assertTreesClose(params, double(trajectory[i]), 1e-12);
    });
    if (evaluated === null) continue;
    const free = state as unknown as optim.ScheduleFreeState<unknown>;
    assertTreesClose(optim.scheduleFreeParams(params, free), double(evaluated), 1e-12);
  }
});

Deno.test("muon takes optax's steps for wide, tall and square matrices", () => {
  const { muonCases } = otherReference;
  assertEquals(muonCases.length, 3);
  for (const { options, start, gradients, trajectory } of muonCases) {
    const { learning_rate, ns_steps, weight_decay, ...rest } = options;
    const optimizer = optim.muon(learning_rate, {
      ...rest,
      ...(ns_steps === undefined ? {} : { steps: ns_steps }),
      ...(weight_decay === undefined ? {} : { weightDecay: weight_decay }),
    });
    let params = double(start);
    let state = optimizer.init(params);
    gradients.forEach((gradient, i) => {
      const [updates, next] = optimizer.update(double(gradient), state, params);
      params = optim.applyUpdates(params, updates);
      state = next;
      assertTreesClose(params, double(trajectory[i]), 1e-10);
    });
  }
});

Deno.test("novograd takes optax's steps and adafactor PyTorch's, for a matrix and a vector", () => {
  const { matrixCases } = otherReference;
  assertEquals(matrixCases.length, 4);
  for (const { optimizer: name, options, start, gradients, trajectory } of matrixCases) {
    const { eps, beta2_decay, d, lr, ...rest } = options as unknown as TorchOptions;
    const own = name === "novograd"
      ? { ...rest, ...(eps === undefined ? {} : { eps }) }
      : eps === undefined
      ? rest
      : {
        ...rest,
        eps1: (eps as number[])[0],
        eps2: (eps as number[])[1],
        beta2Decay: beta2_decay,
        threshold: d,
      };
    const make = name === "novograd" ? optim.novograd : optim.adafactor;
    const optimizer = make(
      (lr ?? rest.learning_rate) as number,
      convertOptions(own as TorchOptions),
    );
    const read = (tree: typeof start) => ({
      matrix: double(tree.matrix),
      vector: double(tree.vector),
    });
    let params = read(start);
    let state = optimizer.init(params);
    gradients.forEach((gradient, i) => {
      const [updates, next] = optimizer.update(read(gradient), state, params);
      params = optim.applyUpdates(params, updates);
      state = next;
      assertTreesClose(params, read(trajectory[i]), 1e-12);
    });
  }
});

Deno.test("every optimiser takes PyTorch's steps while a schedule changes its rate", () => {
  const { scheduled, start, gradients } = otherReference;
  assertEquals(scheduled.length, 4);
  for (const { optimizer: name, options, lrs, trajectory } of scheduled) {
    const schedule = optim.step(options.lr, { every: 3, gamma: 0.5 });
    assertTreesClose(schedule(double(lrs.map((_, i) => i))), double(lrs), 1e-15);
    const make = optimizers[name as keyof typeof optimizers];
    const optimizer = make(schedule, convertOptions(options as unknown as TorchOptions));
    assertTreesClose(trace(optimizer, start, gradients), trajectory.map(double), 1e-12);
  }
});

const makeSchedule: Readonly<
  Record<string, (lr: number, o: Record<string, number>) => optim.Curve>
> = {
  ConstantLR: (lr) => optim.constant(lr),
  StepLR: (lr, { step_size, gamma }) => optim.step(lr, { every: step_size, gamma }),
  ExponentialLR: (lr, { gamma }) => optim.exponential(lr, { gamma }),
  CosineAnnealingLR: (lr, { T_max, eta_min }) => optim.cosine(lr, { steps: T_max, end: eta_min }),
  LinearLR: (lr, { start_factor, end_factor, total_iters }) =>
    optim.linear(lr * start_factor, { steps: total_iters, end: lr * end_factor }),
  CosineAnnealingWarmRestarts: (lr, { T_0, T_mult, eta_min }) =>
    optim.warmRestarts(lr, { steps: T_0, growth: T_mult, end: eta_min }),
  OneCycleLR: (_, { max_lr, total_steps, pct_start, div_factor, final_div_factor }) =>
    optim.oneCycle(max_lr, {
      steps: total_steps,
      rising: pct_start,
      startDivisor: div_factor,
      endDivisor: final_div_factor,
    }),
  Polynomial: (lr, { total_iters, power, end }) =>
    optim.polynomial(lr, { steps: total_iters, power, end }),
  PolynomialLR: (lr, { total_iters, power }) => optim.polynomial(lr, { steps: total_iters, power }),
  WarmupCosine: (lr, { warmup_steps, total_steps, lr_start, lr_end }) =>
    optim.warmupCosine(lr, {
      warmupSteps: warmup_steps,
      totalSteps: total_steps,
      start: lr_start,
      end: lr_end,
    }),
};

Deno.test("every schedule has PyTorch's rates, count by count and as a whole curve", () => {
  const { schedules } = otherReference;
  assertEquals(new Set(schedules.map(({ name }) => name)).size, 11);
  for (const { name, options, lrs } of schedules) {
    const { milestones, gamma } = options as { milestones?: number[]; gamma?: number };
    const schedule = milestones === undefined
      ? makeSchedule[name](options.lr, options as unknown as Record<string, number>)
      : optim.piecewise(options.lr, { milestones, gamma: gamma! });
    lrs.forEach((lr, i) => assertTreesClose(schedule(i), double(lr), 1e-12));
    assertTreesClose(schedule(lrs.map((_, i) => i)), double(lrs), 1e-12);
  }
});

/** A tree of nested arrays as one of float64 tensors. */
function readTree({ a, b }: { a: number[]; b: { c: number[][]; d: number } }) {
  return { a: double(a), b: { c: double(b.c), d: double(b.d) } };
}

Deno.test("clipByGlobalNorm and globalNorm equal PyTorch's clip_grad_norm_ for every order", () => {
  const { clipGradNorm } = otherReference;
  assertEquals(clipGradNorm.length, 12);
  for (const { grads, maxNorm, normType, totalNorm, clipped } of clipGradNorm) {
    const ord = Number(normType === "inf" ? Infinity : normType);
    const tree = readTree(grads);
    assertTreesClose(optim.globalNorm(tree, { ord }), double(totalNorm), 1e-12);
    const clip = optim.clipByGlobalNorm(maxNorm, { ord });
    const [updates] = clip.update(tree, clip.init(tree), mapTree(tree, (x) => x.mul(0)));
    assertTreesClose(updates, readTree(clipped), 1e-12);
  }
});

Deno.test("clipByValue equals PyTorch's clip_grad_value_", () => {
  const { clipGradValue } = otherReference;
  assertEquals(clipGradValue.length, 4);
  for (const { grads, clipValue, clipped } of clipGradValue) {
    const tree = readTree(grads);
    const clip = optim.clipByValue(clipValue);
    const [updates] = clip.update(tree, clip.init(tree), tree);
    assertTreesClose(updates, readTree(clipped), 0);
  }
});
