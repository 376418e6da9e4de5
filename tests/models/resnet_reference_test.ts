import { grad, jit, models, nn, optim, tensor, tree, valueAndGrad } from "../../mod.ts";
import type { Dtype, Tensor } from "../../mod.ts";
import keys from "../fixtures/resnet_keys.json" with { type: "json" };
import reference from "../fixtures/resnet18_b1.json" with { type: "json" };
import { assertSummary, recipeTrees, rounded, uniform } from "../support/recipe.ts";
import type { Entries, Summary } from "../support/recipe.ts";
import { assert, assertEquals } from "../support/std.ts";

// PyTorch's numbers for ResNet-18 on 1x3x64x64, in float64 and, with the tolerance that float32
// allows, in float32: training-mode normalisation over four values per channel amplifies rounding.

const model = models.resnet18();
const entries = keys.models[0].entries as unknown as Entries;

interface Setting {
  readonly dtype: Dtype;
  readonly tolerance: number;
}

const exact: Setting = { dtype: "float64", tolerance: 1e-8 };
const single: Setting = { dtype: "float32", tolerance: 2e-3 };

function weights(dtype: Dtype): ReturnType<typeof model.init> {
  return recipeTrees(model, entries, dtype);
}

function inputs(dtype: Dtype): { image: Tensor; labels: Tensor } {
  return {
    image: rounded(uniform(reference.inputSeed, 3 * 64 * 64), [1, 3, 64, 64], dtype),
    labels: rounded(uniform(reference.labelSeed, 1000), [1, 1000], dtype),
  };
}

function assertClose(actual: number, expected: number, tolerance: number, name: string): void {
  const error = Math.abs(actual - expected);
  assert(
    error <= tolerance * Math.abs(expected) + 1e-15,
    `${name}: ${actual}, expected ${expected}, off by ${error / Math.abs(expected)}`,
  );
}

function assertDict(
  actual: Record<string, Tensor>,
  expected: Record<string, Summary>,
  tolerance: number,
): void {
  const names = Object.keys(expected);
  assert(names.length > 0);
  for (const name of names) assertSummary(actual[name], expected[name], tolerance, name);
}

type Params = ReturnType<typeof model.init>[0];
type State = ReturnType<typeof model.init>[1];

/** The loss of one training step, with the logits and the next state, and the gradients. */
function lossAndGradients(params: Params, state: State, image: Tensor, labels: Tensor) {
  return valueAndGrad((p: Params) => {
    const [logits, next] = model.apply(p, state, image, { train: true });
    return [logits.sub(labels).sum(), { logits, next }] as const;
  }, { hasAux: true })(params);
}

const evaluate = (params: Params, state: State, image: Tensor) => model.apply(params, state, image);

const settings = [exact, single].flatMap(({ dtype, tolerance }) => [
  { dtype, tolerance, name: dtype, evaluate, differentiate: lossAndGradients },
  {
    dtype,
    tolerance,
    name: `${dtype}, compiled,`,
    evaluate: jit(evaluate),
    differentiate: jit(lossAndGradients),
  },
]);

for (const { dtype, tolerance, name, evaluate, differentiate } of settings) {
  Deno.test(`ResNet-18 in ${name} gives PyTorch's logits in evaluation mode`, () => {
    const [params, state] = weights(dtype);
    const { image } = inputs(dtype);
    const [logits, next] = evaluate(params, state, image);
    assertSummary(logits, reference.evalLogits, tolerance, "evalLogits");
    const all = logits.data();
    const typical = reference.evalLogits.l2 / Math.sqrt(1000);
    reference.evalLogits.all.forEach((value, i) => {
      assert(Math.abs(all[i] - value) <= tolerance * (Math.abs(value) + typical), `logit ${i}`);
    });
    assert(next === state || tree.leaves(next).every((leaf, i) => leaf === tree.leaves(state)[i]));
  });

  Deno.test(`ResNet-18 in ${name} gives PyTorch's loss, gradients, statistics and step`, () => {
    const [params, state] = weights(dtype);
    const { image, labels } = inputs(dtype);
    const [[loss, { logits, next }], gradients] = differentiate(params, state, image, labels);
    assertSummary(logits, reference.trainLogits, tolerance, "trainLogits");
    assertClose(Number(loss), reference.loss, tolerance, "loss");
    assertDict(nn.toStateDict(gradients), reference.grads, tolerance);
    const statistics = nn.toStateDict({}, next);
    assertDict(statistics, reference.buffersAfterForward, tolerance);
    assertEquals(Number(statistics["bn1.num_batches_tracked"].item()), 1);
    const optimizer = optim.sgd(0.01, { momentum: 0.9 });
    const [updates] = optimizer.update(gradients, optimizer.init(params), params);
    const stepped = nn.toStateDict(optim.applyUpdates(params, updates));
    assertDict(stepped, reference.paramsAfterStep, tolerance);
  });
}

