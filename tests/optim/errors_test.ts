import { ArgumentError, DtypeError, ShapeError, TreeError } from "../../src/base/errors.ts";
import { tensor } from "../../src/functions/mod.ts";
import { key } from "../../src/random/key.ts";
import * as optim from "../../src/optim/mod.ts";
import { assertEquals, assertThrows } from "../support/std.ts";
import { double } from "./trees.ts";

// deno-lint-ignore no-explicit-any
type ErrorClass = new (...args: any[]) => Error;
type Case = readonly [run: () => unknown, type: ErrorClass, message: string];

/** Options as a caller without types may pass them. */
// deno-lint-ignore no-explicit-any
const untyped = optim as any;

/** An update of parameters with the state of others. */
function updateWith<State>(optimizer: optim.Optimizer<State>, others: unknown, params: unknown) {
  return optimizer.update(params, optimizer.init(others), params);
}

function testMessages(sentence: string, cases: readonly Case[]): void {
  Deno.test(sentence, () => {
    for (const [run, type, message] of cases) {
      const error = assertThrows(run, type);
      assertEquals((error as Error).message, message);
    }
  });
}

testMessages("learning rates are numbers of at least 0, scalars or schedules", [
  [
    () => optim.sgd(-0.1),
    ArgumentError,
    "Cannot make sgd with learning rate -0.1: expected a finite number of at least 0",
  ],
  [
    () => optim.adam(NaN),
    ArgumentError,
    "Cannot make adam with learning rate NaN: expected a finite number of at least 0",
  ],
  [
    () => optim.adamw(Infinity),
    ArgumentError,
    "Cannot make adamw with learning rate Infinity: expected a finite number of at least 0",
  ],
  [
    () => untyped.rmsprop("fast"),
    ArgumentError,
    'Cannot make rmsprop with learning rate "fast": expected a number, a scalar tensor or a schedule',
  ],
  [
    () => untyped.adagrad(),
    ArgumentError,
    "Cannot make adagrad with learning rate undefined: expected a number, a scalar tensor or a schedule",
  ],
  [
    () => optim.sgd(tensor([0.1, 0.2])),
    ShapeError,
    "Cannot make sgd with learning rate float32[2]: expected a scalar; " +
    "use vmap for one optimiser per entry",
  ],
  [
    () => optim.scaleByLearningRate(tensor(1, { dtype: "int32" })),
    DtypeError,
    "Cannot scale with learning rate int32[]: expected a floating-point scalar; convert with astype",
  ],
  [
    () => optim.scale(NaN),
    ArgumentError,
    "Cannot scale with factor NaN: expected a finite number",
  ],
  [
    () => untyped.scale(null),
    ArgumentError,
    "Cannot scale by factor null: expected a number, a scalar tensor or a schedule",
  ],
]);

