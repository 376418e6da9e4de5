import fixture from "../fixtures/sequence_layers.json" with { type: "json" };
import type { Dtype } from "../../src/base/dtype.ts";
import { checkProgram } from "../../src/core/check.ts";
import { Tensor } from "../../src/core/tensor.ts";
import { full, ones, stack, sum, swapaxes, tensor, zeros } from "../../src/functions/mod.ts";
import { jit } from "../../src/jit.ts";
import type { AttentionInput } from "../../src/nn/attention_input.ts";
import type { Layer } from "../../src/nn/layer.ts";
import * as nn from "../../src/nn/mod.ts";
import { key as makeKey, normal, split } from "../../src/random/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { grad, makeProgram, vjp, vmap } from "../../src/transforms/mod.ts";
import * as tree from "../../src/tree.ts";
import { assert, assertEquals, assertType } from "../support/std.ts";
import type { IsExact } from "../support/std.ts";
import { assertRefused, fromFixture, wrong } from "./support.ts";
import type { Written } from "./support.ts";

type Dict = Readonly<Record<string, Written>>;

interface Case {
  readonly sizes: readonly [number, number];
  readonly options: Readonly<Record<string, unknown>>;
  readonly stateDict: Dict;
  readonly inputs: Dict;
  readonly masks: Dict;
  readonly outputs: Dict;
  readonly cotangents: Dict;
  readonly grads: Dict;
  readonly inputGrads: Dict;
}

const cases = fixture.attention as unknown as readonly Case[];
const productCases = fixture.scaledDotProduct as unknown as readonly Case[];

const key = makeKey(3);

const tolerances: Readonly<Record<string, { rtol: number; atol: number }>> = {
  float64: { rtol: 1e-12, atol: 1e-13 },
  float32: { rtol: 1e-4, atol: 1e-5 },
};

type Tensors = Record<string, Tensor>;

function readDict(dict: Dict, dtype: Dtype): Tensors {
  const isBool = (written: Written): boolean =>
    Array.isArray(written) ? isBool(written[0]) : typeof written === "boolean";
  return Object.fromEntries(
    Object.entries(dict).map(([name, value]) => [
      name,
      isBool(value) ? tensor(wrong(value)) : fromFixture(value, dtype),
    ]),
  );
}

// deno-lint-ignore no-explicit-any
type AnyAttention = Layer<nn.MultiHeadAttentionParams, nn.Empty, Tensor | AttentionInput, any>;

/** A case's layer, parameters, operands, masks, and the function of parameters and operands. */
function readCase(given: Case, dtype: Dtype) {
  const layer: AnyAttention = nn.multiHeadAttention(
    ...given.sizes,
    wrong({ ...given.options, dtype }),
  );
  const [params] = nn.fromStateDict(readDict(given.stateDict, dtype), ...layer.init(key));
  const inputs = readDict(given.inputs, dtype);
  const masks = readDict(given.masks, dtype);
  const f = (params: nn.MultiHeadAttentionParams, inputs: Tensors, masks: Tensors) => {
    // One operand without masks is self-attention, which takes the tensor alone.
    const isAlone = Object.keys(inputs).length + Object.keys(masks).length === 1;
    const x = isAlone ? inputs.query : { ...inputs, ...masks };
    const [y] = layer.apply(params, {}, wrong(x));
    return y instanceof Tensor ? { output: y } : { output: y[0], weights: y[1] };
  };
  return { layer, params, inputs, masks, f };
}

/** Two trees as one with a new first axis. */
function join<T>(a: T, b: T): T {
  return tree.map(((x: Tensor, y: Tensor) => stack([x, y])) as never, a, b) as T;
}

function scaleBy<T>(part: T, factor: number): T {
  return tree.map(((x: Tensor) => x.mul(factor)) as never, part) as T;
}

function describe({ sizes, options, inputs, masks }: Case, place: number): string {
  const names = [...Object.keys(inputs), ...Object.keys(masks)];
  return `attention ${place}, ${JSON.stringify([...sizes, options])} of ${names.join(", ")},`;
}