const optimizer = optim.sgd(0.01, { momentum: 0.9 });
type Memory = ReturnType<typeof optimizer.init>;

/** One step of training: the next parameters, state and memory, and the loss. */
function trainingStep(params: Params, state: State, memory: Memory, image: Tensor, labels: Tensor) {
  const [[loss, next], gradients] = valueAndGrad((p: Params) => {
    const [logits, next] = model.apply(p, state, image, { train: true });
    return [nn.mseLoss(logits, labels), next] as const;
  }, { hasAux: true })(params);
  const [updates, nextMemory] = optimizer.update(gradients, memory, params);
  return [optim.applyUpdates(params, updates), next, nextMemory, loss] as const;
}

const steps = {
  "": trainingStep,
  ", compiled": jit(trainingStep),
  ", compiled, with donation": jit(trainingStep, { donateArgnums: [0, 1, 2] }),
};
for (const [name, step] of Object.entries(steps)) {
  Deno.test(`five steps of training on a mean squared error${name} give PyTorch's losses`, () => {
    const { image, labels } = inputs(exact.dtype);
    const [params, state] = weights(exact.dtype);
    let training = [params, state, optimizer.init(params)] as const;
    reference.mseLosses.forEach((expected, i) => {
      const [params, state, memory, loss] = step(...training, image, labels);
      assertClose(Number(loss), expected, exact.tolerance, `loss ${i}`);
      training = [params, state as State, memory];
    });
  });
}

for (const train of [false, true]) {
  const mode = train ? "train" : "eval";
  const expected = reference[`fineTune_${mode}`];
  Deno.test(`fine-tuning a new classifier with the network in ${mode} mode is PyTorch's`, () => {
    const [pretrained, initialState] = weights(exact.dtype);
    const { image } = inputs(exact.dtype);
    const u = uniform(expected.newFcSeed, 10 * 512);
    const scaled = u.map((x) => (2 * x - 1) * Math.sqrt(1 / 512));
    const params = {
      ...pretrained,
      fc: {
        weight: rounded(scaled, [10, 512], exact.dtype),
        bias: tensor(new Float64Array(10)),
      },
    };
    const [chosen, frozen] = tree.partition(params, (path) => path.startsWith("fc."));
    const optimizer = optim.sgd(0.01, { momentum: 0.9 });
    const target = tensor([0], { dtype: "int32" });
    let head: unknown = chosen;
    let state = initialState;
    let memory = optimizer.init(head);
    expected.losses.forEach((loss, i) => {
      const [[value, next], gradients] = valueAndGrad((h: unknown) => {
        const all = tree.merge(h, frozen) as typeof params;
        const [logits, next] = model.apply(all, state, image, { train });
        return [nn.crossEntropy(logits, target), next] as const;
      }, { hasAux: true })(head);
      assertClose(Number(value), loss, exact.tolerance, `loss ${i}`);
      assertEquals(tree.paths(gradients), ["fc.bias", "fc.weight"]);
      const [updates, nextMemory] = optimizer.update(gradients, memory, head);
      head = optim.applyUpdates(head, updates);
      memory = nextMemory;
      state = next as typeof state;
    });
    const { fc } = head as typeof params;
    assertSummary(fc.weight, expected.fcWeight, exact.tolerance, "fcWeight");
    assertSummary(fc.bias!, expected.fcBias, exact.tolerance, "fcBias");
    const seen = Number(state.bn1.num_batches_tracked.item());
    assertEquals(seen, train ? 5 : 0);
  });
}

Deno.test("grad of the whole loss equals valueAndGrad's gradients", () => {
  const [params, state] = weights("float32");
  const { image } = inputs("float32");
  const loss = (p: typeof params) => model.apply(p, state, image)[0].square().mean();
  const one = nn.toStateDict(grad(loss)(params));
  const [, gradients] = valueAndGrad(loss)(params);
  const other = nn.toStateDict(gradients);
  assert(Object.keys(one).every((key) => one[key].equal(other[key]).all().item<boolean>()));
});