testMessages("options keep to PyTorch's conditions", [
  [
    () => optim.sgd(0.1, { momentum: -1 }),
    ArgumentError,
    "Cannot make sgd with momentum -1: expected a finite number of at least 0",
  ],
  [
    () => optim.sgd(0.1, { weightDecay: -1 }),
    ArgumentError,
    "Cannot make sgd with weightDecay -1: expected a finite number of at least 0",
  ],
  [
    () => optim.sgd(0.1, { dampening: NaN }),
    ArgumentError,
    "Cannot make sgd with dampening NaN: expected a finite number",
  ],
  [
    () => optim.sgd(0.1, { nesterov: true }),
    ArgumentError,
    "Cannot make sgd with nesterov, momentum 0 and dampening 0: " +
    "nesterov needs a momentum above 0 and no dampening",
  ],
  [
    () => optim.momentum(0.9, { nesterov: true, dampening: 0.1 }),
    ArgumentError,
    "Cannot make momentum with nesterov, momentum 0.9 and dampening 0.1: " +
    "nesterov needs a momentum above 0 and no dampening",
  ],
  [
    () => optim.adam(0.1, { beta1: 1 }),
    ArgumentError,
    "Cannot make adam with beta1 1: expected a number from 0 to below 1",
  ],
  [
    () => optim.adamw(0.1, { beta2: -0.1 }),
    ArgumentError,
    "Cannot make adamw with beta2 -0.1: expected a number from 0 to below 1",
  ],
  [
    () => optim.adam(0.1, { eps: -1 }),
    ArgumentError,
    "Cannot make adam with eps -1: expected a finite number of at least 0",
  ],
  [
    () => optim.scaleByAdam({ beta1: 2 }),
    ArgumentError,
    "Cannot scale by Adam with beta1 2: expected a number from 0 to below 1",
  ],
  [
    () => optim.rmsprop(0.1, { alpha: 1.5 }),
    ArgumentError,
    "Cannot make rmsprop with alpha 1.5: expected a number from 0 to 1",
  ],
  [
    () => optim.adagrad(0.1, { lrDecay: -1 }),
    ArgumentError,
    "Cannot make adagrad with lrDecay -1: expected a finite number of at least 0",
  ],
  [
    () => optim.adagrad(0.1, { initialAccumulator: -1 }),
    ArgumentError,
    "Cannot make adagrad with initialAccumulator -1: expected a finite number of at least 0",
  ],
  [
    () => untyped.sgd(0.1, { nesterov: 1 }),
    ArgumentError,
    "Cannot make sgd with nesterov 1: expected true or false",
  ],
  [
    () => untyped.sgd(0.1, { momentum: "0.9" }),
    ArgumentError,
    'Cannot make sgd with momentum "0.9": expected a finite number',
  ],
  [
    () => untyped.adamw(0.1, { weight_decay: 0.1 }),
    ArgumentError,
    'Cannot make adamw: there is no option "weight_decay", ' +
    "the options are beta1, beta2, eps, amsgrad, weightDecay, maximize",
  ],
  [
    () => untyped.sgd(0.1, 0.9),
    ArgumentError,
    "Cannot make sgd: expected options such as { momentum }, got 0.9",
  ],
]);

testMessages("what is remembered in other shapes is checked", [
  [
    () => optim.adafactor(0.1, { beta2Decay: 0.5 }),
    ArgumentError,
    "Cannot make adafactor with beta2Decay 0.5: expected a number from -1 to 0",
  ],
  [
    () => optim.scaleByAdafactor({ threshold: 0 }),
    ArgumentError,
    "Cannot scale by Adafactor with threshold 0: expected a number above 0",
  ],
  [
    () => optim.novograd(0.1, { epsRoot: -1 }),
    ArgumentError,
    "Cannot make novograd with epsRoot -1: expected a finite number of at least 0",
  ],
  [
    () => updateWith(optim.scaleByNovograd(), [double([1, 2])], [double([[1, 2]])]),
    ShapeError,
    "Cannot update with the firstMoment of this state: expected float64[1,2] at [0], got float64[2]",
  ],
  [
    () => updateWith(optim.scaleByAdafactor(), [double([[1, 2]])], [double([[1], [2]])]),
    ShapeError,
    "Cannot update with the rows of this state: expected float64[2,1] at [0], got float64[1,1]",
  ],
  [
    () => updateWith(optim.scaleByAdafactor(), [double([1, 2])], [double([[1, 2]])]),
    TreeError,
    "Cannot update with the rows of this state: expected float64[1,1] at [0], got null; " +
    "call init again when other parameters are to be optimised",
  ],
  [
    () => updateWith(optim.scaleByAdafactor(), [double([[1, 2]])], [double([1, 2])]),
    TreeError,
    "Cannot update with the rows of this state: expected null at [0], got float64[1,1]; " +
    "call init again when other parameters are to be optimised",
  ],
]);