for (const [place, given] of cases.entries()) {
  const label = describe(given, place);

  for (const dtype of ["float64", "float32"] satisfies Dtype[]) {
    Deno.test(`${label} equals PyTorch's in ${dtype}, eager and compiled`, () => {
      const tolerance = tolerances[dtype];
      const { params, inputs, masks, f } = readCase(given, dtype);
      const cotangents = readDict(given.cotangents, dtype);
      const both = (p: typeof params, x: Tensors, masks: Tensors, cotangents: Tensors) => {
        const [y, pullback] = vjp((p: typeof params, x: Tensors) => f(p, x, masks), p, x);
        return [y, pullback(wrong(cotangents))];
      };
      for (const run of [both, jit(both)]) {
        const [y, slopes] = wrong(run(params, inputs, masks, cotangents));
        assertTensorsClose(y, readDict(given.outputs, dtype), { ...tolerance, message: "output" });
        assertTensorsClose(nn.toStateDict(slopes[0]), readDict(given.grads, dtype), {
          ...tolerance,
          message: "gradients of parameters",
        });
        assertTensorsClose(slopes[1], readDict(given.inputGrads, dtype), {
          ...tolerance,
          message: "gradients of inputs",
        });
      }
    });
  }

  Deno.test(`${label} has PyTorch's keys and shapes, and goes into a dictionary and back`, () => {
    const { layer, params } = readCase(given, "float64");
    const dict = readDict(given.stateDict, "float64");
    const fresh = nn.toStateDict(...layer.init(key));
    assertEquals(Object.keys(fresh), Object.keys(dict).sort());
    for (const [name, leaf] of Object.entries(fresh)) assertEquals(leaf.shape, dict[name].shape);
    assertTensorsClose(nn.toStateDict(params), dict, { rtol: 0, atol: 0 });
  });

  Deno.test(`${label} becomes a well-formed program, and so does its gradient`, () => {
    const { params, inputs, masks, f } = readCase(given, "float64");
    checkProgram(makeProgram(f)(params, inputs, masks));
    const loss = (p: typeof params, x: Tensors, masks: Tensors) => sum(f(p, x, masks).output);
    checkProgram(makeProgram(grad(loss, { argnums: [0, 1] }))(params, inputs, masks));
  });

  Deno.test(`${label} maps over inputs and over parameters, with gradients`, () => {
    const { params, inputs, masks, f } = readCase(given, "float64");
    const others = tree.map((x) => x.mul(2).add(0.25), inputs);
    const [smaller, closer] = [scaleBy(params, 0.5), scaleBy(inputs, 0.5)];
    assertTensorsClose(
      vmap(f, [null, 0, null])(params, join(inputs, others), masks),
      join(f(params, inputs, masks), f(params, others, masks)),
    );
    assertTensorsClose(
      vmap(f, [0, 0, null])(join(params, smaller), join(inputs, closer), masks),
      join(f(params, inputs, masks), f(smaller, closer, masks)),
    );
    const slopes = grad(
      (p: typeof params, x: Tensors) => sum(f(p, x, masks).output.square()),
      { argnums: [0, 1] },
    );
    const mapped = vmap(slopes);
    for (const run of [mapped, jit(mapped)]) {
      assertTensorsClose(
        run(join(params, smaller), join(inputs, closer)),
        join(slopes(params, inputs), slopes(smaller, closer)),
        { rtol: 1e-10, atol: 1e-12 },
      );
    }
  });
}

Deno.test("attention's first and second derivatives are right, masks of numbers included", () => {
  const places = [0, 7, 13, 16, 28, 31];
  for (const place of places) {
    const { params, inputs, masks, f } = readCase(cases[place], "float64");
    const isFloat = Object.values(masks).every((mask) => mask.dtype === "float64");
    const isFinite = !JSON.stringify(cases[place].masks).includes("inf");
    if (isFloat && isFinite) checkGrads(f, [params, inputs, masks], { rtol: 1e-5, atol: 1e-5 });
    else {
      checkGrads((p: typeof params, x: Tensors) => f(p, x, masks), [params, inputs], {
        rtol: 1e-5,
        atol: 1e-5,
      });
    }
  }
});

