import fixture from "../fixtures/more_layers.json" with { type: "json" };
import { ArgumentError } from "../../src/base/errors.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { mean, ones, stack, sum, tensor, zeros } from "../../src/functions/mod.ts";
import { interpolate } from "../../src/image.ts";
import { jit } from "../../src/jit.ts";
import type { AnyLayer } from "../../src/nn/layer.ts";
import * as nn from "../../src/nn/mod.ts";
import { key as makeKey, normal } from "../../src/random/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { grad, vjp, vmap } from "../../src/transforms/mod.ts";
import * as tree from "../../src/tree.ts";
import { assert, assertEquals, assertThrows } from "../support/std.ts";
import { assertRefused, fromFixture, wrong } from "./support.ts";
import type { Written } from "./support.ts";

type Dict = Readonly<Record<string, Written>>;

interface Step {
  readonly train: boolean;
  readonly x?: Written;
  readonly dx?: Written | null;
  readonly inputs?: readonly Written[];
  readonly dxs?: readonly Written[];
  readonly masks?: Dict;
  readonly y: Written;
  readonly cotangent: Written;
  readonly grads: Dict;
  readonly stateAfter: Dict;
}

interface Case {
  readonly layer: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly stateDict: Dict;
  readonly steps: readonly Step[];
}

interface PoolCase {
  readonly name: string;
  readonly args: readonly number[];
  readonly options: object | null;
  readonly x: Written;
  readonly y: Written;
  readonly cotangent: Written;
  readonly dx: Written;
}

const dtype = "float64";
const key = makeKey(7);
const tolerance = { rtol: 1e-12, atol: 1e-13 };

/** The positional arguments, by PyTorch's names. */
const positional: Readonly<Record<string, readonly string[]>> = {
  rmsNorm: ["normalizedShape"],
  instanceNorm: ["numFeatures"],
  localResponseNorm: ["size"],
  bilinear: ["in1Features", "in2Features", "outFeatures"],
  embeddingBag: ["numEmbeddings", "embeddingDim"],
  transformerEncoderLayer: ["dModel", "numHeads"],
  transformerDecoderLayer: ["dModel", "numHeads"],
};

const maskNames: Readonly<Record<string, string>> = {
  src_mask: "attnMask",
  src_key_padding_mask: "keyPaddingMask",
  tgt_mask: "targetMask",
  memory_key_padding_mask: "memoryKeyPaddingMask",
};

function makeLayer({ layer, options }: Case): AnyLayer {
  if (layer === "spectralNorm") return nn.spectralNorm(nn.linear(3, 2, { dtype }));
  if (layer === "weightNorm") return nn.weightNorm(nn.linear(3, 2, { dtype }));
  const names = layer.startsWith("conv")
    ? ["inChannels", "outChannels", "kernelSize"]
    : positional[layer] ?? [];
  const rest = Object.entries(options).filter(([name]) => !names.includes(name));
  const make = nn[layer as "linear"] as (...args: unknown[]) => AnyLayer;
  const entries = rest.map(([name, value]) => [name, value === "gelu" ? nn.gelu : value]);
  const withDtype = layer === "localResponseNorm" ? {} : { dtype };
  return make(...names.map((name) => options[name]), {
    ...Object.fromEntries(entries),
    ...withDtype,
  });
}

function readDict(dict: Dict): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(dict).map(([name, value]) => [
      name,
      fromFixture(value, name.endsWith("num_batches_tracked") ? "int32" : dtype),
    ]),
  );
}

/** The inputs that are differentiated, and what the layer gets of them. */
function readInputs(
  step: Step,
): { given: readonly Tensor[]; input: (given: readonly Tensor[]) => unknown } {
  if (step.inputs === undefined) {
    const x = fromFixture(step.x!, step.dx === null ? "int32" : dtype);
    return { given: [x], input: ([x]) => x };
  }
  const masks = Object.fromEntries(
    Object.entries(step.masks ?? {}).map(([name, mask]) => [
      maskNames[name],
      tensor(mask as unknown as boolean[], { dtype: "bool" }),
    ]),
  );
  const given = step.inputs.map((x) => fromFixture(x, dtype));
  return { given, input: (given) => Object.keys(masks).length === 0 ? given : [...given, masks] };
}