testMessages("what needs the loss says so, and checks its options", [
  [
    () => updateWith(optim.reduceOnPlateau(), double([1]), double([1])),
    ArgumentError,
    "Cannot reduce on a plateau without the value of the loss: " +
    "pass { value } as the fourth argument of update",
  ],
  [
    () => {
      const plateau = optim.chain(optim.reduceOnPlateau());
      plateau.update(double(1), plateau.init(double(1)), double(1), { value: double([1]) });
    },
    ShapeError,
    "Cannot reduce on a plateau with the value float64[1]: expected a scalar; " +
    "use vmap for one optimiser per entry",
  ],
  [
    () => updateWith(optim.sam(optim.sgd(1)), double([1]), double([1])),
    ArgumentError,
    "Cannot update by sam with the loss undefined: " +
    "pass { loss }, a function of the parameters, as the fourth argument of update",
  ],
  [
    () => updateWith(optim.scaleBySophia(key(0)), double([1]), double([1])),
    ArgumentError,
    "Cannot scale by Sophia with the loss undefined: " +
    "pass { loss }, a function of the parameters, as the fourth argument of update",
  ],
  [
    () => updateWith(optim.lbfgs(), double([1]), double([1])),
    ArgumentError,
    "Cannot search along a line with the loss undefined: " +
    "pass { loss }, a function of the parameters, as the fourth argument of update",
  ],
  [
    () => updateWith(optim.scaleByLbfgs({ memory: 2 }), double([1]), double([1, 2])),
    ShapeError,
    "Cannot update with the params of this state: expected float64[2] at the root, got float64[1]",
  ],
  [
    () => optim.lbfgs({ memory: 0 }),
    ArgumentError,
    "Cannot make lbfgs with memory 0: expected an integer of at least 1",
  ],
  [
    () => untyped.lineSearch(optim.sgd),
    ArgumentError,
    "Cannot search along a line with function sgd: expected an optimiser with init and update; " +
    "call the function that makes it",
  ],
  [
    () => updateWith(optim.polyakSgd(), double([1]), double([1])),
    ArgumentError,
    "Cannot update by polyakSgd without the value of the loss: " +
    "pass { value } as the fourth argument of update",
  ],
  [
    () => optim.polyakSgd({ eps: -1 }),
    ArgumentError,
    "Cannot make polyakSgd with eps -1: expected a finite number of at least 0",
  ],
  [
    () => optim.yogi(0.1, { initialAccumulator: -1 }),
    ArgumentError,
    "Cannot make yogi with initialAccumulator -1: expected a finite number of at least 0",
  ],
  [
    () => optim.adan(0.1, { beta3: 1 }),
    ArgumentError,
    "Cannot make adan with beta3 1: expected a number from 0 to below 1",
  ],
  [
    () => optim.signSgd(0.1, { beta: 1 }),
    ArgumentError,
    "Cannot make signSgd with beta 1: expected a number from 0 to below 1",
  ],
  [
    () => optim.reduceOnPlateau({ factor: 1 }),
    ArgumentError,
    "Cannot reduce on a plateau with factor 1: expected a number between 0 and 1",
  ],
  [
    () => optim.reduceOnPlateau({ patience: 0 }),
    ArgumentError,
    "Cannot reduce on a plateau with patience 0: expected an integer of at least 1",
  ],
  [
    () => optim.sophia(0.1, key(0), { every: 0 }),
    ArgumentError,
    "Cannot make sophia with every 0: expected an integer of at least 1",
  ],
  [
    () => untyped.sophia(0.1, 3),
    ArgumentError,
    "Cannot make sophia: expected a key uint32[2], got 3; make one with random.key(3)",
  ],
  [
    () => optim.noisySgd(0.1, key(0), { eta: -1 }),
    ArgumentError,
    "Cannot make noisySgd with eta -1: expected a finite number of at least 0",
  ],
  [
    () => optim.scheduleFree(optim.sgd(1), 1, { beta: 0 }),
    ArgumentError,
    "Cannot make scheduleFree with beta 0: expected a number above 0 and at most 1",
  ],
  [
    () => untyped.injectHyperparams(optim.sgd(1), { rate: 1 }),
    ArgumentError,
    "Cannot inject hyperparameters into object: expected a function that gives an optimiser",
  ],
  [
    () => untyped.injectHyperparams(() => 3, { rate: 1 }).init(double(1)),
    ArgumentError,
    "Cannot inject hyperparameters into 3: expected an optimiser with init and update",
  ],
  [
    () => untyped.injectHyperparams(optim.sgd, { rate: "fast" }),
    ArgumentError,
    'Cannot inject hyperparameters with rate "fast": expected a finite number',
  ],
]);