Deno.test("a batch is the same as each of its examples", () => {
  const layer = nn.multiHeadAttention(4, 2, { batchFirst: true, needWeights: true });
  const [params] = layer.init(key);
  const [a, b] = split(key).map((key) => normal(key, [3, 5, 4]));
  const keyPaddingMask = tensor([[false, false, true], [true, false, false], [false, true, true]]);
  const apply = (query: Tensor, key: Tensor, keyPaddingMask: Tensor) =>
    layer.apply(params, {}, { query, key, keyPaddingMask })[0];
  const whole = apply(a, b.at(null, [0, 3]), keyPaddingMask);
  assertTensorsClose(vmap(apply)(a, b.at(null, [0, 3]), keyPaddingMask), whole);
  const each = apply(a.at(1), b.at(1, [0, 3]), keyPaddingMask.at(1));
  assertTensorsClose([whole[0].at(1), whole[1].at(1)], each);
});

Deno.test("the layout of a batch changes nothing but the layout", () => {
  const first = nn.multiHeadAttention(4, 2, { batchFirst: true });
  const second = nn.multiHeadAttention(4, 2);
  const [params] = first.init(key);
  const x = normal(key, [2, 3, 4]);
  const [y] = second.apply(params, {}, swapaxes(x, 0, 1));
  assertTensorsClose(swapaxes(y, 0, 1), first.apply(params, {}, x)[0]);
});

Deno.test("masks broadcast to batch, heads, queries and keys", () => {
  const layer = nn.multiHeadAttention(4, 2, { batchFirst: true });
  const [params] = layer.init(key);
  const query = normal(key, [3, 2, 4]);
  const apply = (attnMask: Tensor) => layer.apply(params, {}, { query, attnMask })[0];
  const flat = tensor([false, true, true, false]).reshape([2, 2]);
  const expected = apply(flat);
  for (const shape of [[2, 2], [1, 2, 2], [2, 2, 2], [6, 2, 2], [3, 1, 2, 2], [3, 2, 2, 2]]) {
    const leading = shape.slice(0, -2);
    const mask = leading.reduceRight((part, count) => stack(new Array(count).fill(part)), flat);
    assertTensorsClose(apply(mask), expected, { message: String(shape) });
  }
  // One row for all queries, and one number for all scores.
  assertTensorsClose(apply(tensor([false, true])), apply(tensor([[false, true], [false, true]])));
  assertTensorsClose(apply(tensor(5)), layer.apply(params, {}, query)[0], { atol: 1e-6 });
});

Deno.test("extra keys widen masks of every shape", () => {
  const layer = nn.multiHeadAttention(4, 2, { addBiasKv: true, batchFirst: true });
  const [params] = layer.init(key);
  const query = normal(key, [2, 3, 4]);
  const apply = (attnMask: Tensor) => layer.apply(params, {}, { query, attnMask })[0];
  const row = tensor([[true, false, true]]);
  const whole = apply(stack([row.at(0), row.at(0), row.at(0)]));
  assertTensorsClose(apply(row), whole);
  assertTensorsClose(apply(row.at(0)), whole);
  const column = tensor([[true], [true], [false]]);
  assertTensorsClose(apply(column), apply(stack([column, column, column], 1).reshape([3, 3])));
  // With everything left out the learned key alone is looked at.
  const [only] = layer.apply(params, {}, { query, attnMask: tensor(true) });
  const { weight, bias } = params.out_proj;
  const value = params.bias_v!.reshape([4]).matmul(weight.transpose()).add(bias!);
  assertTensorsClose(only, stack([0, 1].map(() => stack([value, value, value]))));
});

Deno.test("a query that may look at nothing gives zeros and has no derivative", () => {
  const layer = nn.multiHeadAttention(4, 2, { needWeights: true, dtype: "float64" });
  const [params] = layer.init(key);
  const query = normal(key, [3, 4], { dtype: "float64" });
  const attnMask = tensor([[true, true, true], [false, false, true], [true, true, true]]);
  const f = (query: Tensor) => layer.apply(params, {}, { query, attnMask })[0];
  const [output, weights] = f(query);
  assertTensorsClose([output.at(0), output.at(2)], [params.out_proj.bias!, params.out_proj.bias!]);
  assertTensorsClose(weights.at(0), zeros([3], { dtype: "float64" }), { rtol: 0, atol: 0 });
  const slope = grad((query: Tensor) => sum(f(query)[0].square()))(query);
  assertTensorsClose(slope.at(2), zeros([4], { dtype: "float64" }), { rtol: 0, atol: 0 });
  checkGrads(f, [query], { rtol: 1e-5, atol: 1e-5 });
});

