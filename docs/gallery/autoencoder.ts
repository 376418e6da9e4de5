// Variational autoencoder
// Images of a spot are encoded as two numbers; samples from the prior give new images.
import { arange, exp, jit, linspace, nn, optim, random, scan, stack } from "@jacobi/jacobi";
import { valueAndGrad } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, image, plot } from "./show.ts";

const SIZE = 10;

/** Images `[n, 100]` of a soft spot at a random position. */
function spots(key: Tensor, n: number): Tensor {
  const place = random.uniform(key, [2, n, 1, 1], { minval: 2, maxval: SIZE - 3 });
  const axis = arange(SIZE).astype("float32");
  const rows = axis.reshape(1, SIZE, 1).sub(place.at(0)).square();
  const columns = axis.reshape(1, 1, SIZE).sub(place.at(1)).square();
  return exp(rows.add(columns).div(-3)).reshape(n, -1);
}

const encoder = nn.sequential(nn.linear(SIZE * SIZE, 64), nn.tanh, nn.linear(64, 4));
const decoder = nn.sequential(nn.linear(2, 64), nn.tanh, nn.linear(64, SIZE * SIZE));
const [initial, state] = nn.init({ encoder, decoder }, random.key(0));
type Params = typeof initial;

/** The negative evidence lower bound (Kingma and Welling, 2013), and its squared-error term. */
function loss(params: Params, x: Tensor, key: Tensor): [Tensor, Tensor] {
  const code = encoder.apply(params.encoder, state.encoder, x)[0];
  const [mean, logVariance] = code.split(2, 1);
  const z = mean.add(exp(logVariance.div(2)).mul(random.normal(key, mean.shape)));
  const y = decoder.apply(params.decoder, state.decoder, z)[0];
  const error = y.sub(x).square().sum(1).mean();
  const divergence = mean.square().add(exp(logVariance)).sub(logVariance).sub(1).sum(1).mean().div(
    2,
  );
  return [error.mul(10).add(divergence), error];
}

const optimizer = optim.adam(0.003);
type State = readonly [Params, optim.OptimizerState];
const step = ([params, memory]: State, key: Tensor): [State, Tensor] => {
  const [dataKey, noiseKey] = random.split(key);
  const x = spots(dataKey, 128);
  const [[, error], gradient] = valueAndGrad(loss, { hasAux: true })(params, x, noiseKey);
  const [updates, next] = optimizer.update(gradient, memory, params);
  return [[optim.applyUpdates(params, updates), next], error];
};
const train = jit((state: State, keys: Tensor) => scan(step, state, keys));
const [[params], errors] = train(
  [initial, optimizer.init(initial)],
  random.split(random.key(1), [500]),
);
await plot({ error: errors }, { title: "Error of the reconstruction", logY: true });

const decode = (z: Tensor) => decoder.apply(params.decoder, state.decoder, z)[0];
await image(decode(random.normal(random.key(2), [8, 2])).reshape(8, SIZE, SIZE), {
  title: "Drawn from the prior",
  colors: "gray",
});
// The plane of codes.
const axis = linspace(-1.6, 1.6, 7);
const grid = stack([axis.repeat(7), axis.tile(7)], 1);
const tiles = decode(grid).reshape(7, 7, SIZE, SIZE).permute(0, 2, 1, 3);
await image(tiles.reshape(7 * SIZE, 7 * SIZE), { title: "The plane of codes", colors: "gray" });

const [first, last] = [errors.at(0).item(), errors.at([-20, null]).mean().item()];
check(last < first / 5, `the error fell from ${first.toFixed(2)} to ${last.toFixed(2)}`);