testMessages("bounds, decay and masks are checked", [
  [
    () => optim.clipByGlobalNorm(-1),
    ArgumentError,
    "Cannot clip by global norm with maxNorm -1: expected a finite number of at least 0",
  ],
  [
    () => optim.clipByGlobalNorm(1, { ord: 0 }),
    ArgumentError,
    "Cannot clip by global norm with ord 0: expected a number above 0, or infinity",
  ],
  [
    () => optim.globalNorm([double(1)], { ord: NaN }),
    ArgumentError,
    "Cannot take the global norm with ord NaN: expected a number above 0, or infinity",
  ],
  [
    () => untyped.clipByValue("1"),
    ArgumentError,
    'Cannot clip by value with limit "1": expected a finite number of at least 0',
  ],
  [
    () => optim.addDecayedWeights(NaN),
    ArgumentError,
    "Cannot add decayed weights with rate NaN: expected a finite number of at least 0",
  ],
  [
    () => untyped.addDecayedWeights(0.1, "bias"),
    ArgumentError,
    'Cannot add decayed weights by "bias": ' +
    "expected true, false, a tree of them, or a function of a path and a leaf",
  ],
  [
    () => untyped.masked(optim.sgd, true),
    ArgumentError,
    "Cannot mask function sgd: expected an optimiser with init and update; " +
    "call the function that makes it",
  ],
  [
    () => untyped.chain(optim.sgd(0.1), 3),
    ArgumentError,
    "Cannot chain 3: expected an optimiser with init and update",
  ],
  [
    () => untyped.masked(optim.sgd(0.1), () => 1).init({ a: { b: double(1) } }),
    ArgumentError,
    "Cannot mask by a function that gives 1 at a.b: expected true or false",
  ],
  [
    () => optim.masked(optim.sgd(0.1), { a: [true] }).init({ a: [double(1), double(2)] }),
    TreeError,
    "Cannot mask by this tree: expected an array of 2 at .a, got an array of 1",
  ],
  [
    () => optim.masked(optim.sgd(0.1), { b: true }).init({ a: double(1) }),
    TreeError,
    "Cannot mask by this tree: .a is missing",
  ],
]);