Deno.test("without keys every query gives zeros", () => {
  const output = nn.scaledDotProductAttention(ones([2, 3]), zeros([0, 3]), zeros([0, 5]));
  assertTensorsClose(output, zeros([2, 5]));
  const masked = nn.scaledDotProductAttention(ones([2, 3]), zeros([0, 3]), zeros([0, 5]), {
    attnMask: zeros([2, 0], { dtype: "bool" }),
  });
  assertTensorsClose(masked, zeros([2, 5]));
  const layer = nn.multiHeadAttention(2, 1);
  const [params] = layer.init(key);
  assertEquals(layer.apply(params, {}, zeros([0, 2]))[0].shape, [0, 2]);
  assertEquals(layer.apply(params, {}, zeros([3, 0, 2]))[0].shape, [3, 0, 2]);
});

// ---- dropout ------------------------------------------------------------------------------------------

Deno.test("attention drops weights in training only, the same ones for the same key", () => {
  const layer = nn.multiHeadAttention(4, 2, {
    dropout: 0.5,
    needWeights: true,
    averageAttnWeights: false,
  });
  const [params] = layer.init(key);
  const x = normal(key, [20, 4]);
  const context = { train: true, key };
  const [output, weights] = layer.apply(params, {}, x, context)[0];
  const [whole, even] = layer.apply(params, {}, x)[0];
  assertTensorsClose(layer.apply(params, {}, x, { train: false, key })[0], [whole, even]);
  assertTensorsClose(layer.apply(params, {}, x, context)[0], [output, weights], {
    rtol: 0,
    atol: 0,
  });
  const ratios = weights.div(even).data();
  const dropped = ratios.filter((ratio) => ratio === 0).length;
  assert(ratios.every((ratio) => ratio === 0 || Math.abs(ratio - 2) < 1e-5));
  // Of 800 weights; five standard deviations are 71.
  assert(Math.abs(dropped - 400) < 71, String(dropped));
  const values = x.matmul(params.in_proj_weight!.transpose()).at(null, [8, 12]);
  const heads = swapaxes(values.reshape([20, 2, 2]), 0, 1);
  const joined = swapaxes(weights.matmul(heads), 0, 1).reshape([20, 4]);
  assertTensorsClose(output, joined.matmul(params.out_proj.weight.transpose()), { atol: 1e-5 });
  assertRefused(
    () => layer.apply(params, {}, x, { train: true }),
    "ArgumentError",
    "Cannot apply dropout in training without a key: pass { train: true, key: random.key(seed) }",
  );
});

Deno.test("scaledDotProductAttention drops weights with its key", () => {
  const [q, k] = split(key).map((key) => normal(key, [30, 4]));
  const value = ones([30, 1]);
  const apply = (dropoutKey: Tensor) =>
    nn.scaledDotProductAttention(q, k, value, { dropout: 0.5, dropoutKey });
  assertTensorsClose(apply(key), apply(key), { rtol: 0, atol: 0 });
  assert(String(apply(key).data()) !== String(apply(makeKey(1)).data()));
  const total = Number(apply(key).mean());
  assert(total > 0.7 && total < 1.3, String(total));
  assertTensorsClose(
    nn.scaledDotProductAttention(q, k, value, { dropout: 1, dropoutKey: key }),
    zeros([30, 1]),
  );
});

// ---- the function -------------------------------------------------------------------------------------

for (const [place, given] of productCases.entries()) {
  const names = Object.keys(given.masks).join(", ");
  const label = `scaledDotProductAttention ${place}, ${JSON.stringify(given.options)} ${names},`;
  for (const dtype of ["float64", "float32"] satisfies Dtype[]) {
    Deno.test(`${label} equals PyTorch's in ${dtype}, eager, compiled and mapped`, () => {
      const { query, key, value } = readDict(given.inputs, dtype);
      const { attnMask = null } = readDict(given.masks, dtype) as { attnMask?: Tensor };
      const { output } = readDict(given.cotangents, dtype);
      const apply = (q: Tensor, k: Tensor, v: Tensor) =>
        nn.scaledDotProductAttention(q, k, v, { ...given.options, attnMask });
      const both = (q: Tensor, k: Tensor, v: Tensor) => {
        const [y, pullback] = vjp(apply, q, k, v);
        return [y, ...pullback(output)];
      };
      const expected = [
        readDict(given.outputs, dtype).output,
        ...Object.values(readDict(given.inputGrads, dtype)),
      ];
      assertTensorsClose(both(query, key, value), expected, tolerances[dtype]);
      assertTensorsClose(jit(both)(query, key, value), expected, tolerances[dtype]);
      const [qs, ks, vs] = [query, key, value].map((x) => stack([x, x.mul(0.5)]));
      const halves = both(query.mul(0.5), key.mul(0.5), value.mul(0.5));
      assertTensorsClose(
        vmap(both)(qs, ks, vs),
        expected.map((x, i) => stack([x, halves[i]])),
        tolerances[dtype],
      );
      checkProgram(makeProgram(both)(query, key, value));
    });
  }
}

