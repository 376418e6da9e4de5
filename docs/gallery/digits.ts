// Digit recognition with a CNN
// A convolutional network learns generated digits that are shifted and noisy.
import { jit, nn, optim, random, scan, tensor, valueAndGrad, vmap } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, image, plot } from "./show.ts";

// Each digit's strokes, five columns by seven rows.
const FONT = [
  ["01110", "10001", "10011", "10101", "11001", "10001", "01110"],
  ["00100", "01100", "00100", "00100", "00100", "00100", "01110"],
  ["01110", "10001", "00001", "00110", "01000", "10000", "11111"],
  ["11111", "00010", "00100", "00010", "00001", "10001", "01110"],
  ["00010", "00110", "01010", "10010", "11111", "00010", "00010"],
  ["11111", "10000", "11110", "00001", "00001", "10001", "01110"],
  ["00110", "01000", "10000", "11110", "10001", "10001", "01110"],
  ["11111", "00001", "00010", "00100", "01000", "01000", "01000"],
  ["01110", "10001", "10001", "01110", "10001", "10001", "01110"],
  ["01110", "10001", "10001", "01111", "00001", "00010", "01100"],
];
const glyphs = tensor(FONT.map((rows) => rows.map((row) => [...row].map(Number))))
  .pad([[0, 0], [2, 3], [3, 4]]);

/** Images `[n, 1, 12, 12]` and digits `[n]`. */
function draw(key: Tensor, n: number): [Tensor, Tensor] {
  const [digitKey, shiftKey, noiseKey, inkKey] = random.split(key, 4);
  const digits = random.randint(digitKey, n, 0, 10);
  const shifts = random.randint(shiftKey, [n, 2], 0, 5);
  const moved = vmap((digit: Tensor, shift: Tensor) =>
    glyphs.at(digit).pad([[2, 2], [2, 2]]).dynamicSlice([shift.at(0), shift.at(1)], [12, 12])
  )(digits, shifts);
  const ink = random.uniform(inkKey, [n, 1, 1], { minval: 0.6 });
  const noise = random.normal(noiseKey, [n, 12, 12]).mul(0.15);
  return [moved.mul(ink).add(noise).expandDims(1), digits];
}

const [initKey, dataKey, testKey] = random.split(random.key(0), 3);
const model = nn.sequential(
  nn.conv2d(1, 8, 3, { padding: 1 }),
  nn.relu,
  nn.maxPool2d(2),
  nn.conv2d(8, 16, 3, { padding: 1 }),
  nn.relu,
  nn.maxPool2d(2),
  nn.flatten(),
  nn.linear(16 * 9, 10),
);
const [initial, state] = model.init(initKey);
const optimizer = optim.adam(0.005);
type State = readonly [typeof initial, optim.OptimizerState];

/** One step on newly generated digits. */
const step = ([params, memory]: State, key: Tensor): [State, Tensor] => {
  const [x, y] = draw(key, 64);
  const loss = (p: typeof params) => nn.crossEntropy(model.apply(p, state, x)[0], y);
  const [value, gradient] = valueAndGrad(loss)(params);
  const [updates, next] = optimizer.update(gradient, memory, params);
  return [[optim.applyUpdates(params, updates), next], value];
};
const train = jit((state: State, keys: Tensor) => scan(step, state, keys));
const keys = random.split(dataKey, [350]);
const [[params], losses] = train([initial, optimizer.init(initial)], keys);
await plot({ loss: losses }, { title: "Loss by step", logY: true });

const [x, y] = draw(testKey, 500);
const says = jit((x: Tensor) => model.apply(params, state, x)[0].argmax(1))(x);
const first = Array.from(await says.at([0, 8]).read()).join(", ");
await image(x.at([0, 8], 0), { title: `The network says: ${first}`, colors: "gray" });

// Rows: the digit; columns: the prediction of the network.
const confusion = says.oneHot(10).transpose().matmul(y.oneHot(10)).transpose();
await image(confusion, { title: "Confusion matrix" });
const accuracy = says.equal(y).mean().item();
check(accuracy > 0.95, `accuracy on new digits is ${(100 * accuracy).toFixed(1)}%`);