testMessages("schedules are checked when they are made", [
  [
    () => optim.constant(-1),
    ArgumentError,
    "Cannot make a constant schedule with learning rate -1: expected a finite number of at least 0",
  ],
  [
    () => untyped.step(optim.constant(1), { every: 1 }),
    ArgumentError,
    "Cannot make a step schedule with learning rate function (anonymous): " +
    "expected a number or a scalar tensor",
  ],
  [
    () => optim.step(1, { every: 0 }),
    ArgumentError,
    "Cannot make a step schedule with every 0: expected an integer of at least 1",
  ],
  [
    () => optim.step(1, { every: 2.5 }),
    ArgumentError,
    "Cannot make a step schedule with every 2.5: expected an integer of at least 1",
  ],
  [
    () => untyped.step(1),
    ArgumentError,
    "Cannot make a step schedule without every: expected a number",
  ],
  [
    () => untyped.exponential(1, {}),
    ArgumentError,
    "Cannot make an exponential schedule without gamma: expected a number",
  ],
  [
    () => optim.exponential(1, { gamma: -1 }),
    ArgumentError,
    "Cannot make an exponential schedule with gamma -1: expected a finite number of at least 0",
  ],
  [
    () => untyped.piecewise(1, {}),
    ArgumentError,
    "Cannot make a piecewise schedule with milestones undefined: expected a list of integers",
  ],
  [
    () => optim.piecewise(1, { milestones: [1, -2] }),
    ArgumentError,
    "Cannot make a piecewise schedule with milestones[1] -2: expected an integer of at least 0",
  ],
  [
    () => optim.piecewise(1, { milestones: new Array(1) }),
    ArgumentError,
    "Cannot make a piecewise schedule with milestones[0] undefined: expected an integer of at least 0",
  ],
  [
    () => optim.piecewise(1, { milestones: [1, 2], gamma: [0.5] }),
    ArgumentError,
    "Cannot make a piecewise schedule with 1 factors for 2 milestones: " +
    "expected one factor per milestone, or one number for all",
  ],
  [
    () => optim.piecewise(1, { milestones: [1], gamma: [-0.5] }),
    ArgumentError,
    "Cannot make a piecewise schedule with gamma[0] -0.5: expected a finite number of at least 0",
  ],
  [
    () => optim.cosine(1, { steps: 0 }),
    ArgumentError,
    "Cannot make a cosine schedule with steps 0: expected an integer of at least 1",
  ],
  [
    () => optim.polynomial(1, { steps: 1, power: -1 }),
    ArgumentError,
    "Cannot make a polynomial schedule with power -1: expected a finite number of at least 0",
  ],
  [
    () => optim.warmupCosine(1, { warmupSteps: 5, totalSteps: 5 }),
    ArgumentError,
    "Cannot make a warmupCosine schedule with totalSteps 5: expected more than the 5 of warmupSteps",
  ],
  [
    () => untyped.constant(1)("now"),
    ArgumentError,
    "Cannot evaluate a schedule at this count: expected a tensor, number, boolean, nested array " +
    'or typed array, got "now"',
  ],
]);

const params = { a: [double([1, 2]), double([[3]])], count: tensor(1, { dtype: "int32" }) };
const grads = { a: [double([1, 2]), double([[3]])], count: null };
const optimizer = optim.sgd(0.1, { momentum: 0.9 });
const state = optimizer.init(params);

function update(otherGrads: unknown, otherState: unknown = state): () => unknown {
  return () => optimizer.update(otherGrads, otherState as optim.OptimizerState, params);
}

testMessages("gradients are like their parameters", [
  [
    update({ a: [double([1, 2])], count: null }),
    TreeError,
    "Cannot update with these gradients: expected an array of 2 at .a, got an array of 1",
  ],
  [
    update({ a: grads.a }),
    TreeError,
    "Cannot update with these gradients: .count is missing",
  ],
  [
    update({ ...grads, b: double(1) }),
    TreeError,
    "Cannot update with these gradients: .b is not expected",
  ],
  [
    update({ ...grads, a: [double([1, 2]), undefined] }),
    TreeError,
    "Cannot update with these gradients: expected float64[1,1] at .a[1], got undefined",
  ],
  [
    update({ ...grads, a: [double([1, 2]), double([[3, 4]])] }),
    ShapeError,
    "Cannot update with these gradients: expected float64[1,1] at .a[1], got float64[1,2]",
  ],
  [
    update({ ...grads, a: [tensor([1, 2]), double([[3]])] }),
    DtypeError,
    "Cannot update with these gradients: expected float64[2] at .a[0], got float32[2]; " +
    "convert with astype",
  ],
  [
    update({ ...grads, count: tensor(1, { dtype: "int32" }) }),
    DtypeError,
    "Cannot update with these gradients: int32[] at .count is not floating-point and takes none; " +
    "pass null there",
  ],
  [
    () => optim.applyUpdates(params, { ...grads, count: 1 }),
    DtypeError,
    "Cannot apply these updates: int32[] at .count is not floating-point and takes none; " +
    "pass null there",
  ],
  [
    () => optim.applyUpdates([null], [double(1)]),
    TreeError,
    "Cannot apply these updates: expected null at [0], got a leaf",
  ],
]);

