import { inspect, jit, models, nn, optim, tensor } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assert, assertEquals } from "../support/std.ts";

function lines(...text: string[]): string {
  return text.join("\n");
}

/** The lines of torchvision's `print(resnet18())`, in the library's names. */
function resnet18Lines(): string {
  const conv = (from: number, to: number, size: number, stride: number, padding: number) =>
    `conv2d(${from}, ${to}, kernelSize=(${size}, ${size}), stride=(${stride}, ${stride}), ` +
    (padding > 0 ? `padding=(${padding}, ${padding}), ` : "") + `bias=false)`;
  const norm = (features: number) =>
    `batchNorm(${features}, eps=0.00001, momentum=0.1, affine=true)`;
  const block = (name: number, from: number, to: number, stride: number) => [
    `    (${name}): basicBlock(`,
    `      (conv1): ${conv(from, to, 3, stride, 1)}`,
    `      (bn1): ${norm(to)}`,
    "      (relu): relu",
    `      (conv2): ${conv(to, to, 3, 1, 1)}`,
    `      (bn2): ${norm(to)}`,
    ...(from === to ? [] : [
      "      (downsample): sequential(",
      `        (0): ${conv(from, to, 1, stride, 0)}`,
      `        (1): ${norm(to)}`,
      "      )",
    ]),
    "    )",
  ];
  const stage = (i: number, from: number, to: number) => [
    `  (layer${i}): sequential(`,
    ...block(0, from, to, from === to ? 1 : 2),
    ...block(1, to, to, 1),
    "  )",
  ];
  return lines(
    "resnet(",
    `  (conv1): ${conv(3, 64, 7, 2, 3)}`,
    `  (bn1): ${norm(64)}`,
    "  (relu): relu",
    "  (maxpool): maxPool2d(window=3, stride=2, padding=1, dilation=1, ceilMode=false)",
    ...stage(1, 64, 64),
    ...stage(2, 64, 128),
    ...stage(3, 128, 256),
    ...stage(4, 256, 512),
    "  (avgpool): adaptiveAvgPool2d(outputSize=(1, 1))",
    "  (fc): linear(inFeatures=512, outFeatures=1000, bias=true)",
    ")",
  );
}

Deno.test("ResNet-18 is printed with the layers and numbers of torchvision's", () => {
  const model = models.resnet18();
  assertEquals(String(model), resnet18Lines());
  assertEquals(Deno.inspect(model), String(model));
  assert(String(models.resnet50()).includes("(0): bottleneck("));
});

Deno.test("every layer and every optimiser describes itself", () => {
  const layers = [
    nn.linear(2, 3),
    nn.conv2d(2, 4, 3, { groups: 2, dilation: 2, padding: "same" }),
    nn.batchNorm(3),
    nn.layerNorm([2, 3]),
    nn.groupNorm(2, 4),
    nn.dropout(0.1),
    nn.embedding(5, 3, { paddingIdx: 0 }),
    nn.maxPool2d([2, 3]),
    nn.avgPool2d(2, { stride: 1 }),
    nn.adaptiveAvgPool2d(2),
    nn.flatten(),
    nn.multiHeadAttention(4, 2, { isCausal: true }),
    nn.rnn(2, 3, { nonlinearity: "relu" }),
    nn.lstm(2, 3, { numLayers: 2, bidirectional: true }),
    nn.gru(2, 3, { outputs: "last" }),
    nn.sequential(),
    nn.residual(nn.relu),
    nn.module({ a: nn.linear(1, 1), b: [nn.relu, nn.tanh] }, ({ a }, x) => a(x)),
    nn.stack(nn.linear(1, 1), 5),
  ];
  assertEquals(layers.map(String), [
    "linear(inFeatures=2, outFeatures=3, bias=true)",
    'conv2d(2, 4, kernelSize=(3, 3), stride=(1, 1), padding="same", dilation=(2, 2), groups=2)',
    "batchNorm(3, eps=0.00001, momentum=0.1, affine=true)",
    "layerNorm((2, 3), eps=0.00001, elementwiseAffine=true)",
    "groupNorm(2, 4, eps=0.00001, affine=true)",
    "dropout(rate=0.1)",
    "embedding(5, 3, paddingIdx=0)",
    "maxPool2d(window=(2, 3), stride=(2, 3), padding=0, dilation=1, ceilMode=false)",
    "avgPool2d(window=2, stride=1, padding=0)",
    "adaptiveAvgPool2d(outputSize=(2, 2))",
    "flatten(startAxis=1, endAxis=-1)",
    "multiHeadAttention(4, 2, isCausal=true)",
    'rnn(2, 3, nonlinearity="relu")',
    "lstm(2, 3, numLayers=2, bidirectional=true)",
    'gru(2, 3, outputs="last")',
    "sequential()",
    lines("residual(", "  (body): relu()", "  (shortcut): identity()", ")"),
    lines(
      "module(",
      "  (a): linear(inFeatures=1, outFeatures=1, bias=true)",
      "  (b): list(",
      "    (0): relu()",
      "    (1): tanh()",
      "  )",
      ")",
    ),
    lines("stack(", "  (0-4): 5 x linear(inFeatures=1, outFeatures=1, bias=true)", ")"),
  ]);
  const optimizers = [
    optim.sgd(0.01, { momentum: 0.9 }),
    optim.momentum(0.9),
    optim.scale(2),
    optim.scaleByLearningRate(optim.cosine(0.1, { steps: 10 })),
    optim.scaleByAdam(),
    optim.scaleByRms(),
    optim.scaleByAdagrad(),
    optim.clipByGlobalNorm(1),
    optim.clipByValue(2),
    optim.addDecayedWeights(0.1),
    optim.adagrad(0.5),
    optim.chain(),
  ];
  assertEquals(optimizers.map(String), [
    "sgd(learningRate=0.01, momentum=0.9, dampening=0, nesterov=false, weightDecay=0, maximize=false)",
    "momentum(decay=0.9, dampening=0, nesterov=false)",
    "scale(2)",
    "scaleByLearningRate(cosine(0.1, steps=10, end=0))",
    "scaleByAdam(beta1=0.9, beta2=0.999, eps=1e-8, amsgrad=false)",
    "scaleByRms(alpha=0.99, eps=1e-8, centered=false)",
    "scaleByAdagrad(initialAccumulator=0, eps=1e-10)",
    "clipByGlobalNorm(maxNorm=1, ord=2)",
    "clipByValue(limit=2)",
    "addDecayedWeights(rate=0.1, mask=true)",
    "adagrad(learningRate=0.5, lrDecay=0, weightDecay=0, initialAccumulator=0, eps=1e-10, maximize=false)",
    "chain()",
  ]);
  for (const f of [optim.adam, optim.adamw, optim.rmsprop]) {
    assert(String(f(0.5)).startsWith(`${f.name}(\n  learningRate=0.5\n  `), String(f(0.5)));
  }
});