Deno.test("bools mean the opposite in the layer and in the function, as in PyTorch", () => {
  const x = normal(key, [2, 3]);
  const mask = tensor([[true, false], [false, true]]);
  const layer = nn.multiHeadAttention(3, 1, { needWeights: true });
  const [params] = layer.init(key);
  const weights = layer.apply(params, {}, { query: x, attnMask: mask })[0][1];
  assertTensorsClose(weights, [[0, 1], [1, 0]]);
  const attended = nn.scaledDotProductAttention(x, x, [[1, 0], [0, 1]], { attnMask: mask });
  assertTensorsClose(attended, [[1, 0], [0, 1]]);
});

Deno.test("scaledDotProductAttention takes arrays, integers, and leading axes that broadcast", () => {
  const integers = tensor([[1, 0], [0, 2]], { dtype: "int32" });
  const y = nn.scaledDotProductAttention(integers, [[1, 0], [0, 1]], integers, { scale: 1 });
  assertEquals(y.dtype, "float32");
  const e = Math.E;
  assertTensorsClose(y, [[e / (1 + e), 2 / (1 + e)], [1 / (1 + e * e), 2 * e * e / (1 + e * e)]]);
  const wide = nn.scaledDotProductAttention(ones([4, 1, 2, 3]), ones([3, 5, 3]), ones([5, 2]));
  assertEquals(wide.shape, [4, 3, 2, 2]);
});

Deno.test("a causal mask and another combine", () => {
  const x = normal(key, [3, 4]);
  const apply = (options: nn.ScaledDotProductAttentionOptions) =>
    nn.scaledDotProductAttention(x, x, x, options);
  assertTensorsClose(
    apply({
      isCausal: true,
      attnMask: [[true, true, true], [false, true, true], [true, true, false]],
    }),
    apply({ attnMask: [[true, false, false], [false, true, false], [true, true, false]] }),
  );
});

// ---- types --------------------------------------------------------------------------------------------

Deno.test("needWeights decides the type of the output", () => {
  const plain = nn.multiHeadAttention(4, 2);
  const weighted = nn.multiHeadAttention(4, 2, { needWeights: true, batchFirst: true });
  const [params, state] = plain.init(key);
  const [y] = plain.apply(params, state, ones([3, 4]));
  const [[z, weights]] = weighted.apply(params, state, { query: ones([3, 4]) });
  assertType<IsExact<typeof y, Tensor>>(true);
  assertType<IsExact<typeof weights, Tensor>>(true);
  assertTensorsClose(y, z);
  const model = nn.sequential(nn.linear(3, 4), plain, nn.layerNorm(4));
  const [modelParams, modelState] = model.init(key);
  assertType<IsExact<typeof modelParams[1]["out_proj"]["weight"], Tensor>>(true);
  assertEquals(model.apply(modelParams, modelState, ones([2, 5, 3]))[0].shape, [2, 5, 4]);
  assert(Object.keys(nn.toStateDict(modelParams)).includes("1.out_proj.weight"));
});

Deno.test("fresh parameters are distributed as PyTorch's", () => {
  const layer = nn.multiHeadAttention(32, 4, { addBiasKv: true });
  const [params] = layer.init(key);
  const within = (x: Tensor, bound: number) => {
    const most = Number(x.abs().max());
    assert(most <= bound && most > 0.98 * bound, `${most} of ${bound}`);
  };
  within(params.in_proj_weight!, Math.sqrt(6 / (4 * 32)));
  within(params.out_proj.weight, 1 / Math.sqrt(32));
  assertTensorsClose([params.in_proj_bias!, params.out_proj.bias!], [zeros(96), zeros(32)]);
  const deviation = Number(params.bias_k!.std());
  assert(Math.abs(deviation - Math.sqrt(2 / 64)) < 0.08, String(deviation));
  assert(String(params.bias_k!.data()) !== String(params.bias_v!.data()));
});

