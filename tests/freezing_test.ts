import { grad, inspect, makeProgram, models, nn, random, tensor, tree } from "../mod.ts";
import type { Program, Tensor } from "../mod.ts";
import { checkProgram } from "../src/core/check.ts";
import { assert, assertEquals } from "./support/std.ts";

// Differentiating with respect to a part of the parameters does no work for the rest: it is never computed,
// rather than computed and masked. The equations prove it.

function convolutions(program: Program): { forward: number; input: number; filter: number } {
  const counts = inspect.countOperations(program);
  return {
    forward: counts.convolve ?? 0,
    input: counts.convolveInput ?? 0,
    filter: counts.convolveFilter ?? 0,
  };
}

const model = models.resnet18({ classes: 10 });
const [params, state] = model.init(random.key(0));
const image = random.uniform(random.key(1), [1, 3, 64, 64]);
const target = tensor([3], { dtype: "int32" });

function lossOf(all: typeof params, train = false): Tensor {
  return nn.crossEntropy(model.apply(all, state, image, { train })[0], target);
}

/** The program of the gradient with respect to the parameters whose path `isChosen` accepts. */
function gradientProgram(isChosen: (path: string) => boolean, train = false): Program {
  const [chosen, frozen] = tree.partition(params, isChosen);
  const program = makeProgram(
    grad((part: unknown) => lossOf(tree.merge(part, frozen) as typeof params, train)),
  )(chosen);
  checkProgram(program);
  return program;
}

for (const train of [false, true]) {
  const mode = train ? "train" : "eval";

  Deno.test(`the gradient of all parameters runs every convolution backwards, in ${mode} mode`, () => {
    const program = gradientProgram(() => true, train);
    // The first convolution does not need the gradient with respect to the image.
    assertEquals(convolutions(program), { forward: 20, input: 19, filter: 20 });
  });

  Deno.test(`a new classifier alone runs no convolution backwards, in ${mode} mode`, () => {
    const forward = makeProgram((p: typeof params) => lossOf(p, train))(params);
    const program = gradientProgram((path) => path.startsWith("fc."), train);
    assertEquals(convolutions(program), { forward: 20, input: 0, filter: 0 });
    // The rest is the backward pass of the loss and of one linear layer.
    const extra = program.equations.length - forward.equations.length;
    assert(extra <= 12, `${extra} equations more than the forward pass`);
    const [all, some] = [inspect.countFlops(forward), inspect.countFlops(program)];
    assert(some - all < 0.001 * all, `${some - all} operations more than the ${all} forward`);
  });

  Deno.test(`the last block alone goes back as far as itself, in ${mode} mode`, () => {
    const program = gradientProgram((path) => path.startsWith("layer4.1."), train);
    // Two convolutions; the gradient with respect to the block's input is not needed.
    assertEquals(convolutions(program), { forward: 20, input: 1, filter: 2 });
  });

  Deno.test(`one filter in the middle costs one filter gradient, in ${mode} mode`, () => {
    const program = gradientProgram((path) => path === "layer4.0.conv2.weight", train);
    assertEquals(convolutions(program), { forward: 20, input: 2, filter: 1 });
  });
}

Deno.test("the gradient of a part equals that part of the whole gradient", () => {
  const isChosen = (path: string) => /^layer4\.1|^fc/.test(path);
  const [chosen, frozen] = tree.partition(params, isChosen);
  const whole = grad(lossOf)(params);
  const part = grad((p: unknown) => lossOf(tree.merge(p, frozen) as typeof params))(chosen);
  const [expected] = tree.partition(whole, isChosen);
  assertEquals(tree.paths(part), tree.paths(expected));
  const same = tree.leaves(tree.map((a: Tensor, b: Tensor) => a.equal(b).all(), part, expected));
  assert((same as Tensor[]).every((leaf) => leaf.item<boolean>()));
});