for (const [place, given] of (fixture.layers as unknown as Case[]).entries()) {
  const { layer: name, options, stateDict, steps } = given;
  const label = `layer ${place}, ${name} ${JSON.stringify(options)},`;
  const layer = makeLayer(given);

  Deno.test(`${label} equals PyTorch's, with its keys`, () => {
    const fresh = layer.init(key) as [unknown, unknown];
    assertEquals(Object.keys(nn.toStateDict(...fresh)), Object.keys(stateDict).sort());
    const [params, first] = nn.fromStateDict(readDict(stateDict), ...fresh);
    let state = first;
    for (const [i, step] of steps.entries()) {
      const at = (what: string) => ({ ...tolerance, message: `${what} of step ${i}` });
      const { given, input } = readInputs(step);
      const context = { train: step.train };
      const f = (p: unknown, ...given: Tensor[]) => layer.apply(p, state, input(given), context)[0];
      const [y, pullback] = vjp(f, params, ...given);
      assertTensorsClose(y, fromFixture(step.y), at("y"));
      const [slopes, ...dxs] = pullback(fromFixture(step.cotangent));
      assertTensorsClose(nn.toStateDict(slopes), readDict(step.grads), at("gradients"));
      const expected = step.dxs ?? (step.dx === null ? [] : [step.dx]);
      expected.forEach((dx, j) => assertTensorsClose(dxs[j], fromFixture(dx!), at("dx")));
      const next = layer.apply(params, state, input(given), context)[1];
      assertTensorsClose(nn.toStateDict(next), readDict(step.stateAfter), at("state"));
      assertTensorsClose(jit(f)(params, ...given), y, { rtol: 1e-11, atol: 1e-12 });
      state = next;
    }
  });

  Deno.test(`${label} maps over inputs, and has right derivatives`, () => {
    const [params, state] = nn.fromStateDict(
      readDict(stateDict),
      ...layer.init(key) as [unknown, unknown],
    );
    const { given, input } = readInputs(steps[0]);
    // Vectors that move with the weight count as constants.
    const train = steps[0].train && name !== "spectralNorm";
    const f = (p: unknown, ...given: Tensor[]) => layer.apply(p, state, input(given), { train })[0];
    const two = given.map((x) => stack([x, x]));
    const rows = vmap((...given: Tensor[]) => f(params, ...given))(...two);
    assertTensorsClose(rows.at(1), f(params, ...given), { rtol: 1e-11, atol: 1e-12 });
    if (steps[0].dx !== null && name !== "transformerDecoderLayer") {
      checkGrads(f, [params, ...given], { order: 1, rtol: 1e-5, atol: 1e-5 });
    }
  });
}

for (const [place, given] of (fixture.pools as unknown as PoolCase[]).entries()) {
  Deno.test(`pooling ${place}, ${given.name}, equals PyTorch's`, () => {
    const make = nn[given.name as "maxPool2d"] as (...args: unknown[]) => AnyLayer;
    const layer = make(...given.args, ...(given.options === null ? [] : [given.options]));
    const f = (x: Tensor) => layer.apply({}, {}, x)[0];
    const x = fromFixture(given.x);
    const [y, pullback] = vjp(f, x);
    assertTensorsClose(y, fromFixture(given.y), tolerance);
    assertTensorsClose(pullback(fromFixture(given.cotangent))[0], fromFixture(given.dx), tolerance);
    assertTensorsClose(vmap(f)(stack([x, x])).at(1), y, tolerance);
    assertTensorsClose(jit(f)(x), y, tolerance);
  });
}

Deno.test("dropout of channels zeroes whole channels, and alpha dropout keeps mean and variance", () => {
  for (
    const [dims, layer] of [nn.dropout1d(0.25), nn.dropout2d(0.25), nn.dropout3d(0.25)].entries()
  ) {
    const x = ones([40, 50, ...new Array(dims + 1).fill(2)]);
    const [y] = layer.apply({}, {}, x, { train: true, key });
    const channels = y.reshape([2000, -1]);
    assertTensorsClose(channels.max(1), channels.min(1));
    const kept = mean(channels.max(1).notEqual(0).astype("float32")).item();
    assert(Math.abs(kept - 0.75) < 5 * Math.sqrt(0.75 * 0.25 / 2000), String(kept));
    assertTensorsClose(channels.max(), 4 / 3);
    assert(layer.apply({}, {}, x)[0] === x);
    assertRefused(
      () => layer.apply({}, {}, ones([2, 2]), { train: true, key }),
      "ShapeError",
      `Cannot apply dropout${dims + 1}d to float32[2,2]: expected [batch, channels, ` +
        `${["length", "height, width", "depth, height, width"][dims]}]`,
    );
  }
  const x = normal(key, [20000]);
  const [y] = nn.alphaDropout(0.3).apply({}, {}, x, { train: true, key: makeKey(1) });
  assert(Math.abs(y.mean().item()) < 0.05, String(y.mean()));
  assert(Math.abs(y.variance().item() - 1) < 0.05, String(y.variance()));
  assertTensorsClose(nn.alphaDropout(1).apply({}, {}, x, { train: true, key })[0], x.mul(0));
});

