import type { Program } from "../../src/core/program.ts";
import { programsIn } from "../../src/core/program.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import {
  arange,
  concatenate,
  lessEqual,
  ones,
  repeat,
  sum,
  tensor,
} from "../../src/functions/mod.ts";
import { jit } from "../../src/jit.ts";
import * as nn from "../../src/nn/mod.ts";
import { key as makeKey, normal, split } from "../../src/random/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { grad, makeProgram, vmap } from "../../src/transforms/mod.ts";
import { assert, assertEquals } from "../support/std.ts";
import { assertRefused } from "./support.ts";

const dtype = "float64";
const key = makeKey(5);
const close = { rtol: 1e-10, atol: 1e-12 };

function draw(seed: number, ...shape: number[]): Tensor {
  return normal(makeKey(seed), shape, { dtype });
}

Deno.test("attention in blocks equals attention, with its derivatives", () => {
  const [q, k, v] = [draw(1, 2, 3, 7, 4), draw(2, 2, 1, 5, 4), draw(3, 3, 5, 2)];
  const mask = draw(4, 2, 1, 7, 5).greater(-0.5);
  const options: readonly nn.ScaledDotProductAttentionOptions[] = [
    {},
    { isCausal: true },
    { attnMask: mask },
    { attnMask: mask.at(0, 0, 0), isCausal: true },
    { attnMask: draw(6, 7, 5), scale: 0.3 },
    { attnMask: draw(7, 3, 1, 5) },
  ];
  for (const option of options) {
    const f = (blockSize: number | undefined) => (q: Tensor, k: Tensor, v: Tensor) =>
      nn.scaledDotProductAttention(q, k, v, {
        ...option,
        ...(blockSize === undefined ? {} : { blockSize }),
      });
    const slopes = (f: (q: Tensor, k: Tensor, v: Tensor) => Tensor) =>
      grad((q: Tensor, k: Tensor, v: Tensor) => f(q, k, v).square().sum(), { argnums: [0, 1, 2] })(
        q,
        k,
        v,
      );
    for (const blockSize of [1, 3, 7, 100]) {
      assertTensorsClose(f(blockSize)(q, k, v), f(undefined)(q, k, v), close);
      assertTensorsClose(slopes(f(blockSize)), slopes(f(undefined)), close);
    }
    assertTensorsClose(jit(f(3))(q, k, v), f(undefined)(q, k, v), close);
    if (option.attnMask === mask) continue;
    const rows = vmap(f(3), [0, null, null])(q, k.at(0), v);
    assertTensorsClose(rows.at(1), f(undefined)(q.at(1), k.at(0), v), close);
  }
  checkGrads(
    (q: Tensor) =>
      nn.scaledDotProductAttention(q, k.at(0, 0), v.at(0), { blockSize: 3, isCausal: true }),
    [q.at(0, 0)],
  );
});

Deno.test("attention in blocks draws other weights for each block", () => {
  const x = ones([6, 1]);
  const f = () =>
    nn.scaledDotProductAttention(x, ones([50, 1]), ones([50, 1]), {
      blockSize: 2,
      dropout: 0.5,
      dropoutKey: key,
    });
  const values = f().reshape([-1]).toArray() as number[];
  assertTensorsClose(f(), f(), { rtol: 0, atol: 0 });
  assert(new Set(values).size > 2, String(values));
});

/** The most elements of a result of any equation. */
function largestResult(program: Program): number {
  return Math.max(
    ...program.equations.flatMap(({ outputs, params }) => [
      ...outputs.map(({ type }) => type.shape.reduce((a, b) => a * b, 1)),
      ...programsIn(params).map(largestResult),
    ]),
  );
}

Deno.test("attention in blocks needs memory in proportion to the length, backward too", () => {
  const sizes = [256, 512].map((length) => {
    const x = ones([length, 4]);
    const loss = (blockSize: number) => (q: Tensor, k: Tensor, v: Tensor) =>
      sum(nn.scaledDotProductAttention(q, k, v, { blockSize, isCausal: true }).square());
    const of = (blockSize: number) =>
      largestResult(makeProgram(grad(loss(blockSize), { argnums: [0, 1, 2] }))(x, x, x));
    return [of(16), of(length)];
  });
  assert(sizes[1][0] <= 2 * sizes[0][0], String(sizes));
  assert(sizes[0][0] <= 16 * 256, String(sizes));
  assertEquals(sizes.map(([, whole]) => whole), [256 ** 2, 512 ** 2]);
});

Deno.test("rotary embeddings turn pairs, so that products depend on distances", () => {
  const x = draw(1, 3, 5, 6);
  const half = nn.rotaryEmbedding(x);
  const expected = (interleaved: boolean) =>
    (x.toArray() as number[][][]).map((rows) =>
      rows.map((row, position) => {
        const y = [...row];
        for (let i = 0; i < 3; i++) {
          const [a, b] = interleaved ? [2 * i, 2 * i + 1] : [i, i + 3];
          const angle = position * 10000 ** (-i / 3);
          y[a] = row[a] * Math.cos(angle) - row[b] * Math.sin(angle);
          y[b] = row[b] * Math.cos(angle) + row[a] * Math.sin(angle);
        }
        return y;
      })
    );
  assertTensorsClose(half, tensor(expected(false), { dtype }), close);
  assertTensorsClose(
    nn.rotaryEmbedding(x, { interleaved: true }),
    tensor(expected(true), { dtype }),
    close,
  );
  const shifted = (x: Tensor, by: number) =>
    nn.rotaryEmbedding(x, { positions: arange(5, { dtype: "int32" }).add(by), base: 100 });
  const products = (by: number) => shifted(x, by).matmul(shifted(x.mul(2), by).swapaxes(1, 2));
  assertTensorsClose(products(7), products(0), { rtol: 1e-9, atol: 1e-9 });
  checkGrads((x: Tensor) => nn.rotaryEmbedding(x), [x]);
  assertRefused(
    () => nn.rotaryEmbedding(ones([2, 3])),
    "ShapeError",
    "Cannot apply rotaryEmbedding to float32[2,3]: expected [..., L, E] with even E",
  );
  assertRefused(
    () => nn.rotaryEmbedding(ones([2, 4]), { positions: ones([3]) }),
    "ShapeError",
    "Cannot apply rotaryEmbedding to float32[2,4] with positions float32[3]: expected [..., L]",
  );
});