testMessages("parameters are tensors", [
  [
    () => untyped.sgd(0.1).update(double(1), [null]),
    TreeError,
    "Cannot optimise these parameters: got none; pass them to init, and to update as the third argument",
  ],
  [
    () => optim.adam(0.1).init({ name: "w" }),
    TreeError,
    'Cannot optimise these parameters: expected a tensor or number at .name, got "w"',
  ],
]);

const momentum = optim.momentum(0.9);
const vector = double([1, 2]);

function remember(other: unknown): () => unknown {
  return () => momentum.update(vector, other as optim.MomentumState, vector);
}

testMessages("states are those of the optimiser and its parameters", [
  [
    update(grads, null),
    TreeError,
    "Cannot update with this state: expected an array of 2, got null; " +
    "pass what init or the last update gave",
  ],
  [
    update(grads, [null]),
    TreeError,
    "Cannot update with this state: expected an array of 2, got an array of 1; " +
    "pass what init or the last update gave",
  ],
  [
    remember(undefined),
    TreeError,
    "Cannot update with this state: expected an object with keys count, buffer, got undefined; " +
    "pass what init or the last update gave",
  ],
  [
    remember({ count: tensor(0, { dtype: "int32" }) }),
    TreeError,
    "Cannot update with this state: expected an object with keys count, buffer, got keys count; " +
    "pass what init or the last update gave",
  ],
  [
    remember({ count: 0, buffer: vector }),
    DtypeError,
    "Cannot update with the count of this state: expected int32[], got 0; " +
    "pass what init or the last update gave",
  ],
  [
    remember({ count: tensor(0), buffer: vector }),
    DtypeError,
    "Cannot update with the count of this state: expected int32[], got float32[]; " +
    "pass what init or the last update gave",
  ],
  [
    remember(momentum.init(double([1, 2, 3]))),
    ShapeError,
    "Cannot update with the buffer of this state: expected float64[2] at the root, got float64[3]",
  ],
  [
    remember(momentum.init(null)),
    TreeError,
    "Cannot update with the buffer of this state: expected float64[2] at the root, got null; " +
    "call init again when other parameters are to be optimised",
  ],
  [
    () => momentum.update(vector, momentum.init([vector]), vector),
    ArgumentError,
    "Cannot update with the buffer of this state, at the root: expected a number or boolean at [0], " +
    "got a tensor; use stack to join tensors",
  ],
]);

testMessages("the result of a schedule is a scalar", [
  [
    () => {
      const bad = optim.scale(() => double([1, 2]));
      return bad.update(vector, bad.init(vector), vector);
    },
    ShapeError,
    "Cannot use the result of this schedule, float64[2]: expected a scalar; " +
    "use vmap for one optimiser per entry",
  ],
  [
    () => {
      const bad = untyped.sgd(() => "fast");
      return bad.update(vector, bad.init(vector), vector);
    },
    ArgumentError,
    'Cannot use the result of this schedule, "fast": expected a scalar tensor',
  ],
]);

