// Texture synthesis
// An image is optimised until random convolutions give the statistics of a texture.
import { arange, conv, expandDims, jit, nn, optim, random, scan, sin, stack } from "@jacobi/jacobi";
import { valueAndGrad } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, image, plot } from "./show.ts";

const SIZE = 48;
const axis = arange(SIZE);
const [x, y] = [axis, expandDims(axis, 1)];
// Wavy stripes.
const texture = sin(x.mul(0.9).add(sin(y.mul(0.5)).mul(1.5))).mul(0.5).add(0.5);

const FILTERS = 48;
const filters = random.normal(random.key(0), [FILTERS, 1, 9, 9]).div(9);
/** The correlations of pairs of filters: the Gram matrix of Gatys et al. (2015). */
function statistics(picture: Tensor): Tensor {
  const torus = picture.sub(0.5).pad([[4, 4], [4, 4]], { mode: "wrap" });
  const responses = nn.relu(conv(torus.expandDims([0, 1]), filters)).reshape(FILTERS, -1);
  return responses.matmul(responses.transpose()).div(SIZE * SIZE);
}
const wanted = statistics(texture);
const loss = (picture: Tensor) =>
  statistics(picture).sub(wanted).square().sum().div(wanted.square().sum());

const STEPS = 250;
const optimizer = optim.adam(optim.cosine(0.06, { steps: STEPS }));
type State = readonly [Tensor, optim.OptimizerState];
const step = ([picture, memory]: State): [State, Tensor] => {
  const [value, slope] = valueAndGrad(loss)(picture);
  const [updates, next] = optimizer.update(slope, memory, picture);
  return [[optim.applyUpdates(picture, updates), next], value];
};
const make = jit((start: Tensor) =>
  scan(step, [start, optimizer.init(start)], null, { length: STEPS })
);
const start = random.uniform(random.key(1), [SIZE, SIZE]);
const [[made], losses] = make(start);
await plot({ loss: losses }, { title: "Difference of the statistics by step", logY: true });
await image(stack([texture, start, made]), {
  title: "Texture, initial noise, and result",
  range: [0, 1],
  colors: "gray",
});
const [first, last] = [losses.at(0).item(), losses.at(-1).item()];
check(last < first / 100, `the statistics agree to ${(100 * last).toFixed(3)}% of their size`);