Deno.test("ALiBi's slopes are those of the paper, for any number of heads", () => {
  const slopes = (heads: number) => nn.alibiBias(heads, 2).at(null, 0, 1).neg();
  assertTensorsClose(slopes(8), Array.from({ length: 8 }, (_, i) => 2 ** -(i + 1)));
  assertTensorsClose(slopes(3), [2 ** -4, 2 ** -8, 2 ** -2]);
  assertTensorsClose(nn.alibiBias(1, 2, 3), [[[-1 / 256, 0, -1 / 256], [-2 / 256, -1 / 256, 0]]]);
});

Deno.test("grouped-query attention is attention with keys and values repeated", () => {
  const layer = nn.groupedQueryAttention(8, 4, 2, { dtype, bias: true });
  const [params, state] = layer.init(key);
  const x = draw(1, 2, 5, 8);
  const project = ({ weight, bias }: nn.LinearParams, heads: number) =>
    x.matmul(weight.transpose()).add(bias!).reshape([2, 5, heads, 2]).swapaxes(1, 2);
  const [k, v] = [params.k_proj, params.v_proj].map((own) => repeat(project(own, 2), 2, 1));
  const expected = nn.scaledDotProductAttention(project(params.q_proj, 4), k, v, { isCausal: true })
    .swapaxes(1, 2).reshape([2, 5, 8])
    .matmul(params.o_proj.weight.transpose()).add(params.o_proj.bias!);
  assertTensorsClose(layer.apply(params, state, [x])[0], expected, close);
  const inBlocks = nn.groupedQueryAttention(8, 4, 2, { dtype, bias: true, blockSize: 2 });
  assertTensorsClose(inBlocks.apply(params, state, [x])[0], expected, close);
  const mask = lessEqual(arange(5), arange(5).reshape([5, 1]));
  const open = nn.groupedQueryAttention(8, 4, 2, { dtype, bias: true, isCausal: false });
  assertTensorsClose(open.apply(params, state, [x, mask])[0], expected, close);
});

Deno.test("a cache gives the same, in pieces of any length, compiled too", () => {
  for (const options of [{}, { rotary: true }, { rotary: { interleaved: true, base: 50 } }]) {
    const layer = nn.groupedQueryAttention(8, 4, 1, { dtype, headDim: 4, ...options });
    const cache = { batch: 2, length: 7 };
    const decoder = nn.groupedQueryAttention(8, 4, 1, { dtype, headDim: 4, ...options, cache });
    const [params, fresh] = decoder.init(key);
    const x = draw(1, 2, 6, 8);
    const whole = layer.apply(params, {}, [x])[0];
    for (const lengths of [[6], [3, 1, 2], [1, 1, 1, 1, 1, 1]]) {
      for (const step of [decoder.apply, jit(decoder.apply)]) {
        let [state, start] = [fresh, 0];
        const parts = lengths.map((length) => {
          const part = x.at(null, [start, start + length]);
          start += length;
          const [y, next] = step(params, state, [part]);
          state = next;
          return y;
        });
        assertTensorsClose(concatenate(parts, 1), whole, close);
      }
    }
    let [, state] = decoder.apply(params, fresh, [x]);
    assertRefused(
      () => decoder.apply(params, state, [x.at(null, [0, 2])]),
      "ShapeError",
      "Cannot apply groupedQueryAttention to float64[2,2,8] from position 6 on: its cache has batch " +
        "size 2 and length 7",
    );
    [, state] = jit(decoder.apply)(params, fresh, [x]);
    const [late] = jit(decoder.apply)(params, state, [x.at(null, [0, 2])]);
    assertEquals(Boolean(late.isnan().all().item()), true);
  }
});

Deno.test("caches of the parts of a model thread by themselves", () => {
  const make = (cache?: { batch: number; length: number }) =>
    nn.module(
      {
        blocks: nn.stack(
          nn.module(
            {
              norm: nn.rmsNorm(8, { dtype }),
              attention: nn.groupedQueryAttention(8, 2, 1, {
                dtype,
                rotary: true,
                ...(cache === undefined ? {} : { cache }),
              }),
            },
            ({ norm, attention }, x) => x.add(attention(norm(x))),
          ),
          2,
        ),
      },
      ({ blocks }, x) => blocks(x),
    );
  const [model, decoder] = [make(), make({ batch: 1, length: 4 })];
  const [params, state] = model.init(key);
  const x = draw(3, 1, 4, 8);
  const whole = model.apply(params, state, x)[0];
  let [, cached] = decoder.init(split(key)[0]);
  for (let i = 0; i < 4; i++) {
    const [y, next] = decoder.apply(params, cached, x.at(null, [i, i + 1]));
    assertTensorsClose(y.at(0, 0), whole.at(0, i), close);
    cached = next;
  }
});
