// Character-level transformer
// Two causal attention layers memorise a short text and generate it again.
import { arange, jit, nn, optim, random, scan, tensor, valueAndGrad, vmap } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";
import { check, plot } from "./show.ts";

const TEXT = "the cat sat on the mat. the dog sat on the log. the cat saw the dog. " +
  "the dog saw the rat. the rat sat on the hat. the hat is on the mat. ";
const alphabet = [...new Set(TEXT)].sort();
const codes = tensor([...TEXT].map((c) => alphabet.indexOf(c)), { dtype: "int32" });
const [LENGTH, WIDTH, BATCH] = [32, 32, 16];

const block = nn.transformerEncoderLayer(WIDTH, 4, {
  dimFeedforward: 64,
  dropout: 0,
  batchFirst: true,
  isCausal: true,
});
const model = nn.module(
  {
    tokens: nn.embedding(alphabet.length, WIDTH),
    positions: nn.embedding(LENGTH, WIDTH),
    blocks: [block, block],
    readout: nn.linear(WIDTH, alphabet.length),
  },
  ({ tokens, positions, blocks, readout }, x: Tensor) => {
    const start = tokens(x).add(positions(arange(LENGTH, { dtype: "int32" })));
    return readout(blocks.reduce((h, block) => block(h), start));
  },
);
const [initial, state] = model.init(random.key(0));
type Params = typeof initial;

/** Pieces of the text `[BATCH, LENGTH + 1]`. */
const pieces = (key: Tensor) =>
  vmap((start: Tensor) => codes.dynamicSlice([start], [LENGTH + 1]))(
    random.randint(key, BATCH, 0, TEXT.length - LENGTH),
  );

const optimizer = optim.adam(0.005);
type State = readonly [Params, optim.OptimizerState];
const step = ([params, memory]: State, key: Tensor): [State, Tensor] => {
  const x = pieces(key);
  const loss = (params: Params) => {
    const logits = model.apply(params, state, x.at("...", [0, LENGTH]))[0];
    return nn.crossEntropy(logits.reshape(-1, alphabet.length), x.at("...", [1, null]).ravel());
  };
  const [value, gradient] = valueAndGrad(loss)(params);
  const [updates, next] = optimizer.update(gradient, memory, params);
  return [[optim.applyUpdates(params, updates), next], value];
};
const train = jit((state: State, keys: Tensor) => scan(step, state, keys));
const [[params], losses] = train(
  [initial, optimizer.init(initial)],
  random.split(random.key(1), [160]),
);
await plot({ loss: losses }, { title: "Cross entropy by step", logY: true });
const last = losses.at([-20, null]).mean().item();
console.log(`chance: ${Math.log(alphabet.length).toFixed(2)}, network: ${last.toFixed(3)}`);
check(last < 0.5, "the cross entropy is below 0.5");

/** The most likely character after 32 others. */
const nextOf = jit((x: Tensor) =>
  model.apply(params, state, x.expandDims(0))[0].at(0, -1).argmax()
);
let written = TEXT.slice(0, LENGTH);
for (let i = 0; i < 60; i++) {
  const recent = [...written.slice(-LENGTH)].map((c) => alphabet.indexOf(c));
  written += alphabet[nextOf(tensor(recent, { dtype: "int32" })).item()];
}
console.log(`${TEXT.slice(0, LENGTH)}|${written.slice(LENGTH)}`);
check(
  written.slice(LENGTH).split(/[ .]+/).slice(0, -1).every((word) => TEXT.includes(word)),
  "generated words occur in the text",
);