Deno.test("every schedule describes itself", () => {
  const rate = tensor(0.5);
  assertEquals(
    [
      optim.constant(rate),
      optim.step(0.1, { every: 3 }),
      optim.piecewise(0.1, { milestones: [2, 5] }),
      optim.exponential(0.1, { gamma: 0.9 }),
      optim.polynomial(0.1, { steps: 4 }),
      optim.warmupCosine(0.1, { warmupSteps: 1, totalSteps: 9 }),
    ].map(String),
    [
      "constant(0.5)",
      "step(0.1, every=3, gamma=0.1)",
      "piecewise(0.1, milestones=(2, 5), gamma=0.1)",
      "exponential(0.1, gamma=0.9)",
      "polynomial(0.1, steps=4, power=1, end=0)",
      "warmupCosine(0.1, warmupSteps=1, totalSteps=9, start=0, end=0)",
    ],
  );
});

Deno.test("parts are indented, many equal neighbours are shown once, and long settings take lines", () => {
  const own = {
    description: { name: "own", settings: { size: [2, 3], skipped: undefined } },
    init: () => [{}, {}],
    apply: (_params: unknown, state: unknown, x: Tensor) => [x, state],
  } as nn.Layer<nn.Empty, nn.Empty>;
  const plain: nn.Layer<nn.Empty, nn.Empty> = {
    init: () => [{}, {}],
    apply: (_params, state, x) => [x, state],
  };
  const blocks = Array.from({ length: 4 }, () => nn.sequential(nn.linear(4, 4), nn.relu));
  assertEquals(
    String(nn.sequential(own, ...blocks, nn.flatten(), nn.flatten(), plain, (x) => x.mul(2))),
    lines(
      "sequential(",
      "  (0): own(size=(2, 3))",
      "  (1-4): 4 x sequential(",
      "    (0): linear(inFeatures=4, outFeatures=4, bias=true)",
      "    (1): relu()",
      "  )",
      "  (5): flatten(startAxis=1, endAxis=-1)",
      "  (6): flatten(startAxis=1, endAxis=-1)",
      "  (7): object",
      "  (8): function()",
      ")",
    ),
  );
  assertEquals(inspect.describe(own), "own(size=(2, 3))");
  assertEquals(
    String(
      optim.chain(
        optim.clipByGlobalNorm(1),
        optim.masked(
          optim.adamw(optim.polynomial(0.1, { steps: 10 })),
          { head: true, body: false },
        ),
      ),
    ),
    lines(
      "chain(",
      "  (0): clipByGlobalNorm(maxNorm=1, ord=2)",
      "  (1): masked(",
      "    mask={ head: true, body: false }",
      "    (inside): adamw(",
      "      learningRate=polynomial(0.1, steps=10, power=1, end=0)",
      "      beta1=0.9",
      "      beta2=0.999",
      "      eps=1e-8",
      "      amsgrad=false",
      "      weightDecay=0.01",
      "      maximize=false",
      "    )",
      "    (outside): frozen()",
      "  )",
      ")",
    ),
  );
});

Deno.test("notebooks show descriptions, and traced learning rates are shown by their type", () => {
  const layer = nn.linear(2, 3) as unknown as Record<symbol, () => Record<string, string>>;
  assertEquals(layer[Symbol.for("Jupyter.display")](), {
    "text/plain": "linear(inFeatures=2, outFeatures=3, bias=true)",
    "text/html": "<pre>linear(inFeatures=2, outFeatures=3, bias=true)</pre>",
  });
  let text = "";
  jit((rate: Tensor) => {
    text = String(optim.scaleByLearningRate(rate));
    return rate;
  })(tensor(0.1));
  assertEquals(text, "scaleByLearningRate(float32[])");
});