// ---- errors -------------------------------------------------------------------------------------------

Deno.test("attention refuses sizes and options that make no sense", () => {
  const refuse = (make: () => unknown, message: string) =>
    assertRefused(make, "ArgumentError", message);
  const cannot = "Cannot make a multiHeadAttention layer";
  refuse(
    () => nn.multiHeadAttention(5, 2),
    `${cannot} with numHeads 2: it must divide embedDim 5`,
  );
  refuse(
    () => nn.multiHeadAttention(0, 1),
    `${cannot} with embedDim 0: expected a positive integer`,
  );
  refuse(
    () => nn.multiHeadAttention(4, 1.5),
    `${cannot} with numHeads 1.5: expected a positive integer`,
  );
  refuse(
    () => nn.multiHeadAttention(4, 2, { dropout: NaN }),
    `${cannot} with dropout NaN: expected a number from 0 to 1`,
  );
  refuse(
    () => nn.multiHeadAttention(4, 2, { bias: wrong("no") }),
    `${cannot} with bias "no": expected true or false`,
  );
  refuse(
    () => nn.multiHeadAttention(4, 2, { kdim: -1 }),
    `${cannot} with kdim -1: expected a positive integer`,
  );
  refuse(
    () => nn.multiHeadAttention(4, 2, wrong({ causal: true })),
    `${cannot}: there is no option "causal", the options are dropout, bias, addBiasKv, ` +
      "addZeroAttn, kdim, vdim, batchFirst, isCausal, needWeights, averageAttnWeights, dtype, computeDtype",
  );
});

Deno.test("attention refuses operands and masks that do not fit", () => {
  const layer = nn.multiHeadAttention(4, 2, { kdim: 3 });
  const [params] = layer.init(key);
  const refuse = (x: unknown, name: string, message: string) =>
    assertRefused(() => layer.apply(params, {}, wrong(x)), name, message);
  const cannot = "Cannot apply multiHeadAttention";
  const query = ones([2, 3, 4]);
  const sequence = ones([5, 3, 3]);
  const value = ones([5, 3, 4]);
  refuse(
    ones([4]),
    "ShapeError",
    `${cannot} to query float32[4]: expected [L, B, 4] or [L, 4]`,
  );
  refuse(
    ones([2, 3, 5]),
    "ShapeError",
    `${cannot} to query float32[2,3,5]: expected [L, B, 4]`,
  );
  refuse(query, "ShapeError", `${cannot} to key float32[2,3,4]: expected [S, B, 3]`);
  refuse(
    { query: ones([2, 4]), key: sequence, value },
    "ShapeError",
    `${cannot} to key float32[5,3,3]: expected [S, 3]`,
  );
  refuse(
    { query, key: sequence, value: ones([4, 3, 4]) },
    "ShapeError",
    `${cannot} to query float32[2,3,4], key float32[5,3,3] and value float32[4,3,4]: ` +
      "all must have one batch size, key and value one length",
  );
  refuse(
    { query, key: sequence, value, attnMask: ones([3, 5]) },
    "ShapeError",
    "Cannot broadcast attnMask float32[3,5] to [3,2,2,5]: axis 0 has length 3, expected 1 or 2",
  );
  refuse(
    { query, key: sequence, value, attnMask: ones([2, 5], { dtype: "int32" }) },
    "DtypeError",
    `${cannot} with attnMask int32[2,5]: expected bool, or a floating-point dtype whose values ` +
      'are added to the scores; convert with astype("bool")',
  );
  refuse(
    { query, key: sequence, value, keyPaddingMask: full([3, 4], true) },
    "ShapeError",
    `${cannot} with keyPaddingMask bool[3,4]: expected shape [3,5], one entry for each key`,
  );
  refuse(
    { query, mask: null },
    "ArgumentError",
    `${cannot}: there is no option "mask", the options are query, key, value, attnMask, ` +
      "keyPaddingMask",
  );
  refuse(
    {},
    "ArgumentError",
    `${cannot}: expected a tensor, number, boolean, nested array or typed array, got undefined`,
  );
  refuse(
    { query: "x" },
    "ArgumentError",
    `${cannot}: expected a tensor, number, boolean, nested array or typed array, got "x"`,
  );
});

