/**
 * Fine-tuning: a ResNet-18 whose parameters are all frozen gets a new classifier for ten classes, and
 * only the classifier is trained. No part of the backward pass of frozen layers is computed.
 *
 *     deno run examples/finetune.ts
 *
 * With the weights of a file, such as PyTorch's own for ImageNet (.pth or .safetensors), the only file
 * that it needs to read:
 *
 *     deno run --allow-read=resnet18.pth examples/finetune.ts --weights resnet18.pth
 */
import {
  grad,
  inspect,
  io,
  makeProgram,
  models,
  nn,
  optim,
  random,
  tensor,
  tree,
} from "@jacobi/jacobi";
import { valueAndGrad } from "@jacobi/jacobi";

const CLASSES = 10;

/** The file given by `--weights`, if any. */
function weightsPath(args: readonly string[]): string | undefined {
  if (args.length === 0) return undefined;
  if (args.length === 2 && args[0] === "--weights") return args[1];
  throw new Error(`Expected --weights and a file, or nothing, got ${args.join(" ")}`);
}

/** The tensors of a file, by PyTorch's names. */
function readWeights(path: string): io.TensorDict {
  const bytes = Deno.readFileSync(path);
  return path.endsWith(".safetensors") ? io.readSafetensors(bytes) : io.readTorch(bytes);
}

console.log("Preparing a ResNet-18 with a new classifier");
const model = models.resnet18();
const initial = model.init(random.key(0));
const path = weightsPath(Deno.args);
const [pretrained, state] = path === undefined
  ? initial
  : nn.fromStateDict(readWeights(path), ...initial);
console.log(path === undefined ? "weights: random" : `weights: ${path}`);
const params = { ...pretrained, fc: nn.linear(512, CLASSES).init(random.key(1))[0] };

const [trainable, frozen] = tree.partition(params, (path) => path.startsWith("fc."));
console.log(`parameters: ${tree.parameterCount(params).toLocaleString("en")}`);
console.log(`  frozen:   ${tree.parameterCount(frozen).toLocaleString("en")}`);
console.log(`  trained:  ${tree.parameterCount(trainable).toLocaleString("en")}`);

const images = random.uniform(random.key(2), [4, 3, 64, 64]);
const classes = tensor([3, 1, 4, 1], { dtype: "int32" });

/** Cross entropy of the classes, as a function of the trained part alone. */
function loss(part: typeof trainable) {
  const [logits] = model.apply(tree.merge(part, frozen), state, images);
  return nn.crossEntropy(logits, classes);
}

/** The same, as a function of all parameters. */
function fullLoss(all: typeof params) {
  return nn.crossEntropy(model.apply(all, state, images)[0], classes);
}

console.log("Counting equations");
const forward = makeProgram(fullLoss)(params).equations.length;
const headOnly = makeProgram(grad(loss))(trainable);
const everything = makeProgram(grad(fullLoss))(params);
console.log(`forward pass alone:             ${forward} equations`);
console.log(`with the gradient of all:       ${everything.equations.length} equations`);
console.log(`with the gradient of the head:  ${headOnly.equations.length} equations`);
console.log(
  `saved: ${everything.equations.length - headOnly.equations.length} backward equations, ` +
    `${(1 - inspect.countFlops(headOnly) / inspect.countFlops(everything)) * 100 | 0}% of the ` +
    `arithmetic`,
);

console.log("Training the classifier");
const optimizer = optim.sgd(0.01, { momentum: 0.9 });
const lossAndGrad = valueAndGrad(loss);
let head = trainable;
let memory = optimizer.init(head);
const losses: number[] = [];
for (let i = 1; i <= 5; i++) {
  const [value, gradients] = lossAndGrad(head);
  losses.push(value.item());
  console.log(`step ${i}: cross entropy ${losses[i - 1].toFixed(4)}`);
  const [updates, next] = optimizer.update(gradients, memory, head);
  head = optim.applyUpdates(head, updates);
  memory = next;
}
if (!(losses[4] < losses[0])) throw new Error(`The loss did not fall: ${losses.join(", ")}`);

const tuned = tree.merge(head, frozen);
const unchanged = tuned.conv1.weight.equal(params.conv1.weight).all().item<boolean>();
console.log("the frozen parameters are unchanged:", unchanged);
if (!unchanged) throw new Error("a frozen parameter changed");