Deno.test("upsample, pixelShuffle and pixelUnshuffle are the functions of image as layers", () => {
  const x = normal(makeKey(3), [2, 4, 3, 3]);
  const options = { scaleFactor: 2, mode: "bilinear", alignCorners: true } as const;
  assertTensorsClose(nn.upsample(options).apply({}, {}, x)[0], interpolate(x, options));
  const [y] = nn.pixelShuffle(2).apply({}, {}, x);
  assertEquals(y.shape, [2, 1, 6, 6]);
  assertTensorsClose(nn.pixelUnshuffle(2).apply({}, {}, y)[0], x);
  const refused = [
    [() => nn.pixelShuffle(0), "Cannot make a pixelShuffle layer with factor 0"],
    [() => nn.upsample(wrong({ scale: 2 })), "Cannot make an upsample layer"],
  ] as const;
  for (const [run, beginning] of refused) {
    const { message } = assertThrows(run, ArgumentError) as Error;
    assert(message.startsWith(beginning), message);
  }
});

Deno.test("zeroPad pads the last axes", () => {
  const x = ones([1, 1, 2]);
  assertTensorsClose(nn.zeroPad(1).apply({}, {}, x)[0], [[[0, 1, 1, 0]]]);
  assertTensorsClose(nn.zeroPad([[1, 0], [0, 2]]).apply({}, {}, x)[0], [[[0, 0, 0, 0], [
    1,
    1,
    0,
    0,
  ]]]);
  assertRefused(
    () => nn.zeroPad([[1, 0], [0, 2]]).apply({}, {}, ones([2])),
    "ShapeError",
    "Cannot apply zeroPad to float32[2]: expected at least 2 axes",
  );
  assertRefused(
    () => nn.zeroPad(wrong([1])),
    "ArgumentError",
    "Cannot make a zeroPad layer with widths [1]: expected a number or [[before, after], ...]",
  );
});

Deno.test("lora changes chosen weights by products of small matrices", () => {
  const base = nn.sequential(
    nn.conv2d(2, 3, 2, { dtype }),
    nn.flatten(),
    nn.linear(3, 2, { dtype }),
  );
  const layer = nn.lora(base, { rank: 2, alpha: 3 });
  const [params, state] = layer.init(key);
  const x = normal(makeKey(1), [4, 2, 2, 2], { dtype });
  // Factors b are zero at first.
  assertTensorsClose(
    layer.apply(params, state, x)[0],
    base.apply(params.base, state, x)[0],
    tolerance,
  );
  const [factors, frozen] = tree.partition(params, (path) => path.startsWith("lora."));
  assertEquals(tree.paths(factors), [
    "lora.0.weight.a",
    "lora.0.weight.b",
    "lora.2.weight.a",
    "lora.2.weight.b",
  ]);
  const moved = tree.map((leaf) => leaf.add(0.5), factors);
  const [y] = layer.apply(tree.merge(moved, frozen), state, x);
  const { lora } = tree.merge(moved, frozen) as unknown as {
    lora: readonly { weight: nn.LoraFactors }[];
  };
  const changed = [0, 2].reduce((list, i) => {
    const { a, b } = lora[i].weight;
    const own = params.base[i as 0];
    const weight = own.weight.add(b.matmul(a).reshape(own.weight.shape).mul(1.5));
    return Object.assign([...list], { [i]: { ...own, weight } });
  }, [...params.base] as unknown[]) as unknown as typeof params.base;
  assertTensorsClose(y, base.apply(changed, state, x)[0], tolerance);
  const loss = (p: typeof factors) => sum(layer.apply(tree.merge(p, frozen), state, x)[0].square());
  assertEquals(tree.paths(grad(loss)(moved)), tree.paths(factors));
  const only = nn.lora(base, { rank: 1, isChosen: (path) => path === "2.weight" });
  const [chosen] = only.init(key);
  assertEquals(tree.paths(chosen.lora), ["2.weight.a", "2.weight.b"]);
  assertRefused(
    () => nn.lora(nn.sequential(nn.relu), { rank: 1 }).init(key),
    "ArgumentError",
    "Cannot apply lora: no parameter is chosen, there are none",
  );
});

Deno.test("spectral normalisation of fresh layers has singular values up to 1", () => {
  const layer = nn.spectralNorm(nn.conv2d(2, 5, 3, { dtype, bias: false }), {
    powerIterations: 30,
  });
  let [params, state] = layer.init(key);
  const x = zeros([1, 2, 3, 3], { dtype });
  [, state] = layer.apply(params, state, x, { train: true });
  const weight = params.parametrizations.weight.original;
  const { _u, _v } = state.parametrizations.weight[0];
  const largest = _u.matmul(weight.reshape([5, -1])).matmul(_v);
  const squares = weight.reshape([5, -1]).matmul(weight.reshape([5, -1]).transpose());
  let v = ones([5], { dtype });
  for (let i = 0; i < 500; i++) v = squares.matmul(v).div(squares.matmul(v).norm());
  assertTensorsClose(largest, squares.matmul(v).norm().sqrt(), { rtol: 1e-6 });
  params = { ...params, parametrizations: { weight: { original: weight.mul(2) } } };
  assertTensorsClose(
    layer.apply(params, state, ones([1, 2, 3, 3], { dtype }))[0],
    layer.apply(layer.init(key)[0], state, ones([1, 2, 3, 3], { dtype }))[0],
    { rtol: 1e-10 },
  );
});