Deno.test("attention refuses parameters that are not its own", () => {
  const layer = nn.multiHeadAttention(4, 2);
  const [params] = layer.init(key);
  const refuse = (params: unknown, name: string, message: string) =>
    assertRefused(() => layer.apply(wrong(params), {}, ones([3, 4])), name, message);
  const cannot = "Cannot apply multiHeadAttention";
  refuse(
    {},
    "TreeError",
    `${cannot}: its params has nothing at in_proj_bias; use the params and state that its init gave`,
  );
  refuse(
    { ...params, in_proj_weight: ones([4, 4]) },
    "ShapeError",
    `${cannot} with in_proj_weight float32[4,4]: expected shape [12,4]`,
  );
  refuse(
    { ...params, out_proj: undefined },
    "TreeError",
    `${cannot}: expected the params that its init gave, got undefined`,
  );
  refuse(
    undefined,
    "TreeError",
    `${cannot}: expected the params that its init gave, got undefined`,
  );
});

Deno.test("scaledDotProductAttention refuses operands and options that do not fit", () => {
  const cannot = "Cannot apply scaledDotProductAttention";
  const refuse = (args: readonly unknown[], name: string, message: string) =>
    assertRefused(
      () => nn.scaledDotProductAttention(...wrong(args) as [Tensor, Tensor, Tensor]),
      name,
      message,
    );
  const [q, k, v] = [ones([2, 4]), ones([3, 4]), ones([3, 5])];
  refuse(
    [q, k, ones([3])],
    "ShapeError",
    `${cannot} to query float32[2,4], key float32[3,4] and value float32[3]: ` +
      "expected [..., L, E], [..., S, E] and [..., S, V]",
  );
  refuse(
    [q, v, v],
    "ShapeError",
    `${cannot} to query float32[2,4], key float32[3,5] and value float32[3,5]: ` +
      "query and key must have equally long last axes, current lengths are 4 and 5",
  );
  refuse(
    [q, k, ones([2, 5])],
    "ShapeError",
    `${cannot} to query float32[2,4], key float32[3,4] and value float32[2,5]: ` +
      "key and value must have the same length on axis -2, current lengths are 3 and 2",
  );
  refuse(
    [ones([2, 2, 4]), ones([3, 3, 4]), v],
    "ShapeError",
    `${cannot} to query float32[2,2,4], key float32[3,3,4] and value float32[3,5]: ` +
      "leading axes must broadcast, current ones are [2], [3], []",
  );
  refuse(
    [q, k, v, { attnMask: ones([3, 3], { dtype: "bool" }) }],
    "ShapeError",
    "Cannot broadcast attnMask bool[3,3] to [2,3]: axis 0 has length 3, expected 1 or 2",
  );
  refuse(
    [q, k, v, { attnMask: ones([2, 3], { dtype: "uint32" }) }],
    "DtypeError",
    `${cannot} with attnMask uint32[2,3]: expected bool, or a floating-point dtype whose values ` +
      'are added to the scores; convert with astype("bool")',
  );
  refuse(
    [q, k, v, { isCausal: 1 }],
    "ArgumentError",
    `${cannot}: isCausal must be true or false, got 1`,
  );
  refuse(
    [q, k, v, { scale: "x" }],
    "ArgumentError",
    `${cannot} with scale "x": expected a number`,
  );
  refuse(
    [q, k, v, { dropout: 2 }],
    "ArgumentError",
    `${cannot} with dropout 2: expected a number from 0 to 1`,
  );
  refuse(
    [q, k, v, { dropout: 0.5 }],
    "ArgumentError",
    `${cannot} with dropout without a key: pass { dropoutKey: random.key(seed) }`,
  );
  refuse(
    [q, k, v, { mask: null }],
    "ArgumentError",
    `${cannot}: there is no option "mask", the options are attnMask, isCausal, scale, dropout, ` +
      "dropoutKey, blockSize",
  );
});
