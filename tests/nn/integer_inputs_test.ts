import { jit, nn, random, std, tensor, variance } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertEquals } from "../support/std.ts";

const values = [[[1, 5], [2, 8]], [[-3, 0], [4, 4]]];

/** What takes floats, and integers and bools as floats. */
const functions: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  layerNorm: normal(nn.layerNorm(2)),
  groupNorm: normal(nn.groupNorm(1, 2)),
  "batchNorm in training": normal(nn.batchNorm(2), true),
  batchNorm: normal(nn.batchNorm(2)),
  variance: (x) => variance(x, 1),
  std: (x) => std(x, [0, 2]),
  cosineSimilarity: (x) => nn.cosineSimilarity(x, x.add(1), { axis: 2, reduction: "none" }),
  softmax: (x) => nn.softmax(x),
  logSoftmax: (x) => nn.logSoftmax(x),
};

/** A layer as a function of its input. */
function normal<P, S>(layer: nn.Layer<P, S>, train = false): (x: Tensor) => Tensor {
  const [params, state] = layer.init(random.key(0));
  return (x) => layer.apply(params, state, x, { train })[0];
}

for (const [name, f] of Object.entries(functions)) {
  Deno.test(`${name} takes integers as floats, eager and compiled`, () => {
    const expected = f(tensor(values));
    const x = tensor(values, { dtype: "int32" });
    for (const g of [f, jit(f)]) {
      const result = g(x);
      assertEquals(result.dtype, "float32");
      assertTensorsClose(result, expected, { rtol: 1e-6, atol: 1e-6 });
    }
  });
}