testMessages("further optimisers and schedules keep to theirs", [
  [
    () => optim.lion(0.1, { beta2: 1 }),
    ArgumentError,
    "Cannot make lion with beta2 1: expected a number from 0 to below 1",
  ],
  [
    () => optim.adadelta(1, { eps: 0 }),
    ArgumentError,
    "Cannot make adadelta with eps 0: expected a number above 0",
  ],
  [
    () => optim.adadelta(1, { rho: 1.5 }),
    ArgumentError,
    "Cannot make adadelta with rho 1.5: expected a number from 0 to 1",
  ],
  [
    () => optim.rprop(1, { shrink: 2 }),
    ArgumentError,
    "Cannot make rprop with shrink 2 and grow 1.2: expected one between 0 and 1 and one above 1",
  ],
  [
    () => optim.rprop(1, { smallest: 1, largest: 0.5 }),
    ArgumentError,
    "Cannot make rprop with smallest 1: expected at most largest, 0.5",
  ],
  [
    () => optim.lars(1, { momentum: 0, nesterov: true }),
    ArgumentError,
    "Cannot make lars with nesterov, momentum 0 and dampening 0: " +
    "nesterov needs a momentum above 0 and no dampening",
  ],
  [
    () => optim.muon(1, { beta: 1 }),
    ArgumentError,
    "Cannot make muon with beta 1: expected a number from 0 to below 1",
  ],
  [
    () =>
      optim.scaleByMuon().update(double([1]), optim.scaleByMuon().init(double([1])), double([1])),
    ShapeError,
    "Cannot scale by Muon a gradient float64[1]: expected a matrix; use masked",
  ],
  [
    () => optim.oneCycle(1, { steps: 1 }),
    ArgumentError,
    "Cannot make a oneCycle schedule with steps 1: expected an integer of at least 2",
  ],
  [
    () => optim.oneCycle(1, { steps: 9, rising: 1 }),
    ArgumentError,
    "Cannot make a oneCycle schedule with rising 1: expected a number between 0 and 1",
  ],
  [
    () => optim.warmRestarts(1, { steps: 2, growth: 1.5 }),
    ArgumentError,
    "Cannot make a warmRestarts schedule with growth 1.5: expected an integer of at least 1",
  ],
  [
    () => optim.join([], []),
    ArgumentError,
    "Cannot join schedules: expected a list of schedules, got []",
  ],
  [
    () => optim.join([optim.constant(1), optim.constant(2)], []),
    ArgumentError,
    "Cannot join schedules: expected 1 boundaries, one between any two schedules, got 0",
  ],
  [
    () => optim.join([1, 2, 3].map((rate) => optim.constant(rate)), [4, 2]),
    ArgumentError,
    "Cannot join schedules with boundary 1 2: expected an integer of at least 4",
  ],
]);

testMessages("optimisers around optimisers say what they need", [
  [
    () => optim.multiSteps(optim.sgd(0.1), 0),
    ArgumentError,
    "Cannot accumulate gradients with steps 0: expected an integer of at least 1",
  ],
  [
    () => optim.applyIfFinite(optim.sgd(0.1), -1),
    ArgumentError,
    "Cannot leave out steps with maxConsecutiveErrors -1: expected an integer of at least 0",
  ],
  [
    () => optim.lookahead(optim.sgd(0.1), 2, NaN),
    ArgumentError,
    "Cannot look ahead with rate NaN: expected a finite number",
  ],
  [
    () => optim.ema(1),
    ArgumentError,
    "Cannot make ema with decay 1: expected a number from 0 to below 1",
  ],
  [
    () => untyped.multiTransform({ a: optim.sgd }, "a"),
    ArgumentError,
    "Cannot group leaves for function sgd: expected an optimiser with init and update; " +
    "call the function that makes it",
  ],
  [
    () => untyped.multiTransform({ a: optim.sgd(0.1) }, 3),
    ArgumentError,
    "Cannot group leaves by 3: expected a string, a tree of them, or a function of a path and a leaf",
  ],
  [
    () => optim.multiTransform({ a: optim.sgd(0.1) }, { x: "b" }).init({ x: double(1) }),
    ArgumentError,
    'Cannot group leaves with label "b" at x: expected one of a',
  ],
  [
    () => untyped.multiTransform({ a: optim.sgd(0.1) }, () => "toString").init({ x: double(1) }),
    ArgumentError,
    'Cannot group leaves with label "toString" at x: expected one of a',
  ],
]);
