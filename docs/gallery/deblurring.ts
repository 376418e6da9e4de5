// Image deblurring
// Deconvolution with total-variation regularisation.
import { arange, conv, exp, expandDims, grad, jit, optim, outer, random } from "@jacobi/jacobi";
import { scan, stack } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, image, plot } from "./show.ts";

const SIZE = 64;
const axis = arange(SIZE).sub(SIZE / 2);
const [x, y] = [axis, expandDims(axis, 1)];
// A disc, a square in it, and a bar.
const disc = x.square().add(y.square()).less(24 ** 2).astype("float32");
const square = x.abs().less(9).logicalAnd(y.abs().less(9)).astype("float32");
const bar = x.abs().less(28).logicalAnd(y.add(27).abs().less(3)).astype("float32");
const truth = disc.mul(0.6).add(square.mul(0.4)).add(bar.mul(0.8)).clip(0, 1);

const bell = exp(arange(9).sub(4).square().div(-2 * 2 ** 2));
const kernel = outer(bell, bell).div(outer(bell, bell).sum());
const blur = (image: Tensor) =>
  conv(image.pad([[4, 4], [4, 4]], { mode: "edge" }).expandDims([0, 1]), kernel.expandDims([0, 1]))
    .squeeze([0, 1]);
const seen = blur(truth).add(random.normal(random.key(0), [SIZE, SIZE]).mul(0.01));

/** The sum of the lengths of gradients, smoothed at 0. */
function variation(image: Tensor): Tensor {
  const right = image.at(null, [1, null]).sub(image.at(null, [null, -1])).at([null, -1]);
  const down = image.at([1, null]).sub(image.at([null, -1])).at(null, [null, -1]);
  return right.square().add(down.square()).add(1e-6).sqrt().sum();
}
const loss = (image: Tensor) =>
  blur(image).sub(seen).square().sum().add(variation(image).mul(0.002));

const STEPS = 300;
const optimizer = optim.adam(optim.cosine(0.05, { steps: STEPS }));
type State = readonly [Tensor, optim.OptimizerState];
const step = ([x, memory]: State): [State, Tensor] => {
  const [updates, next] = optimizer.update(grad(loss)(x), memory, x);
  return [[optim.applyUpdates(x, updates), next], loss(x)];
};
const sharpen = jit((x: Tensor) => scan(step, [x, optimizer.init(x)], null, { length: STEPS }));
const [[sharp], losses] = sharpen(seen);
await plot({ loss: losses }, { title: "Loss by step", logY: true });
await image(stack([truth, seen, sharp]), {
  title: "Original, observed and restored image",
  range: [0, 1],
  colors: "gray",
});
const error = (x: Tensor) => x.sub(truth).square().mean().sqrt().item();
check(
  error(sharp) < error(seen) / 2,
  `the error fell from ${error(seen).toFixed(3)} to ${error(sharp).toFixed(3)}`,
);
